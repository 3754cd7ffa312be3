"""Which hostnames lead to a Worker, said as wrangler says it: all of them at once."""

from __future__ import annotations

from typing import Any

import pytest

from tests.localclouds.cloudflare.api.workers import ROOT, SCRIPTS, made
from tests.support.cloudflare_api import ZONE, Api

CHANGES = f"{SCRIPTS}/web/domains/changeset?replace_state=true"
ROUTES = f"/zones/{ZONE}/workers/routes"
RECORDS = f"{SCRIPTS}/web/domains/records"


def publish(api: Api, *hostnames: str, **more: Any) -> list[str]:
    body = {"override_scope": True, "origins": [{"hostname": hostname} for hostname in hostnames], **more}
    return [one["hostname"] for one in api.result("PUT", RECORDS, body)]


def domains(api: Api) -> dict[str, str]:
    return {one["hostname"]: one["service"] for one in api.result("GET", f"{ROOT}/workers/domains")}


def test_what_a_call_leaves_out_is_taken_away(api: Api) -> None:
    made(api)
    assert publish(api, "a.example.com", "b.example.com") == ["a.example.com", "b.example.com"]
    changes = api.result("POST", CHANGES, [{"hostname": "b.example.com"}, {"hostname": "c.example.com"}])
    assert [one["hostname"] for one in changes["added"]] == ["c.example.com"]
    assert [one["hostname"] for one in changes["removed"]] == ["a.example.com"]
    assert [(one["hostname"], one["modified"]) for one in changes["updated"]] == [("b.example.com", False)]
    assert changes["conflicting"] == []
    assert domains(api) == {"a.example.com": "web", "b.example.com": "web"}, "it only compares"
    assert api.result("POST", CHANGES.replace("true", "false"), [])["removed"] == []
    publish(api, "b.example.com", "c.example.com")
    assert domains(api) == {"b.example.com": "web", "c.example.com": "web"}
    publish(api, "d.example.com", override_scope=False)
    assert len(domains(api)) == 3


def test_the_hostname_of_another_worker_is_taken_only_where_that_is_said(api: Api) -> None:
    made(api)
    made(api, "shop")
    api.result("PUT", f"{ROOT}/workers/domains", {"hostname": "a.example.com", "service": "shop"})
    (changed,) = api.result("POST", CHANGES, [{"hostname": "a.example.com"}])["updated"]
    assert (changed["service"], changed["modified"]) == ("shop", True)
    assert api.result("GET", f"{ROOT}/workers/domains/records/{changed['id']}")["service"] == "shop"
    body = {"origins": [{"hostname": "a.example.com"}]}
    status, answer = api.call("PUT", RECORDS, body)
    assert (status, answer["errors"][0]["code"]) == (409, 100116)
    publish(api, "a.example.com", override_existing_origin=True)
    assert domains(api) == {"a.example.com": "web"}


@pytest.mark.parametrize(
    "origin",
    [
        {"hostname": "elsewhere.test"},
        {"hostname": "*.example.com"},
        {"hostname": "a.example.com", "previews_enabled": True},
        {"hostname": "a.example.com", "enabled": False},
        {"hostname": "a.example.com", "colour": "blue"},
        {"zone_id": ZONE},
        "a.example.com",
    ],
)
def test_an_origin_that_cannot_be_is_refused_and_nothing_changes(api: Api, origin: Any) -> None:
    made(api)
    publish(api, "b.example.com")
    good = {"hostname": "c.example.com"}
    assert api.refused("PUT", RECORDS, {"override_scope": True, "origins": [good, origin]})[0] == 400
    assert domains(api) == {"b.example.com": "web"}


def test_routes_of_a_worker_all_at_once_are_refused_in_words(api: Api) -> None:
    made(api)
    assert api.result("PUT", f"{SCRIPTS}/web/routes", []) == []
    status, answer = api.call("PUT", f"{SCRIPTS}/web/routes", [{"pattern": "example.com/*"}])
    assert status == 400
    assert "use a custom domain" in answer["errors"][0]["message"]


def test_a_route_is_made_changed_listed_and_taken_away(api: Api) -> None:
    made(api)
    made(api, "shop")
    body = {"pattern": "www.example.com/*", "script": "web"}
    route = api.result("POST", ROUTES, body)
    assert route == {"id": route["id"], **body}
    assert api.result("PUT", f"{ROUTES}/{route['id']}", {**body, "script": "shop"})["script"] == "shop"
    api.result("POST", ROUTES, {"pattern": "www.example.com/free/*"})
    assert [one["pattern"] for one in api.result("GET", ROUTES)] == ["www.example.com/*", "www.example.com/free/*"]
    assert api.refused("POST", ROUTES, body) == (400, [10020]), "a zone has one route of a pattern"
    api.result("DELETE", f"{ROUTES}/{route['id']}")
    assert [one.get("script") for one in api.result("GET", ROUTES)] == [None]


@pytest.mark.parametrize(
    ("pattern", "script", "code"),
    [
        ("www.example.com/*", "nobody", 10019),
        ("www.example.org/*", "web", 10022),
        ("notexample.com/*", "web", 10022),
        ("www.example.com/*/a", "web", None),
        ("www.*.example.com/*", "web", None),
        ("www.example.com/?a=*", "web", 10022),
    ],
)
def test_a_route_that_cannot_be_is_refused(api: Api, pattern: str, script: str, code: int | None) -> None:
    made(api)
    status, codes = api.refused("POST", ROUTES, {"pattern": pattern, "script": script})
    assert status == 400
    assert code is None or codes == [code]
    assert api.result("GET", ROUTES) == []


@pytest.mark.parametrize(
    "pattern", ["*/*", "*.example.com/*", "*example.com/*", "https://example.com/a", "example.com*"]
)
def test_a_route_of_the_zone_may_have_wildcards_at_its_ends(api: Api, pattern: str) -> None:
    made(api)
    assert api.result("POST", ROUTES, {"pattern": pattern, "script": "web"})["pattern"] == pattern
