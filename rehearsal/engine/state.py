"""What the engine wrote down about a stack, and how to settle what it had only begun (pure)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

# The engine's word for a creation it has sent to a cloud without having heard of its end (apitype.OperationType).
_CREATING: Final = "creating"


def resources(checkpoint: str) -> list[dict[str, Any]]:
    """Return the resources of a checkpoint file's text, as the engine writes them down; secrets are encrypted."""
    return list(_latest(checkpoint).get("resources") or [])


def pending(checkpoint: str) -> list[str]:
    """Return the URNs of the resources whose creation had begun when the engine was ended."""
    operations = _latest(checkpoint).get("pending_operations") or []
    return [operation["resource"]["urn"] for operation in operations if operation["type"] == _CREATING]


def settled(exported: Mapping[str, Any], id_of: Callable[[str], str | None]) -> dict[str, Any]:
    """Return an exported state without pending operations: what was created after all has become a resource.

    ``id_of`` returns the id that the cloud gave the resource of a URN, None when it made none. Outputs are the inputs
    until a refresh asks the cloud for them.
    """
    deployment = dict(exported["deployment"])
    found = [
        {**resource, "id": id_, "outputs": resource.get("inputs", {})}
        for operation in deployment.pop("pending_operations", None) or []
        if operation["type"] == _CREATING
        and (resource := operation["resource"])
        and (id_ := id_of(resource["urn"])) is not None
    ]
    # At the end: whatever they depend on was there before the engine began to create them.
    return {**exported, "deployment": {**deployment, "resources": [*(deployment.get("resources") or []), *found]}}


def _latest(checkpoint: str) -> dict[str, Any]:
    if not checkpoint:
        return {}
    latest: dict[str, Any] = json.loads(checkpoint)["checkpoint"].get("latest") or {}
    return latest
