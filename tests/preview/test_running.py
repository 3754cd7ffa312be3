"""A version that was deployed past Pulumi is named; the engine sees nothing of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from bulkhead.clients.endpoints import CLOUDFLARE
from bulkhead.clients.rest import Rest
from bulkhead.engine.stack import StackCli
from bulkhead.preview.running import elsewhere, notes_on
from bulkhead.resources import types as t
from tests.support.fake_pulumi import FakePulumi

ACCOUNT = "a1" * 16
STATE: list[dict[str, Any]] = [
    {"type": "pulumi:pulumi:Stack"},
    {"type": t.WORKER, "id": "w1", "outputs": {"name": "shop-staging-worker-web"}},
    {"type": t.WORKER, "id": "w2", "outputs": {"name": "shop-staging-worker-book"}},
    {"type": t.WORKER_VERSION, "id": "v1", "outputs": {"workerId": "w1"}},
    {"type": t.WORKER_VERSION, "id": "v2", "outputs": {"workerId": "w2", "deploy": True}},
    {"type": t.WORKER_VERSION, "id": "v0", "delete": True, "outputs": {"workerId": "w2", "deploy": True}},
    {
        "type": t.WORKERS_DEPLOYMENT,
        "id": "d1",
        "outputs": {"scriptName": "shop-staging-worker-web", "versions": [{"versionId": "v1", "percentage": 100}]},
    },
]


def said(state: list[dict[str, Any]] = STATE, /, **active: list[str]) -> list[str]:
    """Return what is said while these versions of the Workers `web` and `book` are active."""

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.url.path.startswith(f"/client/v4/accounts/{ACCOUNT}/workers/scripts/shop-staging-worker-")
        worker = request.url.path.split("/")[-2].rpartition("-")[2]
        shares = [{"version_id": version, "percentage": 100 / len(active[worker])} for version in active[worker]]
        older = {"id": "d0", "versions": [{"version_id": "v-of-old", "percentage": 100}]}
        deployments = [{"id": "d9", "versions": shares}, older] if shares else []
        return httpx.Response(200, json={"success": True, "result": {"deployments": deployments}})

    with Rest(CLOUDFLARE, "token", httpx.MockTransport(answer)) as cloudflare:
        return list(elsewhere(state, ACCOUNT, cloudflare))


def test_what_runs_as_it_was_deployed_is_not_mentioned() -> None:
    assert said(web=["v1"], book=["v2"]) == []


@pytest.mark.parametrize("active", [["v7"], ["v1", "v7"]])
def test_another_version_is_named_with_the_one_that_was_uploaded_last(active: list[str]) -> None:
    (sentence,) = said(web=active, book=["v2"])
    assert sentence.startswith(f"shop-staging-worker-web runs version {', '.join(active)} and not v1")


def test_a_worker_that_deploys_itself_is_compared_too() -> None:
    (sentence,) = said(web=["v1"], book=["v0"])
    assert sentence.startswith("shop-staging-worker-book runs version v0 and not v2")


def test_what_was_uploaded_and_is_not_live_is_named_although_the_state_holds_an_older_deployment() -> None:
    later = [{**each, "id": "v3"} if each.get("id") == "v1" else each for each in STATE]
    (sentence,) = said(later, web=["v1"], book=["v2"])
    assert sentence.startswith("shop-staging-worker-web runs version v1 and not v3, which was uploaded last")
    assert said(later, web=["v3"], book=["v2"]) == [], "delivery has deployed it"


def test_a_worker_that_runs_nothing_is_not_mentioned() -> None:
    assert said(web=[], book=["v2"]) == []


def test_what_cannot_be_compared_is_said(tmp_path: Path, pulumi: FakePulumi) -> None:
    stack = StackCli("staging", tmp_path)
    assert notes_on(stack, ACCOUNT, None, CLOUDFLARE) == ()  # there is no Worker yet
    pulumi.holds(STATE)
    (no_token,) = notes_on(stack, ACCOUNT, None, CLOUDFLARE)
    assert "was not looked at" in no_token
    (no_answer,) = notes_on(stack, ACCOUNT, "token", CLOUDFLARE.at("http://127.0.0.1:9/client/v4"))
    assert "was not looked at" in no_answer
