"""What a function asks of the local AWS is judged by the policies of its role, and denied where nobody knows."""

from __future__ import annotations

from typing import Any

import pytest

from bulkhead.localclouds.aws.local import LocalAws
from tests.support.functions import Account, document, statement

pytestmark = pytest.mark.slow

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
    tags = {"Bucket": bucket, "Key": "mine/d", "Body": "x", "Tagging": "a=b"}
    assert asks(aws, "s3", "put_object", **tags) == "AccessDenied"
    copy = {"Bucket": bucket, "Key": "mine/e", "CopySource": f"{bucket}/theirs/a"}
    assert asks(aws, "s3", "copy_object", **copy) == "AccessDenied"
    assert asks(aws, "s3", "put_bucket_policy", Bucket=bucket, Policy="{}") == "AccessDenied"


def test_only_who_may_lock_and_end_locks_does(aws: Account) -> None:
    s3, bucket = aws.aws("s3"), f"vault-{aws.number}"
    where = {"LocationConstraint": aws.local.region}
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration=where, ObjectLockEnabledForBucket=True)
    objects = f"arn:aws:s3:::{bucket}/*"
    writes = statement("s3:PutObject", "s3:DeleteObjectVersion", resource=objects)
    locks = {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": "2040-01-01"}
    aws.function(ASKS, aws.role("runs", writes))
    assert asks(aws, "s3", "put_object", Bucket=bucket, Key="a", Body="x", **locks) == "AccessDenied"
    rights = document(writes, statement("s3:PutObjectRetention", resource=objects))
    aws.aws("iam").put_role_policy(RoleName="runs", PolicyName="rights", PolicyDocument=rights)
    assert asks(aws, "s3", "put_object", Bucket=bucket, Key="a", Body="x", **locks) == "allowed"
    version = s3.list_object_versions(Bucket=bucket)["Versions"][0]["VersionId"]
    ends = {"Bucket": bucket, "Key": "a", "VersionId": version, "BypassGovernanceRetention": True}
    assert asks(aws, "s3", "delete_object", **ends) == "AccessDenied"
    rights = document(writes, statement("s3:BypassGovernanceRetention", resource=objects))
    aws.aws("iam").put_role_policy(RoleName="runs", PolicyName="rights", PolicyDocument=rights)
    assert asks(aws, "s3", "delete_object", **ends) == "allowed"


def test_several_objects_are_removed_where_each_may_be(aws: Account) -> None:
    s3, bucket = aws.aws("s3"), f"files-{aws.number}"
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": aws.local.region})
    for key in ("mine/a&b", "mine/c", "theirs/a"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    body = """
        import boto3
        def handler(event, context):
            named = {"Objects": [{"Key": key} for key in event["keys"]], "Quiet": True}
            try:
                answer = boto3.client("s3").delete_objects(Bucket=event["bucket"], Delete=named)
            except Exception as error:
                return error.response["Error"]["Code"]
            return [each["Code"] for each in answer.get("Errors", [])]
    """
    aws.function(body, aws.role("runs", statement("s3:DeleteObject", resource=f"arn:aws:s3:::{bucket}/mine/*")))
    refused, _ = aws.invoke("job", {"bucket": bucket, "keys": ["mine/c", "theirs/a"]})
    assert "AccessDenied" in refused
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 3
    assert aws.invoke("job", {"bucket": bucket, "keys": ["mine/c", "mine/a&b"]}) == ([], "")
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 1


def test_an_upload_in_parts_takes_the_right_to_read_them(aws: Account) -> None:
    s3, bucket, key = aws.aws("s3"), f"vault-{aws.number}", aws.aws("kms").create_key()["KeyMetadata"]["Arn"]
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": aws.local.region})
    body = """
        import boto3
        def handler(event, context):
            s3, where = boto3.client("s3"), {"Bucket": event["bucket"], "Key": "a"}
            secret = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": event["key"]}
            where |= {"UploadId": s3.create_multipart_upload(**where, **secret)["UploadId"]}
            part = {"PartNumber": 1, "ETag": s3.upload_part(**where, PartNumber=1, Body=b"x")["ETag"]}
            try:
                s3.complete_multipart_upload(**where, MultipartUpload={"Parts": [part]})
            except Exception as error:
                return error.response["Error"]["Code"]
    """
    puts = statement("s3:PutObject", resource=f"arn:aws:s3:::{bucket}/*")
    aws.function(body, aws.role("runs", puts, statement("kms:GenerateDataKey", resource=key)))
    assert aws.invoke("job", {"bucket": bucket, "key": key}) == ("AccessDenied", "")
    rights = document(puts, statement("kms:GenerateDataKey", "kms:Decrypt", resource=key))
    aws.aws("iam").put_role_policy(RoleName="runs", PolicyName="rights", PolicyDocument=rights)
    assert aws.invoke("job", {"bucket": bucket, "key": key}) == (None, "")


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
