"""The routes that make, show, change and remove a resource, from one row for each type."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

from bulkhead.localclouds.cloudflare.api.answers import UNKNOWN_CODE, Page, Refusal, Result, not_found
from bulkhead.localclouds.cloudflare.api.asked import Asked, Route
from bulkhead.localclouds.cloudflare.api.spelling import Spell, Unspellable, from_wire, snake, to_wire
from bulkhead.localclouds.providers.store import Record
from bulkhead.resources.kind import ResourceType

_IN_PATH: Final = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """How the API serves a type.

    ``collection`` is the path of all, empty where there is one in each parent. ``item`` is the path of one; its last
    variable is the resource's id, unless the type has no collection. ``change`` is the method of an update; ``create``
    of a create, at the collection or else at the item. ``id_as`` is the member that holds the id. ``asks`` and
    ``answers`` spell properties in requests and in answers; ``renamed`` are those that a request spells otherwise.
    ``hidden`` are properties that no answer shows. ``listed_in`` is the member of a list's result that holds the items.
    ``filters`` are properties that a list's query may ask for. ``headers`` are properties that a request names in a
    header. ``missing`` is the code when it is not there.
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
    listed_in: str = ""
    filters: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    missing: int = 7404

    @property
    def parents(self) -> tuple[str, ...]:
        """The variables of the path that are properties of the resource."""
        names = tuple(_IN_PATH.findall(self.item))
        return names[:-1] if self.collection else names

    @property
    def id_in_path(self) -> str:
        """The last variable of the path."""
        return str(_IN_PATH.findall(self.item)[-1])

    def path(self, template: str, values: Mapping[str, Any]) -> str:
        """Return a path with the values of its variables; ``id`` is the resource's own."""
        given = {self.id_in_path: values.get("id"), **{name: values.get(camel(name)) for name in self.parents}}
        return _IN_PATH.sub(lambda variable: quote(str(given[variable[1]]), safe=""), template)

    def request(self, properties: Mapping[str, Any]) -> dict[str, Any]:
        """Return the body that asks for properties: what the path or a header says is not in it."""
        elsewhere = {*map(camel, self.parents), *self.headers.values()}
        spelt = to_wire(self.type, {k: v for k, v in properties.items() if k not in elsewhere}, self.asks)
        plain = {self.asks(name): new for name, new in self.renamed.items()}
        return {plain.get(name, name): value for name, value in spelt.items()}

    def headers_for(self, properties: Mapping[str, Any]) -> dict[str, str]:
        """Return the headers that ask for properties."""
        return {header: str(properties[name]) for header, name in self.headers.items() if name in properties}

    def said_by_path(self, properties: Mapping[str, Any]) -> dict[str, Any]:
        """Return the properties that are in the path, which an answer need not repeat."""
        return {name: properties[name] for name in map(camel, self.parents) if name in properties}

    def inputs(self, path: Mapping[str, str], headers: Mapping[str, str], body: Mapping[str, Any]) -> dict[str, Any]:
        """Return the properties that a path, headers and a body ask for. Raises Refusal."""
        plain = {new: self.asks(name) for name, new in self.renamed.items()}
        try:
            inputs = from_wire(self.type, {plain.get(name, name): value for name, value in body.items()}, self.asks)
        except Unspellable as fault:
            raise Refusal(400, (UNKNOWN_CODE, str(fault))) from None
        told = {name: headers[header] for header, name in self.headers.items() if header in headers}
        return inputs | told | {camel(name): path[name] for name in self.parents}

    def shown(self, record: Record) -> dict[str, Any]:
        """Return a resource as an answer shows it."""
        visible = {name: value for name, value in record.outputs.items() if name not in self.hidden}
        spelt = to_wire(self.type, visible, self.answers)
        for name in ("account_id", *(() if self.collection else self.parents)):
            spelt.pop(name, None)
        return {self.id_as: record.id, **spelt} if self.id_as else spelt


def camel(name: str) -> str:
    """Return Pulumi's spelling of a variable in a path."""
    first, *others = name.split("_")
    return first + "".join(word.title() for word in others)


def routes(endpoint: Endpoint, serving: Serving | None = None) -> Iterator[Route]:
    """Yield the routes of a type. ``serving`` serves what is peculiar to it."""
    serving = serving or Serving(endpoint)
    resource = endpoint.id_in_path
    if endpoint.collection:
        yield Route("GET", endpoint.collection, serving.list)
    yield Route(endpoint.create, endpoint.collection or endpoint.item, serving.create, resource)
    yield Route("GET", endpoint.item, serving.show, resource)
    if endpoint.change and endpoint.collection:
        yield Route(endpoint.change, endpoint.item, serving.update, resource)
    if endpoint.collection or not endpoint.type.left_behind:  # what stays when a plugin deletes it has no DELETE
        yield Route("DELETE", endpoint.item, serving.remove, resource)


class Serving:
    """Serves one type."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    def list(self, asked: Asked) -> Result:
        wanted = {camel(name): asked.query[name] for name in self._endpoint.filters if name in asked.query}
        found = [
            record
            for record in asked.records(self._endpoint.type)
            if self._is_of(record, asked) and all(record.outputs.get(name) == value for name, value in wanted.items())
        ]
        items, info = Page.asked(asked.query).of([self._endpoint.shown(record) for record in found])
        member = self._endpoint.listed_in
        return Result({member: items} if member else items, info)

    def create(self, asked: Asked) -> Result:
        inputs = self._endpoint.inputs(asked.path, asked.headers, asked.json())
        return Result(self._endpoint.shown(asked.cloud.resources.create(asked.caller, self._endpoint.type, "", inputs)))

    def show(self, asked: Asked) -> Result:
        record = asked.cloud.resources.read(asked.caller, self._endpoint.type, self.find(asked).id)
        if record is None:
            raise self._missing(asked)
        return Result(self._endpoint.shown(record))

    def update(self, asked: Asked) -> Result:
        old = self.find(asked)
        given = self._endpoint.inputs(asked.path, asked.headers, asked.json())
        inputs = {**old.inputs, **given} if self._endpoint.change == "PATCH" else given
        return Result(
            self._endpoint.shown(asked.cloud.resources.update(asked.caller, self._endpoint.type, old.id, inputs))
        )

    def remove(self, asked: Asked) -> Result:
        record = self.find(asked)
        asked.cloud.resources.delete(asked.caller, self._endpoint.type, record.id)
        return Result({self._endpoint.id_as: record.id} if self._endpoint.id_as else {})

    def find(self, asked: Asked) -> Record:
        """Return the resource that a path names. Raises Refusal when there is none."""
        for record in asked.records(self._endpoint.type):
            if self._is_of(record, asked) and self._is_asked_for(record, asked):
                return record
        raise self._missing(asked)

    def _is_of(self, record: Record, asked: Asked) -> bool:
        """Whether a resource is part of what the path names."""
        return all(
            str(record.outputs.get(camel(name))) == asked.path[name]
            for name in self._endpoint.parents
            if name != "account_id"
        )

    def _is_asked_for(self, record: Record, asked: Asked) -> bool:
        if not self._endpoint.collection:
            return True
        return record.id == asked.path[self._endpoint.id_in_path]

    def _missing(self, asked: Asked) -> Refusal:
        what = asked.path[self._endpoint.id_in_path]
        return not_found(f"{self._endpoint.type.kind} {what}", self._endpoint.missing)
