"""What changed between two sets of inputs, and what each change means for the resource (pure)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from bulkhead.localclouds.providers.checks import written
from bulkhead.localclouds.providers.handler import Properties
from bulkhead.localclouds.providers.past import without_notes
from bulkhead.localclouds.providers.rules import TypeRules
from bulkhead.localclouds.providers.wire import Steps


class ChangeKind(Enum):
    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Difference:
    """One property, as Pulumi writes its path, that differs; ``forces_new``: it cannot be changed in place."""

    path: str
    property: str
    change: ChangeKind
    forces_new: bool


def differences(rules: TypeRules, old: Properties, new: Properties) -> list[Difference]:
    """Return every difference, sorted by path. A value that is not known yet differs from any other."""
    found = sorted(_walk(without_notes(old), without_notes(new), ()), key=lambda pair: written(pair[0]))
    return [_difference(rules, steps, change) for steps, change in found]


def _difference(rules: TypeRules, steps: Steps, change: ChangeKind) -> Difference:
    name = str(steps[0])
    added_or_removed = len(steps) == 1 and change is not ChangeKind.CHANGED
    return Difference(written(steps), name, change, rules.forces_new(name, added_or_removed=added_or_removed))


def _walk(old: Any, new: Any, steps: Steps) -> Iterator[tuple[Steps, ChangeKind]]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        yield from ((child, ChangeKind.REMOVED) for child in ((*steps, key) for key in old.keys() - new.keys()))
        yield from ((child, ChangeKind.ADDED) for child in ((*steps, key) for key in new.keys() - old.keys()))
        for key in old.keys() & new.keys():
            yield from _walk(old[key], new[key], (*steps, key))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from _walk(before, after, (*steps, index))
    elif old != new:
        yield steps, ChangeKind.CHANGED
