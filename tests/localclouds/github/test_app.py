from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from bulkhead.localclouds.api.faults import Failing, PlannedFault, plan
from bulkhead.localclouds.api.server import ApiServer
from bulkhead.localclouds.github.api import app
from bulkhead.localclouds.github.api.call import Answer, Credential
from tests.support import local_github
from tests.support.local_github import LocalGitHub

HOME = "/repos/acme/harbor"
ENVIRONMENTS = f"{HOME}/environments"


@pytest.fixture
def reader(github: LocalGitHub) -> Iterator[httpx.Client]:
    with github.client(github.tokens["reader"]) as client:
        yield client


def make_environments(client: httpx.Client, *names: str) -> None:
    for name in names:
        assert client.put(f"{ENVIRONMENTS}/{name}", json={}).status_code == 200


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (None, "Requires authentication"),
        ("Bearer", "Requires authentication"),
        ("Bearer nobody-made-this", "Bad credentials"),
        ("Basic of-a-person", "Bad credentials"),
    ],
)
def test_who_has_no_token_is_refused(github: LocalGitHub, header: str | None, message: str) -> None:
    with github.client("") as client:
        del client.headers["Authorization"]
        answer = client.get(HOME, headers={"Authorization": header} if header else {})
    assert answer.status_code == 401
    assert answer.json()["message"] == message


@pytest.mark.parametrize("scheme", ["Bearer", "token", "bearer"])
def test_a_token_of_the_seed_is_a_person_s(github: LocalGitHub, scheme: str) -> None:
    with github.client("") as client:
        answer = client.get(HOME, headers={"Authorization": f"{scheme} of-a-person"})
    assert answer.json()["full_name"] == "acme/harbor"
    assert [call.who for call in github.journal] == ["githubToken"]


def test_what_a_token_does_not_reach_is_not_there(github: LocalGitHub, client: httpx.Client) -> None:
    github.cloud.declare_repository("acme", "lighthouse", 1)
    assert client.get("/repos/acme/lighthouse").status_code == 404
    assert client.get("/repos/ACME/Harbor").status_code == 200


def test_a_token_without_the_permission_is_refused_and_told_which(reader: httpx.Client) -> None:
    assert reader.get(f"{HOME}/contents/README.md").status_code == 200
    answer = reader.get(ENVIRONMENTS)
    assert answer.status_code == 403
    assert answer.json()["message"] == "Resource not accessible by integration"
    assert answer.headers["X-Accepted-GitHub-Permissions"] == "actions=read"


def test_a_person_s_token_is_refused_as_one(github: LocalGitHub) -> None:
    who = Credential("", "ada", "staging", "acme", frozenset())
    assert who.kind == "personal access token"


def test_a_repository_and_what_is_in_it_can_be_asked_for_by_its_number(
    github: LocalGitHub, client: httpx.Client
) -> None:
    make_environments(client, "staging")
    number = client.get(HOME).json()["id"]
    below = "environments/staging/secrets/public-key"
    for prefix in ("", "/api/v3"):
        by_number = client.get(f"{prefix}/repositories/{number}/{below}")
        assert by_number.json() == client.get(f"{HOME}/{below}").json()
    assert client.get(f"/repositories/{number}").json()["full_name"] == "acme/harbor"
    assert client.get(f"/repositories/{number + 1}/{below}").status_code == 404
    github.cloud.declare_repository("acme", "lighthouse", 1)
    assert client.get("/repositories/1").status_code == 404
    assert github.journal.unknown() == []


def test_what_the_seed_names_exists_before_anybody_declares_it(tmp_path: Path) -> None:
    with local_github.running(tmp_path) as github, github.client("of-a-person") as client:
        github.store.remove("github:api/repository", "acme/harbor/")
        github.store.remove("github:api/person", "acme//")
        assert client.get("/users/acme").json()["type"] == "Organization"
        answer = client.get(HOME).json()
    assert (answer["default_branch"], answer["owner"]["login"]) == ("main", "acme")


def test_an_unknown_route_is_refused_and_written_down(github: LocalGitHub, client: httpx.Client) -> None:
    answer = client.get(f"{HOME}/stargazers")
    assert answer.status_code == 404
    assert answer.json() == {
        "message": "Not Found",
        "documentation_url": "https://docs.github.com/rest",
        "status": "404",
    }
    assert [(call.method, call.path) for call in github.journal.unknown()] == [("GET", f"{HOME}/stargazers")]


def test_every_call_is_written_down(github: LocalGitHub, client: httpx.Client) -> None:
    client.post(f"{ENVIRONMENTS}/staging/variables", json={"name": "A"})
    (call,) = github.journal
    assert (call.route, call.status, call.who, call.resource, call.code) == (
        "/repos/{owner}/{repo}/environments/{environment_name}/variables",
        422,
        "harbor-ci",
        "acme/harbor/staging",
        "missing_field",
    )


def test_a_body_that_does_not_fit_is_refused_by_field(client: httpx.Client) -> None:
    answer = client.post(f"{HOME}/rulesets", json={"name": "main"})
    assert answer.status_code == 422
    body = answer.json()
    assert body["message"] == "Validation Failed"
    assert [(error["field"], error["code"]) for error in body["errors"]] == [("enforcement", "missing_field")]
    assert body["documentation_url"].startswith("https://docs.github.com/rest/repos/rules")


