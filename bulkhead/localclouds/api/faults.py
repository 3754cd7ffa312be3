"""Faults that are planned: the next call of a route fails as a network fails.

The plan is a file, because whoever plans is another process than the clouds.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from bulkhead.localclouds.api.shared import SharedFile, write_whole


class Failing(StrEnum):
    """How a call fails."""

    AFTER = "502 after the work was done"
    BEFORE = "connection dropped before the work"


@dataclass(frozen=True, slots=True)
class PlannedFault:
    """The ``count`` next calls of ``method`` and ``route`` (a template) fail, of those whose path has ``within``
    in it."""

    method: str
    route: str
    failing: Failing
    count: int = 1
    within: str = ""

    def __str__(self) -> str:
        return f"{self.method} {self.route}: {self.failing}"


def plan(path: Path, faults: Iterable[PlannedFault]) -> None:
    """Plan these faults instead of those that the file plans."""
    write_whole(path, json.dumps([asdict(fault) for fault in faults]))


class FaultPlan:
    """The faults that are still to come. Safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._file = SharedFile(path, _planned)
        self._left: list[PlannedFault] = []

    def take(self, method: str, route: str, path: str) -> Failing | None:
        """Return how this call fails, None if it does not. A plan that cannot be read lets no call go on."""
        with self._lock:
            said = self._file.changed()
            if said is not None:
                self._left = said
            for fault in self._left:
                if (fault.method, fault.route) == (method, route) and fault.within in path:
                    self._left.remove(fault)
                    return fault.failing
            return None


def _planned(said: bytes) -> list[PlannedFault]:
    """Return each fault as often as it is planned."""
    faults = (PlannedFault(**{**one, "failing": Failing(one["failing"])}) for one in json.loads(said))
    return [fault for fault in faults for _ in range(fault.count)]
