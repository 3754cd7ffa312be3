"""Turns a stage's state into that of a flat program with the same resources and no components (pure).

The words of the state are those of the engine's checkpoint (`sdk/go/common/apitype`, `ResourceV3`). Whatever refers to
a resource is rewritten with it; a component, which no provider knows, disappears, and its children hang on the stack.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bulkhead.resources.kind import PROVIDER, STACK
from bulkhead.resources.sentinels import is_secret

# What the engine or the SDK adds to a provider's own inputs; no program says it.
_NOT_SAID: Final = frozenset({"__internal", "__defaults", "version", "pluginDownloadURL"})


@dataclass(frozen=True, slots=True)
class Declaration:
    """One resource as a flat program says it.

    ``inputs`` are by the provider's names; ``secret`` lists those with a secret in them. ``waits`` maps an input to the
    URNs whose outputs it was made from, ``after`` lists those it only follows. ``provider`` is the URN of its provider,
    "" for a provider itself.
    """

    token: str
    name: str
    urn: str
    provider: str
    inputs: Mapping[str, Any]
    secret: Sequence[str]
    waits: Mapping[str, Sequence[str]]
    after: Sequence[str]
    protect: bool
    retain: bool
    ignore: Sequence[str]


def flatten(resources: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the resources of a state without its components, in the same order.

    Raises ValueError when two of them would have one URN, or when there is not exactly one stack.
    """
    (root,) = (resource["urn"] for resource in resources if resource["type"] == STACK)
    kept = [resource for resource in resources if resource.get("custom") or resource["urn"] == root]
    urns = {resource["urn"]: flat_urn(resource["urn"]) for resource in kept}
    if twins := [urn for urn, count in Counter(urns.values()).items() if count > 1]:
        raise ValueError(f"without components these would be one resource: {', '.join(sorted(twins))}")
    return [_moved(resource, urns, root) for resource in kept]


def flatten_checkpoint(text: str) -> str:
    """Return a checkpoint file's text with its resources flattened; the rest stays, the secrets' key included."""
    document = json.loads(text)
    latest = document["checkpoint"]["latest"]
    latest["resources"] = flatten(latest["resources"])
    return json.dumps(document)


def flat_urn(urn: str) -> str:
    """Return ``urn`` without the types of its parents: `urn:pulumi:STACK::PROJECT::PARENT$TYPE::NAME`."""
    stack, project, types, name = urn.split("::", maxsplit=3)
    return "::".join((stack, project, types.rpartition("$")[2], name))


def declarations(resources: Iterable[Mapping[str, Any]]) -> list[Declaration]:
    """Return what a flat program says to make these flat resources, exported with their secrets in clear; in an order
    in which everything is declared before it is referred to."""
    return [_declaration(resource) for resource in resources if resource["type"] != STACK]


def revealed(value: Any) -> Any:
    """Return an exported value with every secret taken out of its envelope."""
    if isinstance(value, Mapping):
        if is_secret(value):
            return json.loads(value["plaintext"])
        return {key: revealed(part) for key, part in value.items()}
    return [revealed(part) for part in value] if isinstance(value, list) else value


def _moved(resource: Mapping[str, Any], urns: Mapping[str, str], root: str) -> dict[str, Any]:
    moved = {**resource, "urn": urns[resource["urn"]]}
    if resource["urn"] != root:
        moved["parent"] = root
    if provider := resource.get("provider"):
        urn, _, id_ = provider.rpartition("::")
        moved["provider"] = f"{urns[urn]}::{id_}"
    if "dependencies" in resource:
        moved["dependencies"] = _known(resource["dependencies"], urns)
    if "propertyDependencies" in resource:
        named = resource["propertyDependencies"].items()
        moved["propertyDependencies"] = {name: _known(group or (), urns) for name, group in named}
    if "deletedWith" in resource:
        moved["deletedWith"] = urns[resource["deletedWith"]]
    return moved


def _known(group: Iterable[str], urns: Mapping[str, str]) -> list[str]:
    # A dependency on a component is in the state beside those on its children, which stay.
    return [urns[urn] for urn in group if urn in urns]


def _declaration(resource: Mapping[str, Any]) -> Declaration:
    inputs = {name: value for name, value in resource["inputs"].items() if name not in _NOT_SAID}
    said = _unpacked if resource["type"].startswith(PROVIDER) else _as_it_is
    waits = {name: urns for name, urns in resource.get("propertyDependencies", {}).items() if urns and name in inputs}
    waited = {urn for urns in waits.values() for urn in urns}
    return Declaration(
        token=resource["type"],
        name=resource["urn"].rpartition("::")[2],
        urn=resource["urn"],
        provider=resource.get("provider", "").rpartition("::")[0],
        inputs={name: said(revealed(value)) for name, value in inputs.items()},
        secret=[name for name, value in inputs.items() if revealed(value) != value],
        waits=waits,
        after=[urn for urn in resource.get("dependencies", ()) if urn not in waited],
        protect=resource.get("protect", False),
        retain=resource.get("retainOnDelete", False),
        ignore=resource.get("ignoreChanges", ()),
    )


def _unpacked(value: Any) -> Any:
    """Return a provider's input as a program says it: whatever is no text travels as JSON, in a text."""
    try:
        packed = json.loads(value)
    except ValueError:
        return value
    return packed if isinstance(packed, list | dict | bool) else value


def _as_it_is(value: Any) -> Any:
    return value
