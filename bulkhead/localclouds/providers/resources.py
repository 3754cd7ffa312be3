"""Creates, reads, updates and deletes resources in their cloud, independently of the protocol."""

from __future__ import annotations

from dataclasses import replace

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
                if existing is not None and not existing.left_behind:
                    return handler.update(caller, self.store, existing.id, inputs)
            return handler.create(caller, self.store, urn, inputs)

    def read(self, caller: Caller, token: str, reference: str) -> Record | None:
        """Return the resource of this id, or of what `pulumi import` is given; None when its cloud has none."""
        rules, handler = registry.rules_of(token), self.registry.handler(token)
        found = self.store.get(token, reference)
        if found is None:
            named = (record for record in self.store.all(type_=token) if rules.import_id.of(record) == reference)
            found = next(named, None)
        return None if found is None else handler.read(caller, self.store, found.id)

    def imported(self, caller: Caller, token: str, reference: str) -> Record | None:
        """Return the result of `read` for an import, when the engine knows nothing yet: only what the API returns."""
        record, unread = self.read(caller, token, reference), registry.rules_of(token).unread
        if record is None:
            return None
        inputs, outputs = ({k: v for k, v in p.items() if k not in unread} for p in (record.inputs, record.outputs))
        return replace(record, inputs=inputs, outputs=outputs)

    def update(self, caller: Caller, token: str, id_: str, inputs: Properties) -> Record:
        """Change the resource in place."""
        rules, old = registry.rules_of(token), self.store.get(token, id_)
        with self.store.claim(rules.claim_of(caller, inputs)):
            if old is not None:
                rules.admit_change(caller, self.store, old, inputs)
            return self.registry.handler(token).update(caller, self.store, id_, inputs)

    def delete(self, caller: Caller, token: str, id_: str, *, forced: bool = False) -> None:
        """Delete the resource and what is part of it, ``forced`` even if others need it; where the real provider's
        delete does nothing, so does this one, and the row says that it is left behind."""
        rules = registry.rules_of(token)
        record = self.store.get(token, id_)
        if record is None:
            return
        if rules.type.left_behind:
            self.store.put(replace(record, left_behind=True))
            return
        if not forced:
            rules.release(self.store, record)
        self.registry.handler(token).delete(caller, self.store, id_)
        self._remove_parts(record)

    def _remove_parts(self, parent: Record) -> None:
        for rules in registry.TABLES[registry.package_of(parent.type)].values():
            if rules.within is None or rules.within.parent != parent.type:
                continue
            for child in self.store.all(type_=rules.type):
                if rules.within.holds(parent, child):
                    self.store.remove(child.type, child.id)
