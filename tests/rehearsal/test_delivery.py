"""What deliveries find of an earlier rehearsal, and what they leave behind."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from bulkhead.clients.workers import Share
from bulkhead.delivery.live import serve_uploaded
from bulkhead.rehearsal import delivery
from bulkhead.resources import types as t
from infra.product import PRODUCT
from tests.support.memory_delivery import MemoryTraffic
from tests.support.s3 import InProcessS3
from tests.support.settings_fixture import make_settings

RESOURCES: tuple[dict[str, Any], ...] = (
    {"type": t.WORKER, "id": "id-web", "outputs": {"name": "harbor-web"}},
    {"type": t.WORKER_VERSION, "id": "web-2", "inputs": {"workerId": "id-web"}},
)


def serve(traffic: Any) -> None:
    serve_uploaded(traffic, RESOURCES, "a test")


@pytest.mark.parametrize("shares", [[("web-1", 100)], [("web-1", 90), ("web-2", 10)], [("web-1", 0), ("web-2", 100)]])
def test_everybody_gets_what_was_uploaded_last(shares: list[tuple[str, int]]) -> None:
    traffic = MemoryTraffic()
    traffic.deploy("harbor-web", [Share(*share) for share in shares], "a release that was cut off")
    serve(traffic)
    assert traffic.deployments("harbor-web")[0].shares == (Share("web-2", 100),)


def test_nothing_is_deployed_where_everybody_has_it() -> None:
    traffic = MemoryTraffic()
    serve(traffic)
    serve(traffic)
    assert len(traffic.deployments("harbor-web")) == 1


def test_the_journal_is_gone_afterwards_and_one_that_was_left_is_not_gone_on_with(local_s3: InProcessS3) -> None:
    client = local_s3.emptied()
    settings = make_settings("staging")
    scene: Any = SimpleNamespace(aws=lambda _stage, _service: client, product=PRODUCT)
    stage: Any = SimpleNamespace(settings=settings, environment="staging")
    with delivery.journal_in(scene, stage, lambda _: None) as journal:
        client.create_bucket(Bucket="somebody-elses")
        bucket = journal.documents.objects.bucket
        with journal.held():
            journal.begin({})
    assert [each["Name"] for each in client.list_buckets()["Buckets"]] == ["somebody-elses"]
    client.create_bucket(Bucket=bucket)
    client.put_object(Bucket=bucket, Key="delivery/staging/20261130T080000Z/00001.json", Body=b"{}")
    with delivery.journal_in(scene, stage, lambda _: None) as journal:
        assert journal.open_run() is None
