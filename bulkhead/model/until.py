"""The end of something, as a person says it (pure): how long from now, or a time of a clock."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Final

from bulkhead.model.clock_times import Unclear, clock_time
from bulkhead.model.faults import Fault, Refused
from jobs.local_time import shown

_LASTS: Final = re.compile(r"([1-9]\d{0,4}) ?(h|min|m)")
_UNITS: Final = {"h": timedelta(hours=1), "min": timedelta(minutes=1), "m": timedelta(minutes=1)}
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
        return clock_time(text, zone)
    except Unclear as unclear:
        raise _refused(text, unclear.why, f"say which one: {unclear.choice}" if unclear.either else "") from unclear


def _refused(text: str, why: str, fix: str = "") -> Refused:
    usual = "write 2h, 90min, '2026-09-06 04:00', or with an offset 2026-09-06T04:00+09:00"
    return Refused("Nothing was done.", [Fault("--until", f"{text!r} {why}", fix or usual)])
