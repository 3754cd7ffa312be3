"""What a loss is, and what a rule about losses looks like (pure)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from math import inf, isfinite
from typing import Any

from bulkhead.preview.change import ResourceChange
from bulkhead.preview.plan import UpdatePlan
from bulkhead.resources.values import MISSING, UNKNOWN


@dataclass(frozen=True, slots=True)
class Loss:
    """A loss. ``lost`` says what would be gone, ``fix`` what to do instead: sentences without a full stop, and never a
    value that may be secret. ``kind`` is one of `catalogue.KINDS`: the word by which a waiver names it."""

    kind: str
    change: ResourceChange
    lost: str
    fix: str


# A rule is called for each resource that is not a component, and may look at the whole plan.
Rule = Callable[[ResourceChange, UpdatePlan], Iterator[Loss]]

UNSHOWN = "cannot be shown to be kept, because it is not known before the up"


def number(value: Any, default: float = 0.0) -> Any:
    """Return ``value`` as a float, ``default`` if it is MISSING, UNKNOWN if it is not known or no number that is."""
    if value is MISSING:
        return default
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        return UNKNOWN
    return found if isfinite(found) else UNKNOWN


def lessened(change: ResourceChange, path: str, default: float) -> tuple[Any, Any] | None:
    """Return a number before and after if it gets smaller, or may get smaller: then one of the two is UNKNOWN.
    ``default`` applies if none is set; if that is infinite, 0 means infinite too."""
    was, becomes = (
        default if default == inf and value == 0 else value
        for value in (number(stated, default) for stated in (change.was(path), change.becomes(path)))
    )
    smaller = change.differs(path) if UNKNOWN in (was, becomes) else becomes < was
    return (was, becomes) if smaller else None


def day(text: Any) -> float:
    """Return the ordinal of the day in an ISO date or time; 1, a day long ago, for any other text."""
    try:
        return float(date.fromisoformat(str(text)[:10]).toordinal())
    except ValueError:
        return 1.0
