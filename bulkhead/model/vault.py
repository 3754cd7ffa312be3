"""What lies in a stage's vault (pure): below which prefix, how long it is kept, and how long nobody can delete it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from bulkhead.model.settings.models import Backup

REPLICA: Final = "replica"
"""The word in the name of the vault's copy, and of its key."""
HELD: Final = "held/"
"""Below which a copy of a backup lies that somebody keeps until it is let go: no tier ends there."""
MIRRORED: Final = "storage/reports/"
"""Below which files of the product's buckets are mirrored; a marker says that one is gone at its source."""
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
        "daily": keep.daily_days,
        "weekly": keep.weekly_days,
        "monthly": keep.monthly_days,
        "yearly": keep.yearly_days,
        "interim": keep.daily_days if backup.interim_hours is not None else None,
    }
    return {tier: each for tier, each in days.items() if each is not None}


def lives(backup: Backup) -> dict[str, Life]:
    """Return the life of what lies below each prefix; a tier that the stage lacks has none.

    What is copied as it changes has no age at which it may go: a mirrored file stays while its source does, and
    afterwards as long as a monthly copy. Of the state there is a copy a week, so it is kept through many that fail.
    """
    keep = backup.retention
    return {
        **{f"database/{tier}/": Life(days) for tier, days in tier_days(backup).items()},
        HELD: Life(None),
        MIRRORED: Life(None, keep.monthly_days),
        "bookmarks/": Life(_TIME_TRAVEL_DAYS),
        "state/": Life(keep.monthly_days),
        "kv/": Life(keep.weekly_days),
        "objects/": Life(keep.weekly_days),
    }


def locks(backup: Backup) -> dict[str, int]:
    """Return for how many days a new copy of each tier is locked; empty in a stage that locks nothing."""
    lock = backup.lock
    days = {
        "daily": lock.daily_days,
        "weekly": lock.weekly_days,
        "monthly": lock.rolling_days,
        "yearly": lock.rolling_days,
        "interim": lock.daily_days,
    }
    return {tier: days[tier] for tier in tier_days(backup) if days[tier]}


def longest_lock(days: Mapping[str, int]) -> int | None:
    """Return the most days for which anybody may lock something, None where nothing is locked."""
    return max(days.values(), default=None)
