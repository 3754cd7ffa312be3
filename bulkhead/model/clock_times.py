"""A time of a clock, as a person writes it (pure): in a zone, unless it says an offset."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

_FORM: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:?\d\d)?")


class Unclear(ValueError):
    """A text names no moment, or not one alone: ``why``, and in ``either`` the moments that it could mean."""

    def __init__(self, why: str, *either: datetime) -> None:
        self.why = why
        self.either = either
        super().__init__(why)

    @property
    def choice(self) -> str:
        """The moments that it could mean, as they can be written instead."""
        return " or ".join(f"{each:%Y-%m-%dT%H:%MZ}" for each in self.either)


def clock_time(text: str, zone: str) -> datetime:
    """Return the moment in UTC. Raises Unclear, also for what the clocks of the zone show twice or never."""
    try:
        said = datetime.fromisoformat(text) if _FORM.fullmatch(text) else None
    except ValueError:
        said = None
    if said is None:
        raise Unclear("is no time of a day")
    if said.tzinfo is not None:
        return said.astimezone(UTC)
    first, second = (said.replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC) for fold in (0, 1))
    if first == second:
        return first
    if first.astimezone(ZoneInfo(zone)).replace(tzinfo=None) != said:
        raise Unclear(f"never comes in {zone}: clocks go forward over it", *sorted((first, second)))
    raise Unclear(f"comes twice in {zone}: clocks go back over it", first, second)
