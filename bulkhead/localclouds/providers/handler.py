"""How one resource type behaves in a local cloud.

``Recorded`` serves every control-plane type: a created resource is a row in the store, and nothing else. A type that
has a real effect (a database, a bucket, a Worker) subclasses it and overrides the four hooks; nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from bulkhead.localclouds.providers.store import Record, Store

Properties = Mapping[str, Any]


class ApiRefusal(Exception):
    """The real API would refuse the request, for each of the ``reasons``; the engine shows the message."""

    def __init__(self, *reasons: str) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = reasons


@dataclass(frozen=True, slots=True)
class Caller:
    """The caller: one provider resource of one stack. ``config`` is its configuration by the program."""

    environment: str
    package: str
    config: Properties

    @property
    def account(self) -> str:
        """The account this provider is pinned to, if its configuration names one (aws, github)."""
        pinned = self.config.get("allowedAccountIds") or [self.config.get("owner", "")]
        return str(pinned[0])

    def region_of(self, inputs: Properties) -> str:
        """The region a resource is in: its own, where its inputs name one, or the provider's."""
        return str(inputs.get("region") or self.config.get("region", ""))


class Identity(Protocol):
    """What the rule table of a type decides about new resources."""

    def account_of(self, caller: Caller, inputs: Properties) -> str:
        """The account, zone or repository owner the resource lives in."""

    def id_of(self, caller: Caller, inputs: Properties) -> str:
        """The id the provider gives it."""

    def outputs_of(self, caller: Caller, id_: str, inputs: Properties) -> Properties:
        """Every property after creation: the inputs with the API's defaults, and what the API computes."""


class Recorded:
    """A resource type whose whole reality is its row in the store."""

    def __init__(self, token: str, rules: Identity) -> None:
        self.token = token
        self.rules = rules

    def create(self, caller: Caller, store: Store, urn: str, inputs: Properties) -> Record:
        """Make the resource. Raises ApiRefusal when one of this type and id exists already."""
        id_ = self.rules.id_of(caller, inputs)
        account = self.rules.account_of(caller, inputs)
        if store.get(self.token, id_) is not None:
            raise ApiRefusal(f"{self.token} {id_!r} exists already")
        outputs = self.rules.outputs_of(caller, id_, inputs)
        record = Record(self.token, id_, caller.environment, account, urn, inputs, outputs)
        record = self.on_create(caller, store, record)
        store.put(record)
        self.on_store_changed(caller, store, record)
        return record

    def read(self, caller: Caller, store: Store, id_: str) -> Record | None:
        """Return the resource as its cloud has it now, or None when it is gone."""
        record = store.get(self.token, id_)
        if record is None:
            return None
        seen = self.observe(caller, store, record)
        if seen is None:
            store.remove(self.token, id_)
        return seen

    def update(self, caller: Caller, store: Store, id_: str, inputs: Properties) -> Record:
        """Change the resource in place."""
        old = store.get(self.token, id_)
        if old is None:
            raise ApiRefusal(f"{self.token} {id_!r} does not exist")
        outputs = {**self.rules.outputs_of(caller, id_, inputs), **_kept(old, inputs)}
        record = self.on_update(caller, store, old, replace(old, inputs=inputs, outputs=outputs))
        store.put(record)
        self.on_store_changed(caller, store, record)
        return record

    def delete(self, caller: Caller, store: Store, id_: str) -> None:
        """Remove the resource; one that is gone already is no error, as with the real providers."""
        record = store.get(self.token, id_)
        if record is None:
            return
        self.on_delete(caller, store, record)
        store.remove(self.token, id_)
        self.on_store_changed(caller, store, record)

    def on_create(self, caller: Caller, store: Store, record: Record) -> Record:
        """Create the real resource; return the record with what the cloud computed. Raise ApiRefusal to leave nothing
        behind."""
        return record

    def on_update(self, caller: Caller, store: Store, old: Record, new: Record) -> Record:
        """Update the real resource."""
        return new

    def on_delete(self, caller: Caller, store: Store, record: Record) -> None:
        """Remove the real resource, or raise ApiRefusal."""

    def observe(self, caller: Caller, store: Store, record: Record) -> Record | None:
        """Return the record as the real resource is now, None when it is gone."""
        return record

    def on_store_changed(self, caller: Caller, store: Store, record: Record) -> None:
        """Called after the store was updated, for effects that are computed from the whole store."""


def _kept(old: Record, inputs: Properties) -> dict[str, Any]:
    """Return what the API computed at creation (ids, dates): an update does not change it."""
    return {key: value for key, value in old.outputs.items() if key not in inputs and key not in old.inputs}
