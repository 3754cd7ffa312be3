"""Faults that a user has to mend before a command can go on (pure): one shape for every room and command."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: where it is (``file`` and ``key``), what rule it breaks and what that would cause (``message``),
    and the command or edit that mends it (``fix``). Never holds a secret's value."""

    key: str
    message: str
    fix: str = ""
    file: str = ""

    def __str__(self) -> str:
        place = ": ".join(part for part in (self.file, self.key) if part)
        line = f"{place}: {self.message}" if place else self.message
        return f"{line}\n      fix: {self.fix}" if self.fix else line


class Refused(Exception):
    """A user's mistake, with every fault at once. Commands print it without a traceback and exit 1."""

    def __init__(self, summary: str, faults: Iterable[Fault] = ()) -> None:
        self.summary = summary
        self.faults = tuple(faults)
        super().__init__("\n".join([summary, *(f"  - {fault}" for fault in self.faults)]))
