"""The end of something, as a person says it (pure): how long from now, or a time of a clock."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from bulkhead.model.faults import Fault, Refused
from jobs.local_time import shown

_LASTS: Final = re.compile(r"([1-9]\d{0,4}) ?(h|min|m)")
_UNITS: Final = {"h": timedelta(hours=1), "min": timedelta(minutes=1), "m": timedelta(minutes=1)}
_CLOCK: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:?\d\d)?")
_FARTHEST: Final = timedelta(days=31)


def until(text: str, zone: str, now: datetime) -> datetime:
    """Return the moment: ``2h`` or ``90min`` from ``now``, or a time of a day, in ``zone`` unless it says an offset.
    Raises Refused for one that has passed, is far away, or that the clocks of the zone show twice or never."""
    text = text.strip()
    lasts = _LASTS.fullmatch(text)
    end = now + int(lasts[1]) * _UNITS[lasts[2]] if lasts else _of_the_clock(text, zone)
    if end <= now:
        raise _refused(text, f"has passed: it is {shown(now, zone)}")
    if end - now > _FARTHEST:
        raise _refused(text, f"is more than {_FARTHEST.days} days away: is the date right?")
    return end


def _of_the_clock(text: str, zone: str) -> datetime:
    try:
        said = datetime.fromisoformat(text) if _CLOCK.fullmatch(text) else None
    except ValueError:
        said = None
    if said is None:
        raise _refused(text, "is no time of a day")
    if said.tzinfo is not None:
        return said
    first, second = (said.replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC) for fold in (0, 1))
    if first == second:
        return first
    if first.astimezone(ZoneInfo(zone)).replace(tzinfo=None) != said:
        raise _refused(text, f"never comes in {zone}: clocks go forward over it")
    either = " or ".join(f"{each:%Y-%m-%dT%H:%MZ}" for each in (first, second))
    raise _refused(text, f"comes twice in {zone}: clocks go back over it", f"say which one: {either}")


def _refused(text: str, why: str, fix: str = "") -> Refused:
    usual = "write 2h, 90min, '2026-09-06 04:00', or with an offset 2026-09-06T04:00+09:00"
    return Refused("Nothing was done.", [Fault("--until", f"{text!r} {why}", fix or usual)])
