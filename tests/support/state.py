"""A stack's state in the engine's own shape, as `pulumi stack export` has it, made of what a program registers."""

from __future__ import annotations

from typing import Any

from bulkhead.engine.rendered import Rendered, to_wire


def state_of(rendered: Rendered, environment: str) -> list[dict[str, Any]]:
    """Return the resources of a stack whose program is ``rendered``; the ids are those that `render` gives."""
    stack = {"urn": f"urn:pulumi:{environment}::bulkhead::pulumi:pulumi:Stack::s", "type": "pulumi:pulumi:Stack"}
    return [stack, *({**_entry(one, environment)} for one in rendered.resources)]


def _entry(one: Any, environment: str) -> dict[str, Any]:
    entry: dict[str, Any] = {"urn": one.urn, "type": one.type, "custom": one.custom}
    # What is false is left out of a state.
    entry |= {key: True for key, on in (("protect", one.protect), ("retainOnDelete", one.retain_on_delete)) if on}
    if one.custom:
        entry |= {"id": f"{environment}-{one.name}-id", "inputs": to_wire(one.inputs), "outputs": to_wire(one.inputs)}
    return entry
