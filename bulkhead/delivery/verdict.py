"""Whether a new version goes on, goes back, or waits: probes convict, users acquit (pure).

A probe that fails on the new version alone says at once that it is broken; that it passes says nothing of what it does
not touch. So only users' requests can acquit, by a sequential test against the version that stands. A minute in which
that one fails as well says nothing of either.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

from pydantic import TypeAdapter

from bulkhead.delivery.observed import NOTHING, Count, Minute, Probes
from bulkhead.delivery.scores import Score, usual

__all__ = ["Count", "Decision", "Evidence", "Minute", "Probes", "Terms", "Verdict", "together"]

WINDOW: Final = 10  # minutes within which failures of probes count together
CONVICTING: Final = 2  # probes that failed on the new version alone, net


class Verdict(StrEnum):
    ON = "on"
    BACK = "back"
    HOLD = "hold"  # nothing that is known decides it: traffic stays where it is, and a person is asked
    WAIT = "wait"


@dataclass(frozen=True, slots=True)
class Decision:
    verdict: Verdict
    reason: str


@dataclass(frozen=True, slots=True)
class Terms:
    """What one step of a rollout has to show. ``share`` is the new version's, percent. ``users`` says whether they
    decide, or probes alone can; ``control``, whether the version that stands is still asked; ``way_back``, whether
    traffic can return to it. ``patience`` is when a step that nothing decides is handed to a person."""

    step: str
    share: float
    least: int
    users: bool = True
    control: bool = True
    way_back: bool = True
    patience: int = 360


@dataclass(frozen=True, slots=True)
class Asked:
    """The probes of one minute, without their times."""

    at: int
    asked: int
    new_alone: int
    stable_alone: int
    both: int
    unapplied: int


_UNTESTED: Final = Score()
_NOT_BEGUN: Final = Terms("not begun", 0, 0, users=False)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that a rollout has shown so far. ``before`` is what stable showed before it, ``edge_before`` the zone:
    without them the first minutes are held against half a percent of errors."""

    before: Count = NOTHING
    edge_before: Count = NOTHING
    terms: Terms = _NOT_BEGUN
    since: int = 0
    new: Count = NOTHING
    errors: Score = _UNTESTED
    asked: tuple[Asked, ...] = ()
    probed: int = -1
    counted: int = -1
    known: int = 0
    extra: Mapping[str, int] = field(default_factory=dict)

    def entering(self, terms: Terms, at: int) -> Evidence:
        """Return the evidence at the beginning of a step, whose traffic was moved in the minute ``at``. What earlier
        steps showed can still convict; it acquits no longer."""
        return replace(self, terms=terms, since=at + 1, new=Count(), errors=replace(self.errors, trust=0.0), known=0)

    def after(self, minute: Minute) -> Evidence:
        """Return the evidence with what is now known of a minute. What was told before is not counted again."""
        told = self
        if minute.probes is not None and minute.at > self.probed:
            told = told._probed(minute.at, minute.probes)
        if minute.new is not None and minute.at > self.counted:
            told = told._counted(minute.at, minute.stable or Count(), minute.new)
        return told

    @property
    def decision(self) -> Decision:
        """What follows from it now."""
        net = sum(each.new_alone - each.stable_alone for each in self.asked if each.at > self.probed - WINDOW)
        if net >= CONVICTING:
            return Decision(Verdict.BACK, f"{net} probes failed on the new version alone within {WINDOW} minutes")
        if self.errors.doubted:
            return Decision(Verdict.BACK, f"the new version failed {self.errors.since}, stable {self.before}")
        if self.known < self.terms.least:
            return Decision(Verdict.WAIT, f"{self.known} of at least {self.terms.least} minutes are known")
        if self.terms.users and not self.errors.trusted:
            return Decision(Verdict.WAIT, f"the new version failed {self.new}: too few to tell")
        return Decision(Verdict.ON, f"the new version failed {self.new}, stable {self.before}")

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON has it, for the journal."""
        found: dict[str, Any] = _ADAPTER.dump_python(self, mode="json")
        return found

    @staticmethod
    def of_json(document: Any) -> Evidence:
        """Return what ``as_json`` wrote. Raises ValueError for anything else."""
        return _ADAPTER.validate_python(document)

    def _probed(self, at: int, probes: Probes) -> Evidence:
        one = Asked(at, probes.asked, probes.new_alone, probes.stable_alone, probes.both, probes.unapplied)
        known = self.known if self.terms.users else self.known + 1
        return replace(self, asked=(*self.asked, one)[-2 * WINDOW :], probed=at, known=known)

    def _counted(self, at: int, stable: Count, new: Count) -> Evidence:
        own = at >= self.since
        return replace(
            self,
            before=self.before + stable,
            new=self.new + new if own else self.new,
            errors=self.errors.after(new, usual(self.before + stable), trusting=own),
            counted=at,
            known=self.known + 1 if own and self.terms.users else self.known,
        )


def together(decisions: Mapping[str, Decision]) -> Decision:
    """Return what follows from the decisions about several Workers that move as one: the gravest, and who says it."""
    for verdict in (Verdict.BACK, Verdict.HOLD, Verdict.WAIT, Verdict.ON):
        said = [f"{name}: {each.reason}" for name, each in decisions.items() if each.verdict is verdict]
        if said:
            return Decision(verdict, "; ".join(said))
    raise ValueError("nobody decides")


_ADAPTER: Final[TypeAdapter[Evidence]] = TypeAdapter(Evidence)
