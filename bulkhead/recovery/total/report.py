"""What a recovery took, against what was promised (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from bulkhead.recovery.total.plan import Plan
from bulkhead.recovery.total.record import Done, Record
from jobs.vault import minutes

_SLOWEST: Final = 2


@dataclass(frozen=True, slots=True)
class Measured:
    """One recovery, over or not. Both times count from the loss: so do users."""

    plan: Plan
    done: Sequence[Done]

    @property
    def ended(self) -> datetime:
        return max((each.ended for each in self.done), default=self.plan.lost_at)

    @property
    def rto_minutes(self) -> float:
        """How long nobody was served."""
        return minutes(self.plan.lost_at, self.ended)

    @property
    def rpo_minutes(self) -> float:
        """How much of what was written is gone."""
        return self.plan.lost_minutes

    @property
    def slowest(self) -> list[Done]:
        return sorted(self.done, key=lambda each: -each.seconds)[:_SLOWEST]

    @property
    def missed(self) -> list[str]:
        """The goals that were not met, or that another day would not be."""
        plan, found = self.plan, list[str]()
        if plan.rto_goal is not None and self.rto_minutes > plan.rto_goal:
            found.append(f"RTO: {self.rto_minutes:.1f} minutes, and the goal is {plan.rto_goal}")
        if plan.rpo_missed:
            found.append(plan.rpo_missed)
        return found

    def told(self) -> list[str]:
        """Return it in lines, for people."""
        goals = {"RTO": (self.rto_minutes, self.plan.rto_goal), "RPO": (self.rpo_minutes, self.plan.rpo_goal)}
        lines = [
            f"{name}: {took:.1f} minutes" + (f" (goal: {goal})" if goal is not None else " (no goal)")
            for name, (took, goal) in goals.items()
        ]
        slow = ", ".join(f"{each.step} {each.seconds:.1f} s" for each in self.slowest)
        return [*lines, f"slowest: {slow}", *(f"missed: {each}" for each in self.missed)]

    def document(self) -> dict[str, Any]:
        return {
            "stage": self.plan.stage,
            "rto_minutes": round(self.rto_minutes, 2),
            "rpo_minutes": round(self.rpo_minutes, 2),
            "goals": {"rto_minutes": self.plan.rto_goal, "rpo_minutes": self.plan.rpo_goal},
            "missed": self.missed,
            "slowest": [{"step": each.step, "seconds": round(each.seconds, 2)} for each in self.slowest],
            "steps": [{"step": each.step, "seconds": round(each.seconds, 2), "said": each.said} for each in self.done],
            "lost": list(self.plan.gone),
            "by_hand": list(self.plan.by_hand),
        }


def expected(record: Record) -> str:
    """Return how long a recovery took before, as far as this checkout knows."""
    for last in reversed(record.aside()):
        if plan := last.plan():
            done = tuple(last.done().values())
            worked = sum(each.seconds for each in done) / 60
            took = Measured(plan, done).rto_minutes
            return f"the last recovery took {took:.0f} minutes, of which {worked:.0f} in its steps"
    return "no recovery is on record here: nobody knows how long it takes (make gameday plays one on this machine)"
