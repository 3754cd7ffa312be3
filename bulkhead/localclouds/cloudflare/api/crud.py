"""The routes that make, show, change and remove a resource, from one row for each type."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final
from urllib.parse import quote

from bulkhead.localclouds.cloudflare.api.answers import UNKNOWN_CODE, Page, Refusal, Result, not_found, refusal
from bulkhead.localclouds.cloudflare.api.asked import Asked, Route
from bulkhead.localclouds.cloudflare.api.spelling import Spell, Unspellable, from_answer, from_wire, snake, to_wire
from bulkhead.localclouds.providers import planning, registry
from bulkhead.localclouds.providers.store import Record
from bulkhead.resources.kind import ResourceType

Beside = Callable[[Asked, Record], Mapping[str, Any]]
_IN_PATH: Final = re.compile(r"\{(\w+)\}")
_UNSAID: Final = "default"  # what a header means that is not there: of R2's jurisdictions, the usual one


def nothing_beside(_asked: Asked, _record: Record) -> Mapping[str, Any]:
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
    that a request of one method, the value, names in its query. ``name`` is the property that may stand for the id in a
    path. ``page`` is how many a list shows that is not told.
    ``unset`` is what a part of something answers before anybody has set it. Codes: ``missing`` when it is not
    there, ``parent_missing`` when what it is part of is not, ``invalid`` for a body that breaks a rule.
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
    unset: Beside | None = None
    page: int = 20
    queries: Mapping[str, str] = field(default_factory=dict)
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

    def cleared(self, body: Mapping[str, Any]) -> set[str]:
        """Return the properties that a body takes away, by null."""
        null = {name for name, value in self._plain(body).items() if value is None}
        return {name for name in registry.catalogue("cloudflare").properties(self.type) if self.asks(name) in null}

    def lasting(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Return the inputs that stay although an update that says everything does not say them."""
        required = registry.catalogue("cloudflare").types[self.type]["required"]
        return {name: inputs[name] for name in inputs if name in self.type.replaced_by or name in required}

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


def routes(endpoint: Endpoint, serving: Serving | None = None) -> Iterator[Route]:
    """Yield the routes of a type. ``serving`` serves what is peculiar to it."""
    serving = serving or Serving(endpoint)
    resource = endpoint.id_in_path
    if endpoint.collection and endpoint.listed:
        yield Route("GET", endpoint.collection, serving.list)
    yield Route(endpoint.create, endpoint.collection or endpoint.item, serving.create, resource)
    yield Route("GET", endpoint.item, serving.show, resource)
    for method in endpoint.change.split():
        yield Route(method, endpoint.item, partial(serving.update, patches=method == "PATCH"), resource)
    if endpoint.collection or not endpoint.type.left_behind:  # what stays when a plugin deletes it has no DELETE
        yield Route("DELETE", endpoint.item, serving.remove, resource)


