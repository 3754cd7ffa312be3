"""Emptying a bucket removes every version, or says which keys must stay."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from bulkhead.model.faults import Refused
from bulkhead.operations.bootstrap.clients import Clients
from bulkhead.operations.empty import Emptied, empty_bucket


@pytest.fixture
def bucket(clients: Clients, account: str) -> str:
    name = f"empty-{account}"
    clients.s3.create_bucket(
        Bucket=name,
        CreateBucketConfiguration={"LocationConstraint": "ap-northeast-1"},
        ObjectLockEnabledForBucket=True,
    )
    return name


def _left(clients: Clients, bucket: str) -> int:
    page = clients.s3.list_object_versions(Bucket=bucket)
    return len(page.get("Versions", [])) + len(page.get("DeleteMarkers", []))


@pytest.mark.slow
def test_every_version_marker_and_upload_goes(clients: Clients, bucket: str) -> None:
    for _ in range(2):
        clients.s3.put_object(Bucket=bucket, Key="a", Body=b"data")
    clients.s3.delete_object(Bucket=bucket, Key="a")
    clients.s3.put_object(Bucket=bucket, Key="b/ä ?", Body=b"data")
    clients.s3.create_multipart_upload(Bucket=bucket, Key="c")
    seen: list[Emptied] = []
    assert empty_bucket(clients.s3, bucket, progress=seen.append) == Emptied(3, 1, 1)
    assert seen[-1] == Emptied(3, 1, 1)
    assert _left(clients, bucket) == 0
    clients.s3.delete_bucket(Bucket=bucket)


@pytest.mark.slow
def test_more_than_one_page(clients: Clients, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "5")  # moto's page, which is 1000 otherwise
    for number in range(12):
        clients.s3.put_object(Bucket=bucket, Key=f"{number:05}", Body=b"")
    seen: list[Emptied] = []
    assert empty_bucket(clients.s3, bucket, progress=seen.append) == Emptied(versions=12)
    assert [step.versions for step in seen[:3]] == [5, 10, 12]
    assert _left(clients, bucket) == 0


@pytest.mark.slow
def test_an_empty_bucket_is_no_error(clients: Clients, bucket: str) -> None:
    assert empty_bucket(clients.s3, bucket) == Emptied()


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["GOVERNANCE", "COMPLIANCE"])
def test_retention_is_refused_by_key_and_the_rest_is_gone(clients: Clients, bucket: str, mode: str) -> None:
    until = datetime.now(UTC) + timedelta(days=1)
    locked: Any = {"Bucket": bucket, "Body": b"x", "ObjectLockMode": mode, "ObjectLockRetainUntilDate": until}
    clients.s3.put_object(Key="database/daily/1", **locked)
    clients.s3.put_object(Bucket=bucket, Key="free", Body=b"x")
    with pytest.raises(Refused, match="still holds 1 keys") as refused:
        empty_bucket(clients.s3, bucket)
    assert [fault.key for fault in refused.value.faults] == [f"s3://{bucket}/database/daily/1"]
    assert "1 versions" in refused.value.summary
    assert _left(clients, bucket) == 1


@pytest.fixture
def r2() -> Iterator[tuple[Any, Stubber]]:
    """A client of a service that speaks S3 without versions, as R2 does."""
    client = boto3.client(
        "s3",
        region_name="auto",
        endpoint_url="http://127.0.0.1:9",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    with Stubber(client) as stubber:
        yield client, stubber
        stubber.assert_no_pending_responses()


def test_a_service_without_versions_is_emptied_by_key(r2: tuple[Any, Stubber]) -> None:
    client, stubber = r2
    stubber.add_client_error("list_object_versions", "NotImplemented", http_status_code=501)
    stubber.add_response(
        "list_objects_v2",
        {"Contents": [{"Key": "a"}, {"Key": "b"}], "IsTruncated": True, "NextContinuationToken": "next"},
    )
    deleted = {"Objects": [{"Key": "a"}, {"Key": "b"}], "Quiet": True}
    stubber.add_response("list_objects_v2", {"Contents": [{"Key": "c"}], "IsTruncated": False})
    stubber.add_response("delete_objects", {}, {"Bucket": "transcripts", "Delete": deleted})
    stubber.add_response(
        "delete_objects", {}, {"Bucket": "transcripts", "Delete": {"Objects": [{"Key": "c"}], "Quiet": True}}
    )
    stubber.add_response("list_multipart_uploads", {"IsTruncated": False})
    assert empty_bucket(client, "transcripts") == Emptied(versions=3)


def test_another_error_is_not_taken_for_a_missing_feature(r2: tuple[Any, Stubber]) -> None:
    client, stubber = r2
    stubber.add_client_error("list_object_versions", "AccessDenied", http_status_code=403)
    with pytest.raises(client.exceptions.ClientError, match="AccessDenied"):
        empty_bucket(client, "transcripts")


def test_a_refusal_names_the_version_that_stays_not_its_neighbours(r2: tuple[Any, Stubber]) -> None:
    client, stubber = r2
    versions = [{"Key": "k", "VersionId": "1"}, {"Key": "k", "VersionId": "2"}]
    stubber.add_response("list_object_versions", {"Versions": versions, "IsTruncated": False})
    error = {"Key": "k", "VersionId": "2", "Code": "AccessDenied", "Message": "locked"}
    stubber.add_response("delete_objects", {"Errors": [error]})
    stubber.add_response("list_multipart_uploads", {"IsTruncated": False})
    with pytest.raises(Refused, match=r"1 versions, 0 delete markers.*\n.*s3://vault/k: AccessDenied: locked"):
        empty_bucket(client, "vault")
