"""Wald's sequential test: whether requests fail as often as they used to, or oftener by a margin (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import Final

from bulkhead.delivery.observed import NOTHING, Count

# What a version may not fail oftener by, as a share of requests, or else by as much as is usual. Early steps only keep
# out what would hurt many; the last one decides.
MARGIN: Final = 0.03
EARLY_MARGIN: Final = 0.05
_MISSED: Final = 0.01  # chance to trust a version that is worse by the margin
_WRONGED: Final = 0.001  # chance to doubt one that is not worse
TRUSTED: Final = log(_MISSED / (1 - _WRONGED))
# One test may end in doubt once; this one goes on as long as the rollout, thousands of requests, so it asks for more.
DOUBTED: Final = 10.0
_LEAST_USUAL: Final = 0.005  # or the second error that a service ever had would be a hundred times the usual
_LEAST_KNOWN: Final = 100  # requests that stand for that least rate until stable has shown its own


def usual(record: Count) -> float:
    """Return how often requests fail in any case, by what stable showed."""
    return min(0.5, max(_LEAST_USUAL, (record.errors + 0.5) / (record.requests + _LEAST_KNOWN)))


def needed(rate: float, margin: float) -> float:
    """Return after how many requests a version that fails as often as is usual is trusted, as a rule."""
    error, success = _weights(rate, margin)
    return TRUSTED / (rate * error + (1 - rate) * success)


def doubtful(rate: float, excess: float) -> float | None:
    """Return after how many requests a version that fails ``excess`` oftener is doubted; None where it may never be."""
    error, success = _weights(rate, MARGIN)
    fails = min(1.0, rate + excess)
    drift = fails * error + (1 - fails) * success
    return DOUBTED / drift if drift > 0 else None


@dataclass(frozen=True, slots=True)
class Score:
    """``trust`` falls with every request that succeeds, down to TRUSTED; ``doubt`` rises with every one that fails, and
    never falls below zero, so that a long good time buys a version that rots no time. ``seen`` is what trust rests on,
    ``since`` what was counted since there was no doubt."""

    trust: float = 0.0
    doubt: float = 0.0
    seen: Count = NOTHING
    since: Count = NOTHING

    def after(self, count: Count, rate: float, margin: float | None) -> Score:
        """Return the score after ``count``, where ``rate`` is usual. Without a ``margin``, only doubt can change."""
        if not count.requests:
            return self
        doubt = max(0.0, self.doubt + _moved(count, rate, MARGIN))
        since = self.since + count if doubt else NOTHING
        if margin is None:
            return Score(self.trust, doubt, self.seen, since)
        return Score(max(TRUSTED, self.trust + _moved(count, rate, margin)), doubt, self.seen + count, since)

    def anew(self) -> Score:
        """Return the score of a version that has to be trusted once more, and of which the same is suspected."""
        return Score(doubt=self.doubt, since=self.since)

    @property
    def trusted(self) -> bool:
        return self.trust <= TRUSTED

    @property
    def doubted(self) -> bool:
        return self.doubt >= DOUBTED

    def missing(self, rate: float, margin: float) -> float:
        """Return how many requests without an error must come before it is trusted."""
        return (TRUSTED - self.trust) / _weights(rate, margin)[1]


def _moved(count: Count, rate: float, margin: float) -> float:
    error, success = _weights(rate, margin)
    return (count.errors * error + (count.requests - count.errors) * success) / count.sample


def _weights(rate: float, margin: float) -> tuple[float, float]:
    """Return how much an error speaks for a version that is worse, and a success."""
    worse = min(0.95, rate + max(margin, rate))
    return log(worse / rate), log((1 - worse) / (1 - rate))
