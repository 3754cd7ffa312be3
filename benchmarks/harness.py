"""The one harness of all benchmarks: runs in turn, medians, ratios of medians, and the limits they keep."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field
from typing import Any, Final

COLUMNS: Final = ("benchmark", "figure", "value", "min", "max", "runs", "limit", "kept")
_SMALL: Final = 0.1  # seconds; below, a person is shown milliseconds

Samples = Mapping[str, float]
"""What one run took: seconds, as a rule, by what they were taken for."""
Way = Callable[[], Samples]


@dataclass(frozen=True, slots=True)
class Ratio:
    """``over`` takes no more than ``limit`` times as long as ``under``. Each names samples, which are added."""

    what: str
    over: Sequence[str]
    under: Sequence[str]
    limit: float


@dataclass(frozen=True, slots=True)
class Benchmark:
    """What is measured, and what is promised of it.

    ``ways`` are run in turn (A B A B), ``rounds`` times; where they need something around them, they come out of a
    context. ``limits`` are promises by the name of a sample. ``unit`` is what all samples are in; "" where their names
    say it.
    """

    ways: Sequence[Way] | Callable[[], AbstractContextManager[Sequence[Way]]]
    rounds: int
    ratio: Ratio | None = None
    limits: Mapping[str, float] = field(default_factory=dict)
    unit: str = "s"


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the result: the median ``value`` in ``unit``, the least and the greatest that was seen, and the
    ``limit`` it must not exceed, if any. The unit is "" for a ratio, or where ``what`` says it; ``runs`` is the number
    of samples."""

    benchmark: str
    what: str
    value: float
    least: float
    greatest: float
    runs: int
    unit: str = ""
    limit: float | None = None

    @property
    def kept(self) -> bool | None:
        """Whether the limit is kept; None where there is none."""
        return None if self.limit is None else self.value <= self.limit

    def row(self) -> tuple[str, ...]:
        """Return the figure as a row under ``COLUMNS``."""
        shown = [_shown(number, self.unit) for number in (self.value, self.least, self.greatest)]
        limit = "" if self.limit is None else f"<= {_shown(self.limit, self.unit)}"
        kept = {None: "", True: "yes", False: "NO"}[self.kept]
        return (self.benchmark, self.what, *shown, str(self.runs), limit, kept)

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "kept": self.kept}


def measure(name: str, benchmark: Benchmark) -> list[Figure]:
    """Run every way in turn and return what that comes to. Raises Failed when something cannot be measured."""
    rounds = []
    with benchmark.ways() if callable(benchmark.ways) else nullcontext(benchmark.ways) as ways:
        for number in range(1, benchmark.rounds + 1):
            tell(f"round {number} of {benchmark.rounds}")
            rounds.append({what: seconds for way in ways for what, seconds in way().items()})
    return figures(name, benchmark, rounds)


def figures(name: str, benchmark: Benchmark, rounds: Sequence[Samples]) -> list[Figure]:
    """Return the ratio, if one is promised, and a figure for each kind of sample.

    Least and greatest of a ratio are the quotients of single rounds: what was run one after the other shared the load
    of the machine. Raises ValueError when something is promised that was not measured in every round.
    """
    ratio, limits = benchmark.ratio, benchmark.limits
    promised = {*limits, *(ratio.over if ratio else ()), *(ratio.under if ratio else ())}
    if unmeasured := sorted(what for what in promised if any(what not in samples for samples in rounds)):
        raise ValueError(f"{name} promises what it does not measure: {', '.join(unmeasured)}")
    found = []
    if ratio:
        over, under = ([sum(samples[what] for what in of) for samples in rounds] for of in (ratio.over, ratio.under))
        value = statistics.median(over) / statistics.median(under)
        quotients = [a / b for a, b in zip(over, under, strict=True)]
        found.append(_figure(name, ratio.what, value, quotients, "", ratio.limit))
    for what in dict.fromkeys(what for samples in rounds for what in samples):
        series = [samples[what] for samples in rounds if what in samples]
        found.append(_figure(name, what, statistics.median(series), series, benchmark.unit, limits.get(what)))
    return found


def tell(line: str) -> None:
    """Tell whoever waits how far this is."""
    print(f"  {line}", file=sys.stderr, flush=True)


def broken(figures: Iterable[Figure]) -> list[str]:
    """Return a sentence for every limit that is not kept."""
    return [
        f"{figure.benchmark}: {figure.what} is {_shown(figure.value, figure.unit)}, "
        f"its limit is {_shown(figure.limit or 0, figure.unit)}"
        for figure in figures
        if figure.kept is False
    ]


def _figure(name: str, what: str, value: float, seen: Sequence[float], unit: str, limit: float | None) -> Figure:
    return Figure(name, what, value, min(seen), max(seen), len(seen), unit, limit)


def _shown(value: float, unit: str) -> str:
    return f"{1000 * value:.2f} ms" if unit and abs(value) < _SMALL else f"{value:.2f} {unit}".strip()
