"""R2 as S3 clients reach it: with a token of the account, and nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from bulkhead.localclouds.api.faults import Failing, PlannedFault
from bulkhead.localclouds.api.server import ApiServer
from bulkhead.localclouds.cloudflare.api import s3
from bulkhead.operations.empty import empty_bucket
from bulkhead.resources.permissions import GROUPS
from bulkhead.resources.token_policies import bucket_key
from jobs.r2.endpoint import r2_endpoint
from tests.support.cloudflare_api import ACCOUNT, OTHER_ACCOUNT, TOKEN, Api

pytestmark = pytest.mark.slow

Connect = Callable[..., Any]


@pytest.fixture(scope="module")
def url(real_api: Api) -> Iterator[str]:
    real_api.result("POST", f"/accounts/{ACCOUNT}/r2/buckets", {"name": "files"})
    real_api.result("POST", f"/accounts/{ACCOUNT}/r2/buckets", {"name": "european"}, cf_r2_jurisdiction="eu")
    server = ApiServer(real_api.app)
    yield server.url
    server.stop()


@pytest.fixture
def connect(url: str) -> Iterator[Connect]:
    made: list[Any] = []

    def client(account: str = ACCOUNT, id_: str = "staging:deploy", token: str = TOKEN) -> Any:
        session = boto3.Session(id_, hashlib.sha256(token.encode()).hexdigest(), region_name="auto")
        config = Config(
            s3={"addressing_style": "path"},
            retries={"total_max_attempts": 1},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        endpoint = r2_endpoint(f"{url}/client/v4", account)
        made.append(session.client("s3", endpoint_url=endpoint, config=config))
        return made[-1]

    yield client
    for each in made:
        each.close()


def test_a_token_of_the_account_is_a_key_of_its_buckets(real_api: Api, connect: Connect) -> None:
    s3, content = connect(), bytes(range(256))
    s3.put_object(Bucket="files", Key="a/b c+é.bin", Body=content, ContentType="image/png", Metadata={"by": "me"})
    read = s3.get_object(Bucket="files", Key="a/b c+é.bin", Range="bytes=250-")
    assert read["Body"].read() == content[250:]
    assert (read["ContentType"], read["Metadata"]) == ("image/png", {"by": "me"})
    assert s3.head_object(Bucket="files", Key="a/b c+é.bin")["ContentLength"] == 256
    shown = real_api.result("GET", f"/accounts/{ACCOUNT}/r2/buckets/files/objects?prefix=a/")
    assert [one["key"] for one in shown] == ["a/b c+é.bin"]
    call = list(real_api.journal)[-2]
    assert (call.who, call.method, call.resource) == ("deploy", "HEAD", "files")


def test_a_bucket_is_emptied_as_the_command_does_it(connect: Connect) -> None:
    s3 = connect()
    for number in range(5):
        s3.put_object(Bucket="files", Key=f"empty/{number}", Body=b"1")
    assert empty_bucket(s3, "files").versions >= 5
    assert s3.list_objects_v2(Bucket="files")["KeyCount"] == 0


def test_large_objects_come_in_parts(connect: Connect) -> None:
    s3, part = connect(), b"x" * (5 * 1024 * 1024)
    upload = s3.create_multipart_upload(Bucket="files", Key="large")["UploadId"]
    of = {"Bucket": "files", "Key": "large", "UploadId": upload}
    tags = [s3.upload_part(**of, PartNumber=n, Body=body)["ETag"] for n, body in ((1, part), (2, b"end"))]
    parts = [{"PartNumber": n, "ETag": tag} for n, tag in enumerate(tags, 1)]
    s3.complete_multipart_upload(**of, MultipartUpload={"Parts": parts})
    assert s3.get_object(Bucket="files", Key="large")["Body"].read() == part + b"end"
    s3.delete_object(Bucket="files", Key="large")


@pytest.mark.parametrize(
    ("who", "bucket", "code"),
    [
        ({"id_": "nobody"}, "files", "Unauthorized"),
        ({"token": "another"}, "files", "SignatureDoesNotMatch"),
        ({"account": OTHER_ACCOUNT}, "files", "Unauthorized"),
        ({"account": OTHER_ACCOUNT, "id_": "production:deploy", "token": "production-token"}, "files", "NoSuchBucket"),
        ({}, "none", "NoSuchBucket"),
        ({}, "european", "NoSuchBucket"),
    ],
)
def test_nobody_else_is_let_in(connect: Connect, who: dict[str, str], bucket: str, code: str) -> None:
    with pytest.raises(ClientError) as refused:
        connect(**who).list_objects_v2(Bucket=bucket)
    assert refused.value.response["Error"]["Code"] == code


def narrow(api: Api, jurisdiction: str = "default") -> dict[str, str]:
    """Make a token for what is in the bucket files, and return how S3 clients use it."""
    group = next(known.id for known in GROUPS if known.name == "Workers R2 Storage Bucket Item Write")
    policy = {
        "effect": "allow",
        "permission_groups": [{"id": group}],
        "resources": {bucket_key(ACCOUNT, "files", jurisdiction): "*"},
    }
    made = api.result("POST", f"/accounts/{ACCOUNT}/tokens", {"name": "narrow", "policies": [policy]})
    return {"id_": made["id"], "token": made["value"]}


def test_a_token_of_one_bucket_copies_from_no_other(real_api: Api, connect: Connect) -> None:
    real_api.call("POST", f"/accounts/{ACCOUNT}/r2/buckets", {"name": "private"})
    connect().put_object(Bucket="private", Key="plan", Body=b"1")
    s3 = connect(**narrow(real_api))
    s3.put_object(Bucket="files", Key="own", Body=b"1")
    s3.copy_object(Bucket="files", Key="copied", CopySource="files/own")
    for source in ("private/plan", "/private/plan", "%70rivate/plan"):
        with pytest.raises(ClientError, match="AccessDenied"):
            s3.copy_object(Bucket="files", Key="taken", CopySource=source)


def test_a_token_of_a_bucket_elsewhere_opens_none_of_the_same_name(real_api: Api, connect: Connect) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        connect(**narrow(real_api, "eu")).list_objects_v2(Bucket="files")


def test_whoever_may_read_all_buckets_lists_them(real_api: Api, connect: Connect) -> None:
    assert "files" in {bucket["Name"] for bucket in connect().list_buckets()["Buckets"]}
    with pytest.raises(ClientError, match="AccessDenied"):
        connect(**narrow(real_api)).list_buckets()


def test_what_only_r2_can_do_is_refused_in_words(connect: Connect) -> None:
    s3 = connect()
    with pytest.raises(ClientError, match=r"NotImplemented.*makes buckets by Cloudflare's own API"):
        s3.create_bucket(Bucket="another")
    for key in ("a/../b", "..", "./a"):
        with pytest.raises(ClientError, match=r"NotImplemented.*takes no keys"):
            s3.put_object(Bucket="files", Key=key, Body=b"1")


def test_a_planned_fault_meets_s3_as_well(real_api: Api, connect: Connect) -> None:
    real_api.fail(PlannedFault("PUT", s3.TEMPLATE, Failing.AFTER))
    client = connect()
    with pytest.raises(ClientError, match="502"):
        client.put_object(Bucket="files", Key="late", Body=b"1")
    assert client.get_object(Bucket="files", Key="late")["Body"].read() == b"1"


def test_a_body_must_be_the_one_that_was_signed(url: str, connect: Connect) -> None:
    address = connect().generate_presigned_url("put_object", {"Bucket": "files", "Key": "key"})
    with httpx.Client(trust_env=False) as client:
        assert client.put(address, content=b"1").status_code == 400
        assert client.get(f"{url}/s3/{ACCOUNT}/files/key").status_code == 400


def test_what_was_changed_on_the_way_is_refused(connect: Connect) -> None:
    s3 = connect()

    def change(request: Any, **_: Any) -> None:
        request.url = request.url.replace("one", "two")

    s3.meta.events.register_last("before-send.s3.PutObject", change)
    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        s3.put_object(Bucket="files", Key="one", Body=b"1")
