"""Creates, reads, updates and deletes resources in their cloud, independently of the protocol."""

from __future__ import annotations

from bulkhead.localclouds.providers import registry
from bulkhead.localclouds.providers.handler import Caller, Properties
from bulkhead.localclouds.providers.registry import Registry
from bulkhead.localclouds.providers.store import Record, Store
from bulkhead.resources.kind import Create


class Resources:
    """The resources of all stages. Raises NotRehearsed for a type without rules, ApiRefusal where the cloud says no."""

    def __init__(self, known: Registry, store: Store) -> None:
        self.registry = known
        self.store = store

    def create(self, caller: Caller, token: str, urn: str, inputs: Properties) -> Record:
        """Make the resource, or overwrite an existing one if the real create does so."""
        rules, handler = registry.rules_of(token), self.registry.handler(token)
        with self.store.claim(rules.claim_of(caller, inputs)):
            rules.admit(caller, self.store, inputs)
            if rules.type.create is Create.UPSERTS:
                existing = self.store.get(token, rules.id_of(caller, inputs))
                if existing is not None:
                    return handler.update(caller, self.store, existing.id, inputs)
            return handler.create(caller, self.store, urn, inputs)

    def read(self, caller: Caller, token: str, id_: str) -> Record | None:
        """Return the resource as its cloud has it, None when its cloud has none."""
        return self.registry.handler(token).read(caller, self.store, id_)

    def update(self, caller: Caller, token: str, id_: str, inputs: Properties) -> Record:
        """Change the resource in place."""
        rules, old = registry.rules_of(token), self.store.get(token, id_)
        with self.store.claim(rules.claim_of(caller, inputs)):
            if old is not None:
                rules.admit_change(caller, self.store, old, inputs)
            return self.registry.handler(token).update(caller, self.store, id_, inputs)

    def delete(self, caller: Caller, token: str, id_: str, *, forced: bool = False) -> None:
        """Delete the resource and what is part of it, ``forced`` even if others need it."""
        record = self.store.get(token, id_)
        if record is None:
            return
        if not forced:
            registry.rules_of(token).release(self.store, record)
        self.registry.handler(token).delete(caller, self.store, id_)
        self._remove_parts(record)

    def _remove_parts(self, parent: Record) -> None:
        for rules in registry.TABLES[registry.package_of(parent.type)].values():
            if rules.within is None or rules.within.parent != parent.type:
                continue
            for child in self.store.all(type_=rules.type):
                if rules.within.holds(parent, child):
                    self.store.remove(child.type, child.id)
