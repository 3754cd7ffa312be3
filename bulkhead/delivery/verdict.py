"""Whether a new version goes on, goes back, or waits: probes convict, users acquit (pure).

A probe that fails on the new version alone says at once that it is broken; that it passes says nothing of what it does
not touch. So only users' requests can acquit, by a sequential test against the version that stands. A minute in which
that one fails as well says nothing of either. See ADR 0024.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any, Final

from pydantic import TypeAdapter

from bulkhead.delivery.observed import NOTHING, Count, Minute, Probes
from bulkhead.delivery.scores import EARLY_MARGIN, MARGIN, Score, usual
from bulkhead.delivery.times import FEWEST, Pace

__all__ = ["Count", "Decision", "Evidence", "Minute", "Probes", "Terms", "Verdict", "together"]

LATE: Final = 5  # minutes until Cloudflare's analytics know what users met
WINDOW: Final = 10  # minutes within which failures of probes count together
CONVICTING: Final = 2  # probes that failed on the new version alone, net
_CONVICTING_UNCOMPARED: Final = 3  # minutes: without a twin, a minute in which the network failed looks the same
# While stable fails as well, either may be the one that a fault hits first: six more than four times stable's share is
# what happens to one of a hundred pairs of equals.
_CONVICTING_IN_TROUBLE: Final = 6
_TIMES_STABLE: Final = 4
_TROUBLE: Final = 0.1  # of stable's requests failed, and three times the usual: then whatever both need has failed
_TROUBLED_ERRORS: Final = 2
_DARK: Final = 10  # minutes on end in which another version answered than the one that was asked for
_SILENT: Final = 15  # minutes after which what users met is not late, but missing
_EVERYBODY: Final = 100  # percent
_UNTELLING: Final = 30  # minutes that tell nothing, from which on waiting will not help


class Verdict(StrEnum):
    ON = "on"
    BACK = "back"
    HOLD = "hold"  # nothing that is known decides it: traffic stays where it is, and a person is asked
    WAIT = "wait"


@dataclass(frozen=True, slots=True)
class Decision:
    """``convicts``: the new version was found bad, which any Worker of a release can say; the rest is for judges."""

    verdict: Verdict
    reason: str
    convicts: bool = False


@dataclass(frozen=True, slots=True)
class Terms:
    """What one step of a rollout has to show. ``share`` is the new version's, percent; ``least``, minutes that tell
    something. ``users`` says whether they decide, or probes alone do; ``last``, whether no step decides after it;
    ``way_back``, whether traffic can return to the version that stands; ``control``, whether that one can be asked
    beside the new one, or there is only what it showed before. ``patience`` is how many minutes more a step is given
    that nothing decides, before a person is asked."""

    step: str
    share: float
    least: int
    users: bool = True
    last: bool = False
    way_back: bool = True
    control: bool = True
    patience: int = 360

    @property
    def margin(self) -> float:
        return MARGIN if self.last else EARLY_MARGIN


@dataclass(frozen=True, slots=True)
class Asked:
    """The probes of one minute, without their times."""

    at: int
    asked: int
    new_alone: int
    stable_alone: int
    both: int
    unapplied: int

    @property
    def troubled(self) -> bool:
        return self.stable_alone + self.both > 0

    @property
    def tells(self) -> bool:
        """Whether both versions answered, and the one that stands as it should."""
        return self.asked > 0 and not self.unapplied and not self.troubled


_UNTESTED: Final = Score()
_ANY_PACE: Final = Pace()
_NOT_BEGUN: Final = Terms("not begun", 0, 0, users=False)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that a rollout has shown of one Worker. ``record`` is what stable showed, before it and since;
    ``edge_before`` the whole zone, before it. Both begin with what is known when the rollout begins.

    Of the step: its ``terms``, the first whole minute ``since`` its traffic was moved, the ``known`` minutes that tell
    something, and how many did not since the last of them, ``untelling``; how many were ``waited``, whatever they told;
    in how many on end an override was ``unapplied``. These are minutes that were told: while a run lies killed, nothing
    is missing, and no patience is lost. Of the rollout: the new version's ``errors``, those of the ``edge``, the
    ``pace``, the last minutes' ``asked`` probes, and the last minute that was ``probed``, ``counted``, and ``troubled``
    (stable's users)."""

    record: Count = NOTHING
    edge_before: Count = NOTHING
    terms: Terms = _NOT_BEGUN
    since: int = 0
    known: int = 0
    untelling: int = 0
    waited: int = 0
    unapplied: int = 0
    errors: Score = _UNTESTED
    edge: Score = _UNTESTED
    pace: Pace = _ANY_PACE
    asked: tuple[Asked, ...] = ()
    probed: int = -1
    counted: int = -1
    troubled: int = -2

    def entering(self, terms: Terms, at: int) -> Evidence:
        """Return the evidence at the beginning of a step, whose traffic was moved in the minute ``at``. What earlier
        steps showed can still convict; it acquits no longer."""
        errors, edge, pace = self.errors.anew(), self.edge.anew(), self.pace.entering()
        step = replace(self, terms=terms, since=at + 1, known=0, untelling=0, waited=0, unapplied=0)
        return replace(step, errors=errors, edge=edge, pace=pace)

    def after(self, minute: Minute) -> Evidence:
        """Return the evidence with what is now known of a minute. What was told before is not counted again."""
        told = self
        if minute.probes is not None and minute.at > self.probed:
            told = told._probed(minute.at, minute.probes)
        if minute.new is not None and minute.at > self.counted:
            told = told._counted(minute.at, minute.stable or NOTHING, minute.new, minute.edge or NOTHING)
        anew = minute.at >= self.since and max(told.probed, told.counted) > max(self.probed, self.counted)
        return replace(told, waited=told.waited + 1) if anew else told

    @property
    def decision(self) -> Decision:
        """What follows from all of it."""
        if guilty := self._guilty():
            if self.terms.way_back:
                return Decision(Verdict.BACK, guilty, convicts=True)
            return Decision(Verdict.HOLD, f"{guilty}, and there is no way back", convicts=True)
        if stuck := self._stuck():
            return Decision(Verdict.HOLD, stuck)
        if missing := next(self._missing(), ""):
            if self.waited >= self.terms.least + self.terms.patience:
                return Decision(Verdict.HOLD, f"nothing decided it in {self.waited} minutes: {missing}")
            return Decision(Verdict.WAIT, missing)
        return Decision(Verdict.ON, self._acquitted())

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON has it, for the journal."""
        return asdict(self)

    @staticmethod
    def of_json(document: Any) -> Evidence:
        """Return what ``as_json`` wrote. Raises ValueError for anything else."""
        return _ADAPTER.validate_python(document)

    def _probed(self, at: int, probes: Probes) -> Evidence:
        one = Asked(at, probes.asked, probes.new_alone, probes.stable_alone, probes.both, probes.unapplied)
        own = not self.terms.users and at >= self.since
        return replace(
            self,
            asked=(*self.asked[1 - 2 * WINDOW :], one),
            pace=self.pace.probed(probes.times),
            probed=at,
            unapplied=self.unapplied + 1 if one.unapplied else 0,
            known=self.known + (own and one.tells),
            untelling=(0 if one.tells else self.untelling + 1) if own else self.untelling,
        )

    def _counted(self, at: int, stable: Count, new: Count, edge: Count) -> Evidence:
        """Count a minute of users, unless stable failed in it, or beside it: faults do not begin at full minutes."""
        rate = usual(self.record)
        failing = stable.errors >= _TROUBLED_ERRORS and stable.rate > max(_TROUBLE, 3 * rate)
        troubled = at if failing else self.troubled
        own = self.terms.users and at >= self.since
        if at - troubled <= 1 or self._trouble_at(at, after=1):
            return replace(self, counted=at, troubled=troubled, untelling=self.untelling + own)
        margin = self.terms.margin if own else None
        record = self.record + stable
        zone = self.edge
        if self.edge_before.requests >= FEWEST:
            zone = zone.after(edge, usual(self.edge_before), margin)
        return replace(
            self,
            record=record,
            known=self.known + own,
            untelling=0 if own else self.untelling,
            errors=self.errors.after(new, usual(record), margin),
            edge=zone,
            pace=self.pace.counted(new, stable, record) if own else self.pace,
            counted=at,
        )

    def _trouble_at(self, at: int, after: int) -> bool:
        """Whether a probe failed on stable in the minute, in the one before, or in one ``after``."""
        return any(one.troubled and -1 <= one.at - at <= after for one in self.asked)

    def _guilty(self) -> str:
        """Say what sends the new version back, or nothing."""
        window = [one for one in self.asked if one.at > self.probed - WINDOW]
        if not self.terms.control:
            bad = sum(one.new_alone > 0 for one in window)
            if bad >= _CONVICTING_UNCOMPARED:
                return f"in {bad} of {WINDOW} minutes a probe failed, and there is no other version to compare it with"
        elif alone := sum(one.new_alone for one in window):
            stable = sum(one.stable_alone for one in window)
            calm = sum(one.new_alone for one in window if not self._trouble_at(one.at, after=0))
            if calm - stable >= CONVICTING or alone >= _CONVICTING_IN_TROUBLE + _TIMES_STABLE * stable:
                return (
                    f"{alone} times within {WINDOW} minutes a probe failed on the new version alone, {stable} times on "
                    "stable alone"
                )
        if self.errors.doubted:
            return f"the new version failed {self.errors.since}; stable failed {self.record}"
        if self.edge.doubted:
            return f"the zone answered 5xx to {self.edge.since}; before the rollout to {self.edge_before}"
        return self.pace.slow

    def _stuck(self) -> str:
        """Say why more waiting will not decide it, or nothing."""
        if self.unapplied >= _DARK:
            last = self.asked[-1]
            why = "the version override was not applied: " if self.terms.control else ""
            return f"for {self.unapplied} minutes {why}another version answered {last.unapplied} of {last.asked} probes"
        silent = sum(one.at > self.counted and one.at >= self.since for one in self.asked)
        if self.terms.users and silent >= _SILENT:
            return f"for {silent} minutes nothing is known of what users met"
        if self.untelling >= _UNTELLING:
            why = "stable failed as well" if self.terms.users else "stable failed as well, or did not answer probes"
            return f"nothing was to be told from {self.untelling} minutes, because {why}"
        return self._hopeless()

    def _hopeless(self) -> str:
        """Say that users are too few ever to acquit it, unless what they met rather convicts it."""
        seen, trust = self.errors.seen.requests, self.errors.trust
        if not self.terms.users or self.known < max(self.terms.least, _UNTELLING) or trust > 0 or self._by_probes:
            return ""
        missing = self.errors.missing(usual(self.record), self.terms.margin)
        if missing <= seen / self.known * (self.terms.least + self.terms.patience - self.waited):
            return ""
        return (
            f"{seen} requests reached the new version in {self.known} minutes; the {missing:.0f} more that it takes to "
            f"tell will not come within {self.terms.patience} minutes"
        )

    def _missing(self) -> Iterator[str]:
        """Say what must be seen before it goes on."""
        if self.known < max(1, self.terms.least):
            yield f"{self.known} of at least {max(1, self.terms.least)} minutes are known"
        if self.asked and self.asked[-1].unapplied:
            yield f"another version answered {self.asked[-1].unapplied} of {self.asked[-1].asked} probes"
        if any(one.new_alone for one in self.asked if one.at > self.probed - WINDOW):
            yield f"a probe failed on the new version{' alone' if self.terms.control else ''} within {WINDOW} minutes"
        if self.pace.suspected:
            yield self.pace.suspected
        if not self.terms.users or self._by_probes:
            return
        if not self.errors.trusted:
            yield f"the new version failed {self.errors.seen}, stable {self.record}: too few to tell them apart"
        if self.edge.seen.requests and not self.edge.trusted:
            yield f"the zone answered 5xx to {self.edge.seen}; before the rollout to {self.edge_before}"
        if self.terms.last and self.pace.untold:
            yield self.pace.untold

    @property
    def _by_probes(self) -> bool:
        """Whether probes alone end the step: everybody has the new version already, so nothing is promoted, and nobody
        ever asked. Where users came before, that none come now may be the very fault."""
        users = self.record.requests + self.errors.seen.requests + self.edge.seen.requests
        return self.terms.share == _EVERYBODY and not users and any(one.tells for one in self.asked[-WINDOW:])

    def _acquitted(self) -> str:
        if self._by_probes:
            return f"in {self.known} minutes no probe failed on the new version; nobody else asked, before it either"
        if not self.terms.users:
            return f"in {self.known} minutes no probe failed on the new version alone; users have not met it"
        told = f"; {self.pace.told}" if self.pace.told else ""
        return f"the new version failed {self.errors.seen}, stable {self.record}{told}"


def together(decisions: Mapping[str, Decision], judges: Collection[str]) -> Decision:
    """Return what follows from the decisions about several Workers that move as one: the gravest, and who says it. Any
    of them can convict the release; whether it goes on is for the ``judges``, whose users are enough to tell."""
    heard = {name: each for name, each in decisions.items() if each.convicts or name in judges}
    for verdict in (Verdict.BACK, Verdict.HOLD, Verdict.WAIT, Verdict.ON):
        saying = {name: each for name, each in heard.items() if each.verdict is verdict}
        if saying:
            said = "; ".join(f"{name}: {each.reason}" for name, each in saying.items())
            return Decision(verdict, said, any(each.convicts for each in saying.values()))
    raise ValueError("nobody decides")


_ADAPTER: Final[TypeAdapter[Evidence]] = TypeAdapter(Evidence)
