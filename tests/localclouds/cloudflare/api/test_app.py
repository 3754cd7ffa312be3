"""What is the same for every route: who may call, what is written down, how it fails."""

from __future__ import annotations

import json

import httpx
import pytest

from bulkhead.localclouds.api.faults import Failing, PlannedFault
from bulkhead.localclouds.api.server import ApiServer
from bulkhead.localclouds.cloudflare.api.app import PREFIX, routes
from bulkhead.localclouds.cloudflare.api.permissions import TABLE
from bulkhead.localclouds.cloudflare.api.s3 import TEMPLATE as S3_TEMPLATE
from bulkhead.localclouds.providers.handler import Caller
from bulkhead.resources import types as t
from bulkhead.resources.permissions import GROUPS
from tests.support.cloudflare_api import ACCOUNT, OTHER_ACCOUNT, TOKEN, ZONE, Api

KV = f"/accounts/{ACCOUNT}/storage/kv/namespaces"
DATABASES = f"/accounts/{ACCOUNT}/d1/database"
TEMPLATE = "/accounts/{account_id}/d1/database"


def token_with(api: Api, group: str, key: str = f"com.cloudflare.api.account.{ACCOUNT}") -> str:
    """Make a token that has one group on a resource, staging's account unless another one is named."""
    identity = next(known.id for known in GROUPS if known.name == group)
    policy = {"effect": "allow", "permissionGroups": [{"id": identity}], "resources": json.dumps({key: "*"})}
    inputs = {"accountId": ACCOUNT, "name": "narrow", "policies": [policy]}
    made = api.resources.create(Caller("staging", "cloudflare", {}), t.ACCOUNT_TOKEN, "", inputs)
    return str(made.outputs["value"])


def test_an_answer_has_the_envelope_and_the_page(api: Api) -> None:
    status, answer = api.call("GET", DATABASES)
    assert status == 200
    assert answer == {
        "success": True,
        "errors": [],
        "messages": [],
        "result": [],
        "result_info": {"page": 1, "per_page": 1000, "count": 0, "total_count": 0, "total_pages": 0},
    }


def test_an_answer_tells_the_rate_limit(api: Api) -> None:
    headers = [api.answer("GET", DATABASES).headers for _ in range(2)]
    assert [each["ratelimit"].split(";")[1] for each in headers] == ["r=1199", "r=1198"]
    assert headers[0]["ratelimit-policy"] == '"default";q=1200;w=300'


@pytest.mark.parametrize(
    ("token", "refused"),
    [("", (400, [6003])), ("nobody's", (401, [1000])), ("production-token", (403, [10000]))],
)
def test_a_token_opens_only_its_own_account(api: Api, token: str, refused: tuple[int, list[int]]) -> None:
    assert api.refused("GET", DATABASES, token=token) == refused


def test_each_stage_is_let_into_its_own_account(api: Api) -> None:
    assert api.call("GET", f"/accounts/{OTHER_ACCOUNT}/d1/database", token="production-token")[0] == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/none/of/these"), ("PATCH", DATABASES), ("OPTIONS", DATABASES), ("GET", f"{KV}/any/values/")],
)
def test_an_unknown_route_is_refused_and_written_down(api: Api, method: str, path: str) -> None:
    assert api.refused(method, path) == (404, [7003, 7000])
    assert [(call.method, call.path) for call in api.journal.unknown()] == [(method, f"/client/v4{path}")]


def test_every_call_is_written_down_with_its_caller_and_its_resource(api: Api) -> None:
    made = api.result("POST", DATABASES, {"name": "main"})
    api.result("GET", f"{DATABASES}/{made['uuid']}")
    api.refused("GET", DATABASES, token="nobody's")
    seen = [(call.method, call.route, call.who, call.resource, call.status, call.code) for call in api.journal]
    assert seen == [
        ("POST", TEMPLATE, "deploy", "", 200, ""),
        ("GET", f"{TEMPLATE}/{{database_id}}", "deploy", made["uuid"], 200, ""),
        ("GET", TEMPLATE, "", "", 401, "1000"),
    ]


def test_the_body_must_be_json_that_the_api_knows(api: Api) -> None:
    answer = api.answer("POST", DATABASES, b"{")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, 6007)
    status, refused = api.call("POST", DATABASES, {"name": "main", "colour": "blue"})
    assert status == 400
    assert "colour" in refused["errors"][0]["message"]


def test_a_planned_502_comes_after_the_work_was_done(api: Api) -> None:
    api.fail(PlannedFault("POST", TEMPLATE, Failing.AFTER))
    assert api.answer("POST", DATABASES, {"name": "main"}).status_code == 502
    assert [one["name"] for one in api.result("GET", DATABASES)] == ["main"]
    api.result("POST", DATABASES, {"name": "other"})


