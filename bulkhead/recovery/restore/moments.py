"""The moment to which a database is to go back, as a person writes it (pure): in the stage's zone unless it has one."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from bulkhead.model.clock_times import Unclear, clock_time
from bulkhead.model.faults import Fault, Refused
from jobs.local_time import lasted, shown

KEPT: Final = timedelta(days=30)
"""For which Time Travel can bring a database back."""


def moment(text: str, stage: str, zone: str, now: datetime) -> datetime:
    """Return a moment that Time Travel knows. Raises Refused for any other."""
    at = past(text, zone, now)
    if now - at > KEPT:
        message = f"is {lasted(now - at)} ago, and Time Travel knows {KEPT.days} days"
        raise refused(f"--at {text}", message, f"bulkhead backup {stage} list; then --from KEY")
    return at


def past(text: str, zone: str, now: datetime) -> datetime:
    """Return the moment in UTC. Raises Refused for what is none, could be two, or is still to come."""
    example = f"{now.astimezone(ZoneInfo(zone)) - timedelta(hours=1):%Y-%m-%dT%H:%M}"
    try:
        at = clock_time(text, zone)
    except Unclear as unclear:
        usual = f"write it as {example} (in {zone}) or {now - timedelta(hours=1):%Y-%m-%dT%H:%MZ}"
        fix = f"say which one: {unclear.choice}" if unclear.either else usual
        raise refused(f"--at {text}", unclear.why, fix) from unclear
    if at > now:
        raise refused(f"--at {text}", f"is still to come: it is {shown(now, zone)}", f"write it as {example}")
    return at


def require_born(at: datetime, text: str, born: datetime, zone: str) -> None:
    """Raise Refused for a moment at which the database did not exist."""
    if at < born:
        message = f"is before the database was made, {shown(born, zone)}"
        raise refused(f"--at {text}", message, "name a later time")


def refused(key: str, message: str, fix: str = "") -> Refused:
    """Return what to raise for a wish that cannot be meant."""
    return Refused("Nothing was restored.", [Fault(key, message, fix)])
