"""Object lock in the local AWS: it holds against whoever may not end it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from bulkhead.localclouds.aws.enforced import EnforcedAws
from bulkhead.localclouds.aws.local import LocalAws
from infra.components.private_bucket import BucketLock, lock_statements

pytestmark = pytest.mark.slow

ACCOUNT, VAULT = "111111111111", "vault"
DAY = timedelta(days=1)


def after(days: float) -> datetime:
    return (datetime.now(UTC) + days * DAY).replace(microsecond=0)


def retention(days: float, mode: str = "GOVERNANCE") -> dict[str, Any]:
    return {"Mode": mode, "RetainUntilDate": after(days)}


def locked(days: float, mode: str = "GOVERNANCE") -> dict[str, Any]:
    return {"ObjectLockMode": mode, "ObjectLockRetainUntilDate": after(days)}


def policy(statements: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def refusal(operation: Any, **request: Any) -> str:
    with pytest.raises(ClientError) as refused:
        operation(Bucket=VAULT, Key="a", **request)
    return str(refused.value.response["Error"]["Code"])


@pytest.fixture
def s3(local_aws: LocalAws) -> Iterator[Any]:
    """A vault as production's, with its policy."""
    client = local_aws.client(ACCOUNT, "s3")
    client.create_bucket(
        Bucket=VAULT,
        ObjectLockEnabledForBucket=True,
        CreateBucketConfiguration={"LocationConstraint": local_aws.region},
    )
    rule = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 7}}
    client.put_object_lock_configuration(
        Bucket=VAULT, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule}
    )
    statements = tuple(lock_statements(BucketLock(7, 35), f"arn:aws:s3:::{VAULT}/*"))
    client.put_bucket_policy(Bucket=VAULT, Policy=json.dumps(policy(statements)))
    yield client
    client.delete_bucket_policy(Bucket=VAULT)
    for each in client.list_object_versions(Bucket=VAULT).get("Versions", []):
        known = {"Bucket": VAULT, "Key": each["Key"], "VersionId": each["VersionId"]}
        client.put_object_legal_hold(**known, LegalHold={"Status": "OFF"})
        client.delete_object(**known, BypassGovernanceRetention=True)
    client.delete_bucket(Bucket=VAULT)


def days_locked(s3: Any, key: str = "a") -> float:
    until: datetime = s3.head_object(Bucket=VAULT, Key=key)["ObjectLockRetainUntilDate"]
    return (until - datetime.now(UTC)) / DAY


def test_a_copy_gets_the_lock_that_it_names_and_else_the_shortest(s3: Any) -> None:
    s3.put_object(Bucket=VAULT, Key="a", Body=b"x")
    assert days_locked(s3) == pytest.approx(7, abs=0.01)
    s3.put_object(Bucket=VAULT, Key="a", Body=b"x", **locked(35))
    assert days_locked(s3) == pytest.approx(35, abs=0.01)


@pytest.mark.parametrize("days", [None, 28])
def test_an_upload_in_parts_is_locked_as_any_other(s3: Any, days: int | None) -> None:
    named = {} if days is None else locked(days)
    upload = s3.create_multipart_upload(Bucket=VAULT, Key="a", ChecksumAlgorithm="CRC32", **named)["UploadId"]
    known = {"Bucket": VAULT, "Key": "a", "UploadId": upload}
    part = s3.upload_part(**known, PartNumber=1, Body=b"x", ChecksumAlgorithm="CRC32")
    s3.complete_multipart_upload(**known, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})
    assert days_locked(s3) == pytest.approx(days or 7, abs=0.01)
    version = s3.head_object(Bucket=VAULT, Key="a")["VersionId"]
    assert refusal(s3.delete_object, VersionId=version) == "AccessDenied"


def test_a_lock_can_be_prolonged_and_neither_shortened_nor_taken_away(s3: Any) -> None:
    s3.put_object(Bucket=VAULT, Key="a", Body=b"x")
    s3.put_object_retention(Bucket=VAULT, Key="a", Retention=retention(35))
    assert days_locked(s3) == pytest.approx(35, abs=0.01)
    assert refusal(s3.put_object_retention, Retention=retention(34)) == "AccessDenied"
    assert refusal(s3.put_object_retention, Retention={}) in {"AccessDenied", "MalformedXML"}
    assert refusal(s3.put_object_retention, Retention=retention(-1)) == "InvalidArgument"
    assert days_locked(s3) == pytest.approx(35, abs=0.01)