@pytest.mark.parametrize(
    ("content", "message"), [(b"{", "Problems parsing JSON"), (b"[]", "Body should be a JSON object")]
)
def test_a_body_that_is_no_object_is_refused(client: httpx.Client, content: bytes, message: str) -> None:
    answer = client.post(f"{HOME}/rulesets", content=content)
    assert (answer.status_code, answer.json()["message"]) == (400, message)


def test_an_id_that_is_no_number_is_nothing_s(client: httpx.Client) -> None:
    assert client.get(f"{HOME}/rulesets/main").status_code == 404


def test_an_unknown_version_of_the_api_is_refused(client: httpx.Client) -> None:
    assert client.get(HOME, headers={"X-GitHub-Api-Version": "2022-11-28"}).status_code == 200
    assert client.get(HOME, headers={"X-GitHub-Api-Version": "2021-01-01"}).status_code == 400


def test_an_answer_that_github_would_not_give_is_a_fault_of_ours(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(app.HANDLERS, "repos/get", lambda _call: Answer(200, {"name": "harbor"}))
    answer = client.get(HOME)
    assert answer.status_code == 500
    assert "full_name is missing" in answer.json()["message"]


def test_an_unexpected_exception_is_answered(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger(app.__name__), "disabled", True)
    monkeypatch.setitem(app.HANDLERS, "repos/get", lambda call: call.nothing)
    answer = client.get(HOME)
    assert (answer.status_code, answer.json()["message"]) == (500, "a fault of the rehearsal itself: AttributeError")


def test_a_list_comes_in_pages_that_link_to_each_other(client: httpx.Client) -> None:
    make_environments(client, "a", "b", "c")
    first = client.get(ENVIRONMENTS, params={"per_page": 2})
    assert first.json()["total_count"] == 3
    assert [one["name"] for one in first.json()["environments"]] == ["a", "b"]
    assert set(first.links) == {"next", "last"}
    second = client.get(first.links["next"]["url"])
    assert [one["name"] for one in second.json()["environments"]] == ["c"]
    assert set(second.links) == {"prev", "first"}
    assert client.get(second.links["prev"]["url"]).json() == first.json()
    assert client.get(ENVIRONMENTS).links == {}


def test_what_is_served_below_api_v3_links_there(client: httpx.Client) -> None:
    make_environments(client, "a", "b")
    answer = client.get(f"/api/v3{ENVIRONMENTS}", params={"per_page": 1})
    assert answer.json()["environments"][0]["url"] == f"http://github.local/api/v3{ENVIRONMENTS}/a"
    assert client.get(answer.links["next"]["url"]).json()["environments"][0]["name"] == "b"


def test_what_has_not_changed_is_not_sent_again(client: httpx.Client) -> None:
    tag = client.get(HOME).headers["ETag"]
    again = client.get(HOME, headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")
    client.patch(HOME, json={"description": "ships"})
    assert client.get(HOME, headers={"If-None-Match": tag}).status_code == 200


def test_answers_say_how_the_rate_limit_stands(client: httpx.Client) -> None:
    left = [int(client.get(HOME).headers["X-RateLimit-Remaining"]) for _ in range(2)]
    assert left == [4999, 4998]
    answer = client.get("/rate_limit")
    assert answer.json()["rate"] == {
        "limit": 5000,
        "remaining": 4998,
        "used": 2,
        "reset": int(answer.headers["X-RateLimit-Reset"]),
    }


def test_who_has_used_up_the_limit_is_refused(tmp_path: Path) -> None:
    with local_github.running(tmp_path, quota=1) as github, github.client(github.tokens["harbor-ci"]) as client:
        assert [client.get(HOME).status_code for _ in range(2)] == [200, 403]
        refused = client.get(HOME)
        assert "API rate limit exceeded" in refused.json()["message"]
        assert refused.headers["X-RateLimit-Remaining"] == "0"
        with github.client("of-a-person") as other:
            assert other.get(HOME).status_code == 200


def test_a_planned_fault_happens_after_the_work(github: LocalGitHub, client: httpx.Client) -> None:
    route = "/repos/{owner}/{repo}/environments/{environment_name}"
    plan(github.faults, [PlannedFault("PUT", route, Failing.AFTER)])
    assert client.put(f"{ENVIRONMENTS}/a", json={}).status_code == 502
    assert client.get(f"{ENVIRONMENTS}/a").status_code == 200


@pytest.mark.slow
def test_a_planned_fault_drops_the_connection_before_the_work(github: LocalGitHub, client: httpx.Client) -> None:
    route = "/repos/{owner}/{repo}/environments/{environment_name}"
    plan(github.faults, [PlannedFault("PUT", route, Failing.BEFORE)])
    server = ApiServer(github.app)
    try:
        with pytest.raises(httpx.RemoteProtocolError):
            httpx.put(f"{server.url}{ENVIRONMENTS}/a", json={}, headers=client.headers, trust_env=False)
    finally:
        server.stop()
    assert client.get(f"{ENVIRONMENTS}/a").status_code == 404


def test_head_is_get_without_the_body(client: httpx.Client) -> None:
    answer = client.head(HOME)
    assert (answer.status_code, answer.content) == (200, b"")
