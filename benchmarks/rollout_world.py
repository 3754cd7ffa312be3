"""Simulated services with a new version that is good, or bad in one of many ways, minute by minute."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from statistics import NormalDist
from typing import Final

from bulkhead.delivery.observed import NOTHING, Count, Minute, Probes

# Drawn equally often. The figures of the rule were chosen with the first eleven bad ones in view, and with other seeds
# than those which are measured; the last two came afterwards.
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
    "slows down",
    "spoils what both need",
)
_BROKEN: Final[Mapping[str, tuple[float, float]]] = {  # the share of requests that it is about
    "one route": (0.05, 0.3),
    "low rate": (0.03, 0.2),
    "one method": (0.03, 0.2),
    "under load": (0.1, 0.5),
    "answers 500": (0.05, 0.5),
    "slow route": (0.1, 0.4),
}
_LONGER: Final = {"slow": (2.0, 5.0), "slow route": (4.0, 8.0)}
_SLOW: Final = {*_LONGER, "slows down"}
_GOOD_LONGER: Final = (0.9, 1.15)
_ONE_PROBE: Final = {"one route", "one method", "slow route", "answers 500"}  # touch it, or none does
_UNTOUCHED: Final = {"one method": 0.7}  # chance that no probe touches it: probes of production only read
_UNTOUCHED_ELSE: Final = 0.3
_HICCUP: Final = 0.25  # chance of one within three hours: what both versions need fails for minutes
_HICCUP_FAILS: Final = 0.4
_HICCUP_MINUTES: Final = 5

_PROBES: Final = tuple(f"probe-{number}" for number in range(6))
_BEFORE: Final = 3000  # requests of stable that are known when a rollout begins, or those of a day
_DAY: Final = 24 * 60
_EVERYBODY: Final = 100.0
_SCATTER: Final = 0.8  # of the logarithm of users' times
_FEW: Final = 20  # requests; of fewer, the slowest is the p95
_MANY: Final = 30.0  # expected, from which on a count is drawn as a normal one
_TAIL: Final = 0.05
_NORMAL: Final = NormalDist()
_Z95: Final = _NORMAL.inv_cdf(1 - _TAIL)
_Z95_NOISE: Final = 2.1  # divided by the root of the requests
_RANDOM: Final = Random(1)
_POOL: Final = [math.exp(_RANDOM.gauss(0, 1)) for _ in range(4096)]


@dataclass(frozen=True, slots=True)
class Met:
    """What one minute showed. ``failed`` are the requests that the new version failed beyond what is usual, ``errors``
    all of them: a proxy in front of it would count those which it answers with 500, while its own analytics do not."""

    minute: Minute
    failed: int
    errors: int


class World:
    """One service of so many requests a minute. What is true of it follows from the seed alone."""

    def __init__(self, kind: str, traffic: float, seed: int) -> None:
        self.kind, self.traffic, self.random = kind, traffic, Random(seed)
        draw = self.random
        self.usual = 0.05 if kind == "good: often fails" else draw.choice((0.0, 0.001, 0.01))
        self.hiccup = draw.randrange(180) if kind == "good: hiccup" or draw.random() < _HICCUP else -_DAY
        self.hidden = draw.random() < _UNTOUCHED.get(kind, _UNTOUCHED_ELSE)
        self.part = draw.uniform(*_BROKEN.get(kind, (1.0, 1.0)))
        self.start = draw.randrange(15, 25) if kind in {"rots", "slows down"} else draw.randrange(25, 35)
        self.every = draw.randrange(8, 20)
        self.typical = draw.uniform(30, 300)
        self.longer = draw.uniform(*_LONGER.get(kind, _GOOD_LONGER))
        self.longer_part = self.part if kind in _LONGER else 1.0
        self.longer_p95 = _p95(self.longer, self.longer_part)
        self.scatter = draw.uniform(0.1, 0.5)  # of the logarithm of a probe's times
        self.of_probes = [self.typical * draw.uniform(0.4, 1.5) for _ in _PROBES]

    def before(self) -> Count:
        """Return what stable, and the zone with it, showed before the rollout."""
        record = NOTHING
        for _ in range(math.ceil(min(_DAY, _BEFORE / self.traffic))):
            requests = _poisson(self.random, self.traffic)
            record += Count(requests, _binomial(self.random, requests, self.usual), self._time(requests))
        return record

    def minute(self, at: int, share: float) -> Met:
        """Return what the minute shows when the new version has ``share`` percent."""
        draw = self.random
        usual = self.usual * (1 + at / 360 if self.kind == "good: drift" else 1)
        if self.hiccup <= at < self.hiccup + _HICCUP_MINUTES:
            usual = max(usual, _HICCUP_FAILS)
        spoilt = min(0.5, max(0, at - self.start) * 0.02) if self.kind == "spoils what both need" else 0.0
        usual = max(usual, spoilt)
        if self.kind == "slows down":
            self.longer = self.longer_p95 = min(5.0, 1 + max(0, at - self.start) * 0.05)
        throws, returns = self._failing(at, share)
        to_new = _poisson(draw, self.traffic * share / _EVERYBODY)
        to_stable = _poisson(draw, self.traffic * (1 - share / _EVERYBODY))
        stable = Count(to_stable, _binomial(draw, to_stable, usual), self._time(to_stable))
        as_usual = _binomial(draw, to_new, usual)
        thrown = _binomial(draw, to_new - as_usual, throws)
        returned = _binomial(draw, to_new - as_usual - thrown, returns)
        new = Count(to_new, as_usual + thrown, self._time(to_new, new=True))
        edge = Count(to_new + to_stable, stable.errors + new.errors + returned)
        return Met(
            Minute(at, stable, new, self._probes(at, throws + returns, spoilt), edge),
            thrown + returned,
            new.errors + returned,
        )

    def _failing(self, at: int, share: float) -> tuple[float, float]:
        """Return how often the new version throws where stable does not, and how often it answers 500."""
        match self.kind:
            case "rots" | "rots late":
                return min(0.5, max(0, at - self.start) * (0.01 if self.kind == "rots" else 0.02)), 0.0
            case "bursts":
                return float(at % self.every == 0), 0.0
            case "under load":
                return self.part * share / _EVERYBODY, 0.0
            case "answers 500":
                return 0.0, self.part
            case "dead" | "one route" | "low rate" | "one method":
                return self.part, 0.0
        return 0.0, 0.0

    def _probes(self, at: int, failing: float, spoilt: float) -> Probes:
        draw, one = self.random, self.kind in _ONE_PROBE
        either = _HICCUP_FAILS if self.hiccup <= at < self.hiccup + _HICCUP_MINUTES else 0.0
        if self.kind == "good: flaky probes":
            either = max(either, 0.0005)
        either = max(either, 0.0 if self.hidden else spoilt)
        hidden = self.hidden and self.kind != "dead"
        new_alone = stable_alone = both = 0
        times = {}
        for number, (name, base) in enumerate(zip(_PROBES, self.of_probes, strict=True)):
            touched = not hidden and (number == 0 or not one)
            new = touched and failing > 0 and (one or draw.random() < failing)
            old = False
            if either:
                new, old = new or draw.random() < either, draw.random() < either
            new_alone, stable_alone, both = new_alone + (new > old), stable_alone + (old > new), both + (new and old)
            if not (new or old):
                longer = self.longer if touched or self.kind not in _SLOW else 1.0
                times[name] = base * longer * self._scattered(self.scatter), base * self._scattered(self.scatter)
        return Probes(len(_PROBES), new_alone, stable_alone, both, times=times)

    def _time(self, requests: int, *, new: bool = False) -> float | None:
        """Return a p95 of so many requests."""
        if not requests:
            return None
        if requests >= _FEW:
            noise = self.random.gauss(0, _Z95_NOISE / math.sqrt(requests))
            return self.typical * (self.longer_p95 if new else 1.0) * math.exp(_SCATTER * (_Z95 + noise))
        return self.typical * max(self._longer(new) * self._scattered(_SCATTER) for _ in range(requests))

    def _longer(self, new: bool) -> float:
        return self.longer if new and (self.longer_part >= 1 or self.random.random() < self.longer_part) else 1.0

    def _scattered(self, scatter: float) -> float:
        return float(_POOL[int(self.random.random() * len(_POOL))] ** scatter)


def _p95(longer: float, part: float) -> float:
    """Return how much longer 95 of 100 wait when a part of the requests takes longer."""
    if part >= 1:
        return longer
    low, high = 1.0, longer
    for _ in range(40):
        middle = (low + high) / 2
        at = math.log(middle) / _SCATTER + _Z95
        over = (1 - part) * (1 - _NORMAL.cdf(at)) + part * (1 - _NORMAL.cdf(at - math.log(longer) / _SCATTER))
        low, high = (middle, high) if over > _TAIL else (low, middle)
    return low


def _poisson(draw: Random, mean: float) -> int:
    if mean > _MANY:
        return max(0, round(draw.gauss(mean, math.sqrt(mean))))
    limit, product, found = math.exp(-mean), draw.random(), 0
    while product > limit:
        product *= draw.random()
        found += 1
    return found


def _binomial(draw: Random, number: int, chance: float) -> int:
    if chance <= 0 or number <= 0:
        return 0
    if chance >= 1:
        return number
    mean = number * chance
    if mean * (1 - chance) > _MANY:
        return min(number, max(0, round(draw.gauss(mean, math.sqrt(mean * (1 - chance))))))
    found, place, scale = 0, -1, math.log(1 - chance)  # leap from one that fails to the next
    while True:
        place += 1 + int(math.log(1 - draw.random()) / scale)
        if place >= number:
            return found
        found += 1
