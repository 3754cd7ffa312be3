"""How a stage's newest deployment stands (pure but for reading its journal): for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from bulkhead.delivery.journal import END, Entry, Journal, Run
from bulkhead.delivery.lease import Tenure
from bulkhead.delivery.orders import Order
from bulkhead.delivery.words import fact


class State(StrEnum):
    """What can be said of a run from outside."""

    RUNNING = "goes on"
    HALTED = "has not ended, and nobody goes on with it"
    ENDED = "has ended"


@dataclass(frozen=True, slots=True)
class Standing:
    """A run, and who has the stage: ``vacant`` says why nobody has it, None while somebody has."""

    run: Run
    entries: Sequence[Entry]
    orders: Sequence[Order]
    tenure: Tenure | None
    vacant: str | None

    @property
    def state(self) -> State:
        if self.run.ended:
            return State.ENDED
        return State.HALTED if self.tenure is None or self.vacant else State.RUNNING

    @property
    def given_back(self) -> bool:
        """Whether the process that ran it ended in good order: it waits for a person, and was not killed."""
        return self.state is State.HALTED and self.tenure is not None and self.tenure.released

    def last(self, name: str) -> str:
        """Return the newest fact of a name; "" where no entry has it."""
        return next((told for entry in reversed(self.entries) if (told := fact(entry, name))), "")

    def steps(self) -> Iterator[tuple[Entry, datetime | None]]:
        """Yield each entry and when the next one came; None for the last of a run that has not ended."""
        following = [entry.at for entry in self.entries[1:]]
        for entry, until in zip(self.entries, [*following, None], strict=True):
            yield entry, entry.at if entry.step == END else until

    def document(self) -> dict[str, Any]:
        """Return all of it for a program, times in UTC."""
        return {
            "run": self.run.id,
            "state": self.state.name.lower(),
            "outcome": self.run.ended,
            "entries": [
                {
                    "number": entry.number,
                    "step": entry.step,
                    "at": entry.at.isoformat(),
                    "by": str(entry.by),
                    "facts": dict(entry.facts),
                }
                for entry in self.entries
            ],
            "orders": [
                {"order": order.kind, "entry": order.entry, "at": order.at.isoformat(), "by": str(order.by)}
                for order in self.orders
            ],
            "lease": self.tenure
            and {
                "by": str(self.tenure.owner),
                "since": self.tenure.since.isoformat(),
                "until": self.tenure.until.isoformat(),
                "vacant": self.vacant,
            },
        }


def standing(journal: Journal) -> Standing | None:
    """Return how the newest run stands; None where there was none."""
    run = next(journal.runs(), None)
    if run is None:
        return None
    tenure, vacant = journal.tenure() or (None, None)
    orders = run.orders()  # first, so that the entry at which each was given is known
    return Standing(run, run.entries(), orders, tenure, vacant)
