"""When something ends, as a person says it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bulkhead.model.faults import Refused
from bulkhead.model.until import until

NOW = datetime(2026, 10, 30, 12, tzinfo=UTC)
NEW_YORK = "America/New_York"


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2h", "2026-10-30T14:00+00:00"),
        ("90min", "2026-10-30T13:30+00:00"),
        (" 5 m ", "2026-10-30T12:05+00:00"),
        ("2026-10-30 09:00", "2026-10-30T13:00+00:00"),
        ("2026-10-30T09:00:30", "2026-10-30T13:00:30+00:00"),
        ("2026-10-30T14:00Z", "2026-10-30T14:00+00:00"),
        ("2026-11-01T01:30-05:00", "2026-11-01T06:30+00:00"),
        ("2026-11-01 03:00", "2026-11-01T08:00+00:00"),  # after the clocks went back that night
    ],
)
def test_an_end_is_a_length_or_a_time_in_the_stages_zone(text: str, meant: str) -> None:
    assert until(text, NEW_YORK, NOW) == datetime.fromisoformat(meant)


def test_hours_are_hours_also_when_the_clocks_change() -> None:
    before = datetime(2026, 11, 1, 5, tzinfo=UTC)
    assert (until("3h", NEW_YORK, before) - before).total_seconds() == 3 * 3600


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is no time of a day"),
        ("soon", "is no time of a day"),
        ("0h", "is no time of a day"),
        ("2026-10-31", "is no time of a day"),
        ("2026-02-30 04:00", "is no time of a day"),
        ("20261031T0400", "is no time of a day"),
        ("2026-10-30 07:59", "has passed: it is 2026-10-30 08:00 EDT"),
        ("2027-10-30 09:00", "is the date right"),
        ("99999h", "is the date right"),
        ("2026-11-01 01:30", "comes twice in America/New_York"),
    ],
)
def test_an_end_that_cannot_be_meant_is_refused(text: str, why: str) -> None:
    with pytest.raises(Refused, match=why):
        until(text, NEW_YORK, NOW)


def test_of_an_hour_that_comes_twice_both_are_offered() -> None:
    with pytest.raises(Refused, match="2026-11-01T05:30Z or 2026-11-01T06:30Z"):
        until("2026-11-01 01:30", NEW_YORK, NOW)


def test_a_time_that_the_clocks_leave_out_is_refused() -> None:
    with pytest.raises(Refused, match="never comes in America/New_York"):
        until("2027-03-14 02:30", NEW_YORK, datetime(2027, 3, 13, tzinfo=UTC))
