"""Schedules of the local AWS call when a clock of ours says so, in every zone, with their own rights."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bulkhead.localclouds.aws.local import LocalAws
from tests.support.functions import Account, statement

pytestmark = pytest.mark.slow

ECHO = """
    def handler(event, context):
        return event
"""


@pytest.fixture
def aws(local_aws: LocalAws, account: str) -> Account:
    return Account(local_aws, account)


@pytest.fixture
def function(aws: Account) -> str:
    return aws.function(ECHO, aws.role("runs"))


@pytest.fixture
def caller(aws: Account, function: str) -> str:
    return aws.role("calls", statement("lambda:InvokeFunction", resource=function))


def test_two_days_over_a_change_of_the_clocks_in_one_run(aws: Account, function: str, caller: str) -> None:
    """Clocks go forward in New York on 14 March 2027 at 02:00; elsewhere nothing changes."""
    for name, expression, zone in (
        ("york", "cron(30 2 * * ? *)", "America/New_York"),
        ("london", "cron(0 2 * * ? *)", "Europe/London"),
        ("tokyo", "cron(0 2 * * ? *)", "Asia/Tokyo"),
        ("howe", "cron(0 0/12 * * ? *)", "Australia/Lord_Howe"),
        ("once", "at(2027-03-14T12:00:00)", "UTC"),
    ):
        aws.schedule(name, expression, zone, function, caller)
    aws.schedule("off", "rate(1 minutes)", "UTC", function, caller, State="DISABLED")
    start = datetime(2027, 3, 13, 12, tzinfo=UTC)
    fired = aws.jobs.between(start, start + timedelta(days=2))
    assert [f"{each.due:%dT%H:%M} {each.schedule}" for each in fired] == [
        "13T13:00 howe",
        "13T17:00 tokyo",
        "14T01:00 howe",
        "14T02:00 london",
        "14T12:00 once",
        "14T13:00 howe",
        "14T17:00 tokyo",
        "15T01:00 howe",
        "15T02:00 london",
        "15T06:30 york",
    ]
    assert not any(each.failed for each in fired)
    assert [json.loads(each.ran[0].answer)["scheduled"] for each in fired] == [
        f"{each.due:%Y-%m-%dT%H:%M:%SZ}" for each in fired
    ]


def test_the_hour_that_comes_twice_is_run_once(aws: Account, function: str, caller: str) -> None:
    aws.schedule("york", "cron(30 1 * * ? *)", "America/New_York", function, caller)
    start = datetime(2027, 11, 7, tzinfo=ZoneInfo("America/New_York"))
    (fired,) = aws.jobs.between(start, start + timedelta(days=1))
    assert fired.due == datetime(2027, 11, 7, 5, 30, tzinfo=UTC)


def test_a_schedule_that_may_not_call_its_function_lays_the_event_aside(aws: Account, function: str) -> None:
    queue = aws.queue("undelivered")
    role = aws.role("calls", statement("sqs:SendMessage", resource=queue))
    more = {"DeadLetterConfig": {"Arn": queue}, "RetryPolicy": {"MaximumRetryAttempts": 5}}
    aws.schedule("backup", "cron(0 2 * * ? *)", "UTC", function, role, **more)
    fired = aws.jobs.fire("backup", datetime(2027, 1, 1, 2, tzinfo=UTC))
    assert (fired.refused, fired.ran, fired.failed) == ("AccessDeniedException", (), True)
    (message,) = aws.messages("undelivered")
    assert json.loads(message["Body"]) == {"scheduled": "2027-01-01T02:00:00Z"}
    attributes = {name: each["StringValue"] for name, each in message["MessageAttributes"].items()}
    assert attributes["ERROR_CODE"] == "AccessDeniedException"
    assert attributes["TARGET_ARN"] == function
    assert attributes["RETRY_ATTEMPTS"] == "0"


def test_a_schedule_whose_function_is_gone_says_so_and_where_it_could_not_tell_it(
    aws: Account, function: str, caller: str
) -> None:
    queue = aws.queue("undelivered")
    aws.schedule("backup", "cron(0 2 * * ? *)", "UTC", function, caller, DeadLetterConfig={"Arn": queue})
    aws.aws("lambda").delete_function(FunctionName="job")
    fired = aws.jobs.fire("backup", datetime(2027, 1, 1, 2, tzinfo=UTC))
    assert fired.refused == f"ResourceNotFoundException; {queue}: AccessDeniedException"


def test_one_schedule_is_found_by_the_end_of_its_name(aws: Account, function: str, caller: str) -> None:
    for name in ("harbor-staging-backup", "harbor-staging-verify"):
        aws.schedule(name, "cron(0 2 * * ? *)", "UTC", function, caller)
    aws.schedule("harbor-staging-off", "rate(1 hour)", "UTC", function, caller, State="DISABLED")
    at = datetime(2027, 1, 1, 2, tzinfo=UTC)
    assert aws.jobs.fire("backup", at).schedule == "harbor-staging-backup"
    with pytest.raises(ValueError, match=r"restore is no schedule here; there are: harbor-staging-backup, .*verify"):
        aws.jobs.fire("restore", at)
    with pytest.raises(ValueError, match="is disabled"):
        aws.jobs.fire("off", at)


def test_what_a_call_brings_about_is_told_with_it(aws: Account) -> None:
    body = """
        def handler(event, context):
            raise ValueError(event)
    """
    function = aws.function(body, aws.role("runs"), name="fails")
    aws.schedule(
        "fails", "cron(0 2 * * ? *)", "UTC", function, aws.role("calls", statement("lambda:*", resource=function))
    )
    fired = aws.jobs.fire("fails", datetime(2027, 1, 1, 2, tzinfo=UTC))
    assert [each.attempt for each in fired.ran] == [1, 2, 3]
    assert fired.failed
    assert not fired.refused


def test_a_schedule_for_anything_but_a_function_is_no_matter_of_a_rehearsal(aws: Account, caller: str) -> None:
    aws.schedule("notice", "cron(0 2 * * ? *)", "UTC", "arn:aws:sns:x:1:topic", caller)
    with pytest.raises(ValueError, match="functions alone"):
        aws.jobs.fire("notice", datetime(2027, 1, 1, 2, tzinfo=UTC))
