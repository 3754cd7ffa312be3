"""The routes that make, show, change and remove a resource, from one endpoint for each type."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, Final

from bulkhead.localclouds.cloudflare.api.answers import UNKNOWN_CODE, Page, Refusal, Result, not_found, refusal
from bulkhead.localclouds.cloudflare.api.call import Call, Route
from bulkhead.localclouds.cloudflare.api.endpoint import Endpoint, camel
from bulkhead.localclouds.providers import planning, registry
from bulkhead.localclouds.providers.store import Record

_UNSAID: Final = "default"  # what a header means that is not there: of R2's jurisdictions, the usual one


def routes(endpoint: Endpoint, served: Served | None = None) -> Iterator[Route]:
    """Yield the routes of a type. ``served`` serves what is peculiar to it."""
    served = served or Served(endpoint)
    resource = endpoint.id_in_path
    if endpoint.collection and endpoint.listed:
        yield Route("GET", endpoint.collection, served.list)
    yield Route(endpoint.create, endpoint.collection or endpoint.item, served.create, resource)
    yield Route("GET", endpoint.item, served.show, resource)
    for method in endpoint.change.split():
        yield Route(method, endpoint.item, partial(served.update, patches=method == "PATCH"), resource)
    if not endpoint.type.left_behind:  # what stays when a plugin deletes it has no DELETE
        yield Route("DELETE", endpoint.item, served.remove, resource)


class Served:
    """Serves one type."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    def all(self, call: Call) -> list[Record]:
        """Return what the path names and the query asks for, in its order. Raises Refusal."""
        self._require_parent(call)
        found = [record for record in call.records(self._endpoint.type) if self._is_of(record, call)]
        for name, property_ in self._endpoint.filters.items():
            if name in call.query:
                found = [one for one in found if one.outputs.get(property_) in call.query.getlist(name)]
        order = call.query.get("order")
        if order is not None:
            if order not in self._endpoint.orders:
                raise Refusal(
                    400, (self._endpoint.invalid, f"order: must be one of {', '.join(self._endpoint.orders)}")
                )
            property_ = self._endpoint.orders[order]
            found.sort(key=lambda one: str(one.id if property_ == "id" else one.outputs.get(property_)))
        return found[::-1] if is_descending(call) else found

    def list(self, call: Call) -> Result:
        chosen, info = Page.asked(call.query, self._endpoint.page).of(self.all(call))
        return Result([self.answer(call, record) for record in chosen], info)

    def create(self, call: Call) -> Result:
        inputs = self._endpoint.inputs(call.path, call.headers, call.json())
        self.check(inputs)
        record = call.cloud.resources.create(call.caller, self._endpoint.type, "", inputs)
        return Result(self.answer(call, record))

    def show(self, call: Call) -> Result:
        try:
            record = call.cloud.resources.read(call.caller, self._endpoint.type, self.find(call).id)
        except Refusal:
            if self._endpoint.unset is None:
                raise
            return Result(self._endpoint.unset(call, self.parent(call)))
        if record is None:
            raise self._missing(call)
        return Result(self.answer(call, record))

    def update(self, call: Call, *, patches: bool) -> Result:
        """Change a resource: a PUT says all that can change, a PATCH only what does."""
        old, endpoint = self.find(call), self._endpoint
        body = call.json()
        if endpoint.change_headers and (body or not endpoint.change_headers.keys() & call.headers.keys()):
            raise Refusal(
                400, (endpoint.invalid, f"a change is said by {', '.join(endpoint.change_headers)}, and has no body")
            )
        given = endpoint.inputs(call.path, call.headers, body)
        given |= {
            name: call.headers[header] for header, name in endpoint.change_headers.items() if header in call.headers
        }
        self._refuse_what_cannot_change(old, given)
        kept = old.inputs if patches else endpoint.lasting(old.inputs)
        inputs = {name: value for name, value in over(kept, given).items() if name not in endpoint.cleared(body)}
        self.check(inputs)
        return Result(self.answer(call, call.cloud.resources.update(call.caller, endpoint.type, old.id, inputs)))

    def remove(self, call: Call) -> Result:
        record = self.find(call)
        forced = "force" in self._endpoint.queries and call.flag("force")
        call.cloud.resources.delete(call.caller, self._endpoint.type, record.id, forced=forced)
        return Result({self._endpoint.id_as: record.id} if self._endpoint.id_as else {})

    def answer(self, call: Call, record: Record) -> dict[str, Any]:
        """Return a resource as an answer shows it, with what it shows of others."""
        return {**self._endpoint.shown(record), **self._endpoint.beside(call, record)}

    def find(self, call: Call) -> Record:
        """Return what the path names. Raises Refusal when there is none."""
        self._require_parent(call)
        for record in call.records(self._endpoint.type):
            if self._is_of(record, call) and self._is_asked_for(record, call):
                return record
        raise self._missing(call)

    def parent(self, call: Call) -> Record:
        """Return what the path's resource is part of. Raises Refusal when there is none."""
        within = registry.rules_of(self._endpoint.type).within
        assert within is not None  # noqa: S101 - the caller's type is part of something
        path = {camel(name): call.path[name] for name in self._endpoint.parents}
        for record in call.cloud.resources.store.all(type_=within.parent):
            child = Record(self._endpoint.type, "", "", path["accountId"], "", path, path)
            if within.holds(record, child) and self._is_in_place(record, call):
                return record
        raise not_found(f"what {self._endpoint.type.kind} is part of", self._endpoint.parent_missing)

    def _require_parent(self, call: Call) -> None:
        if self._endpoint.parent_missing:
            self.parent(call)

    def _is_of(self, record: Record, call: Call) -> bool:
        """Whether a resource is part of what the path names."""
        return self._is_in_place(record, call) and all(
            str(record.outputs.get(camel(name))) == call.path[name]
            for name in self._endpoint.parents
            if name != "account_id"
        )

    def _is_in_place(self, record: Record, call: Call) -> bool:
        """Whether a resource is where the headers look."""
        return all(
            record.outputs.get(name, _UNSAID) == call.headers.get(header, _UNSAID)
            for header, name in self._endpoint.headers.items()
        )

    def _is_asked_for(self, record: Record, call: Call) -> bool:
        if not self._endpoint.collection:
            return True
        wanted = call.path[self._endpoint.id_in_path]
        return wanted == record.id or wanted == record.outputs.get(self._endpoint.name)

    def _missing(self, call: Call) -> Refusal:
        what = call.path[self._endpoint.id_in_path]
        return not_found(f"{self._endpoint.type.kind} {what}", self._endpoint.missing)

    def check(self, inputs: Mapping[str, Any]) -> None:
        """Raise Refusal for what a type's rules do not take."""
        _, faults = planning.check(self._endpoint.type, inputs)
        if faults:
            raise refusal([self._endpoint.in_its_words(fault) for fault in faults], self._endpoint.invalid)

    def _refuse_what_cannot_change(self, old: Record, given: Mapping[str, Any]) -> None:
        fixed = [n for n in given if n in self._endpoint.type.replaced_by and given[n] != old.outputs.get(n)]
        if fixed:
            raise refusal([f"{self._endpoint.asks(name)}: cannot be changed" for name in fixed], self._endpoint.invalid)


def is_descending(call: Call) -> bool:
    """Whether a list is wanted from its end. Raises Refusal."""
    direction = call.query.get("direction", "asc")
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
