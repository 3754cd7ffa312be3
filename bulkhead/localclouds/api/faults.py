"""Faults that are planned: the next call of a route fails as a network fails."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from enum import StrEnum


class Failing(StrEnum):
    """How a call fails."""

    AFTER = "502 after the work was done"
    BEFORE = "connection dropped before the work"


@dataclass(frozen=True, slots=True)
class PlannedFault:
    """The ``count`` next calls of ``method`` and ``route`` (the path's template) fail."""

    method: str
    route: str
    failing: Failing
    count: int = 1


class FaultPlan:
    """The faults that are still to come. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left: dict[tuple[str, str], list[Failing]] = {}

    def add(self, fault: PlannedFault) -> None:
        with self._lock:
            self._left.setdefault((fault.method, fault.route), []).extend([fault.failing] * fault.count)

    def take(self, method: str, route: str) -> Failing | None:
        """Return how this call fails, None if it does not."""
        with self._lock:
            left = self._left.get((method, route))
            return left.pop(0) if left else None

    def left(self) -> int:
        """Return how many planned faults have not happened."""
        with self._lock:
            return sum(map(len, self._left.values()))
