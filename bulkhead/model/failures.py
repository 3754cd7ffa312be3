"""What is said when a part of a run fails (pure). A person's own mistake is `bulkhead.model.faults.Refused` instead."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


class Failed(Exception):
    """Something did not do what it was asked to. Commands print it without a traceback and exit 1.

    ``summary`` is one sentence, ``details`` the failing part's own words, ``log`` the file that holds everything it
    said.
    """

    def __init__(self, summary: str, details: Iterable[str] = (), log: Path | None = None) -> None:
        self.summary = summary
        self.details = tuple(details)
        self.log = log
        lines = [summary, *(f"  {detail}" for detail in self.details), *([f"  log: {log}"] if log else [])]
        super().__init__("\n".join(lines))


def last_lines(said: Iterable[str], most: int = 12) -> tuple[str, ...]:
    """Return the last lines, blank ones left out, of what a program said before it failed."""
    return tuple(line for line in said if line.strip())[-most:]


def tail(log: Path, lines: int = 20) -> tuple[str, ...]:
    """Return the last lines of a log, none when it does not exist."""
    if not log.exists():
        return ()
    return tuple(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
