"""Access over HTTP: applications, policies and service tokens."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.cloudflare_api import ACCOUNT, Api

ACCESS = f"/accounts/{ACCOUNT}/access"
PEOPLE = {"name": "people", "decision": "allow", "include": [{"email_domain": {"domain": "harbor.example"}}]}


def application(*uris: str, **more: Any) -> dict[str, Any]:
    return {
        "name": "shop",
        "type": "self_hosted",
        "destinations": [{"type": "public", "uri": uri} for uri in uris],
        **more,
    }


@pytest.mark.slow
def test_the_life_of_a_closed_hostname(real_api: Api) -> None:
    api = real_api
    token = api.result("POST", f"{ACCESS}/service_tokens", {"name": "robot", "duration": "24h"})
    robots = [{"service_token": {"token_id": token["id"]}}]
    policy = api.result("POST", f"{ACCESS}/policies", {**PEOPLE, "decision": "non_identity", "include": robots})
    body = application("shop.example.com", "*.shop.example.com", policies=[{"id": policy["id"], "precedence": 1}])
    made = api.result("POST", f"{ACCESS}/apps", body)
    assert made["domain"] == "shop.example.com"
    assert made["self_hosted_domains"] == ["shop.example.com", "*.shop.example.com"]
    assert made["policies"][0]["include"] == robots
    assert [each["id"] for each in api.result("GET", f"{ACCESS}/apps")] == [made["id"]]
    changed = api.result("PUT", f"{ACCESS}/apps/{made['id']}", application("new.example.com"))
    assert (changed["domain"], changed["aud"]) == ("new.example.com", made["aud"])
    assert "policies" not in changed
    for path in (f"apps/{made['id']}", f"policies/{policy['id']}", f"service_tokens/{token['id']}"):
        api.result("DELETE", f"{ACCESS}/{path}")
        assert api.call("GET", f"{ACCESS}/{path}")[0] == 404


@pytest.mark.slow
def test_a_secret_is_told_when_it_is_made_and_when_it_is_changed_and_never_again(real_api: Api) -> None:
    api = real_api
    made = api.result("POST", f"{ACCESS}/service_tokens", {"name": "robot"})
    item = f"{ACCESS}/service_tokens/{made['id']}"
    assert made["client_id"].endswith(".access")
    assert "client_secret" not in api.result("GET", item)
    assert "client_secret" not in api.result("PUT", item, {"name": "renamed"})
    version = {"client_secret_version": 2, "previous_client_secret_expires_at": "2099-01-01T00:00:00Z"}
    rotated = api.result("PUT", item, {"name": "renamed", **version})
    again = api.result("POST", f"{item}/rotate", {})
    assert len({each["client_secret"] for each in (made, rotated, again)}) == 3
    assert {each["client_id"] for each in (made, rotated, again)} == {made["client_id"]}
    assert "client_secret" not in str(api.result("GET", f"{ACCESS}/service_tokens"))


def test_what_is_in_use_is_not_deleted(api: Api) -> None:
    token = api.result("POST", f"{ACCESS}/service_tokens", {"name": "robot"})
    robots = [{"service_token": {"token_id": token["id"]}}]
    policy = api.result("POST", f"{ACCESS}/policies", {**PEOPLE, "include": robots})
    api.result("POST", f"{ACCESS}/apps", application("shop.example.com", policies=[{"id": policy["id"]}]))
    for path, by in ((f"policies/{policy['id']}", "shop"), (f"service_tokens/{token['id']}", "people")):
        status, answer = api.call("DELETE", f"{ACCESS}/{path}")
        assert status == 400
        assert by in answer["errors"][0]["message"]


@pytest.mark.parametrize(
    ("path", "body", "code", "says"),
    [
        ("apps", application("shop.elsewhere.com"), 12130, "domain does not belong to zone"),
        ("apps", application("shop.example.com/admin"), 12130, "paths are not rehearsed"),
        ("apps", application(), 12130, "destinations"),
        ("apps", application("shop.example.com", policies=[{"id": "x"}]), 12130, "no such policy"),
        ("apps", application("shop.example.com", policies=[{"decision": "allow"}]), 12130, "refer to one"),
        ("apps", application("shop.example.com", type="saas"), 12130, "type: must be one of self_hosted"),
        ("apps", application("shop.example.com", session_duration="a day"), 12130, "must be a duration"),
        ("policies", {**PEOPLE, "decision": "admit"}, 12130, "decision: must be one of"),
        ("policies", {**PEOPLE, "include": []}, 12130, "include"),
        ("policies", {**PEOPLE, "include": [{"group": {"id": "x"}}]}, 12130, "not rehearsed"),
        ("policies", {**PEOPLE, "include": [{"service_token": {"token_id": "x"}}]}, 12130, "no such service token"),
        ("service_tokens", {"name": "x", "duration": "soon"}, 12130, "must be a duration"),
    ],
)
def test_what_cannot_be_is_refused(path: str, body: dict[str, Any], code: int, says: str, api: Api) -> None:
    status, answer = api.call("POST", f"{ACCESS}/{path}", body)
    assert status == 400
    assert answer["errors"][0]["code"] == code
    assert says in answer["errors"][0]["message"]


def test_a_hostname_is_in_one_application(api: Api) -> None:
    api.result("POST", f"{ACCESS}/apps", application("shop.example.com"))
    status, answer = api.call("POST", f"{ACCESS}/apps", application("shop.example.com", name="other"))
    assert (status, answer["errors"][0]["code"]) == (400, 11010)
