"""Simulated services with a new version that is good, or bad in one of many ways, minute by minute."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from statistics import NormalDist
from typing import Final

from bulkhead.delivery.observed import Count, Minute, Probes

PROBES: Final = 6
BEFORE: Final = 3000  # requests of stable that are known when a rollout begins, or those of a day
_EVERYBODY: Final = 100.0
_SCATTER: Final = 0.8  # of the logarithm of users' times
_NAMES: Final = tuple(f"probe-{number}" for number in range(PROBES))
_COVERED: Final = 0.7  # chance that a probe touches what is broken
_NORMAL: Final = NormalDist()

# How often each is drawn. The rule was fitted to none of the last seven.
GOOD: Final = ("good", "good", "good", "good: hiccup", "good: often fails", "good: drift", "good: flaky probes")
BAD: Final = (
    "dead",
    "one route",
    "low rate",
    "rots",
    "rots late",
    "one method",
    "bursts",
    "under load",
    "answers 500",
    "slow",
    "slow route",
)


@dataclass(frozen=True, slots=True)
class Met:
    """What one minute showed. ``new_failed`` are all requests that the new version failed, those which its own
    analytics do not know included."""

    minute: Minute
    new_failed: int


class World:
    """One service of so many requests a minute. What happens in it follows from the seed alone."""

    def __init__(self, kind: str, traffic: float, seed: int) -> None:
        self.kind, self.traffic, self.random = kind, traffic, Random(seed)
        draw = self.random
        self.usual = 0.05 if kind == "good: often fails" else draw.choice((0.0, 0.001, 0.01))
        self.hiccup = draw.randrange(180) if kind == "good: hiccup" or draw.random() < 0.25 else -100
        self.hidden = draw.random() >= (0.3 if kind == "one method" else _COVERED)
        self.part = draw.uniform(*_PARTS.get(kind, (0.0, 0.0)))
        self.start = draw.randrange(15, 25) if kind == "rots" else draw.randrange(25, 35)
        self.every = draw.randrange(8, 20)
        self.typical = draw.uniform(30, 300)
        self.factor = draw.uniform(*_FACTORS[kind]) if kind in _FACTORS else draw.uniform(0.9, 1.15)
        self.scatter = draw.uniform(0.1, 0.5)  # of the logarithm of a probe's times
        self.of_probes = [self.typical * draw.uniform(0.4, 1.5) for _ in _NAMES]
        self.slow_share = 1.0 if kind != "slow route" else self.part
        self.ahead = _p95(self.factor, self.slow_share)

    def before(self) -> tuple[Count, Count]:
        """Return what stable and the zone showed before the rollout."""
        requests = _poisson(self.random, min(BEFORE, self.traffic * 24 * 60))
        record = Count(requests, _binomial(self.random, requests, self.usual), self._time(requests, 1.0))
        return record, record

    def minute(self, at: int, share: float) -> Met:
        """Return what the minute shows when the new version has ``share`` percent."""
        draw = self.random
        stable_rate, failing, hidden_failing = self._rates(at, share)
        new_requests = _poisson(draw, self.traffic * share / _EVERYBODY)
        stable_requests = _poisson(draw, self.traffic * (1 - share / _EVERYBODY))
        stable = Count(stable_requests, _binomial(draw, stable_requests, stable_rate), self._time(stable_requests, 1.0))
        errors = _binomial(draw, new_requests, stable_rate + (1 - stable_rate) * failing)
        returned = _binomial(draw, new_requests - errors, hidden_failing)
        new = Count(new_requests, errors, self._time(new_requests, self.ahead))
        edge = Count(new_requests + stable_requests, stable.errors + errors + returned)
        return Met(Minute(at, stable, new, self._probes(at, failing + hidden_failing), edge), errors + returned)

    def _rates(self, at: int, share: float) -> tuple[float, float, float]:
        """Return how often stable fails, how often the new version does beyond that, and how often it answers 500."""
        usual = self.usual * (1 + at / 360 if self.kind == "good: drift" else 1)
        if self.hiccup <= at < self.hiccup + 5:
            usual = max(usual, 0.4)
        match self.kind:
            case "dead":
                return usual, 1.0, 0.0
            case "rots" | "rots late":
                return usual, min(0.5, max(0, at - self.start) * (0.01 if self.kind == "rots" else 0.02)), 0.0
            case "bursts":
                return usual, float(at % self.every == 0), 0.0
            case "under load":
                return usual, self.part * share / _EVERYBODY, 0.0
            case "answers 500":
                return usual, 0.0, self.part
            case "one route" | "low rate" | "one method":
                return usual, self.part, 0.0
        return usual, 0.0, 0.0

    def _probes(self, at: int, failing: float) -> Probes:
        draw = self.random
        stable_fails = 0.4 if self.hiccup <= at < self.hiccup + 5 else 0.0
        if self.kind == "good: flaky probes":
            stable_fails = max(stable_fails, 0.0005)
        new_alone = stable_alone = both = 0
        times = {}
        broken = self.kind in {"one route", "one method", "slow route", "answers 500"}
        for number, name in enumerate(_NAMES):
            touched = number == 0 if broken else True
            fails = 0.0 if self.hidden and self.kind != "dead" else failing
            new = touched and fails > 0 and (broken or draw.random() < fails)
            old = False
            if stable_fails:
                new, old = new or draw.random() < stable_fails, draw.random() < stable_fails
            new_alone, stable_alone, both = new_alone + (new > old), stable_alone + (old > new), both + (new and old)
            if not (new or old):
                slow = self.factor if touched and not ("slow" in self.kind and self.hidden) else 1.0
                base, scatter = self.of_probes[number], self.scatter
                times[name] = (
                    base * slow * _POOL[int(draw.random() * 4096)] ** scatter,
                    base * _POOL[int(draw.random() * 4096)] ** scatter,
                )
        return Probes(PROBES, new_alone, stable_alone, both, times=times)

    def _time(self, requests: int, factor: float) -> float | None:
        """Return a p95 of so many requests: of few, it is about the slowest of them."""
        if not requests:
            return None
        shift = _Z95 if requests >= 20 else _FEW[requests]
        return (
            self.typical * factor * math.exp(_SCATTER * (shift + self.random.gauss(0, 2.1 / math.sqrt(requests + 3))))
        )


_PARTS: Final[Mapping[str, tuple[float, float]]] = {
    "one route": (0.05, 0.3),
    "low rate": (0.03, 0.2),
    "one method": (0.03, 0.2),
    "under load": (0.1, 0.5),
    "answers 500": (0.05, 0.5),
    "slow route": (0.1, 0.4),
}
_FACTORS: Final = {"slow": (2.0, 5.0), "slow route": (4.0, 8.0)}
_Z95: Final = _NORMAL.inv_cdf(0.95)
_FEW: Final = [0.0, *(_NORMAL.inv_cdf(min(0.95, number / (number + 1))) for number in range(1, 20))]
_RANDOM: Final = Random(1)
_POOL: Final = [math.exp(_RANDOM.gauss(0, 1)) for _ in range(4096)]


def _p95(factor: float, share: float) -> float:
    """Return how much longer 95 of 100 wait when ``share`` of the requests takes ``factor`` times as long."""
    low, high = 1.0, max(1.0, factor)
    if share == 1.0:
        return factor
    for _ in range(40):
        middle = (low + high) / 2
        at = math.log(middle) / _SCATTER + _Z95
        slower = (1 - share) * (1 - _NORMAL.cdf(at)) + share * (1 - _NORMAL.cdf(at - math.log(factor) / _SCATTER))
        low, high = (middle, high) if slower > 0.05 else (low, middle)
    return low


def _poisson(draw: Random, mean: float) -> int:
    if mean > 30:
        return max(0, round(draw.gauss(mean, math.sqrt(mean))))
    limit, product, found = math.exp(-mean), draw.random(), 0
    while product > limit:
        product *= draw.random()
        found += 1
    return found


def _binomial(draw: Random, number: int, chance: float) -> int:
    if chance <= 0 or not number:
        return 0
    if chance >= 1:
        return number
    if number * chance * (1 - chance) > 20:
        mean = number * chance
        return min(number, max(0, round(draw.gauss(mean, math.sqrt(mean * (1 - chance))))))
    found, place, scale = 0, -1, math.log(1 - chance)  # leap from one success to the next
    while True:
        place += 1 + int(math.log(1 - draw.random()) / scale)
        if place >= number:
            return found
        found += 1
