"""What was counted, and what a query makes of it: filtered, put in groups, added up, ordered (pure)."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import accumulate
from typing import Any, Final

from bulkhead.localclouds.cloudflare.api.analytics.datasets import DIMENSIONS
from bulkhead.localclouds.cloudflare.counted import STEPS, Counted, Value

_QUANTILE: Final = re.compile(r"(?P<measure>\w+)P(?P<rank>\d{2,})")
_BOUND: Final = re.compile(r"(?P<dimension>date\w*?)_(?P<comparison>geq|gt|leq|lt)")


def select(rows: Iterable[Counted], wanted: Mapping[str, Any]) -> Iterator[Counted]:
    """Yield the rows that a filter lets through."""
    return (row for row in rows if _matches(row, wanted))


def bounds(wanted: Mapping[str, Any], now: float) -> tuple[float, float]:
    """Return the first and the last moment that a filter leaves open, as seconds since 1970."""
    first, last = 0.0, now
    for name, value in wanted.items():
        if found := _BOUND.fullmatch(name):
            if found["comparison"].startswith("g"):
                first = max(first, _seconds(value))
            else:
                width = STEPS[found["dimension"]] if found["comparison"] == "leq" else 0
                last = min(last, _seconds(value) + width)
        elif name in STEPS:
            first, last = max(first, _seconds(value)), min(last, _seconds(value) + STEPS[name])
        elif name == "AND":
            inner = [bounds(each, now) for each in value]
            first, last = max([first, *(each[0] for each in inner)]), min([last, *(each[1] for each in inner)])
    return first, last


def grouped(rows: Iterable[Counted], fields: Sequence[str], order: Sequence[str], limit: int) -> list[dict[str, Any]]:
    """Return the answer's rows, nested as the schema nests them, for ``fields`` such as ``sum_requests``."""
    names = [name for each in fields if (name := _member(each, DIMENSIONS))]
    groups: dict[tuple[Value, ...], list[Counted]] = defaultdict(list)
    for row in rows:
        groups[tuple(row.value(name) for name in names)].append(row)
    found = [dict(zip(names, key, strict=True)) | _measured(of, fields, order) for key, of in groups.items()]
    for each in reversed(order):
        key, direction = each.rsplit("_", 1)
        found.sort(key=lambda row: row[key], reverse=direction == "DESC")
    return [_nested(row, fields) for row in found[:limit]]


def _measured(rows: Sequence[Counted], fields: Sequence[str], order: Sequence[str]) -> dict[str, Any]:
    asked = {*fields, *(each.rsplit("_", 1)[0] for each in order)}
    return {each: _measure(rows, each) for each in asked if each == "count" or each.split("_")[0] in _MEASURES}


def _measure(rows: Sequence[Counted], field_: str) -> float:
    kind, _, name = field_.partition("_")
    return sum(row.count for row in rows) if kind == "count" else _MEASURES[kind](rows, name)


def _sum(rows: Sequence[Counted], name: str) -> float:
    return sum(row.sums.get(name, 0) for row in rows) + sum(value * times for value, times in _samples(rows, name))


def _average(rows: Sequence[Counted], name: str) -> float:
    if name == "sampleInterval":
        return 1.0  # everything is counted here
    samples = _samples(rows, name)
    return _sum(rows, name) / max(1, sum(times for _, times in samples))


def _quantile(rows: Sequence[Counted], name: str) -> float:
    found = _QUANTILE.fullmatch(name)
    assert found is not None  # noqa: S101 - the schema has no other ones
    samples = sorted(_samples(rows, found["measure"]))
    seen = list(accumulate(times for _, times in samples))
    if not seen:
        return 0.0
    rank = float(f"0.{found['rank']}") * seen[-1]
    return next(value for (value, _), upto in zip(samples, seen, strict=True) if upto >= rank)


_MEASURES: Final[Mapping[str, Callable[[Sequence[Counted], str], float]]] = {
    "sum": _sum,
    "avg": _average,
    "quantiles": _quantile,
}


def _samples(rows: Iterable[Counted], name: str) -> list[tuple[float, int]]:
    return [sample for row in rows for sample in row.samples.get(name, ())]


def _nested(row: Mapping[str, Any], fields: Iterable[str]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for each in fields:
        kind, _, name = each.partition("_")
        if name:
            nested.setdefault(kind, {})[name] = row[name if kind == DIMENSIONS else each]
        else:
            nested[kind] = row[each]
    return nested


def _member(field_: str, kind: str) -> str:
    return field_.removeprefix(f"{kind}_") if field_.startswith(f"{kind}_") else ""


def _matches(row: Counted, wanted: Mapping[str, Any]) -> bool:
    return all(_holds(row, name, value) for name, value in wanted.items())


def _holds(row: Counted, name: str, value: Any) -> bool:
    if name == "AND":
        return all(_matches(row, each) for each in value)
    if name == "OR":
        return any(_matches(row, each) for each in value)
    dimension, _, comparison = name.partition("_")
    return value is None or _COMPARISONS[comparison](row.value(dimension), value)


def _like(value: Any, pattern: str) -> bool:
    return re.fullmatch(re.escape(pattern).replace("%", ".*").replace("_", "."), str(value), re.DOTALL) is not None


_COMPARISONS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "": lambda value, wanted: bool(value == wanted),
    "neq": lambda value, wanted: bool(value != wanted),
    "gt": lambda value, wanted: bool(value > wanted),
    "geq": lambda value, wanted: bool(value >= wanted),
    "lt": lambda value, wanted: bool(value < wanted),
    "leq": lambda value, wanted: bool(value <= wanted),
    "in": lambda value, wanted: value in wanted,
    "notin": lambda value, wanted: value not in wanted,
    "like": _like,
    "notlike": lambda value, wanted: not _like(value, wanted),
}


def _seconds(time: str) -> float:
    return datetime.fromisoformat(time).replace(tzinfo=UTC).timestamp()
