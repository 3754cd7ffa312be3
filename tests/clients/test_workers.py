"""Traffic between the versions of a Worker: what is asked, how it is ordered, and what a refusal means."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from bulkhead.clients.endpoints import CLOUDFLARE
from bulkhead.clients.refusals import ApiRefused, Uncertain
from bulkhead.clients.rest import Rest
from bulkhead.clients.workers import SECRETS_CHANGED, Share, Traffic
from tests.localclouds.cloudflare.api.workers import made
from tests.support.answering import Answering, cloudflare, failed
from tests.support.cloudflare_api import ACCOUNT, TOKEN, Api, open_api

NOTED = {"workers/tag": "a" * 64, "workers/message": "release 0f3c9d2"}
SECRET = {"type": "secret_text", "name": "KEY", "text": "hush-4711"}
ROOM = {"Room": {"type": "durable-object", "storage": "sqlite"}}


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    opened = open_api(tmp_path)
    yield opened
    opened.journal.close()
    opened.resources.store.close()


@pytest.fixture
def traffic(api: Api) -> Iterator[Traffic]:
    with Rest(CLOUDFLARE, TOKEN, api.transport()) as rest:
        yield Traffic(rest, ACCOUNT)


def test_deployments_come_newest_first_with_their_shares_author_and_message(api: Api, traffic: Traffic) -> None:
    first, second = made(api), made(api, deploy=False)
    moved = traffic.deploy("web", [Share(first["id"], 90), Share(second["id"], 10)], "step 1 of 3")
    assert traffic.deployments("web")[0] == moved == traffic.live("web")
    assert traffic.deployments("web")[1].shares == (Share(first["id"], 100.0),)
    assert (moved.author, moved.message, moved.stable) == ("deploy", "step 1 of 3", first["id"])
    assert (moved.percent_of(second["id"]), moved.percent_of("another")) == (10, 0)


def test_of_two_equal_shares_the_first_is_stable(api: Api, traffic: Traffic) -> None:
    first, second = made(api), made(api, deploy=False)
    assert traffic.deploy("web", [Share(second["id"], 50), Share(first["id"], 50)], "half").stable == second["id"]


def test_a_new_version_takes_part_with_no_requests_at_all(api: Api, traffic: Traffic) -> None:
    first, second = made(api), made(api, deploy=False)
    moved = traffic.deploy("web", [Share(first["id"], 100), Share(second["id"], 0)], "green")
    assert moved.shares == (Share(first["id"], 100), Share(second["id"], 0))
    assert moved.stable == first["id"]


def test_versions_say_their_number_release_and_bundle(api: Api, traffic: Traffic) -> None:
    made(api)
    second = made(api, annotations=NOTED)
    newest, oldest = traffic.versions("web")
    assert (newest.id, newest.number, newest.tag, newest.release) == (second["id"], 2, "a" * 64, "0f3c9d2")
    assert (oldest.number, oldest.tag, oldest.release, oldest.author) == (1, "", "", "deploy")


def test_a_worker_that_is_not_there_has_nothing(traffic: Traffic) -> None:
    assert (traffic.deployments("none"), traffic.live("none"), traffic.versions("none")) == ([], None, [])
    assert traffic.content("none", "v") is None


def test_more_versions_than_a_page_are_all_seen_and_only_the_last_hundred_can_be_deployed() -> None:
    def page(number: int, *numbers: int) -> httpx.Response:
        items = [
            {"id": f"v{each}", "number": each, "metadata": {"created_on": "2026-11-30T10:00:00.123456789Z"}}
            for each in numbers
        ]
        info = {"page": number, "per_page": 60, "total_count": 120}
        return httpx.Response(200, json={"success": True, "result": {"items": items}, "result_info": info})

    answering = Answering(page(1, *range(120, 60, -1)), page(2, *range(60, 0, -1)))
    found = Traffic(answering.rest(CLOUDFLARE), ACCOUNT).versions("web")
    assert [found[0].id, found[-1].id, len(found)] == ["v120", "v21", 100]
    assert answering.asked[0].url.params["deployable"] == "true"


def test_the_content_of_a_version_is_told_without_any_secrets_value(api: Api, traffic: Traffic) -> None:
    version = made(api, "web", SECRET, {"type": "plain_text", "name": "COLOUR", "text": "blue"}, exports=ROOM)
    content = traffic.content("web", version["id"])
    assert content is not None
    assert (content.secrets, content.classes) == (frozenset({"KEY"}), frozenset({"Room"}))
    assert content.settings["COLOUR"]["text"] == "blue"
    assert content.settings["compatibility_date"] == "2026-07-01"
    assert "hush-4711" not in str((content, content.settings))


def test_old_secrets_come_back_by_force_alone_and_the_refusal_names_them(api: Api, traffic: Traffic) -> None:
    first = made(api, "web", SECRET)
    made(api, "web", {**SECRET, "text": "new"})
    with pytest.raises(ApiRefused, match=r"their old values would come back with it.*KEY") as refused:
        traffic.deploy("web", [Share(first["id"], 100)], "back")
    assert refused.value.has(SECRETS_CHANGED)
    assert traffic.deploy("web", [Share(first["id"], 100)], "back", force=True).stable == first["id"]


def test_traffic_between_versions_with_other_classes_is_refused_in_words(api: Api, traffic: Traffic) -> None:
    first, second = made(api), made(api, exports=ROOM)
    with pytest.raises(ApiRefused, match="do not have the same Durable Object classes"):
        traffic.deploy("web", [Share(first["id"], 90), Share(second["id"], 10)], "step")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (10007, "no such Worker"),
        (10215, "only while the newest version takes all traffic"),
        (100406, "binds a Durable Object class that does not exist"),
        (100146, "no such version among the last 100"),
    ],
)
def test_a_code_is_told_in_words_and_kept(code: int, words: str) -> None:
    traffic = Traffic(Answering(failed(400, code)).rest(CLOUDFLARE), ACCOUNT)
    with pytest.raises(ApiRefused, match=words) as refused:
        traffic.deploy("web", [Share("v", 100)], "back")
    assert refused.value.has(code)


def test_what_no_code_explains_is_told_as_it_came() -> None:
    traffic = Traffic(Answering(failed(400, 4711)).rest(CLOUDFLARE), ACCOUNT)
    with pytest.raises(ApiRefused, match="4711"):
        traffic.deploy("web", [Share("v", 100)], "back")


def shown(*shares: tuple[str, float], message: str = "back") -> dict[str, Any]:
    versions = [{"version_id": version, "percentage": percent} for version, percent in shares]
    noted = {"workers/message": message}
    return {"id": "d", "created_on": "2026-11-30T10:00:00Z", "versions": versions, "annotations": noted}


def test_an_order_whose_answer_was_lost_is_no_failure_where_it_was_carried_out() -> None:
    done = cloudflare({"deployments": [shown(("v", 100))]})
    answering = Answering(failed(502), done)
    assert Traffic(answering.rest(CLOUDFLARE), ACCOUNT).deploy("web", [Share("v", 100)], "back").stable == "v"
    assert [request.method for request in answering.asked] == ["POST", "GET"], "nothing is ordered twice"


@pytest.mark.parametrize("live", [shown(("old", 100)), shown(("v", 100), message="somebody else's")])
def test_an_order_whose_answer_was_lost_stays_in_doubt_where_another_deployment_is_live(live: dict[str, Any]) -> None:
    answering = Answering(failed(502), cloudflare({"deployments": [live]}))
    with pytest.raises(Uncertain):
        Traffic(answering.rest(CLOUDFLARE), ACCOUNT).deploy("web", [Share("v", 100)], "back")
