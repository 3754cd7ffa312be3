"""When AWS's EventBridge Scheduler calls: `cron(...)`, `rate(...)` and `at(...)`, in a zone (pure).

The rules are Amazon's (EventBridge Scheduler User Guide, "Schedule types in EventBridge Scheduler"): a time that a zone
skips in spring is skipped, and one that comes twice in autumn counts once; the day of a rate has 24 hours.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from aws_croniter import AwsCroniter

from bulkhead.model.settings.shapes import time_zones

_FORM: Final = re.compile(r"(cron|rate|at)\((.*)\)")
_RATE: Final = re.compile(r"([1-9][0-9]*) (minute|hour|day)s?")
_ONCE: Final = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}")
_DAY: Final = timedelta(days=1)
_MINUTE: Final = timedelta(minutes=1)


def faults(expression: str, zone: str = "UTC") -> Iterator[str]:
    """Yield what AWS would not take."""
    if zone not in time_zones():
        yield "is in a zone that does not exist; write one as Asia/Tokyo"
        return
    form = _FORM.fullmatch(expression)
    if not form:
        yield "must be cron(minute hour day-of-month month day-of-week year), rate(number unit) or at(date and time)"
    elif form[1] == "rate" and not _RATE.fullmatch(form[2]):
        yield "must be rate(number unit) with a whole number from 1 up, and minutes, hours or days"
    elif form[1] == "at":
        yield from _faults_of_moment(form[2], zone)
    elif form[1] == "cron":
        try:
            AwsCroniter(form[2])
        except ValueError as error:
            yield f"is no cron expression of AWS: {error}"


def due(
    expression: str, zone: str, since: datetime, until: datetime, *, anchor: datetime | None = None
) -> tuple[datetime, ...]:
    """Return the moments from ``since`` on and before ``until`` at which a schedule calls, in UTC and in order.

    ``anchor`` is a moment at which a rate begins, by default ``since``. The expression must have no `faults`.
    """
    form = _FORM.fullmatch(expression)
    if not form or next(faults(expression, zone), None):
        raise ValueError(f"{expression} in {zone} is no schedule")
    since, until = since.astimezone(UTC), until.astimezone(UTC)
    found: Iterator[datetime | None]
    match form[1]:
        case "rate":
            found = _by_rate(form[2], since, until, anchor or since)
        case "at":
            found = iter([_moment(datetime.fromisoformat(form[2]), ZoneInfo(zone))])
        case _:
            found = _by_cron(AwsCroniter(form[2]), ZoneInfo(zone), since, until)
    return tuple(each for each in found if each is not None and since <= each < until)


def _faults_of_moment(written: str, zone: str) -> Iterator[str]:
    try:
        moment = datetime.fromisoformat(written) if _ONCE.fullmatch(written) else None
    except ValueError:
        moment = None
    if moment is None:
        yield "must be at(yyyy-mm-ddThh:mm:ss), without a zone"
    elif _moment(moment, ZoneInfo(zone)) is None:
        yield "is a time that its zone skips in spring"


def _by_rate(rate: str, since: datetime, until: datetime, anchor: datetime) -> Iterator[datetime]:
    number, unit = rate.split()
    step = int(number) * timedelta(**{f"{unit.removesuffix('s')}s": 1})
    moment = anchor + step * -((anchor - since) // step)
    while moment < until:
        yield moment
        moment += step


def _by_cron(cron: AwsCroniter, zone: ZoneInfo, since: datetime, until: datetime) -> Iterator[datetime | None]:
    """Ask for one day after the other, because the parser gives up looking for the next time after ten steps: it does
    not find a fifth Sunday of February. It knows UTC alone, so the times on the wall are shown to it as such."""
    day = since.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=UTC)
    last = until.astimezone(zone).replace(tzinfo=UTC)
    while day <= last:
        for wall in cron.get_all_schedule_bw_dates(day, day + _DAY - _MINUTE):
            yield _moment(wall.replace(tzinfo=None), zone)
        day += _DAY


def _moment(wall: datetime, zone: ZoneInfo) -> datetime | None:
    """Return when a clock in ``zone`` shows ``wall`` for the first time, None where it never does."""
    moment = wall.replace(tzinfo=zone).astimezone(UTC)
    return moment if moment.astimezone(zone).replace(tzinfo=None) == wall else None