class Serving:
    """Serves one type."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    def all(self, asked: Asked) -> list[Record]:
        """Return what the path names and the query asks for, in its order. Raises Refusal."""
        self._require_parent(asked)
        found = [record for record in asked.records(self._endpoint.type) if self._is_of(record, asked)]
        for name, property_ in self._endpoint.filters.items():
            if name in asked.query:
                found = [one for one in found if one.outputs.get(property_) in asked.query.getlist(name)]
        order = asked.query.get("order")
        if order is not None:
            if order not in self._endpoint.orders:
                raise Refusal(
                    400, (self._endpoint.invalid, f"order: must be one of {', '.join(self._endpoint.orders)}")
                )
            property_ = self._endpoint.orders[order]
            found.sort(key=lambda one: str(one.id if property_ == "id" else one.outputs.get(property_)))
        return found[::-1] if is_descending(asked) else found

    def list(self, asked: Asked) -> Result:
        chosen, info = Page.asked(asked.query, self._endpoint.page).of(self.all(asked))
        return Result([self.answer(asked, record) for record in chosen], info)

    def create(self, asked: Asked) -> Result:
        inputs = self._endpoint.inputs(asked.path, asked.headers, asked.json())
        self._check(inputs)
        record = asked.cloud.resources.create(asked.caller, self._endpoint.type, "", inputs)
        return Result(self.answer(asked, record))

    def show(self, asked: Asked) -> Result:
        try:
            record = asked.cloud.resources.read(asked.caller, self._endpoint.type, self.find(asked).id)
        except Refusal:
            if self._endpoint.unset is None:
                raise
            return Result(self._endpoint.unset(asked, self.parent(asked)))
        if record is None:
            raise self._missing(asked)
        return Result(self.answer(asked, record))

    def update(self, asked: Asked, *, patches: bool) -> Result:
        """Change a resource: a PUT says all that can change, a PATCH only what does."""
        old, endpoint = self.find(asked), self._endpoint
        body = asked.json()
        if endpoint.change_headers and (body or not endpoint.change_headers.keys() & asked.headers.keys()):
            raise Refusal(
                400, (endpoint.invalid, f"a change is said by {', '.join(endpoint.change_headers)}, and has no body")
            )
        given = endpoint.inputs(asked.path, asked.headers, body)
        given |= {
            name: asked.headers[header] for header, name in endpoint.change_headers.items() if header in asked.headers
        }
        self._refuse_what_cannot_change(old, given)
        kept = old.inputs if patches else endpoint.lasting(old.inputs)
        inputs = {name: value for name, value in over(kept, given).items() if name not in endpoint.cleared(body)}
        self._check(inputs)
        return Result(self.answer(asked, asked.cloud.resources.update(asked.caller, endpoint.type, old.id, inputs)))

    def remove(self, asked: Asked) -> Result:
        record = self.find(asked)
        forced = "force" in self._endpoint.queries and asked.flag("force")
        asked.cloud.resources.delete(asked.caller, self._endpoint.type, record.id, forced=forced)
        return Result({self._endpoint.id_as: record.id} if self._endpoint.id_as else {})

    def answer(self, asked: Asked, record: Record) -> dict[str, Any]:
        """Return a resource as an answer shows it, with what it shows of others."""
        return {**self._endpoint.shown(record), **self._endpoint.beside(asked, record)}

    def find(self, asked: Asked) -> Record:
        """Return what the path names. Raises Refusal when there is none."""
        self._require_parent(asked)
        for record in asked.records(self._endpoint.type):
            if self._is_of(record, asked) and self._is_asked_for(record, asked):
                return record
        raise self._missing(asked)

    def parent(self, asked: Asked) -> Record:
        """Return what the path's resource is part of. Raises Refusal when there is none."""
        within = registry.rules_of(self._endpoint.type).within
        assert within is not None  # noqa: S101 - the caller's type is part of something
        path = {camel(name): asked.path[name] for name in self._endpoint.parents}
        for record in asked.cloud.resources.store.all(type_=within.parent):
            child = Record(self._endpoint.type, "", "", path["accountId"], "", path, path)
            if within.holds(record, child) and self._is_in_place(record, asked):
                return record
        raise not_found(f"what {self._endpoint.type.kind} is part of", self._endpoint.parent_missing)

    def _require_parent(self, asked: Asked) -> None:
        if self._endpoint.parent_missing:
            self.parent(asked)

    def _is_of(self, record: Record, asked: Asked) -> bool:
        """Whether a resource is part of what the path names."""
        return self._is_in_place(record, asked) and all(
            str(record.outputs.get(camel(name))) == asked.path[name]
            for name in self._endpoint.parents
            if name != "account_id"
        )

    def _is_in_place(self, record: Record, asked: Asked) -> bool:
        """Whether a resource is where the headers look."""
        return all(
            record.outputs.get(name, _UNSAID) == asked.headers.get(header, _UNSAID)
            for header, name in self._endpoint.headers.items()
        )

    def _is_asked_for(self, record: Record, asked: Asked) -> bool:
        if not self._endpoint.collection:
            return True
        wanted = asked.path[self._endpoint.id_in_path]
        return wanted == record.id or wanted == record.outputs.get(self._endpoint.name)

    def _missing(self, asked: Asked) -> Refusal:
        what = asked.path[self._endpoint.id_in_path]
        return not_found(f"{self._endpoint.type.kind} {what}", self._endpoint.missing)

    def _check(self, inputs: Mapping[str, Any]) -> None:
        _, faults = planning.check(self._endpoint.type, inputs)
        if faults:
            raise refusal(faults, self._endpoint.invalid)

    def _refuse_what_cannot_change(self, old: Record, given: Mapping[str, Any]) -> None:
        fixed = [n for n in given if n in self._endpoint.type.replaced_by and given[n] != old.outputs.get(n)]
        if fixed:
            raise refusal([f"{self._endpoint.asks(name)}: cannot be changed" for name in fixed], self._endpoint.invalid)


def is_descending(asked: Asked) -> bool:
    """Whether a list is wanted from its end. Raises Refusal."""
    direction = asked.query.get("direction", "asc")
    if direction not in {"asc", "desc"}:
        raise Refusal(400, (UNKNOWN_CODE, "direction: must be asc or desc"))
    return direction == "desc"


def over(kept: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was there with what is given written over it, objects member by member."""
    merged = {**kept, **given}
    for name in kept.keys() & given.keys():
        if isinstance(kept[name], Mapping) and isinstance(given[name], Mapping):
            merged[name] = over(kept[name], given[name])
    return merged
