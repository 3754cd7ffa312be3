"""What the rule of a rollout lets through and sends back, in 10,000 simulated ones, beside Argo's and Flagger's."""

from __future__ import annotations

import os
import statistics
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Final

from benchmarks.harness import Benchmark, Samples
from benchmarks.rollout_rules import LIVE, RULES, Ended
from benchmarks.rollout_world import BAD, GOOD, World

TRAFFIC: Final = (1, 5, 15, 50, 500)  # requests a minute
_EACH: Final = 2000  # rollouts of each traffic
_SEED: Final = 20261130
_HOUR: Final = 60.0
BAD_LIVE: Final = 1.0  # percent, at every traffic
GOOD_BACK: Final = 5.0  # percent, from 15 requests a minute up


def simulate(each: int, traffic: Sequence[float] = TRAFFIC) -> dict[str, float]:
    """Return how ``each`` rollouts, half of them good, end at every traffic, by every rule on the same services."""
    found: dict[str, float] = {}
    with ProcessPoolExecutor(os.cpu_count()) as workers:
        for minute in traffic:
            for rule in RULES:
                jobs = [(rule, minute, number) for number in range(each)]
                good: list[Ended] = []
                bad: list[Ended] = []
                for number, ended in enumerate(workers.map(_run, jobs, chunksize=max(1, each // 64))):
                    (good if number % 2 else bad).append(ended)
                found |= {f"{minute:g}/min, {rule}: {what}": value for what, value in _told(good, bad)}
    return found


def kind(number: int) -> str:
    """Return what the new version of a rollout is like."""
    of = GOOD if number % 2 else BAD
    return of[number // 2 % len(of)]


def _run(job: tuple[str, float, int]) -> Ended:
    rule, traffic, number = job
    return RULES[rule](World(kind(number), traffic, _SEED + number))


def _told(good: Sequence[Ended], bad: Sequence[Ended]) -> Iterator[tuple[str, float]]:
    yield "bad live, %", _percent(bad, LIVE)
    yield "good sent back, %", _percent(good, "back")
    if any(each.how == "hold" for each in (*good, *bad)):
        yield "bad held, %", _percent(bad, "hold")
        yield "good held, %", _percent(good, "hold")
    if live := [each.minutes / _HOUR for each in good if each.how == LIVE]:
        yield "hours until good ones are live", statistics.median(live)
    if back := [each.minutes / _HOUR for each in bad if each.how == "back"]:
        yield "hours until bad ones are back", statistics.median(back)
    yield "requests that a bad one failed", statistics.mean(each.failed for each in bad)


def _percent(ended: Sequence[Ended], how: str) -> float:
    return 100 * sum(each.how == how for each in ended) / len(ended)


def _all() -> Samples:
    return simulate(_EACH)


BENCHMARK: Final = Benchmark(
    [_all],
    rounds=1,
    unit="",
    limits={
        **{f"{minute}/min, ours: bad live, %": BAD_LIVE for minute in TRAFFIC},
        **{f"{minute}/min, ours: good sent back, %": GOOD_BACK for minute in TRAFFIC if minute >= 15},  # noqa: PLR2004
    },
)