def test_nobody_may_bypass_a_lock_where_the_buckets_policy_says_so(s3: Any) -> None:
    version = s3.put_object(Bucket=VAULT, Key="a", Body=b"x")["VersionId"]
    bypass = {"BypassGovernanceRetention": True}
    assert refusal(s3.delete_object, VersionId=version, **bypass) == "AccessDenied"
    assert refusal(s3.put_object_retention, Retention=retention(1), **bypass) == "AccessDenied"
    several = {"Objects": [{"Key": "a", "VersionId": version}]}
    answer = s3.delete_objects(Bucket=VAULT, Delete=several, **bypass)
    assert [each["Code"] for each in answer["Errors"]] == ["AccessDenied"]
    s3.delete_bucket_policy(Bucket=VAULT)
    s3.put_object_retention(Bucket=VAULT, Key="a", Retention=retention(1), **bypass)
    assert days_locked(s3) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("lock", [locked(38), locked(3650), locked(7, "COMPLIANCE")])
def test_nobody_may_lock_for_longer_than_any_tier_nor_so_that_nobody_can_end_it(s3: Any, lock: dict[str, Any]) -> None:
    assert refusal(s3.put_object, Body=b"x", **lock) == "AccessDenied"
    assert refusal(s3.create_multipart_upload, ChecksumAlgorithm="CRC32", **lock) == "AccessDenied"
    s3.put_object(Bucket=VAULT, Key="a", Body=b"x")
    later = {"Mode": lock["ObjectLockMode"], "RetainUntilDate": lock["ObjectLockRetainUntilDate"]}
    assert refusal(s3.put_object_retention, Retention=later) == "AccessDenied"


def test_a_hold_keeps_a_copy_whose_lock_has_ended(s3: Any) -> None:
    version = s3.put_object(Bucket=VAULT, Key="a", Body=b"x", **locked(1))["VersionId"]
    s3.put_object_legal_hold(Bucket=VAULT, Key="a", LegalHold={"Status": "ON"})
    s3.delete_bucket_policy(Bucket=VAULT)
    bypass = {"BypassGovernanceRetention": True}
    assert refusal(s3.delete_object, VersionId=version, **bypass) == "AccessDenied"


def test_who_may_write_may_neither_lock_nor_bypass_for_that(local_aws: LocalAws) -> None:
    allow = [{"Effect": "Allow", "Action": ["s3:PutObject", "s3:DeleteObject*"], "Resource": "*"}]
    more = [{"Effect": "Allow", "Action": ["s3:PutObject", "s3:PutObjectRetention"], "Resource": "*"}]
    with EnforcedAws() as aws:
        aws.bucket(ACCOUNT, "locked", ["a"], locks_days=7)
        aws.role(ACCOUNT, "writer", [policy(allow)])
        aws.role(ACCOUNT, "keeper", [policy(more)])
        aws.enforce()

        def tries(role: str, operation: str, **request: Any) -> str:
            return aws.tries(ACCOUNT, role, "s3", operation, Bucket="locked", Key="a", **request)

        assert tries("writer", "put_object", Body=b"x") == "allowed"
        assert tries("writer", "put_object", Body=b"x", **locked(8)) == "denied"
        assert tries("writer", "put_object_retention", Retention=retention(8)) == "denied"
        assert tries("keeper", "put_object", Body=b"x", **locked(8)) == "allowed"
        assert tries("keeper", "put_object_retention", Retention=retention(9)) == "allowed"
        for role in ("writer", "keeper"):
            shorter = {"Retention": retention(1), "BypassGovernanceRetention": True}
            assert tries(role, "put_object_retention", **shorter) == "denied"
            assert tries(role, "put_object_legal_hold", LegalHold={"Status": "ON"}) == "denied"
        version = aws.client(ACCOUNT, "writer", "s3").put_object(Bucket="locked", Key="a", Body=b"x")["VersionId"]
        for bypass in (True, False):
            assert tries("writer", "delete_object", VersionId=version, BypassGovernanceRetention=bypass) == "denied"
