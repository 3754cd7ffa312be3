"""What a run has moved, in words (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from bulkhead.delivery.journal import Entry

_SHORT: Final = 8  # characters of a version's id that people compare

Shares = Mapping[str, Mapping[str, float]]


def shares_of(entry: Entry) -> Shares:
    """Return which versions of which Workers had how many percent by an entry; nothing where it does not say."""
    found = entry.facts.get("shares")
    if not isinstance(found, Mapping):
        return {}
    return {worker: split for worker, split in found.items() if isinstance(split, Mapping)}


def split(shares: Mapping[str, float]) -> str:
    """Return the shares of one Worker: ``1a2b3c4d 90 %, 5e6f7a8b 10 %``."""
    return ", ".join(f"{version[:_SHORT]} {percent:g} %" for version, percent in shares.items())


def moved(entries: Sequence[Entry]) -> list[str]:
    """Return a line for each Worker whose traffic a run has moved: from what it had first to what it has now."""
    first: dict[str, Mapping[str, float]] = {}
    last: dict[str, Mapping[str, float]] = {}
    for entry in entries:
        for worker, shares in shares_of(entry).items():
            first.setdefault(worker, shares)
            last[worker] = shares
    return [f"{worker}: {split(first[worker])} -> {split(now)}" for worker, now in last.items() if now != first[worker]]


def fact(entry: Entry | None, name: str) -> str:
    """Return a fact of an entry as a text; "" where it has none."""
    value: Any = entry.facts.get(name) if entry else None
    return "" if value is None else str(value)
