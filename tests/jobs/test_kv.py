"""The job that keeps KV: every value byte for byte, with its metadata and its end, and back by a bulk write."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from bulkhead.localclouds.api.server import ApiServer
from bulkhead.localclouds.cloudflare.local import LocalCloudflare
from bulkhead.model.project import ROOT
from jobs import kv
from jobs.cloudflare import Answer, CloudflareFailed
from jobs.kv import handler
from jobs.run import JobFailed
from tests.support.cloudflare_api import ACCOUNT, TOKEN, Api, open_api
from tests.support.lambda_stage import PARAMETER, STATE, VAULT, Context, LambdaStage
from tests.support.s3 import InProcessS3

pytestmark = pytest.mark.slow

PATH = f"/accounts/{ACCOUNT}/storage/kv/namespaces"
LATER = int(time.time()) + 86_400


@pytest.fixture(scope="module")
def cloudflare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Api, ApiServer]]:
    folder = tmp_path_factory.mktemp("kv")
    with LocalCloudflare("staging", folder / "cloud", ROOT, str(folder)) as cloud:
        api = open_api(folder, running=cloud)
        server = ApiServer(api.app)
        yield api, server
        server.stop()
        api.journal.close()
        api.resources.store.close()


@pytest.fixture
def stage(cloudflare: tuple[Api, ApiServer], local_s3: InProcessS3, monkeypatch: pytest.MonkeyPatch) -> LambdaStage:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    s3 = local_s3.emptied()
    for bucket in (VAULT, STATE):
        s3.create_bucket(Bucket=bucket)
    boto3.client("ssm").put_parameter(Name=PARAMETER, Value=TOKEN, Type="SecureString")
    nothing: Any = None  # no database is asked for
    return LambdaStage(*cloudflare, nothing, s3, boto3.client("cloudwatch"), monkeypatch)


@pytest.fixture
def sessions(stage: LambdaStage) -> Iterator[str]:
    made = stage.api.result("POST", PATH, {"title": f"sessions-{time.time()}"})["id"]
    yield made
    stage.api.result("DELETE", f"{PATH}/{made}")


def write(stage: LambdaStage, namespace: str, *pairs: dict[str, Any]) -> None:
    stage.api.result("PUT", f"{PATH}/{namespace}/bulk", list(pairs))


def kept(stage: LambdaStage, day: int = 1, **namespaces: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Run the job; return the first namespace's manifest and its lines."""
    told = {name: {"id": id_} for name, id_ in namespaces.items()}
    answer = stage.call(handler, "kv", f"2026-12-{day:02}T19:00:00Z", namespaces=told)
    name = next(iter(namespaces))
    manifest = json.loads(stage.read(answer["summary"]["namespaces"][name]["manifest"]))
    packed = b"".join(stage.read(part["key"]) for part in manifest["parts"])
    return manifest, [json.loads(line) for line in gzip.decompress(packed).splitlines()]


def test_every_value_is_kept_and_comes_back_by_a_bulk_write(stage: LambdaStage, sessions: str) -> None:
    given: list[dict[str, Any]] = [
        {"key": "text", "value": "é\n\u0000\ufffd", "metadata": {"by": "me"}},
        {"key": "bytes", "value": "/wD+", "base64": True},
        {"key": "ends", "value": "1", "expiration": LATER},
        {"key": "a/b ?#%2F", "value": ""},
    ]
    write(stage, sessions, *given)
    manifest, lines = kept(stage, sessions=sessions)
    assert lines == sorted(given, key=lambda pair: str(pair["key"]))
    assert (manifest["count"], manifest["namespace"], manifest["id"]) == (4, "sessions", sessions)
    assert stage.metric("BackupBytes", store="sessions") == [manifest["bytes"]]
    for each in given:
        stage.api.result("POST", f"{PATH}/{sessions}/bulk/delete", [each["key"]])
    write(stage, sessions, *lines)
    assert kept(stage, day=2, sessions=sessions)[1] == lines


def test_a_run_near_its_end_goes_on_with_the_next_page(
    stage: LambdaStage, sessions: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kv, "_PAGE", 10)
    monkeypatch.setattr("jobs.run.Aws.lambda_", stage.invocations)
    write(stage, sessions, *({"key": f"{number:02}", "value": str(number)} for number in range(25)))
    event: dict[str, Any] = {"scheduled": "2026-12-01T19:00:00Z"}
    told = {"sessions": {"id": sessions}}
    for _ in range(2):
        answer = stage.call(handler, "kv", event=event, context=Context(left=60), namespaces=told)
        assert answer["status"] == "handed-over"
        event = stage.invocations.events[-1]
    answer = stage.call(handler, "kv", event=event, context=Context(left=60), namespaces=told)
    manifest = json.loads(stage.read(answer["summary"]["namespaces"]["sessions"]["manifest"]))
    assert [part["count"] for part in manifest["parts"]] == [10, 10, 5]


class Narrow:
    """A Cloudflare that answers the value of one key at once, and of a large one only as it is."""

    def post(self, _path: str, body: dict[str, Any], **_: Any) -> dict[str, Any]:
        if len(body["keys"]) > 1 or body["keys"] == ["large"]:
            raise CloudflareFailed("too much", 413)
        return {"values": {key: key.upper() for key in body["keys"]}}

    def request(self, _method: str, path: str) -> Answer:
        return Answer(200, {}, path.rpartition("/")[2].encode())


def test_values_that_are_too_much_for_one_answer_are_asked_for_in_halves() -> None:
    keys = [{"name": name} for name in ("a", "b", "large", "c")]
    api: Any = Narrow()
    found = {line["key"]: line["value"] for line in kv.values(api, "", keys)}
    assert found == {"a": "A", "b": "B", "large": "large", "c": "C"}


def test_a_namespace_that_is_not_there_keeps_no_other_from_the_vault(stage: LambdaStage, sessions: str) -> None:
    write(stage, sessions, {"key": "a", "value": "1"})
    with pytest.raises(JobFailed, match="absent: "):
        kept(stage, sessions=sessions, absent="0" * 32)
    assert [key for key in stage.listed() if key.endswith(".json")]


def test_an_empty_namespace_has_a_manifest(stage: LambdaStage, sessions: str) -> None:
    manifest, lines = kept(stage, sessions=sessions)
    assert (manifest["count"], lines) == (0, [])
