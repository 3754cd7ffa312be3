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
    new = path.with_suffix(".new")
    new.write_text(json.dumps([asdict(fault) for fault in faults]), encoding="utf-8")
    new.replace(path)


class FaultPlan:
    """The faults that are still to come. Safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._read_at = (0, 0)
        self._left: list[PlannedFault] = []

    def take(self, method: str, route: str, path: str) -> Failing | None:
        """Return how this call fails, None if it does not."""
        with self._lock:
            self._read()
            for fault in self._left:
                if (fault.method, fault.route) == (method, route) and fault.within in path:
                    self._left.remove(fault)
                    return fault.failing
            return None

    def _read(self) -> None:
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return
        written = (found.st_mtime_ns, found.st_ino)  # two writes may share a tick of the file system's clock
        if written == self._read_at:
            return
        left: list[PlannedFault] = []
        for planned in json.loads(self._path.read_bytes()):
            fault = PlannedFault(**{**planned, "failing": Failing(planned["failing"])})
            left += [fault] * fault.count
        self._read_at, self._left = written, left  # a plan that cannot be read is read again: no call goes on without
