"""How long a copy in the vault is locked (pure): by its tier, and for tiers that are kept long, again each month.

A lock that lasted as long as a yearly copy could not be shortened by an erasure of personal data; one that rolls can be
left to end. So a copy that is kept longer than `ROLLING_FROM` days is locked for a month at a time.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from jobs.folders import Tier

MODE: Final = "GOVERNANCE"  # nobody, whoever it is, could end a lock in COMPLIANCE mode before its time
ROLLING: Final = (Tier.MONTHLY, Tier.YEARLY)
"""The tiers whose locks are renewed each month while the copy lasts."""
RENEWED_DAYS: Final = 30
"""Days of a rolling lock that are over when it is counted anew."""
LEAST_ROLLING_DAYS: Final = RENEWED_DAYS + 2
"""The shortest rolling lock: the job looks once a day, and may fail on one."""


def locked_until(tier: str, now: datetime, days: Mapping[str, int]) -> datetime | None:
    """Return until when a copy of ``tier`` that is written ``now`` is locked, to the second; None where nothing is.

    ``days`` are the days of each tier (see `bulkhead/model/vault.py`), empty in a stage that locks nothing. Raises
    KeyError for a tier of which they say nothing: a copy without a lock must not pass for a locked one.
    """
    return _seconds(now + timedelta(days=days[tier])) if days else None


def renewed_until(
    tier: str, written: datetime, now: datetime, days: Mapping[str, int], lives: Mapping[str, int]
) -> datetime | None:
    """Return until when a copy of a rolling tier is to be locked from ``now`` on: no longer than it is kept, or its
    expiry would wait. None where nothing is locked, or what was ``written`` is past its life."""
    until = locked_until(tier, now, days)
    if until is None:
        return None
    end = _seconds(written + timedelta(days=lives[tier]))
    return min(until, end) if end > now else None


def _seconds(moment: datetime) -> datetime:
    """S3 keeps a lock's end to the second or finer, and a renewal compares what it reads with what it would write."""
    return moment.astimezone(UTC).replace(microsecond=0)
