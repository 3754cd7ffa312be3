"""Rules that end a simulated rollout: ours on the road that delivery takes, and Argo's and Flagger's on a canary."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from benchmarks.rollout_world import Met, World
from bulkhead.delivery.observed import Minute
from bulkhead.delivery.strategy import Load, Strategy, road
from bulkhead.delivery.verdict import LATE, Evidence, Verdict
from bulkhead.model.settings.models import Rollout

ROLLOUT: Final = Rollout(strategy="canary", steps=(10, 50, 100), bake_minutes=10, watch_minutes=30)  # production's
LIVE: Final = "live"


@dataclass(frozen=True, slots=True)
class Ended:
    """How a rollout ended (live, back or hold), after how many minutes, and how many requests it has failed."""

    how: str
    minutes: int
    failed: int
    reason: str = ""


Rule = Callable[[World], Ended]


def ours(strategy: Strategy | None = None) -> Rule:
    """Return our rule, by the strategy that is proposed at the traffic, or by this one."""

    def run(world: World) -> Ended:
        record = world.before()
        evidence = Evidence(record, record)
        at, failed = 0, 0
        late: dict[int, Minute] = {}
        for step in road(ROLLOUT, {"web": Load(world.traffic, record)}, (), strategy).steps:
            if step.terms is None:
                continue
            evidence = evidence.entering(step.terms, at - 1)
            while (decision := evidence.decision).verdict is Verdict.WAIT:
                met = world.minute(at, step.new)
                failed += met.failed
                late[at] = met.minute
                evidence = evidence.after(Minute(at, probes=met.minute.probes))
                if users := late.pop(at - LATE, None):
                    evidence = evidence.after(Minute(users.at, users.stable, users.new, edge=users.edge))
                at += 1
            if decision.verdict is not Verdict.ON:
                return Ended(decision.verdict.value, at, failed, decision.reason)
        return Ended(LIVE, at, failed)

    return run


def _thresholds(limit: float, most: int, *, silence_fails: bool, each_step: bool) -> Rule:
    """Return a rule that goes back after ``most`` minutes with more errors than ``limit``. It sees users' requests at
    once and by version, answers of 500 included, which Cloudflare would not tell it. It asks no probe and no clock."""

    def fails(met: Met) -> bool:
        requests = met.minute.new.requests if met.minute.new else 0
        return met.errors / requests > limit if requests else silence_fails

    def run(world: World) -> Ended:
        world.before()
        at, failed, bad = 0, 0, 0
        for share in ROLLOUT.steps[:-1]:
            since, bad = at, 0 if each_step else bad
            while True:
                met = world.minute(at, share)
                failed += met.failed
                at += 1
                failing = fails(met)
                bad += failing
                if bad >= most:
                    return Ended("back", at, failed)
                if at - since >= ROLLOUT.bake_minutes and not failing:
                    break
        return Ended(LIVE, at, failed)

    return run


# Argo Rollouts: an AnalysisRun per step, successCondition on the error rate, failureLimit 3, no data is no failure.
ARGO: Final = _thresholds(0.05, 4, silence_fails=False, each_step=True)
# Flagger: request-success-rate of at least 99 %, threshold 5 failed checks in all, no data is a failed check.
FLAGGER: Final = _thresholds(0.01, 5, silence_fails=True, each_step=False)
RULES: Final[dict[str, Rule]] = {"ours": ours(), "Argo": ARGO, "Flagger": FLAGGER}
