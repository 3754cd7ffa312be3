"""Times as people read them (pure): in the stage's time zone, which is always named (ENV-6)."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo


def shown(moment: datetime, zone: str) -> str:
    """Return a time to the minute, such as ``2026-11-30 21:03 JST``; ``zone`` is a name of the settings."""
    return f"{moment.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M %Z}"


def lasted(time: timedelta) -> str:
    """Return how long something took, to two units: ``1 h 5 min``, ``2 min 3 s``, ``40 s``."""
    seconds = max(0, round(time.total_seconds()))
    units = {"d": seconds // 86_400, "h": seconds // 3600 % 24, "min": seconds // 60 % 60, "s": seconds % 60}
    told = [f"{count} {unit}" for unit, count in units.items() if count] or ["0 s"]
    return " ".join(told[:2])
