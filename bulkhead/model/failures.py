"""The error of a part of a run that failed. A user's own mistake is `bulkhead.model.faults.Refused` instead."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


class Failed(Exception):
    """Something did not do what it was asked to. Commands print it without a traceback and exit 1.

    ``summary`` is one sentence, ``details`` are lines of the failing part's own output, ``log`` is the file with all
    of its output.
    """

    def __init__(self, summary: str, details: Iterable[str] = (), log: Path | None = None) -> None:
        self.summary = summary
        self.details = tuple(details)
        self.log = log
        lines = [summary, *(f"  {detail}" for detail in self.details), *([f"  log: {log}"] if log else [])]
        super().__init__("\n".join(lines))


def last_lines(output: Iterable[str], most: int = 12) -> tuple[str, ...]:
    """Return the last ``most`` lines that are not blank of a program's output."""
    return tuple(line for line in output if line.strip())[-most:]


def tail(log: Path, lines: int = 20) -> tuple[str, ...]:
    """Return the last lines of a log, none when it does not exist."""
    if not log.exists():
        return ()
    return tuple(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
