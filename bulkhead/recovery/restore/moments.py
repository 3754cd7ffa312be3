"""The moment to which a database is to go back, as a person writes it (pure): in the stage's zone unless it has one."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from bulkhead.model.faults import Fault, Refused
from jobs.local_time import lasted, shown

KEPT: Final = timedelta(days=30)
"""For which Time Travel can bring a database back."""
_FORM: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)?")
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")


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
    if _DAY.fullmatch(text):
        raise refused(f"--at {text}", "names a day and no time of day", f"--at {text}T00:00, in {zone}")
    if not _FORM.fullmatch(text):
        fix = f"write it as {example} (in {zone}) or {now - timedelta(hours=1):%Y-%m-%dT%H:%MZ}"
        raise refused(f"--at {text}", "is no time", fix)
    try:
        said = datetime.fromisoformat(text)
    except ValueError as error:
        raise refused(f"--at {text}", f"is no time: {error}", f"write it as {example}") from None
    at = said.astimezone(UTC) if said.tzinfo else _local(text, said, zone)
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


def _local(text: str, said: datetime, zone: str) -> datetime:
    first, second = (said.replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC) for fold in (0, 1))
    if first == second:
        return first
    if first.astimezone(ZoneInfo(zone)).replace(tzinfo=None) != said:
        message = f"never was in {zone}: clocks went forward over it"
        raise refused(f"--at {text}", message, f"--at {_utc(min(first, second))}, or --at {_utc(max(first, second))}")
    message = f"was twice in {zone}: clocks went back over it"
    raise refused(f"--at {text}", message, f"--at {_utc(first)} for the first time, --at {_utc(second)} for the second")


def _utc(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
