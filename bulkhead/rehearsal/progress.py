"""The progress of a rehearsal; the command line shows it as a board, tests may collect it."""

from __future__ import annotations

from typing import Protocol

from bulkhead.engine.events import Event
from bulkhead.rehearsal.evidence import Verdict


class Progress(Protocol):
    """Its methods are called from several threads."""

    def note(self, text: str, style: str = "") -> None:
        """A line about the rehearsal as a whole."""

    def step(self, stage: str, doing: str) -> None:
        """What a stage is busy with now."""

    def done(self, stage: str, what: str, *, succeeded: bool = True) -> None:
        """How that ended."""

    def on_event(self, event: Event) -> None:
        """What the engine reports."""

    def verdict(self, verdict: Verdict) -> None:
        """One proof has been tried."""
