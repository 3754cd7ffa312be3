"""Rules that end a simulated rollout: ours on the roads of delivery, Argo's and Flagger's on theirs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.rollout_world import World
from bulkhead.delivery.observed import Minute
from bulkhead.delivery.strategy import Strategy, road
from bulkhead.delivery.verdict import LATE, Evidence, Verdict
from bulkhead.model.settings.models import Rollout

ROLLOUT: Final = Rollout(strategy="canary", steps=(10, 50, 100), bake_minutes=10, watch_minutes=30)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a rollout ended, after how many minutes, at which share if it was held, and what its users met."""

    how: str
    minutes: int
    failed: int
    share: float = 0.0
    reason: str = ""


Rule = Callable[[World], Ended]


def ours(strategy: Strategy | None = None) -> Rule:
    """Return our rule: by the strategy that is proposed at the traffic, or by this one."""

    def run(world: World) -> Ended:
        record, zone = world.before()
        evidence = Evidence(record, zone)
        at, failed, told = 0, 0, dict[int, Minute]()
        for step in road(ROLLOUT, {"web": world.traffic}, (), strategy).steps:
            if step.terms is None:
                continue
            evidence = evidence.entering(step.terms, at - 1)
            while True:
                met = world.minute(at, step.new)
                failed += met.new_failed
                told[at] = met.minute
                evidence = evidence.after(Minute(at, probes=met.minute.probes))
                if late := told.pop(at - LATE, None):
                    evidence = evidence.after(Minute(late.at, late.stable, late.new, None, late.edge))
                at += 1
                decision = evidence.decision
                if decision.verdict is Verdict.ON:
                    break
                if decision.verdict is not Verdict.WAIT:
                    return Ended(decision.verdict.value, at, failed, step.new, decision.reason)
        return Ended("live", at, failed)

    return run


def _thresholds(bad_at: Callable[[Minute], bool | None], most: int, forget: bool = False) -> Rule:
    """Return a rule that goes back after ``most`` bad minutes; it sees each minute at once, as ours does not."""

    def run(world: World) -> Ended:
        world.before()
        at, failed, bad = 0, 0, 0
        for share in ROLLOUT.steps[:-1]:
            since = at
            bad = 0 if forget else bad
            while True:
                met = world.minute(at, share)
                failed += met.new_failed
                at += 1
                verdict = bad_at(met.minute)
                bad += verdict is True
                if bad >= most:
                    return Ended("back", at, failed, share)
                if at - since >= ROLLOUT.bake_minutes and not verdict:
                    break
        return Ended("live", at, failed)

    return run


def _over(limit: float, *, silent: bool) -> Callable[[Minute], bool]:
    def judge(minute: Minute) -> bool:
        new = minute.new
        return silent if new is None or not new.requests else new.rate > limit

    return judge


ARGO: Final = _thresholds(_over(0.05, silent=False), 4, forget=True)
FLAGGER: Final = _thresholds(_over(0.01, silent=True), 5)
RULES: Final[dict[str, Rule]] = {"ours": ours(), "Argo": ARGO, "Flagger": FLAGGER}


def tally(ended: Sequence[Ended], how: str) -> float:
    """Return in percent how many ended so."""
    return 100 * sum(each.how == how for each in ended) / max(1, len(ended))
