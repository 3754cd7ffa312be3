"""What a minute of a rollout showed, of the version that stands and of the new one beside it (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True)
class Count:
    """Users' requests. ``p95`` is the time in milliseconds that 95 of 100 needed at most, None where nobody knows.
    ``sample``: each request that was looked at stands for so many, because Cloudflare counts only some of a flood."""

    requests: int = 0
    errors: int = 0
    p95: float | None = None
    sample: float = 1.0

    def __add__(self, other: Count) -> Count:
        """Return both together. Quantiles cannot be added; their mean, weighted, is near enough to compare two."""
        p95 = self.p95 if other.p95 is None or not other.requests else other.p95
        if self.p95 is not None and other.p95 is not None and self.requests and other.requests:
            p95 = (self.p95 * self.requests + other.p95 * other.requests) / (self.requests + other.requests)
        return Count(self.requests + other.requests, self.errors + other.errors, p95, max(self.sample, other.sample))

    @property
    def rate(self) -> float:
        return self.errors / self.requests if self.requests else 0.0

    def __str__(self) -> str:
        return f"{self.errors} of {self.requests} requests ({100 * self.rate:.1f} %)"


NOTHING: Final = Count()


@dataclass(frozen=True, slots=True)
class Probes:
    """Probes that were asked of both versions at the same moment: how many failed on which. ``unapplied`` were answered
    by another version than the one that was asked for, and are counted nowhere else but in ``asked``. ``times`` are the
    milliseconds of those that passed on both, the new version's first."""

    asked: int = 0
    new_alone: int = 0
    stable_alone: int = 0
    both: int = 0
    unapplied: int = 0
    times: Mapping[str, tuple[float, float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Minute:
    """What is now known of the minute ``at`` (minutes since 1970). Probes are known at once; what users met is known
    minutes later, and comes as another Minute of the same ``at``. None is not known, which is not zero. ``edge`` are
    the replies of 5xx among all that the zone gave, whichever version they come from."""

    at: int
    stable: Count | None = None
    new: Count | None = None
    probes: Probes | None = None
    edge: Count | None = None
