"""Reads one step of the engine's output, in either form (pure)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from bulkhead.model.faults import Fault
from bulkhead.preview.change import Side
from bulkhead.preview.steps import ACTIONS, EngineStep
from bulkhead.resources.sentinels import SIGNATURE, UNKNOWNS
from bulkhead.resources.values import UNKNOWN

AGAIN: Final = "run the preview again, and keep everything that it writes to standard output"
_BLINDED: Final = "[secret]"
# Steps that must have an old side, or a new one.
_NEEDS_OLD: Final = frozenset({"same", "update", "delete", "delete-replaced", "replace", "create-replacement"})
_NEEDS_NEW: Final = frozenset({"same", "create", "update", "replace", "create-replacement", "import"})
_URN: Final = re.compile(r"urn:pulumi:[^:]+::[^:]+::[^\n]+?::.+", re.DOTALL)


def read_step(raw: Mapping[str, Any], old: str, new: str, place: str, faults: list[Fault]) -> EngineStep | None:
    """Return a step of either form; the forms differ in the keys of the two sides."""
    if raw["op"] not in ACTIONS:
        message = f"{raw['op']!r} is an operation that this gate does not know, so it cannot say what would be lost"
        faults.append(Fault(place, message, "teach it the operation: bulkhead/preview/steps.py, ACTIONS"))
        return None
    if not _URN.fullmatch(raw["urn"]):
        faults.append(Fault(place, f"is a step of {raw['urn'][:80]!r}, which is no URN", AGAIN))
        return None
    before, after = as_dict(raw.get(old)), as_dict(raw.get(new))
    if (raw["op"] in _NEEDS_OLD and not before) or (raw["op"] in _NEEDS_NEW and not after):
        faults.append(Fault(place, f"is a step {raw['op']!r} that does not say of what", AGAIN))
        return None
    if not all(_is_shown(side.get(key)) for side in (before, after) for key in ("inputs", "outputs")):
        faults.append(Fault(place, f"is a step {raw['op']!r} whose properties are none", AGAIN))
        return None
    custom = bool(before.get("custom") or after.get("custom"))
    type_, provider = (str(raw.get(key) or after.get(key) or before.get(key) or "") for key in ("type", "provider"))
    reasons = _texts(raw.get("keys") or raw.get("replaceReasons"))
    paths = _texts(raw.get("detailedDiff") or raw.get("diffs") or raw.get("diffReasons"))
    return EngineStep(raw["op"], raw["urn"], type_, custom, _side(before), _side(after), reasons, paths, provider)


def as_dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _is_shown(properties: Any) -> bool:
    """Whether these are properties by name. Of a whole that is secret nothing could be judged."""
    return properties is None or (isinstance(properties, dict) and SIGNATURE not in properties)


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list | dict) else ()


def _side(state: Mapping[str, Any]) -> Side | None:
    if not state:
        return None
    inputs, outputs = (plain(as_dict(state.get(key))) for key in ("inputs", "outputs"))
    protect, retained, external = (bool(state.get(key)) for key in ("protect", "retainOnDelete", "external"))
    provider = str(state.get("provider") or "")
    return Side(str(state.get("id") or ""), protect, retained, inputs, outputs, external, provider)


def plain(value: Any) -> Any:
    """Return a value of an event; UNKNOWN for what is secret or not known yet."""
    if isinstance(value, dict):
        return UNKNOWN if SIGNATURE in value else {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    # The engine masks the stack's secrets within longer texts as well.
    return UNKNOWN if isinstance(value, str) and (_BLINDED in value or value in UNKNOWNS) else value
