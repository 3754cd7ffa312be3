"""Where a backup lies, and in which tiers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from jobs.folders import Tier
from jobs.vault import Backup, due, moment, stamp

TOKYO = ZoneInfo("Asia/Tokyo")
ALL = [each.value for each in Tier]
AT = datetime(2026, 11, 30, 17, 0, 5, tzinfo=UTC)


def test_a_key_tells_tier_stage_database_and_second() -> None:
    backup = Backup(AT, "main_copy", "production", Tier.MONTHLY)
    assert backup.key == "database/monthly/main_copy/backup_production_main_copy_20261130T170005Z.sql.gz"
    assert backup.manifest == "database/monthly/main_copy/backup_production_main_copy_20261130T170005Z.json"
    assert Backup.of(backup.key) == Backup.of(backup.manifest) == backup


@pytest.mark.parametrize(
    "key",
    [
        "database/daily/main/backup_staging_other_20261130T170005Z.sql.gz",
        "database/hourly/main/backup_staging_main_20261130T170005Z.sql.gz",
        "database/daily/main/backup_staging_main_20261330T170005Z.sql.gz",
        "database/daily/main/backup_staging_main_20261130T170005Z.sql",
        "database/daily/main/x/backup_staging_main_20261130T170005Z.sql.gz",
        "database/daily/main/backup_staging_main_20261130T170005Z.sql.gz\n",
        "bookmarks/main/20261130T170005Z.json",
    ],
)
def test_what_is_no_backup_is_not_taken_for_one(key: str) -> None:
    assert Backup.of(key) is None


def test_a_stamp_is_of_utc() -> None:
    assert stamp(datetime(2026, 12, 1, 2, 0, 5, tzinfo=TOKYO)) == "20261130T170005Z"
    assert moment("20261130T170005Z") == AT


def days(first: datetime, count: int, skipped: frozenset[int] = frozenset()) -> dict[Tier, list[str]]:
    """Return the days, in the zone, on which each tier got a backup, one being taken each day at two o'clock."""
    newest, found = dict[Tier, datetime](), {tier: list[str]() for tier in Tier}
    for number in range(count):
        day = (first + timedelta(days=number)).replace(hour=2)
        if number in skipped:
            continue
        for tier in due(day.astimezone(UTC), TOKYO, ALL, newest):
            newest[tier] = day.astimezone(UTC)
            found[tier].append(f"{day:%Y-%m-%d}")
    return found


def test_the_first_backup_of_a_period_goes_to_its_tier() -> None:
    found = days(datetime(2027, 12, 27, tzinfo=TOKYO), 70)  # a Monday
    assert len(found[Tier.DAILY]) == 70
    assert found[Tier.WEEKLY][:3] == ["2027-12-27", "2028-01-03", "2028-01-10"]
    assert found[Tier.MONTHLY] == ["2027-12-27", "2028-01-01", "2028-02-01", "2028-03-01"]
    assert found[Tier.YEARLY] == ["2027-12-27", "2028-01-01"]
    assert found[Tier.INTERIM] == []


def test_a_day_without_a_backup_loses_no_month_and_no_year() -> None:
    found = days(datetime(2027, 12, 31, tzinfo=TOKYO), 40, frozenset({1, 2, 32}))
    assert found[Tier.MONTHLY] == ["2027-12-31", "2028-01-03", "2028-02-02"]
    assert found[Tier.YEARLY] == ["2027-12-31", "2028-01-03"]


def test_a_tier_that_the_stage_does_not_keep_gets_nothing() -> None:
    assert due(AT, TOKYO, ["daily", "monthly"], {}) == [Tier.DAILY, Tier.MONTHLY]


@pytest.mark.parametrize(
    ("zone", "before", "after", "is_due"),
    [
        (
            "Asia/Tokyo",
            "2026-11-30T14:59:59",
            "2026-11-30T15:00:00",
            True,
        ),  # midnight there, in the middle of a UTC day
        ("Asia/Tokyo", "2026-11-30T15:00:00", "2026-12-01T14:59:59", False),
        ("America/New_York", "2026-11-01T03:59:59", "2026-11-01T04:00:00", True),  # before the clock goes back
        ("America/New_York", "2026-11-01T05:30:00", "2026-11-01T06:30:00", False),  # half past one, twice
        ("Australia/Lord_Howe", "2027-02-28T12:59:59", "2027-02-28T13:00:00", True),
    ],
)
def test_a_month_begins_where_the_stage_is(zone: str, before: str, after: str, is_due: bool) -> None:
    last, now = (datetime.fromisoformat(each).replace(tzinfo=UTC) for each in (before, after))
    tiers = due(now, ZoneInfo(zone), ["monthly"], {Tier.MONTHLY: last})
    assert (Tier.MONTHLY in tiers) == is_due
