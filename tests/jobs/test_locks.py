from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from bulkhead.model.settings.models import Backup
from bulkhead.model.vault import HELD, lives, locks, tier_days
from jobs.folders import BOOKMARKS, DATABASES, MIRRORED, NAMESPACES, OBJECTS, STATE, Tier
from jobs.locks import LEAST_ROLLING_DAYS, MODE, RENEWED_DAYS, ROLLING, locked_until, renewed_until
from tests.support.settings_fixture import make_settings

NOW = datetime(2028, 2, 29, 17, 0, 0, 999_999, tzinfo=UTC)


def backup(environment: str = "production") -> Backup:
    return make_settings(environment).backup


def test_each_tier_is_locked_for_its_own_days() -> None:
    days = locks(backup())
    seen = {tier: locked_until(tier, NOW, days) for tier in tier_days(backup())}
    assert seen == {
        "daily": datetime(2028, 3, 7, 17, tzinfo=UTC),
        "interim": datetime(2028, 3, 7, 17, tzinfo=UTC),
        "weekly": datetime(2028, 3, 28, 17, tzinfo=UTC),
        "monthly": datetime(2028, 4, 4, 17, tzinfo=UTC),
        "yearly": datetime(2028, 4, 4, 17, tzinfo=UTC),
    }


def test_a_stage_that_locks_nothing_locks_nothing() -> None:
    assert locks(backup("staging")) == {}
    assert locked_until("daily", NOW, {}) is None
    assert renewed_until("monthly", NOW, NOW, {}, tier_days(backup("staging"))) is None


def test_a_tier_of_which_nothing_is_said_is_an_error_and_no_open_copy() -> None:
    with pytest.raises(KeyError):
        locked_until("hourly", NOW, locks(backup()))


def test_a_moment_of_another_zone_is_the_same_moment() -> None:
    tokyo = NOW.astimezone(timezone(timedelta(hours=9)))
    assert locked_until("daily", tokyo, {"daily": 7}) == datetime(2028, 3, 7, 17, tzinfo=UTC)


def test_a_lock_in_governance_mode_can_be_ended_by_whoever_changes_the_buckets_policy() -> None:
    assert MODE == "GOVERNANCE"


def test_a_kept_copy_stays_locked_from_month_to_month_and_never_past_its_life() -> None:
    written = datetime(2027, 1, 1, 17, tzinfo=UTC)
    days, kept = locks(backup()), tier_days(backup())
    for tier in ROLLING:
        end, until = written + timedelta(days=kept[tier]), written
        for month in range(12 * (2027 + 5 - 2027)):
            now = datetime(2027 + month // 12, month % 12 + 1, 1, 18, tzinfo=UTC)
            renewed = renewed_until(tier, written, now, days, kept)
            if now >= end:
                assert renewed is None
                continue
            assert renewed is not None
            assert now < until or month == 0, f"{tier} stood open on {now}"
            assert now < renewed <= end
            until = renewed


def test_the_least_rolling_lock_outlasts_a_renewal_that_fails_once() -> None:
    assert LEAST_ROLLING_DAYS > RENEWED_DAYS + 1
    assert min(locks(backup())[tier] for tier in ROLLING) >= LEAST_ROLLING_DAYS


def test_every_folder_of_the_vault_has_a_life() -> None:
    assert {*tier_days(backup())} == {*Tier}
    folders = {HELD, MIRRORED, BOOKMARKS, STATE, NAMESPACES, OBJECTS, *(f"{DATABASES}{tier}/" for tier in Tier)}
    assert {*lives(backup())} == folders
