"""What happens to a resource: checked, compared, made, read, changed, deleted. Knows no protocol."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from rehearsal.providers import registry
from rehearsal.providers.diff import Difference, differences
from rehearsal.providers.handler import Caller, Properties
from rehearsal.providers.registry import Registry
from rehearsal.providers.store import Record, Store
from rehearsal.providers.wire import UNKNOWN, Steps


class Resources:
    """The resources of all stages. Raises NotRehearsed for a type without rules, ApiRefusal where the cloud says no."""

    def __init__(self, known: Registry, store: Store) -> None:
        self.registry = known
        self.store = store

    def check(self, token: str, inputs: Properties) -> tuple[Properties, list[str]]:
        """Return the inputs with what the provider plans itself, and ``path: what is wrong`` for each fault."""
        rules = registry.rules_of(token)
        faults = list(registry.catalogue(registry.package_of(token)).faults(token, inputs))
        if faults:  # the rules may rely on the types
            return inputs, faults
        return rules.plan(inputs), list(rules.complaints(inputs))

    def diff(self, token: str, old: Properties, new: Properties) -> list[Difference]:
        """Return what differs between old and new inputs."""
        return differences(registry.rules_of(token), old, new)

    def deletes_first(self, token: str, old: Properties, new: Properties) -> bool:
        """Whether a replacement deletes the old resource before it makes the new one."""
        name = registry.rules_of(token).own_name
        return name is not None and old.get(name) == new.get(name)

    def always_secret(self, token: str, values: Properties) -> frozenset[Steps]:
        """Return the paths of what is secret in ``values``, whoever asks."""
        return frozenset(registry.rules_of(token).secrets(values))

    def foresee(self, token: str, inputs: Properties, old_outputs: Properties | None = None) -> Properties:
        """Return the outputs a preview may show: of a new resource, or of one that had ``old_outputs``."""
        planned = registry.rules_of(token).with_defaults(inputs)
        computed = registry.catalogue(registry.package_of(token)).computed(token)
        if old_outputs is None:
            return {**dict.fromkeys(computed, UNKNOWN), **planned}
        return {**{name: old_outputs[name] for name in computed if name in old_outputs}, **planned}

    def create(self, caller: Caller, token: str, urn: str, inputs: Properties) -> Record:
        """Make the resource."""
        rules, handler = registry.rules_of(token), self.registry.handler(token)
        with self.store.claim(rules.claim_of(caller, inputs)):
            rules.admit(caller, self.store, inputs)
            return handler.create(caller, self.store, urn, inputs)

    def read(self, caller: Caller, token: str, reference: str) -> Record | None:
        """Return the resource of this id, or of what `pulumi import` is given; None when its cloud has none."""
        rules, handler = registry.rules_of(token), self.registry.handler(token)
        found = self.store.get(token, reference)
        if found is None:
            named = (record for record in self.store.all(type_=token) if rules.import_id(record) == reference)
            found = next(named, None)
        return None if found is None else handler.read(caller, self.store, found.id)

    def update(self, caller: Caller, token: str, id_: str, inputs: Properties) -> Record:
        """Change the resource in place."""
        return self.registry.handler(token).update(caller, self.store, id_, inputs)

    def delete(self, caller: Caller, token: str, id_: str) -> None:
        """Delete the resource and what is part of it; where the real provider's delete does nothing, so does this one,
        and the row says that it is left behind."""
        rules = registry.rules_of(token)
        record = self.store.get(token, id_)
        if record is None:
            return
        if rules.leaves_behind:
            self.store.put(replace(record, left_behind=True))
            return
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


def check_provider(package: str, config: Properties) -> list[str]:
    """Return ``path: what is wrong`` for each fault of a provider's configuration."""
    token = f"pulumi:providers:{package}"
    faults = list(registry.catalogue(package).faults(token, config))
    return faults or [fault for check in registry.PROVIDER_CHECKS[package] for fault in check(config)]


def provider_config(package: str, inputs: Properties) -> Mapping[str, Any]:
    """Return a provider's configuration as it was written: the SDK sends all but text as JSON in a string."""
    types = registry.catalogue(package).properties(f"pulumi:providers:{package}")
    own = {name: value for name, value in inputs.items() if name not in {"version", "pluginDownloadURL"}}
    return {name: _opened(value) if types.get(name) != "string" else value for name, value in own.items()}


def _opened(value: Any) -> Any:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except json.JSONDecodeError:
        return value  # the types will say what is wrong with it
