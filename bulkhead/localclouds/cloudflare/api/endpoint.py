"""How the API serves a type of resource: its paths, its spelling, and what is unusual about it. The provider reads the
same, as a client."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

from bulkhead.localclouds.cloudflare.api.answers import UNKNOWN_CODE, Refusal
from bulkhead.localclouds.cloudflare.api.call import Call
from bulkhead.localclouds.cloudflare.api.spelling import Spell, Unspellable, from_answer, from_wire, snake, to_wire
from bulkhead.localclouds.providers import registry
from bulkhead.localclouds.providers.store import Record
from bulkhead.resources.kind import ResourceType

Beside = Callable[[Call, Record], Mapping[str, Any]]
_WORD: Final = re.compile(r"[A-Za-z]\w*")
_IN_PATH: Final = re.compile(r"\{(\w+)\}")


def nothing_beside(_asked: Call, _record: Record) -> Mapping[str, Any]:
    """An answer shows the resource's own properties and nothing else."""
    return {}


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """How the API serves a type.

    ``collection`` is the path of all, empty where there is one in each parent. ``item`` is the path of one; its last
    variable is the resource's id, unless the type has no collection. ``change`` are the methods of an update, in words,
    the plugin's first; ``create`` is that of a create, at the collection or else at the item. ``id_as`` is the member
    that holds the id. ``asks`` and ``answers`` spell properties in requests and in answers; ``renamed`` are those that
    a request spells otherwise. ``hidden`` are properties that no answer shows, ``beside`` finds what an answer shows of
    others. ``listed`` says whether the collection can be read; ``filters`` are the properties that a list's query may
    ask for, ``orders`` those that it may be sorted by, by their names there. ``headers`` are properties that a request
    names in a header; where an update has no body, ``change_headers`` are those that it changes. ``queries`` are those
    that a request of one method, the value, names in its query. ``kept`` are those that a PUT may leave out. ``always``
    are properties that have a default in the plugin's schema, which it says where the program says nothing. ``name`` is
    the property that may stand for the id in a path. ``page`` is how many a list shows that is not told. ``unset`` is
    what a part of something answers before anybody has set it. Codes: ``missing`` when it is not there,
    ``parent_missing`` when what it is part of is not, ``invalid`` for a body that breaks a rule.
    """

    type: ResourceType
    collection: str = ""
    item: str
    create: str = "POST"
    change: str = ""
    id_as: str = "id"
    asks: Spell = snake
    answers: Spell = snake
    renamed: Mapping[str, str] = field(default_factory=dict)
    hidden: frozenset[str] = frozenset()
    beside: Beside = nothing_beside
    listed: bool = True
    filters: Mapping[str, str] = field(default_factory=dict)
    orders: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    change_headers: Mapping[str, str] = field(default_factory=dict)
    kept: frozenset[str] = frozenset()
    unset: Beside | None = None
    page: int = 20
    queries: Mapping[str, str] = field(default_factory=dict)
    always: frozenset[str] = frozenset()
    name: str = ""
    missing: int = 7404
    parent_missing: int = 0
    invalid: int = UNKNOWN_CODE

    @property
    def parents(self) -> tuple[str, ...]:
        """The variables of the path that are properties of the resource."""
        names = tuple(_IN_PATH.findall(self.item))
        return names[:-1] if self.collection else names

    @property
    def id_in_path(self) -> str:
        """The last variable of the path."""
        return str(_IN_PATH.findall(self.item)[-1])

    @property
    def update(self) -> str:
        """The method with which the plugin asks for an update."""
        return self.change.split()[0] if self.change else self.create

    def path(self, template: str, values: Mapping[str, Any]) -> str:
        """Return a path with the values of its variables; ``id`` is the resource's own."""
        given = {self.id_in_path: values.get("id"), **{name: values.get(camel(name)) for name in self.parents}}
        return _IN_PATH.sub(lambda variable: quote(str(given[variable[1]]), safe=""), template)

    def request(self, properties: Mapping[str, Any]) -> Any:
        """Return the body that asks for properties: what the path, the query or a header says is not in it."""
        elsewhere = {*map(camel, self.parents), *self.headers.values(), *self.queries}
        spelt = to_wire(self.type, {k: v for k, v in properties.items() if k not in elsewhere}, self.asks)
        plain = {self.asks(name): new for name, new in self.renamed.items()}
        return {plain.get(name, name): value for name, value in spelt.items()}

    def headers_for(self, properties: Mapping[str, Any], *, changing: bool = False) -> dict[str, str]:
        """Return the headers that ask for properties, in an update those of ``change_headers`` too."""
        names = {**self.headers, **self.change_headers} if changing else self.headers
        return {header: str(properties[name]) for header, name in names.items() if name in properties}

    def query_for(self, method: str, properties: Mapping[str, Any]) -> dict[str, Any]:
        """Return the query with which a request of ``method`` asks for properties."""
        return {
            snake(name): properties[name] for name, of in self.queries.items() if of == method and name in properties
        }

    def said_by_path(self, properties: Mapping[str, Any]) -> dict[str, Any]:
        """Return the properties that are in the path, which an answer need not repeat."""
        return {name: properties[name] for name in map(camel, self.parents) if name in properties}

    def told(self, answer: Mapping[str, Any]) -> dict[str, Any]:
        """Return the properties that an answer shows."""
        return from_answer(self.type, answer, self.answers)

    def is_over(self, answer: Mapping[str, Any]) -> bool:
        """Whether an answer shows what the plugin takes for gone."""
        return False

    def inputs(self, path: Mapping[str, str], headers: Mapping[str, str], body: Mapping[str, Any]) -> dict[str, Any]:
        """Return the properties that a path, headers and a body ask for. Raises Refusal."""
        try:
            inputs = from_wire(self.type, self._plain(body), self.asks)
        except Unspellable as fault:
            raise Refusal(400, (self.invalid, str(fault))) from None
        told = {name: headers[header] for header, name in self.headers.items() if header in headers}
        return inputs | told | {camel(name): path[name] for name in self.parents}

    def in_its_words(self, fault: str) -> str:
        """Return ``path: what is wrong`` with the path as a body spells it."""
        path, colon, message = fault.partition(": ")
        plain = {self.asks(name): new for name, new in self.renamed.items()}
        names = _WORD.sub(lambda word: plain.get(self.asks(word[0]), self.asks(word[0])), path)
        return f"{names}{colon}{message}" if colon else fault

    def cleared(self, body: Mapping[str, Any]) -> set[str]:
        """Return the properties that a body takes away, by null."""
        null = {name for name, value in self._plain(body).items() if value is None}
        return {name for name in registry.catalogue("cloudflare").properties(self.type) if self.asks(name) in null}

    def lasting(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Return the inputs that stay although an update that says everything does not say them."""
        return {name: inputs[name] for name in inputs if name in self.type.replaced_by or name in self.kept}

    def shown(self, record: Record) -> dict[str, Any]:
        """Return a resource as an answer shows it."""
        visible = {name: value for name, value in record.outputs.items() if name not in self.hidden}
        spelt = to_wire(self.type, visible, self.answers)
        for name in ("account_id", *(() if self.collection else self.parents)):
            spelt.pop(self.answers(camel(name)), None)
        return {self.id_as: record.id, **spelt} if self.id_as else spelt

    def _plain(self, body: Mapping[str, Any]) -> dict[str, Any]:
        plain = {new: self.asks(name) for name, new in self.renamed.items()}
        return {plain.get(name, name): value for name, value in body.items()}


def camel(name: str) -> str:
    """Return Pulumi's spelling of a variable in a path."""
    first, *others = name.split("_")
    return first + "".join(word.title() for word in others)
