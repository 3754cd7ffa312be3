"""One stage on the real Miniflare: what the Workers see, and what a proof sees of their stores."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import boto3
import pytest

from bulkhead.localclouds.cloudflare import layout
from bulkhead.localclouds.cloudflare.client import StageCloud
from bulkhead.localclouds.cloudflare.local import LocalCloudflare
from bulkhead.localclouds.cloudflare.request import Answer
from bulkhead.localclouds.cloudflare.uploads import Uploads
from bulkhead.localclouds.providers.handler import ApiRefusal
from bulkhead.model.failures import Failed
from tests.localclouds.cloudflare.account import Account, durable

pytestmark = pytest.mark.slow

BUNDLES = Path("tests/localclouds/cloudflare/bundles")
SHOP = BUNDLES / "shop.js"
CRON = "*/15 * * * *"
HELLO = "export default { fetch: () => new Response('hello') }"


def shop(account: Account) -> None:
    """Fill the account with a shop that is bound to one store of each kind, and a clerk that it sends messages to."""
    account.database("d1-id")
    account.namespace("kv-id")
    account.bucket("files")
    events = account.queue("events")
    account.queue("failed")
    account.deployed("clerk", BUNDLES / "clerk.js", {"type": "kv_namespace", "name": "KV", "namespaceId": "kv-id"})
    account.consumer(events, "clerk", "failed", maxRetries=0, batchSize=1, maxWaitTimeMs=0)
    account.crons("clerk", CRON)
    account.deployed(
        "shop",
        SHOP,
        {"type": "ai", "name": "AI"},
        {"type": "d1", "name": "DB", "databaseId": "d1-id"},
        {"type": "durable_object_namespace", "name": "LEDGER", "className": "Ledger"},
        {"type": "kv_namespace", "name": "KV", "namespaceId": "kv-id"},
        {"type": "queue", "name": "EVENTS", "queueName": "events"},
        {"type": "r2_bucket", "name": "FILES", "bucketName": "files"},
        {"type": "secret_text", "name": "SECRET", "text": "s3cret"},
        {"type": "service", "name": "HELPER", "service": "clerk"},
        {"type": "version_metadata", "name": "VERSION"},
        annotations={"workersTag": "abc"},
        exports=durable("Ledger"),
    )
    account.domain("shop.example", "shop")


@pytest.fixture(scope="module")
def stage(shared_cloud: LocalCloudflare) -> StageCloud:
    account = Account(shared_cloud.uploads)
    shop(account)
    shared_cloud.apply(account.records)
    return shared_cloud.client


def eventually(look: Callable[[], object]) -> None:
    """Return once ``look`` sees something; a queue delivers a moment later."""
    deadline = time.monotonic() + 10
    while not look():
        assert time.monotonic() < deadline, "nothing came"
        time.sleep(0.05)


def test_a_worker_sees_what_it_was_given_and_nothing_else(stage: StageCloud) -> None:
    assert stage.env_keys("shop") == ["AI", "DB", "EVENTS", "FILES", "HELPER", "KV", "LEDGER", "SECRET", "VERSION"]
    assert stage.env_keys("clerk") == ["KV"]


def test_nobody_else_can_read_the_names_in_env(stage: StageCloud) -> None:
    assert stage.fetch("shop", "/__rehearsal/env").status == 404
    assert stage.visit("shop.example", "/__rehearsal/env").text == "nothing here"


def test_a_hostname_leads_to_its_worker_and_the_bare_address_to_the_main_one(stage: StageCloud) -> None:
    assert stage.visit("shop.example", "/").text == "shop"
    assert stage.visit("127.0.0.1", "/").text == "shop"


def test_a_worker_that_throws_answers_500(stage: StageCloud) -> None:
    answer = stage.fetch("shop", "/throws")
    assert (answer.status, "on purpose" in answer.text) == (500, True)


def test_what_a_worker_writes_is_in_its_stores(stage: StageCloud) -> None:
    stage.d1_query("d1-id", "CREATE TABLE words (\n  word TEXT NOT NULL\n);\n-- the end")
    for path in ("/d1", "/kv", "/r2", "/ledger"):
        assert stage.fetch("shop", f"{path}?word=mark-4711").status == 200
    assert stage.d1_query("d1-id", "SELECT word FROM words") == [{"word": "mark-4711"}]
    assert stage.kv_get("kv-id", "word") == "mark-4711"
    assert stage.r2_get("files", "word.txt") == b"mark-4711"
    (ledger,) = stage.durable_objects("shop", "Ledger")
    assert ledger.id == layout.object_id("shop", "Ledger", "all")
    assert ledger.tables == {"entries": [{"word": "mark-4711"}]}
    assert b"mark-4711" in ledger.stored["last"]
    texts = [stage.d1_text("d1-id"), stage.kv_text("kv-id"), stage.r2_text("files")]
    assert all("mark-4711" in text for text in [*texts, stage.objects_text("shop", "Ledger")])


def test_a_message_reaches_the_consumer_and_a_refused_one_the_dead_letters(stage: StageCloud) -> None:
    assert stage.fetch("shop", "/send?word=good").text == "sent"
    eventually(lambda: stage.kv_get("kv-id", "message:good"))
    stage.queue_send("events", {"word": "bad"})
    eventually(lambda: stage.queue_held("failed"))
    assert [held.body for held in stage.queue_held("failed")] == [{"word": "bad"}]


def test_a_cron_trigger_runs_when_asked_and_only_one_that_exists(stage: StageCloud) -> None:
    assert stage.scheduled("clerk", CRON, at=1_790_000_000_000) == "ok"
    assert stage.kv_get("kv-id", "cron") == f"{CRON} at 1790000000000"
    with pytest.raises(Failed, match="clerk has no cron trigger 0 0"):
        stage.scheduled("clerk", "0 0 * * *")


def test_another_worker_can_be_called(stage: StageCloud) -> None:
    assert stage.fetch("shop", "/helper").text == "hello from clerk"


def test_the_model_answers_from_a_recording_and_says_so(stage: StageCloud) -> None:
    assert "recording" in stage.fetch("shop", "/ai?word=hello").text
    assert stage.fetch("shop", "/ai?word=hello").body == stage.fetch("shop", "/ai?word=hello").body
    assert "There is no recording for model @cf/unknown" in stage.fetch("shop", "/unrecorded").text


def test_the_running_version_is_the_one_that_was_uploaded(stage: StageCloud) -> None:
    assert stage.fetch("shop", "/version").json() == {
        "id": "version-3",
        "tag": "abc",
        "timestamp": "2026-07-02T03:04:05Z",
    }


def test_all_egress_ends_here_and_is_written_down(stage: StageCloud) -> None:
    assert stage.fetch("shop", "/fetch").text == "502"
    seen = stage.egress()[-1]
    assert (seen.worker, seen.method, seen.url) == ("shop", "GET", "https://example.com/tracking?id=1")


def test_raw_tcp_reaches_nothing_not_even_this_machine(stage: StageCloud) -> None:
    own_control = stage.call("state")["url"].removeprefix("http://")
    assert stage.fetch("shop", f"/tcp?word={own_control}").text.startswith("refused")


def test_an_s3_client_empties_a_bucket(stage: StageCloud) -> None:
    access = stage.s3()
    s3 = boto3.client(
        "s3",
        endpoint_url=access.endpoint,
        aws_access_key_id=access.access_key_id,
        aws_secret_access_key=access.secret_access_key,
        region_name="auto",
    )
    stage.r2_put("files", "a/b.txt", "content")
    assert s3.get_object(Bucket="files", Key="a/b.txt")["Body"].read() == b"content"
    for found in s3.list_objects_v2(Bucket="files")["Contents"]:
        s3.delete_object(Bucket="files", Key=found["Key"])
    s3.close()
    assert stage.r2_is_empty("files")


def test_what_does_not_exist_is_said(stage: StageCloud) -> None:
    with pytest.raises(Failed, match="no kv-other among this stage's namespaces: kv-id"):
        stage.kv_get("kv-other", "x")
    with pytest.raises(Failed, match="no Worker other is deployed; deployed: shop, clerk"):
        stage.fetch("other", "/")


def test_without_the_token_nothing_is_answered(shared_cloud: LocalCloudflare) -> None:
    with pytest.raises(Failed, match="wrong or no token"):
        StageCloud(shared_cloud.control, "guess").egress()


@pytest.mark.parametrize(
    ("code", "exports", "said"),
    [
        ("throw new Error('broken at the start')", {}, "Worker web: .*broken at the start"),
        ("export default {", {}, "Worker web: .*SyntaxError"),
        (HELLO, durable("Ledger"), "the bundle exports no Durable Object class Ledger"),
    ],
)
def test_a_bundle_that_cannot_start_is_refused_and_what_ran_before_still_does(
    cloud: LocalCloudflare, code: str, exports: dict[str, dict[str, str]], said: str
) -> None:
    account = Account(cloud.uploads)
    account.deployed("web", HELLO)
    cloud.apply(account.records)
    address = cloud.client.url
    web = account.records[0]
    bad = account.version(web, code, exports=exports)
    deployment = account.deployment(web, (bad, 100))
    with pytest.raises(ApiRefusal, match=said):
        cloud.apply(account.records)
    account.remove(deployment)
    assert cloud.client.fetch("web", "/").text == "hello"
    assert cloud.client.url == address


def test_a_stages_address_outlives_deployments_and_carries_large_bodies(cloud: LocalCloudflare) -> None:
    account = Account(cloud.uploads)
    account.domain("shop.example", "web")
    web = account.worker("web")
    for count in (1, 2_000_000):
        version = account.version(web, f"export default {{ fetch: () => new Response('x'.repeat({count})) }}")
        account.deployment(web, (version, 100))
        cloud.apply(account.records)
        assert len(cloud.client.visit("shop.example", "/").text) == count
        assert cloud.client.url == cloud.url


def test_a_consumer_without_a_queue_handler_is_refused(cloud: LocalCloudflare) -> None:
    account = Account(cloud.uploads)
    account.deployed("web", HELLO)
    account.consumer(account.queue("events"), "web")
    with pytest.raises(ApiRefusal, match=r"the bundle has no queue\(\) handler"):
        cloud.apply(account.records)


def test_what_is_declared_is_real_at_the_next_question(cloud: LocalCloudflare) -> None:
    account = Account(cloud.uploads)
    cloud.declare(account.records)
    account.namespace("kv-id")
    cloud.declare(account.records)
    cloud.client.kv_put("kv-id", "a", "b")
    assert cloud.client.kv_list("kv-id") == ["a"]


def test_objects_of_a_retired_class_are_deleted(cloud: LocalCloudflare) -> None:
    account = Account(cloud.uploads)
    binding = {"type": "durable_object_namespace", "name": "LEDGER", "className": "Ledger"}
    web = account.deployed("web", SHOP, binding, exports=durable("Ledger"))
    cloud.apply(account.records)
    cloud.client.fetch("web", "/ledger?word=kept")
    assert len(cloud.client.durable_objects("web", "Ledger")) == 1
    account.version(web, SHOP, exports=durable(Ledger="deleted"), deploy=True)
    cloud.apply(account.records)
    assert cloud.client.durable_objects("web", "Ledger") == []


def test_data_outlives_a_deployment_and_the_process(tmp_path: Path) -> None:
    account = Account(Uploads(tmp_path / "uploads"))
    account.namespace("kv-id")
    for word in ("first", "second"):
        with LocalCloudflare("development", tmp_path, Path(), str(tmp_path)) as local:
            local.apply(account.records)
            local.client.kv_put("kv-id", word, "kept")
            account.deployed(word, HELLO)
            local.apply(account.records)
            keys = local.client.kv_list("kv-id")
    assert keys == ["first", "second"]


def test_two_stages_at_once_share_nothing(tmp_path: Path) -> None:
    uploads = Uploads(tmp_path / "uploads")
    account = Account(uploads)
    account.namespace("kv-id")
    account.deployed("shop", SHOP, {"type": "kv_namespace", "name": "KV", "namespaceId": "kv-id"})
    mark = str(tmp_path)
    with (
        LocalCloudflare("staging", tmp_path / "staging", Path(), mark) as staging,
        LocalCloudflare("production", tmp_path / "production", Path(), mark) as production,
    ):
        staging.uploads = production.uploads = uploads
        staging.apply(account.records)
        production.apply(account.records)
        answer: Answer = staging.client.fetch("shop", "/kv?word=only-here")
        assert answer.text == "kept"
        assert staging.client.kv_list("kv-id") == ["word"]
        assert production.client.kv_list("kv-id") == []
        with pytest.raises(Failed, match="wrong or no token"):
            StageCloud(production.control, staging.token).kv_list("kv-id")
