"""Times in the stage's zone, which is named."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from jobs.local_time import lasted, shown


@pytest.mark.parametrize(
    ("zone", "told"),
    [
        ("Asia/Tokyo", "2026-12-01 01:05 JST"),
        ("UTC", "2026-11-30 16:05 UTC"),
        ("Europe/Berlin", "2026-11-30 17:05 CET"),
    ],
)
def test_a_time_is_shown_where_the_stage_is(zone: str, told: str) -> None:
    assert shown(datetime(2026, 11, 30, 16, 5, 59, tzinfo=UTC), zone) == told


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "0 s"),
        (-3, "0 s"),
        (40.4, "40 s"),
        (123, "2 min 3 s"),
        (3600, "1 h"),
        (3905, "1 h 5 min"),
        (90_000, "1 d 1 h"),
    ],
)
def test_a_duration_has_two_units_at_most(seconds: float, told: str) -> None:
    assert lasted(timedelta(seconds=seconds)) == told
