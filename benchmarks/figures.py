"""What a benchmark comes to (pure): samples taken in turn, ratios of their medians, and the limits they keep."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

T = TypeVar("T")

COLUMNS = ("benchmark", "figure", "value", "min", "max", "runs", "limit", "kept")


@dataclass(frozen=True, slots=True)
class Series:
    """Samples of one unit, in the order in which they were taken. Raises ValueError when there is none."""

    samples: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.samples:
            raise ValueError("a series has at least one sample")

    @property
    def median(self) -> float:
        return statistics.median(self.samples)


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the result: ``value`` in ``unit`` ("" for a ratio), the least and the greatest that was seen, and the
    ``limit`` it must not exceed, if any. ``runs`` is the number of samples."""

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


def measured(benchmark: str, what: str, series: Series, unit: str, limit: float | None = None) -> Figure:
    """Return the median of ``series`` as a figure."""
    samples = series.samples
    return Figure(benchmark, what, series.median, min(samples), max(samples), len(samples), unit, limit)


def ratio(benchmark: str, what: str, over: Series, under: Series, limit: float) -> Figure:
    """Return the median of ``over`` divided by that of ``under``.

    Least and greatest are the quotients of single neighbours: the two that were taken one after the other shared the
    load of the machine. Raises ValueError when the series were not taken in turn.
    """
    quotients = [a / b for a, b in zip(over.samples, under.samples, strict=True)]
    value = over.median / under.median
    return Figure(benchmark, what, value, min(quotients), max(quotients), len(quotients), limit=limit)


def broken(figures: Iterable[Figure]) -> list[str]:
    """Return a sentence for every limit that is not kept."""
    return [
        f"{figure.benchmark}: {figure.what} is {_shown(figure.value, figure.unit)}, "
        f"its limit is {_shown(figure.limit or 0, figure.unit)}"
        for figure in figures
        if figure.kept is False
    ]


def in_turn(measures: Sequence[Callable[[], T]], rounds: int) -> list[list[T]]:
    """Take each measure once, then each once more: A B A B. Return the results of each measure, in order."""
    taken = [[measure() for measure in measures] for _ in range(rounds)]
    return [list(results) for results in zip(*taken, strict=True)]


def _shown(value: float, unit: str) -> str:
    return f"{value:.2f} {unit}".strip()
