"""Objects of S3 in parts: what arrives is what was written, or nothing does."""

from __future__ import annotations

import base64
import hashlib
import io
import random
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from bulkhead.localclouds.aws.local import LocalAws
from jobs.streams import Reading, StreamFailed, Writing
from tests.support.scripted_http import Asked, Between, served

pytestmark = pytest.mark.slow

SMALLEST = 5 << 20  # S3 takes no smaller part, but the last
CONTENT = random.Random(5).randbytes(2 * SMALLEST + 12345)
PATIENT = Config(retries={"mode": "standard", "total_max_attempts": 4}, read_timeout=10)


def uploads(asked: Asked) -> bool:
    return asked.method == "POST" and "uploads" in asked.path and "uploadId" not in asked.path


def part(number: int) -> Callable[[Asked], bool]:
    return lambda asked: asked.method == "PUT" and f"partNumber={number}&" in f"{asked.path}&"


def completes(asked: Asked) -> bool:
    return asked.method == "POST" and "uploadId" in asked.path


def reads(asked: Asked) -> bool:
    return asked.method == "GET" and asked.path.endswith("/a")


class Scene:
    def __init__(self, between: Between, real: Any, url: str) -> None:
        self.between, self.real = between, real
        self.s3: Any = boto3.client(
            "s3", endpoint_url=url, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x",
            config=PATIENT,
        )  # fmt: skip

    def write(self, *keys: str, content: bytes = CONTENT) -> None:
        with Writing(self.s3, "vault", {key: {} for key in keys}, SMALLEST) as out:
            for start in range(0, len(content), 700_001):
                out.write(content[start : start + 700_001])

    def there(self) -> list[str]:
        return [each["Key"] for each in self.real.list_objects_v2(Bucket="vault").get("Contents", ())]

    def content(self, key: str) -> bytes:
        found: bytes = self.real.get_object(Bucket="vault", Key=key)["Body"].read()
        return found

    def pending(self) -> int:
        return len(self.real.list_multipart_uploads(Bucket="vault").get("Uploads", ()))


@pytest.fixture
def scene(local_aws: LocalAws) -> Iterator[Scene]:
    real: Any = boto3.client(
        "s3", endpoint_url=local_aws.endpoint, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    real.create_bucket(Bucket="vault")
    between = Between(local_aws.endpoint)
    with served(between) as url:
        yield Scene(between, real, url)
    for each in real.list_objects_v2(Bucket="vault").get("Contents", ()):
        real.delete_object(Bucket="vault", Key=each["Key"])
    for each in real.list_multipart_uploads(Bucket="vault").get("Uploads", ()):
        real.abort_multipart_upload(Bucket="vault", Key=each["Key"], UploadId=each["UploadId"])
    real.delete_bucket(Bucket="vault")


@pytest.mark.parametrize("size", [0, 1, SMALLEST - 1, SMALLEST, SMALLEST + 1, len(CONTENT)])
def test_what_is_written_is_read_again_at_every_key(scene: Scene, size: int) -> None:
    scene.write("a", "b", content=CONTENT[:size])
    for key in ("a", "b"):
        assert scene.content(key) == CONTENT[:size]
        with io.BufferedReader(Reading(scene.s3, "vault", key)) as reading:
            assert hashlib.sha256(reading.read()).digest() == hashlib.sha256(CONTENT[:size]).digest()


def test_s3_is_told_a_checksum_at_every_step_which_it_demands_where_objects_are_locked(scene: Scene) -> None:
    scene.write("a")
    begun, first, second, third, end = scene.between.asked
    assert begun.headers["x-amz-checksum-algorithm"] == "CRC32"
    for number, each in enumerate((first, second, third), 1):
        content = CONTENT[(number - 1) * SMALLEST : number * SMALLEST]
        told = base64.b64encode(zlib.crc32(content).to_bytes(4)).decode()
        assert told in end.body.decode()
        assert each.headers.get("x-amz-checksum-crc32") == told or told.encode() in each.body  # after the content


@pytest.mark.parametrize("which", [uploads, part(1), part(2), part(3), completes])
@pytest.mark.parametrize(
    "fault",
    ["500", "answer lost", *(pytest.param(each, marks=pytest.mark.faults) for each in ("503", "dropped", "slow"))],
)
def test_an_s3_that_is_ill_for_a_moment_takes_it_all_the_same(
    scene: Scene, which: Callable[[Asked], bool], fault: str
) -> None:
    scene.between.plan = [(which, fault)]
    scene.write("a", "b")
    assert scene.between.plan == []
    assert scene.content("a") == scene.content("b") == CONTENT


@pytest.mark.parametrize("which", [uploads, part(1), part(2), part(3), completes])
def test_an_s3_that_stays_ill_gets_nothing_that_looks_whole(scene: Scene, which: Callable[[Asked], bool]) -> None:
    scene.between.plan = [(which, "500")] * 8
    with pytest.raises((ClientError, BotoCoreError)):
        scene.write("a", "b")
    scene.between.plan = []
    assert scene.there() == []
    assert scene.pending() == 0


def test_whoever_breaks_off_leaves_nothing(scene: Scene) -> None:
    def break_off() -> None:
        with Writing(scene.s3, "vault", {"a": {}}, SMALLEST) as out:
            out.write(CONTENT)
            raise KeyError

    with pytest.raises(KeyError):
        break_off()
    assert (scene.there(), scene.pending()) == ([], 0)


def test_a_read_that_breaks_off_goes_on_where_it_broke(scene: Scene) -> None:
    scene.write("a")
    scene.between.plan = [(reads, "half"), (reads, "half"), (reads, "dropped")]
    with io.BufferedReader(Reading(scene.s3, "vault", "a")) as reading:
        assert reading.read() == CONTENT
    assert scene.between.plan == []


def test_a_read_never_goes_on_in_another_object(scene: Scene) -> None:
    scene.write("a")
    scene.between.plan = [(reads, "half")]
    reading = Reading(scene.s3, "vault", "a")
    scene.real.put_object(Bucket="vault", Key="a", Body=CONTENT[::-1])
    with pytest.raises(StreamFailed, match="cannot be read on"):
        reading.readall()


def test_a_read_that_breaks_off_for_ever_says_how_far_it_came(scene: Scene) -> None:
    scene.write("a")
    scene.between.plan = [(reads, "half")] * 9
    with pytest.raises(StreamFailed, match=f"of {len(CONTENT)} bytes"):
        Reading(scene.s3, "vault", "a").readall()
