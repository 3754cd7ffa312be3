"""Reads a stack's state, and takes the interrupted operations out of it (pure).

A file backend holds a state as a checkpoint: ``{"version": 3, "checkpoint": {"stack": ..., "latest": <deployment>}}``;
`pulumi stack export` has the same as ``{"version": 3, "deployment": <deployment>}`` (pulumi/pulumi,
sdk/go/common/apitype/core.go).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from bulkhead.model.failures import Failed
from bulkhead.resources.kind import STACK
from bulkhead.resources.sentinels import without_envelopes

CREATING: Final = "creating"
"""The engine's name for a creation that it sent to a cloud and that has no result yet (apitype.OperationType)."""


def resources(checkpoint: str) -> list[dict[str, Any]]:
    """Return the resources of a checkpoint file's text, as the engine writes them down; secrets are encrypted."""
    return list(_latest(checkpoint).get("resources") or [])


def outputs(checkpoint: str, decrypt: Callable[[str, str], str]) -> dict[str, Any]:
    """Return what a stack exports. ``decrypt`` is given the stack's salt and a ciphertext."""

    def opened(value: Any) -> Any:
        return without_envelopes(value, lambda secret: opened(json.loads(decrypt(salt, secret["ciphertext"]))))

    latest = _latest(checkpoint)
    salt = latest.get("secrets_providers", {}).get("state", {}).get("salt", "")
    stack: Mapping[str, Any] = next((each for each in latest.get("resources") or [] if each["type"] == STACK), {})
    found: dict[str, Any] = opened(stack.get("outputs", {}))
    return found


def pending(checkpoint: str) -> list[str]:
    """Return the URNs of the resources whose creation had begun when the engine was ended."""
    operations = _latest(checkpoint).get("pending_operations") or []
    return [operation["resource"]["urn"] for operation in operations if operation["type"] == CREATING]


def warning_of(begun: Iterable[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Return what the engine says before an `up` over these operations, as an event; None where no creation was begun.
    Before a preview it says nothing (3.256, deployment_executor.go)."""
    urns = [one["resource"]["urn"] for one in begun if one["type"] == CREATING]
    if not urns:
        return None
    lines = [f"  * {urn}, interrupted while {CREATING}" for urn in urns]
    message = f"The state holds {len(urns)} pending operations from a previous deployment.\n" + "\n".join(lines)
    return {"diagnosticEvent": {"severity": "warning", "prefix": "warning: ", "color": "never", "message": message}}


def without_pending_operations(exported: Mapping[str, Any], id_of: Callable[[str], str | None]) -> dict[str, Any]:
    """Return an exported state without pending operations: what was created after all has become a resource.

    ``id_of`` returns the id that the cloud gave the resource of a URN, None when it made none. Outputs are the inputs
    until a refresh asks the cloud for them. What a replacement made takes the place of the old one, which is left to be
    deleted, as the engine itself leaves it: it refuses a state with two of one URN.
    """
    deployment = dict(exported["deployment"])
    there = deployment.get("resources") or []
    known = {(each["urn"], each.get("id")) for each in there}
    found = [
        {**resource, "id": id_, "outputs": resource.get("inputs", {})}
        for operation in deployment.pop("pending_operations", None) or []
        if operation["type"] == CREATING
        and (resource := operation["resource"])
        and (id_ := id_of(resource["urn"])) is not None
        and (resource["urn"], id_) not in known
    ]
    replaced = {each["urn"] for each in found}
    kept = [{**each, "delete": True} if each["urn"] in replaced else each for each in there]
    # At the end: what they depend on existed before the engine began to create them.
    return {**exported, "deployment": {**deployment, "resources": [*kept, *found]}}


def with_another(exported: Mapping[str, Any], urn: str, id_: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return an exported state in which the resource of a URN is another one: that of an id, made with these inputs.
    What depends on it, and whether it is protected, stay. Outputs are the inputs until a refresh asks the cloud."""
    deployment = exported["deployment"]
    resources = [
        {**each, "id": id_, "inputs": {**each["inputs"], **inputs}, "outputs": {**each["inputs"], **inputs}}
        if each["urn"] == urn and not each.get("delete")
        else each
        for each in deployment["resources"]
    ]
    return {**exported, "deployment": {**deployment, "resources": resources}}


def exported(checkpoint: str) -> dict[str, Any]:
    """Return a checkpoint file's text in the form of `pulumi stack export`, secrets encrypted."""
    return {"version": _read(checkpoint)["version"], "deployment": _latest(checkpoint)}


def backend(export: Mapping[str, Any], project: str, stack: str) -> dict[str, Any]:
    """Return the files of a backend that holds one exported state: path to content, to be written as JSON."""
    checkpoint = {"stack": f"organization/{project}/{stack}", "latest": export["deployment"]}
    return {
        ".pulumi/meta.yaml": {"version": 1},  # without it, the engine assumes an older layout
        f".pulumi/stacks/{project}/{stack}.json": {"version": export["version"], "checkpoint": checkpoint},
    }


def _latest(checkpoint: str) -> dict[str, Any]:
    if not checkpoint:
        return {}
    latest: dict[str, Any] = _read(checkpoint)["checkpoint"].get("latest") or {}
    return latest


def _read(checkpoint: str) -> dict[str, Any]:
    """Raise Failed where a full disk, or somebody else, left half of a state."""
    try:
        whole: dict[str, Any] = json.loads(checkpoint)
    except ValueError as error:
        anew = "if it is of a kept rehearsal, remove it with: bulkhead rehearse --stop"
        raise Failed("The state of a stack cannot be read.", [f"it is no JSON: {error}", anew]) from None
    return whole
