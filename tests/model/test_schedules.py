"""When AWS's scheduler calls: in every zone, over changes of the clock, months' ends and leap days."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from bulkhead.model.schedules import due, faults


def walls(expression: str, zone: str, since: str, until: str) -> list[str]:
    """Return what the clocks on the walls of ``zone`` show at each call."""
    tz = ZoneInfo(zone)
    bounds = [datetime.fromisoformat(each).replace(tzinfo=tz) for each in (since, until)]
    return [each.astimezone(tz).strftime("%Y-%m-%dT%H:%M%z") for each in due(expression, zone, *bounds)]


@pytest.mark.parametrize(
    ("zone", "since", "until", "expected"),
    [
        (
            "America/New_York",
            "2027-03-13T00:00",
            "2027-03-16T00:00",
            ["2027-03-13T02:30-0500", "2027-03-15T02:30-0400"],  # 02:30 does not exist on the 14th
        ),
        (
            "America/New_York",
            "2027-11-06T00:00",
            "2027-11-09T00:00",
            ["2027-11-06T02:30-0400", "2027-11-07T02:30-0500", "2027-11-08T02:30-0500"],
        ),
        (
            "Europe/London",
            "2027-03-27T00:00",
            "2027-03-30T00:00",
            ["2027-03-27T02:30+0000", "2027-03-28T02:30+0100", "2027-03-29T02:30+0100"],
        ),
        ("Asia/Tokyo", "2027-03-13T00:00", "2027-03-15T00:00", ["2027-03-13T02:30+0900", "2027-03-14T02:30+0900"]),
    ],
)
def test_a_time_on_the_wall_is_kept_over_a_change_of_the_clock(
    zone: str, since: str, until: str, expected: list[str]
) -> None:
    assert walls("cron(30 2 * * ? *)", zone, since, until) == expected


@pytest.mark.parametrize(
    ("zone", "minute", "hour", "day", "expected"),
    [
        ("America/New_York", 30, 1, "2027-11-07", "2027-11-07T01:30-0400"),
        ("Europe/London", 30, 1, "2027-10-31", "2027-10-31T01:30+0100"),
        ("Australia/Lord_Howe", 45, 1, "2027-04-04", "2027-04-04T01:45+1100"),  # its clocks change by half an hour
    ],
)
def test_a_time_that_comes_twice_counts_once(zone: str, minute: int, hour: int, day: str, expected: str) -> None:
    assert walls(f"cron({minute} {hour} * * ? *)", zone, f"{day}T00:00", f"{day}T23:59") == [expected]


def test_a_gap_of_half_an_hour_takes_only_what_is_in_it() -> None:
    found = walls("cron(0/15 2 * * ? *)", "Australia/Lord_Howe", "2027-10-03T00:00", "2027-10-03T12:00")
    assert found == ["2027-10-03T02:30+1100", "2027-10-03T02:45+1100"]


def test_an_hourly_schedule_pauses_for_the_hour_that_comes_again() -> None:
    found = walls("cron(0 * * * ? *)", "America/New_York", "2027-11-07T00:00", "2027-11-07T04:00")
    assert found == [f"2027-11-07T{each}" for each in ("00:00-0400", "01:00-0400", "02:00-0500", "03:00-0500")]


@pytest.mark.parametrize(
    ("cron", "since", "until", "expected"),
    [
        ("0 3 L * ? *", "2027-12-01", "2028-04-01", ["12-31", "01-31", "02-29", "03-31"]),
        ("0 3 L-1 * ? *", "2028-02-01", "2028-04-01", ["02-28", "03-30"]),
        ("0 3 31 * ? *", "2027-02-01", "2027-06-01", ["03-31", "05-31"]),
        ("0 3 29 2 ? *", "2026-01-01", "2033-01-01", ["02-29", "02-29"]),
        ("0 3 30 2 ? *", "2026-01-01", "2029-01-01", []),
        ("0 3 15W * ? *", "2027-05-01", "2027-09-01", ["05-14", "06-15", "07-15", "08-16"]),
        ("0 3 1W 5 ? *", "2027-05-01", "2027-06-01", ["05-03"]),  # a Saturday, and Friday is of the month before
        ("0 3 ? * 6L *", "2027-05-01", "2027-07-01", ["05-28", "06-25"]),
        ("0 3 ? * 2#1 *", "2027-05-01", "2027-07-01", ["05-03", "06-07"]),
        ("0 3 ? 2 1#5 *", "2027-01-01", "2037-01-01", ["02-29"]),  # 2032; the search of the parser gives up before
        ("0 3 29 2 ? *", "2095-01-01", "2105-01-01", ["02-29", "02-29"]),  # 2096 and 2104: 2100 has none
        ("0 3 1 1 ? 2030", "2027-01-01", "2032-01-01", ["01-01"]),
    ],
)
def test_the_ends_of_months_leap_days_and_working_days(cron: str, since: str, until: str, expected: list[str]) -> None:
    found = walls(f"cron({cron})", "Asia/Tokyo", f"{since}T00:00", f"{until}T00:00")
    assert [each[5:10] for each in found] == expected


def test_a_rate_goes_on_from_where_it_began_and_its_day_has_24_hours() -> None:
    began = datetime(2027, 3, 12, 12, 10, tzinfo=UTC)
    since = datetime(2027, 3, 13, tzinfo=UTC)
    days = due("rate(1 days)", "America/New_York", since, since + timedelta(days=3), anchor=began)
    assert days == tuple(began + timedelta(days=each) for each in (1, 2, 3))
    hours = due("rate(6 hours)", "UTC", since, since + timedelta(days=1), anchor=began)
    assert [each.hour for each in hours] == [0, 6, 12, 18]
    assert {each.minute for each in hours} == {10}
    assert due("rate(5 minutes)", "UTC", since, since + timedelta(minutes=11))[-1] == since + timedelta(minutes=10)
    before = due("rate(1 hour)", "UTC", since - timedelta(days=9), since - timedelta(days=9, hours=-2), anchor=began)
    assert [each.minute for each in before] == [10, 10]


def test_once_is_once_and_in_its_zone() -> None:
    since = datetime(2027, 1, 1, tzinfo=UTC)
    moment = datetime(2027, 1, 4, 17, tzinfo=UTC)
    assert due("at(2027-01-05T02:00:00)", "Asia/Tokyo", since, since + timedelta(days=9)) == (moment,)
    assert due("at(2027-01-05T02:00:00)", "Asia/Tokyo", moment, moment + timedelta(days=1)) == (moment,)
    assert due("at(2027-01-05T02:00:00)", "Asia/Tokyo", since, moment) == ()


def test_windows_side_by_side_miss_nothing_and_count_nothing_twice() -> None:
    since = datetime(2027, 10, 29, tzinfo=UTC)
    edges = [since + timedelta(hours=7, minutes=30) * each for each in range(12)]
    for expression in ("cron(0/30 * * * ? *)", "rate(45 minutes)", "at(2027-10-31T01:30:00)"):
        pieces = [due(expression, "Europe/London", a, b, anchor=since) for a, b in pairwise(edges)]
        assert sum(pieces, ()) == due(expression, "Europe/London", since, edges[-1], anchor=since) != ()


@pytest.mark.parametrize(
    "expression",
    [
        "cron(0 2 * * ? *)",
        "cron(0 2 ? * MON-FRI *)",
        "cron(0/15 8-17 ? * 2#1 2027-2030)",
        "cron(0 2 L JAN,APR ? *)",
        "rate(1 hour)",
        "rate(5 minutes)",
        "at(2027-01-05T02:00:00)",
    ],
)
def test_what_aws_takes_is_taken(expression: str) -> None:
    assert list(faults(expression, "Asia/Tokyo")) == []


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("0 2 * * *", "must be cron"),
        ("cron(0 2 * * *)", "6 required"),
        ("cron(0 2 * * * *)", "question mark"),
        ("cron(0 2 ? * ? *)", "question mark"),
        ("cron(60 2 * * ? *)", "minute"),
        ("cron(0 2 32 * ? *)", "day-of-month"),
        ("cron(0 2 ? * 8 *)", "day-of-week"),
        ("cron(0/0 2 * * ? *)", "cron"),
        ("rate(0 hours)", "rate"),
        ("rate(1.5 hours)", "rate"),
        ("rate(1 week)", "rate"),
        ("at(2027-01-05 02:00)", "at"),
        ("at(2027-13-05T02:00:00)", "at"),
        ("at(2027-01-05T02:00:00Z)", "at"),
        ("at(2027-03-14T02:30:00)", "skips"),
        ("", "must be cron"),
    ],
)
def test_what_aws_refuses_is_refused_and_is_never_due(expression: str, said: str) -> None:
    (fault,) = faults(expression, "America/New_York")
    assert said in fault
    moment = datetime(2027, 1, 1, tzinfo=UTC)
    with pytest.raises(ValueError, match="is no schedule"):
        due(expression, "America/New_York", moment, moment)


def test_a_zone_that_does_not_exist_is_refused() -> None:
    assert "zone" in next(faults("rate(1 hour)", "Asia/Tokio"))
