"""Functions of the local AWS run when they are invoked, with the rights of their role, and failures are told."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path

import pytest

from bulkhead.localclouds.aws.local import LocalAws
from tests.support.functions import Account, document, statement, zipped

pytestmark = pytest.mark.slow

ECHO = """
    def handler(event, context):
        print("asked for", event)
        return {"event": event}
"""
FAILS = """
    def handler(event, context):
        raise ValueError("no luck")
"""


@pytest.fixture
def aws(local_aws: LocalAws, account: str) -> Account:
    return Account(local_aws, account)


def test_a_function_answers_who_waits_for_it(aws: Account) -> None:
    arn = aws.function(ECHO, aws.role("runs"))
    assert aws.invoke("job", {"a": 1}) == ({"event": {"a": 1}}, "")
    assert aws.invoke(arn, 2) == ({"event": 2}, "")
    assert aws.invoke(f"{arn}:$LATEST", 3) == ({"event": 3}, "")
    assert [each.answer for each in aws.jobs.ran(0) if each.account == aws.number][-1] == '{"event": 3}'


def test_who_waits_is_told_of_a_failure_and_nobody_tries_again(aws: Account) -> None:
    before = max((each.number for each in aws.jobs.ran(-1)), default=0)
    aws.function(FAILS, aws.role("runs"))
    answer, failed = aws.invoke("job")
    assert (answer["errorType"], answer["errorMessage"], failed) == ("ValueError", "no luck", "Unhandled")
    assert len(aws.jobs.ran(before)) == 1


def test_what_fails_later_is_tried_twice_more_and_then_laid_aside_with_its_event(aws: Account) -> None:
    queue = aws.queue("failed")
    role = aws.role("runs", statement("sqs:SendMessage", resource=queue))
    aws.function(FAILS, role, DeadLetterConfig={"TargetArn": queue})
    before = max((each.number for each in aws.jobs.ran(-1)), default=0)
    aws.later("job", {"run": "20270314T020000Z"})
    ran = aws.jobs.ran(before)
    assert [each.attempt for each in ran] == [1, 2, 3]
    assert {each.request for each in ran} == {ran[0].request}
    assert {each.error for each in ran} != {""}
    (message,) = aws.messages("failed")
    assert json.loads(message["Body"]) == {"run": "20270314T020000Z"}
    attributes = {name: each["StringValue"] for name, each in message["MessageAttributes"].items()}
    assert attributes["RequestID"] == ran[0].request
    assert "no luck" in attributes["ErrorMessage"]


def test_what_succeeds_later_is_tried_once_and_laid_aside_nowhere(aws: Account) -> None:
    queue = aws.queue("failed")
    aws.function(ECHO, aws.role("runs", statement("sqs:SendMessage", resource=queue)))
    before = max((each.number for each in aws.jobs.ran(-1)), default=0)
    aws.later("job", 1)
    (ran,) = aws.jobs.ran(before)
    assert (ran.error, json.loads(ran.answer)) == ("", {"event": 1})
    assert aws.messages("failed") == []


def test_a_destination_is_told_what_came_of_it_after_as_many_tries_as_were_set(aws: Account) -> None:
    queue = aws.queue("told")
    arn = aws.function(FAILS, aws.role("runs", statement("sqs:SendMessage", resource=queue)))
    aws.aws("lambda").put_function_event_invoke_config(
        FunctionName="job", MaximumRetryAttempts=0, DestinationConfig={"OnFailure": {"Destination": queue}}
    )
    before = max((each.number for each in aws.jobs.ran(-1)), default=0)
    aws.later("job", {"a": 1})
    assert len(aws.jobs.ran(before)) == 1
    (message,) = aws.messages("told")
    record = json.loads(message["Body"])
    assert record["requestContext"]["condition"] == "RetriesExhausted"
    assert record["requestContext"]["functionArn"] == f"{arn}:$LATEST"
    assert record["requestPayload"] == {"a": 1}
    assert record["responsePayload"]["errorMessage"] == "no luck"


def test_a_failure_that_its_role_may_no_longer_tell_is_lost_and_that_is_known(aws: Account) -> None:
    queue = aws.queue("failed")
    aws.function(
        FAILS, aws.role("runs", statement("sqs:SendMessage", resource=queue)), DeadLetterConfig={"TargetArn": queue}
    )
    aws.aws("iam").delete_role_policy(RoleName="runs", PolicyName="rights")
    before = max((each.number for each in aws.jobs.ran(-1)), default=0)
    aws.later("job")
    assert [each.untold for each in aws.jobs.ran(before)] == ["", "", f"{queue}: AccessDeniedException"]
    assert aws.messages("failed") == []


def test_a_function_may_hand_its_rest_to_itself(aws: Account) -> None:
    body = """
        import json
        import boto3
        def handler(event, context):
            if event["left"]:
                rest = json.dumps({"left": event["left"] - 1}).encode()
                name = context.invoked_function_arn
                boto3.client("lambda").invoke(FunctionName=name, InvocationType="Event", Payload=rest)
            return event["left"]
    """
    function = aws.arn("lambda", "function:job")
    aws.function(body, aws.role("runs", statement("lambda:InvokeFunction", resource=function)))
    before = max((each.number for each in aws.jobs.ran(-1)), default=0)
    aws.later("job", {"left": 3})
    assert sorted(each.answer for each in aws.jobs.ran(before)) == ["0", "1", "2", "3"]


def test_the_lines_of_a_function_are_in_its_log_group_if_it_may_write_them(aws: Account) -> None:
    logs = aws.aws("logs")
    logs.create_log_group(logGroupName="/stage/job")
    mute = aws.role("mute")
    aws.function(ECHO, mute, LoggingConfig={"LogFormat": "Text", "LogGroup": "/stage/job"})
    aws.invoke("job", 1)
    assert logs.describe_log_streams(logGroupName="/stage/job")["logStreams"] == []
    group = aws.arn("logs", "log-group:/stage/job:*")
    writes = statement("logs:CreateLogStream", "logs:PutLogEvents", resource=group)
    aws.aws("iam").put_role_policy(RoleName="mute", PolicyName="rights", PolicyDocument=document(writes))
    aws.invoke("job", 2)
    (stream,) = logs.describe_log_streams(logGroupName="/stage/job")["logStreams"]
    told = logs.get_log_events(logGroupName="/stage/job", logStreamName=stream["logStreamName"])["events"]
    assert [each["message"] for each in told] == ["asked for 2"]


def test_the_real_clouds_addresses_are_not_what_a_function_sees(aws: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(aws.local.functions.addresses, "https://api.example/v4", "http://127.0.0.1:1/v4")
    body = "import os\ndef handler(event, context):\n    return [os.environ['JOB'], os.environ['AWS_ENDPOINT_URL']]"
    aws.function(body, aws.role("runs"), Environment={"Variables": {"JOB": '{"api": "https://api.example/v4"}'}})
    assert aws.invoke()[0] == ['{"api": "http://127.0.0.1:1/v4"}', aws.local.endpoint]


def test_a_function_whose_role_lambda_may_no_longer_take_does_not_run(aws: Account) -> None:
    aws.function(ECHO, aws.role("runs"))
    strangers = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    aws.aws("iam").update_assume_role_policy(RoleName="runs", PolicyDocument=document(strangers))
    answer, failed = aws.invoke()
    assert (answer["errorType"], failed) == ("AccessDeniedException", "Unhandled")


def test_variables_that_the_role_may_not_decrypt_are_not_read(aws: Account) -> None:
    key = aws.aws("kms").create_key()["KeyMetadata"]["Arn"]
    aws.function(ECHO, aws.role("runs"), KMSKeyArn=key)
    assert "decrypt the environment variables" in aws.invoke()[0]["errorMessage"]


def test_what_is_no_event_is_refused(aws: Account) -> None:
    aws.function(ECHO, aws.role("runs"))
    lambda_ = aws.aws("lambda")
    with pytest.raises(lambda_.exceptions.ClientError, match="Could not parse request body"):
        lambda_.invoke(FunctionName="job", Payload=b"{")
    with pytest.raises(lambda_.exceptions.ClientError, match="smaller than 1048576"):
        lambda_.invoke(FunctionName="job", InvocationType="Event", Payload=json.dumps("x" * (1 << 20)).encode())
    with pytest.raises(lambda_.exceptions.ResourceNotFoundException):
        lambda_.invoke(FunctionName="absent")
    assert lambda_.invoke(FunctionName="job", InvocationType="DryRun")["StatusCode"] == 204


def test_nothing_is_left_of_what_ran(account: str, tmp_path: Path, local_aws: LocalAws) -> None:
    with LocalAws(folder=tmp_path / "functions") as local:
        aws = Account(local, account)
        aws.function(ECHO, aws.role("runs"))
        assert aws.invoke("job", 1)[0] == {"event": 1}
        assert [each.name for each in (tmp_path / "functions").glob("*/*")] == []
    assert list((tmp_path / "functions").iterdir()) == []


def test_what_runs_when_the_local_aws_ends_is_ended(account: str, tmp_path: Path, local_aws: LocalAws) -> None:
    sleeps = "import time\ndef handler(event, context):\n    time.sleep(60)"
    with LocalAws(folder=tmp_path) as local:
        aws = Account(local, account)
        aws.function(sleeps, aws.role("runs"), Timeout=60)
        for _ in range(6):  # more than run at once
            aws.later()
        begun = time.monotonic()
    assert time.monotonic() - begun < 20
    assert list(tmp_path.iterdir()) == []


def test_the_code_is_what_was_given_last(aws: Account) -> None:
    aws.function(ECHO, aws.role("runs"))
    newer = zipped("def handler(event, context):\n    return 'newer'")
    aws.aws("lambda").update_function_code(FunctionName="job", ZipFile=newer)
    assert aws.invoke() == ("newer", "")
    location = aws.aws("lambda").get_function(FunctionName="job")["Code"]["Location"]
    assert base64.b64decode(location.partition(",")[2]) == newer
