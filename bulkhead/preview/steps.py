"""Combines the engine's steps into one change per resource (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from bulkhead.preview.change import Action, ResourceChange, Side
from bulkhead.resources.catalogue import row_of

# The engine's operations (sdk/go/common/apitype/events.go, `OpType`), and what each does to a resource. A replacement
# has several steps. `discard` forgets a resource that was only read; `remove-pending-replace` forgets one that an
# earlier update has deleted already and has not made again.
ACTIONS: Final[Mapping[str, Action]] = {
    "same": "same",
    "create": "create",
    "update": "update",
    "delete": "delete",
    "delete-replaced": "delete",
    "replace": "replace",
    "create-replacement": "replace",
    "read-replacement": "replace",
    "import-replacement": "replace",
    "import": "import",
    "read": "read",
    "refresh": "refresh",
    "discard": "discard",
    "discard-replaced": "discard",
    "remove-pending-replace": "discard",
}
_DELETING: Final = ("delete", "delete-replaced")
# If a resource has several steps, the first of these decides about its change. An import is followed by an update
# when the program's inputs differ from what was imported.
_WEIGHT: Final = ("replace", "update", "import", "create", "read", "discard", "same", "delete", "refresh")


@dataclass(frozen=True, slots=True)
class EngineStep:
    """One step as the engine reports it: `ResourceChange` says what the fields are."""

    op: str
    urn: str
    type: str
    custom: bool
    old: Side | None
    new: Side | None
    reasons: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    provider: str = ""


def fold(steps: Iterable[EngineStep]) -> tuple[ResourceChange, ...]:
    """Return the change of each resource, in the order of the engine's first steps. A resource that an earlier
    replacement left to be deleted is a change of its own."""
    by_urn: dict[str, list[EngineStep]] = {}
    for step in steps:
        by_urn.setdefault(step.urn, []).append(step)
    return tuple(change for steps_ in by_urn.values() for change in _changes(steps_))


def _changes(steps: list[EngineStep]) -> Iterator[ResourceChange]:
    main = min(steps, key=lambda step: _WEIGHT.index(ACTIONS[step.op]))
    action = ACTIONS[main.op]
    own = main.old.id if main.old else None
    leftovers = [
        s for s in steps if s.op in _DELETING and s is not main and not (action == "replace" and _id(s) == own)
    ]
    ops = [step.op for step in steps]
    making = next((i for i, op in enumerate(ops) if ACTIONS[op] == "replace" and op != "replace"), None)
    first = making is not None and "delete-replaced" in ops[:making]
    refreshed = next((step.old for step in steps if step.op == "refresh"), None)
    old = main.old or (refreshed if action == "create" else None)
    new = None if action == "delete" else main.new
    type_ = _current(main.type)
    yield ResourceChange(action, main.urn, type_, main.custom, old, new, main.reasons, main.paths, main.provider, first)
    for step in leftovers:
        yield ResourceChange("delete", step.urn, type_, step.custom, step.old, None, provider=step.provider)


def _id(step: EngineStep) -> str | None:
    return step.old.id if step.old else None


def _current(type_: str) -> str:
    """Return the current token of a type. pulumi-aws 7 has two tokens for a bucket and its settings; the longer one,
    with V2, is deprecated and means the same resource."""
    shorter = type_.replace("V2", "") if type_.startswith("aws:s3/bucket") else type_
    return shorter if row_of(shorter) else type_
