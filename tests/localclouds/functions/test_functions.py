"""Functions of the local AWS run when they are invoked, with the rights of their role, and failures are told."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path
from typing import Any

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
ASKS = """
    import boto3
    from botocore.exceptions import ClientError
    def handler(event, context):
        service, operation, request = event
        try:
            getattr(boto3.client(service), operation)(**request)
        except ClientError as error:
            return error.response["Error"]["Code"]
        return "allowed"
"""


@pytest.fixture
def aws(local_aws: LocalAws, account: str) -> Account:
    return Account(local_aws, account)


def asks(aws: Account, service: str, operation: str, **request: Any) -> Any:
    answer, failed = aws.invoke("job", [service, operation, request])
    assert not failed, answer
    return answer


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


def test_a_function_may_do_in_s3_what_its_role_allows_with_its_conditions(aws: Account) -> None:
    s3, bucket = aws.aws("s3"), f"files-{aws.number}"
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": aws.local.region})
    for key in ("mine/a", "theirs/a"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    files = f"arn:aws:s3:::{bucket}"
    listing = {"StringLike": {"s3:prefix": ["mine/*"]}}
    aws.function(
        ASKS,
        aws.role(
            "runs",
            statement("s3:GetObject", "s3:PutObject", resource=f"{files}/mine/*"),
            statement("s3:ListBucket", resource=files, Condition=listing),
        ),
    )
    assert asks(aws, "s3", "get_object", Bucket=bucket, Key="mine/a") == "allowed"
    assert asks(aws, "s3", "head_object", Bucket=bucket, Key="mine/a") == "allowed"
    assert asks(aws, "s3", "put_object", Bucket=bucket, Key="mine/b", Body="x", IfNoneMatch="*") == "allowed"
    assert asks(aws, "s3", "create_multipart_upload", Bucket=bucket, Key="mine/c") == "allowed"
    assert asks(aws, "s3", "list_objects_v2", Bucket=bucket, Prefix="mine/") == "allowed"
    assert asks(aws, "s3", "list_objects_v2", Bucket=bucket, Prefix="theirs/") == "AccessDenied"
    assert asks(aws, "s3", "list_objects_v2", Bucket=bucket) == "AccessDenied"
    assert asks(aws, "s3", "get_object", Bucket=bucket, Key="theirs/a") == "AccessDenied"
    assert asks(aws, "s3", "delete_object", Bucket=bucket, Key="mine/a") == "AccessDenied"
    locked = {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": "2030-01-01"}
    assert asks(aws, "s3", "put_object", Bucket=bucket, Key="mine/d", Body="x", **locked) == "AccessDenied"
    copy = {"Bucket": bucket, "Key": "mine/e", "CopySource": f"{bucket}/theirs/a"}
    assert asks(aws, "s3", "copy_object", **copy) == "AccessDenied"
    assert asks(aws, "s3", "put_bucket_policy", Bucket=bucket, Policy="{}") == "AccessDenied"


def test_who_may_not_list_a_bucket_is_not_told_that_an_object_is_missing(aws: Account) -> None:
    bucket = f"files-{aws.number}"
    where = {"LocationConstraint": aws.local.region}
    aws.aws("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration=where)
    aws.function(ASKS, aws.role("runs", statement("s3:GetObject", resource=f"arn:aws:s3:::{bucket}/*")))
    assert asks(aws, "s3", "get_object", Bucket=bucket, Key="absent") == "AccessDenied"
    lists = statement("s3:GetObject", "s3:ListBucket", resource=[f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"])
    aws.aws("iam").put_role_policy(RoleName="runs", PolicyName="rights", PolicyDocument=document(lists))
    assert asks(aws, "s3", "get_object", Bucket=bucket, Key="absent") == "NoSuchKey"


def test_what_is_encrypted_takes_the_right_to_its_key(aws: Account) -> None:
    s3, bucket, key = aws.aws("s3"), f"vault-{aws.number}", aws.aws("kms").create_key()["KeyMetadata"]["Arn"]
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": aws.local.region})
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    s3.put_bucket_encryption(
        Bucket=bucket,
        ServerSideEncryptionConfiguration={"Rules": [{"ApplyServerSideEncryptionByDefault": default}]},
    )
    aws.aws("ssm").put_parameter(Name="/stage/token", Value="made up", Type="SecureString", KeyId=key)
    s3.put_object(Bucket=bucket, Key="a", Body=b"x")
    parameter = aws.arn("ssm", "parameter/stage/token")
    objects = statement("s3:GetObject", "s3:PutObject", resource=f"arn:aws:s3:::{bucket}/*")
    reads = statement("ssm:GetParameter", resource=parameter)
    aws.function(ASKS, aws.role("runs", objects, reads))

    def answers() -> list[str]:
        return [
            asks(aws, "s3", "put_object", Bucket=bucket, Key="b", Body="x"),
            asks(aws, "s3", "get_object", Bucket=bucket, Key="a"),
            asks(aws, "ssm", "get_parameter", Name="/stage/token", WithDecryption=True),
        ]

    assert answers() == ["AccessDenied", "AccessDenied", "AccessDeniedException"]
    via = {"StringEquals": {"kms:ViaService": f"s3.{aws.local.region}.amazonaws.com"}}
    rights = document(objects, reads, statement("kms:GenerateDataKey", "kms:Decrypt", resource=key, Condition=via))
    aws.aws("iam").put_role_policy(RoleName="runs", PolicyName="rights", PolicyDocument=rights)
    assert answers() == ["allowed", "allowed", "AccessDeniedException"]


def test_a_boundary_and_a_denial_hold_for_functions(aws: Account) -> None:
    most = aws.aws("iam").create_policy(PolicyName="most", PolicyDocument=document(statement("ssm:*")))["Policy"]["Arn"]
    aws.aws("ssm").put_parameter(Name="open", Value="x", Type="String")
    aws.aws("ssm").put_parameter(Name="shut", Value="x", Type="String")
    deny = {"Effect": "Deny", "Action": "ssm:*", "Resource": aws.arn("ssm", "parameter/shut")}
    aws.function(ASKS, aws.role("runs", statement("*"), deny, boundary=most))
    assert asks(aws, "ssm", "get_parameter", Name="open") == "allowed"
    assert asks(aws, "ssm", "get_parameter", Name="shut") == "AccessDeniedException"
    assert asks(aws, "s3", "list_buckets") == "AccessDenied"
    assert asks(aws, "sts", "get_caller_identity") == "allowed"


def test_a_metric_goes_into_the_namespace_that_the_role_may_write_and_no_other(aws: Account) -> None:
    own = {"StringEquals": {"cloudwatch:namespace": "Bulkhead"}}
    aws.function(ASKS, aws.role("runs", statement("cloudwatch:PutMetricData", Condition=own)))
    data = [{"MetricName": "JobHeartbeat", "Value": 1}]
    assert asks(aws, "cloudwatch", "put_metric_data", Namespace="Bulkhead", MetricData=data) == "allowed"
    assert asks(aws, "cloudwatch", "put_metric_data", Namespace="Other", MetricData=data) == "AccessDeniedException"


def test_a_call_whose_resource_is_not_known_is_denied_even_to_who_may_everything(aws: Account) -> None:
    aws.function(ASKS, aws.role("runs", statement("*")))
    assert asks(aws, "dynamodb", "describe_table", TableName="x") == "AccessDeniedException"


def test_a_function_with_another_s_key_is_not_believed(aws: Account) -> None:
    body = """
        import boto3
        def handler(event, context):
            try:
                boto3.client("ssm", aws_secret_access_key="guessed", aws_access_key_id=event, aws_session_token="x")
                session = boto3.Session().get_credentials()
                other = boto3.client(
                    "sts",
                    aws_access_key_id=session.access_key,
                    aws_secret_access_key="guessed",
                    aws_session_token=session.token,
                )
                other.get_caller_identity()
            except Exception as error:
                return error.response["Error"]["Code"]
    """
    aws.function(body, aws.role("runs", statement("*")))
    assert aws.invoke("job", "AKIAX")[0] == "SignatureDoesNotMatch"


def test_the_code_is_what_was_given_last(aws: Account) -> None:
    aws.function(ECHO, aws.role("runs"))
    newer = zipped("def handler(event, context):\n    return 'newer'")
    aws.aws("lambda").update_function_code(FunctionName="job", ZipFile=newer)
    assert aws.invoke() == ("newer", "")
    location = aws.aws("lambda").get_function(FunctionName="job")["Code"]["Location"]
    assert base64.b64decode(location.partition(",")[2]) == newer