def test_a_planned_502_comes_from_the_s3_api_as_well(api: Api) -> None:
    api.fail(PlannedFault("GET", S3_TEMPLATE, Failing.AFTER))
    path = f"/s3/{ACCOUNT}/files/a"
    answers = [api.open(path) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [502, 400]
    assert all(answer.text.startswith("<?xml") for answer in answers)


@pytest.mark.parametrize(("group", "status"), [("D1 Read", 200), ("Queues Write", 403)])
def test_a_token_may_do_what_its_permissions_say(api: Api, group: str, status: int) -> None:
    token = token_with(api, group)
    assert api.call("GET", DATABASES, token=token)[0] == status
    assert api.refused("POST", DATABASES, {"name": "main"}, token=token) == (403, [10000])


@pytest.mark.parametrize(
    ("method", "path", "enough"),
    [
        ("POST", f"{DATABASES}/any/import", "D1 Write"),
        ("POST", f"{DATABASES}/any/export", "D1 Write"),
        ("POST", f"{DATABASES}/any/time_travel/restore", "D1 Write"),
        ("GET", f"/accounts/{ACCOUNT}/workers/services/any", "Workers Scripts Read"),
        ("DELETE", f"/accounts/{ACCOUNT}/workers/services/any", "Workers Scripts Write"),
        ("PATCH", f"/accounts/{ACCOUNT}/workers/workers/any", "Workers Scripts Write"),
        ("PATCH", f"/accounts/{ACCOUNT}/workers/scripts/any/secrets-bulk", "Workers Scripts Write"),
        ("GET", f"/accounts/{ACCOUNT}/queues/any/metrics", "Queues Read"),
    ],
)
def test_where_no_source_names_a_permission_those_beside_it_count(
    api: Api, method: str, path: str, enough: str
) -> None:
    for group in ("Workers KV Storage Write", "D1 Read"):
        assert api.refused(method, path, {}, token_with(api, group)) == (403, [10000])
    assert api.refused(method, path, {}, token_with(api, enough))[0] in {400, 404}


def test_a_worker_s_routes_are_set_at_once_by_who_may_set_them_on_all_zones(api: Api) -> None:
    script = f"/accounts/{ACCOUNT}/workers/scripts/any"
    every = token_with(api, "Workers Routes Write", "com.cloudflare.api.account.zone.*")
    assert api.refused("PUT", f"{script}/routes", [], every) == (404, [10007])
    one = token_with(api, "Workers Routes Write", f"com.cloudflare.api.account.zone.{ZONE}")
    assert api.refused("PUT", f"{script}/routes", [], one) == (403, [10000])
    assert api.refused("PUT", f"{script}/routes", [], token_with(api, "Workers Scripts Write")) == (403, [10000])
    for method, part in (("PATCH", "secrets-bulk"), ("PUT", "domains/records"), ("POST", "domains/changeset")):
        assert api.refused(method, f"{script}/{part}", {}, every) == (403, [10000])


def test_everybody_sees_the_account_of_a_token(api: Api) -> None:
    assert api.call("GET", "/accounts", token=token_with(api, "D1 Read"))[0] == 200


def test_a_disabled_token_opens_nothing(api: Api) -> None:
    inputs = {"accountId": ACCOUNT, "name": "off", "policies": [], "status": "disabled"}
    made = api.resources.create(Caller("staging", "cloudflare", {}), t.ACCOUNT_TOKEN, "", inputs)
    assert api.refused("GET", DATABASES, token=made.outputs["value"]) == (401, [1000])


def test_of_every_route_it_is_known_who_may_call_it() -> None:
    assert [f"{route.method} {route.path}" for route in routes() if not TABLE.has(route.method, route.path)] == []


def test_no_two_routes_answer_one_method_of_a_path() -> None:
    known = [(route.method, route.path) for route in routes()]
    assert len(known) == len(set(known))


@pytest.mark.slow
def test_a_dropped_connection_has_no_answer_and_no_effect(api: Api) -> None:
    api.fail(PlannedFault("POST", TEMPLATE, Failing.BEFORE))
    server = ApiServer(api.app)
    client = httpx.Client(base_url=f"{server.url}{PREFIX}", headers={"Authorization": f"Bearer {TOKEN}"})
    try:
        with pytest.raises(httpx.RemoteProtocolError):
            client.post(DATABASES, json={"name": "main"})
        assert client.get(DATABASES).json()["result"] == []
        assert client.post(DATABASES, json={"name": "main"}).status_code == 200
    finally:
        client.close()
        server.stop()


@pytest.mark.parametrize(
    "body",
    [
        b'{"name":',
        b"[" * 100_000,
        b'{"name": "\\ud800"}',
        b'{"\\ud800": 1}',
        b'{"name": NaN}',
        b'{"name": 1e999}',
        b"\xff\xfe",
    ],
)
def test_a_body_that_is_no_json_makes_nothing(api: Api, body: bytes) -> None:
    assert api.refused("POST", DATABASES, body) == (400, [6007])
    assert api.result("GET", DATABASES) == []
