"""What lies in a stage's vault (pure): below which prefix, how long it is kept, and how long nobody can delete it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from jobs.folders import BOOKMARKS, DATABASES, MIRRORED, NAMESPACES, OBJECTS, STATE, Tier

if TYPE_CHECKING:
    from bulkhead.model.settings.models import Backup

REPLICA: Final = "replica"
"""The word in the name of the vault's copy, and of its key."""
HELD: Final = "held/"
"""Below which a copy of a backup lies that somebody keeps until it is let go: no tier ends there."""
UNDO_DAYS: Final = 7
_TIME_TRAVEL_DAYS: Final = 30  # Cloudflare D1, "Time Travel": a bookmark leads nowhere afterwards


@dataclass(frozen=True, slots=True)
class Life:
    """``days`` after which an object expires, None for one that stays while its source does; ``undo_days`` for which
    what was overwritten, deleted or has expired can still be brought back."""

    days: int | None
    undo_days: int = UNDO_DAYS


def tier_days(backup: Backup) -> dict[str, int]:
    """Return for how many days a copy of each tier that the stage has is kept (BAK-4; BAK-2 for interim copies)."""
    keep = backup.retention
    days = {
        Tier.DAILY: keep.daily_days,
        Tier.WEEKLY: keep.weekly_days,
        Tier.MONTHLY: keep.monthly_days,
        Tier.YEARLY: keep.yearly_days,
        Tier.INTERIM: keep.daily_days if backup.interim_hours is not None else None,
    }
    return {tier: each for tier, each in days.items() if each is not None}


def lives(backup: Backup) -> dict[str, Life]:
    """Return the life of what lies below each prefix; a tier that the stage lacks has none.

    What is copied as it changes has no age at which it may go: a mirrored file stays while its source does, and
    afterwards as long as a monthly copy. Of the state there is a copy a week, so it is kept through many that fail.
    """
    keep = backup.retention
    return {
        **{f"{DATABASES}{tier}/": Life(days) for tier, days in tier_days(backup).items()},
        HELD: Life(None),
        MIRRORED: Life(None, keep.monthly_days),
        BOOKMARKS: Life(_TIME_TRAVEL_DAYS),
        STATE: Life(keep.monthly_days),
        NAMESPACES: Life(keep.weekly_days),
        OBJECTS: Life(keep.weekly_days),
    }


def locks(backup: Backup) -> dict[str, int]:
    """Return for how many days a new copy of each tier is locked; empty in a stage that locks nothing."""
    lock = backup.lock
    days: dict[str, int] = {
        Tier.DAILY: lock.daily_days,
        Tier.WEEKLY: lock.weekly_days,
        Tier.MONTHLY: lock.rolling_days,
        Tier.YEARLY: lock.rolling_days,
        Tier.INTERIM: lock.daily_days,
    }
    return {tier: days[tier] for tier in tier_days(backup) if days[tier]}


def longest_lock(days: Mapping[str, int]) -> int | None:
    """Return the most days for which anybody may lock something, None where nothing is locked."""
    return max(days.values(), default=None)
