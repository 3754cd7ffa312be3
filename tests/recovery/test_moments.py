"""`--at` means one moment, or is refused in words."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bulkhead.model.faults import Refused
from bulkhead.recovery.restore.moments import moment, require_born

NOW = datetime(2026, 11, 3, 12, 0, tzinfo=UTC)
SPRING = datetime(2026, 3, 30, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "zone", "means"),
    [
        ("2026-11-03T20:30", "Asia/Tokyo", "2026-11-03T11:30:00+00:00"),
        ("2026-11-03 20:30:15", "Asia/Tokyo", "2026-11-03T11:30:15+00:00"),
        ("2026-11-03T11:30Z", "Asia/Tokyo", "2026-11-03T11:30:00+00:00"),
        ("2026-10-25T02:30+02:00", "Europe/Berlin", "2026-10-25T00:30:00+00:00"),
        ("2026-10-25T03:00", "Europe/Berlin", "2026-10-25T02:00:00+00:00"),
        ("2026-10-25T01:59:59", "Europe/Berlin", "2026-10-24T23:59:59+00:00"),
    ],
)
def test_a_time_is_in_the_zone_of_the_stage_unless_it_names_one(text: str, zone: str, means: str) -> None:
    assert moment(text, "staging", zone, NOW).isoformat() == means


@pytest.mark.parametrize(
    ("text", "now", "says"),
    [
        ("yesterday", NOW, "is no time of a day"),
        ("2026-11-03", NOW, "is no time of a day"),
        ("2026-02-30T10:00", SPRING, "is no time of a day"),
        ("2026-11-03T13:01", NOW, "is still to come: it is 2026-11-03 13:00 CET"),
        ("2026-10-04T11:00", NOW, "is 30 d 3 h ago, and Time Travel knows 30 days"),
        ("2026-10-25T02:30", NOW, "comes twice in Europe/Berlin"),
        ("2026-03-29T02:30", SPRING, "never comes in Europe/Berlin"),
        ("2026-11-03T13:00+25:00", NOW, "is no time of a day"),
    ],
)
def test_what_is_no_moment_of_the_last_thirty_days_is_refused(text: str, now: datetime, says: str) -> None:
    with pytest.raises(Refused, match=says):
        moment(text, "staging", "Europe/Berlin", now)


def test_a_time_that_was_twice_is_offered_both_ways() -> None:
    with pytest.raises(Refused) as refused:
        moment("2026-10-25T02:30", "staging", "Europe/Berlin", NOW)
    assert "say which one: 2026-10-25T00:30Z or 2026-10-25T01:30Z" in str(refused.value)


def test_a_time_before_the_database_was_made_is_refused() -> None:
    with pytest.raises(Refused, match="is before the database was made, 2026-11-03 21:00 JST"):
        require_born(datetime(2026, 11, 3, 11, 59, tzinfo=UTC), "2026-11-03T11:59Z", NOW, "Asia/Tokyo")
