"""Checks and compares a resource's inputs without any cloud (pure)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from bulkhead.localclouds.providers import registry
from bulkhead.localclouds.providers.diff import Difference, differences
from bulkhead.localclouds.providers.handler import Properties
from bulkhead.localclouds.providers.sdk import provider_token
from bulkhead.localclouds.providers.wire import UNKNOWN, Steps


def check(token: str, inputs: Properties, provider: Properties = MappingProxyType({})) -> tuple[Properties, list[str]]:
    """Return the inputs with the provider's planned values, and ``path: what is wrong`` for each fault.

    ``provider`` is the configuration of the provider.

    Raises NotRehearsed, as everything here does, for a type without rules.
    """
    rules = registry.rules_of(token)
    faults = list(registry.catalogue(registry.package_of(token)).faults(token, inputs))
    if faults:  # the rules may rely on the types
        return inputs, faults
    return rules.plan(inputs, provider), list(rules.complaints(inputs))


def diff(token: str, old: Properties, new: Properties) -> list[Difference]:
    """Return what differs between old and new inputs."""
    return differences(registry.rules_of(token), old, new)


def deletes_first(token: str, old: Properties, new: Properties) -> bool:
    """Whether a replacement deletes the old resource before it makes the new one."""
    name = registry.rules_of(token).own_name
    return name is not None and old.get(name) == new.get(name)


def always_secret(token: str, values: Properties) -> frozenset[Steps]:
    """Return the paths of what is secret in ``values``, whoever asks."""
    return registry.rules_of(token).secrets(values)


def unordered(token: str) -> frozenset[str]:
    """Return the paths of the type's sets."""
    return registry.rules_of(token).type.unordered


def foresee(token: str, inputs: Properties, old_outputs: Properties | None = None) -> Properties:
    """Return the outputs a preview may show: of a new resource, or of one that had ``old_outputs``."""
    planned = registry.rules_of(token).with_defaults(inputs)
    computed = registry.catalogue(registry.package_of(token)).computed(token)
    if old_outputs is None:
        return {**dict.fromkeys(computed, UNKNOWN), **planned}
    return {**{name: old_outputs[name] for name in computed if name in old_outputs}, **planned}


def check_provider(package: str, config: Properties) -> list[str]:
    """Return ``path: what is wrong`` for each fault of a provider's configuration."""
    token = provider_token(package)
    faults = list(registry.catalogue(package).faults(token, config))
    return faults or [fault for check in registry.PROVIDER_CHECKS[package] for fault in check(config)]


def provider_config(package: str, inputs: Properties) -> Mapping[str, Any]:
    """Return a provider's configuration as it was written: the SDK sends all but text as JSON in a string."""
    types = registry.catalogue(package).properties(provider_token(package))
    own = {name: value for name, value in inputs.items() if name not in {"version", "pluginDownloadURL"}}
    return {name: _opened(value) if types.get(name) != "string" else value for name, value in own.items()}


def _opened(value: Any) -> Any:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except json.JSONDecodeError:
        return value  # the check of types reports it
