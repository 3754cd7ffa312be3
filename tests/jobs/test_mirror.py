"""The job that mirrors R2: from the local Cloudflare's buckets, through the S3 API that R2 has, to the vault."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import boto3
import pytest

from bulkhead.localclouds.api.server import ApiServer
from bulkhead.localclouds.cloudflare.api.app import PREFIX
from bulkhead.localclouds.cloudflare.local import LocalCloudflare
from bulkhead.model.project import ROOT
from bulkhead.recovery.objects import Mirror
from jobs.config import VARIABLE
from jobs.folders import MIRRORED
from jobs.mirror import handler, parts_of
from jobs.r2 import access
from jobs.r2.copies import PART
from jobs.r2.endpoint import r2_endpoint
from jobs.r2.sides import Sides
from jobs.run import JobFailed
from tests.jobs.r2.test_index import ODD
from tests.support.cloudflare_api import ACCOUNT, TOKEN, open_api
from tests.support.lambda_stage import PARAMETER, STATE, VAULT, Context, LambdaStage
from tests.support.s3 import InProcessS3

pytestmark = pytest.mark.slow

FILES = "harbor-staging-r2-files"
BUCKETS = {"files": {"name": FILES}}


@pytest.fixture(scope="module")
def cloudflare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, ApiServer]]:
    folder = tmp_path_factory.mktemp("r2")
    with LocalCloudflare("staging", folder / "cloud", ROOT, str(folder)) as cloud:
        api = open_api(folder, running=cloud)
        server = ApiServer(api.app)
        api.result("POST", f"/accounts/{ACCOUNT}/r2/buckets", {"name": FILES})
        yield api, server
        server.stop()
        api.journal.close()
        api.resources.store.close()


@pytest.fixture
def stage(cloudflare: tuple[Any, ApiServer], local_s3: InProcessS3, monkeypatch: pytest.MonkeyPatch) -> LambdaStage:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    api, server = cloudflare
    s3 = local_s3.emptied()
    for bucket in (VAULT, STATE):
        s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=VAULT, VersioningConfiguration={"Status": "Enabled"})
    boto3.client("ssm").put_parameter(Name=PARAMETER, Value=TOKEN, Type="SecureString")
    stage: Any = None  # no database is asked for
    return LambdaStage(api, server, stage, s3, boto3.client("cloudwatch"), monkeypatch)


@pytest.fixture
def r2(cloudflare: tuple[Any, ApiServer]) -> Iterator[Any]:
    """A client of the buckets, in which there is nothing yet."""
    _, server = cloudflare
    with closing(access.client(r2_endpoint(f"{server.url}{PREFIX}", ACCOUNT), "staging:deploy", TOKEN)) as client:
        for each in client.list_objects_v2(Bucket=FILES).get("Contents", ()):
            client.delete_object(Bucket=FILES, Key=each["Key"])
        yield client


def mirrored(stage: LambdaStage, day: int, **told: Any) -> dict[str, Any]:
    answer = stage.call(handler, "mirror", f"2026-12-{day:02}T18:00:00Z", **{"buckets": BUCKETS, **told})
    found: dict[str, Any] = answer["summary"]["buckets"]
    return found


def test_what_is_in_r2_is_in_the_vault(stage: LambdaStage, r2: Any) -> None:
    large = bytes(range(256)) * (PART // 256) + b"end"
    r2.put_object(Bucket=FILES, Key="a/b c+é.pdf", Body=b"%PDF", ContentType="application/pdf", Metadata={"by": "me"})
    r2.put_object(Bucket=FILES, Key="empty", Body=b"")
    r2.put_object(Bucket=FILES, Key="large", Body=large)
    told = mirrored(stage, 1)["files"]
    assert (told["objects"], told["bytes"], told["copied"]) == (3, 4 + len(large), 3)
    found = stage.s3.get_object(Bucket=VAULT, Key=f"{MIRRORED}files/a/b c+é.pdf")
    assert (found["Body"].read(), found["ContentType"], found["Metadata"]) == (b"%PDF", "application/pdf", {"by": "me"})
    assert found["ServerSideEncryption"] == "aws:kms"
    assert stage.read(f"{MIRRORED}files/large") == large
    assert stage.metric("BackupBytes", store="files") == [4 + len(large)]
    r2.put_object(Bucket=FILES, Key="a/b c+é.pdf", Body=b"%PDF2")
    r2.delete_object(Bucket=FILES, Key="empty")
    told = mirrored(stage, 2)["files"]
    assert (told["objects"], told["copied"], told["deleted"]) == (2, 1, 1)
    assert stage.read(f"{MIRRORED}files/a/b c+é.pdf") == b"%PDF2"


def is_taken_here(key: str) -> bool:
    """Whether the local Cloudflare takes a key; R2 takes more."""
    is_plain = key.strip("/") and not set("\n\x01") & set(key)
    return bool(is_plain) and len(key.encode()) <= 1024 and not {".", ".."} & set(key.split("/"))


def test_keys_of_every_kind_come_in_r2s_own_order(stage: LambdaStage, r2: Any) -> None:
    keys = [key for key in ODD if is_taken_here(key)]
    for key in keys:
        r2.put_object(Bucket=FILES, Key=key, Body=key.encode())
    assert mirrored(stage, 1)["files"]["copied"] == len(keys)
    assert mirrored(stage, 2)["files"]["copied"] == 0


def test_a_run_near_its_end_goes_on_in_another_invocation(stage: LambdaStage, r2: Any) -> None:
    for key in "abc":
        r2.put_object(Bucket=FILES, Key=key, Body=key.encode())
    stage.monkeypatch.setattr("jobs.run.Aws.lambda_", stage.invocations)
    event: dict[str, Any] = {"scheduled": "2026-12-01T18:00:00Z"}
    for _ in "ab":
        answer = stage.call(handler, "mirror", event=event, context=Context(left=100), buckets=BUCKETS)
        assert answer["status"] == "handed-over"
        event = stage.invocations.events[-1]
    answer = stage.call(handler, "mirror", event=event, context=Context(left=100), buckets=BUCKETS)
    assert answer["summary"]["buckets"]["files"]["copied"] == 3
    assert stage.listed(prefix=f"{MIRRORED}files/") == [f"{MIRRORED}files/{key}" for key in "abc"]


def test_a_bucket_that_is_not_there_keeps_no_other_from_the_vault(stage: LambdaStage, r2: Any) -> None:
    r2.put_object(Bucket=FILES, Key="a", Body=b"1")
    with pytest.raises(JobFailed, match=r"absent: .*NoSuchBucket"):
        mirrored(stage, 1, buckets={"absent": {"name": "harbor-staging-r2-absent"}, **BUCKETS})
    assert stage.read(f"{MIRRORED}files/a") == b"1"


def test_what_was_lost_comes_back_by_r2s_own_api(stage: LambdaStage, r2: Any) -> None:
    large = b"x" * (PART + 1)
    r2.put_object(Bucket=FILES, Key="a/b c+é.pdf", Body=b"%PDF", ContentType="application/pdf", Metadata={"by": "me"})
    r2.put_object(Bucket=FILES, Key="large", Body=large)
    r2.put_object(Bucket=FILES, Key="other", Body=b"old")
    mirrored(stage, 1)
    for key in ("a/b c+é.pdf", "large"):
        r2.delete_object(Bucket=FILES, Key=key)
    r2.put_object(Bucket=FILES, Key="other", Body=b"new")
    mirror = Mirror(Sides(r2, stage.s3, "files", FILES, VAULT, STATE, parts_of("files")), "Asia/Tokyo")
    done = mirror.restore(mirror.plan(None))
    assert (done.written, done.replaced, done.failed) == (2, 0, {})
    found = r2.get_object(Bucket=FILES, Key="a/b c+é.pdf")
    assert (found["Body"].read(), found["ContentType"], found["Metadata"]) == (b"%PDF", "application/pdf", {"by": "me"})
    assert r2.get_object(Bucket=FILES, Key="large")["Body"].read() == large
    assert r2.get_object(Bucket=FILES, Key="other")["Body"].read() == b"new"


def test_nothing_of_the_token_is_told(stage: LambdaStage, capsys: pytest.CaptureFixture[str]) -> None:
    mirrored(stage, 1)
    record = json.dumps(stage.record("mirror", "20261201T180000Z"))
    assert TOKEN not in capsys.readouterr().out + record
    assert VARIABLE not in record
