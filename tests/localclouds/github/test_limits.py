"""What GitHub refuses because it is too long, too much, or of another form than it takes."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.support.local_github import LocalGitHub

HOME = "/repos/acme/harbor"
STAGING = f"{HOME}/environments/staging"
CUSTOM = {"protected_branches": False, "custom_branch_policies": True}
RULESET: dict[str, Any] = {"name": "main", "enforcement": "active", "rules": [{"type": "deletion"}]}


@pytest.fixture(autouse=True)
def staging(client: httpx.Client) -> None:
    assert client.put(STAGING, json={"deployment_branch_policy": CUSTOM}).status_code == 200


def refused(answer: httpx.Response) -> list[Any]:
    assert answer.status_code == 422, answer.text
    told: list[Any] = answer.json().get("errors") or [answer.json()["message"]]
    return told


@pytest.mark.parametrize("name", ["x" * 256, "a%0Ab", "a%00b"])
def test_an_environment_s_name_is_short_and_can_be_seen(client: httpx.Client, name: str) -> None:
    assert "name is invalid" in refused(client.put(f"{HOME}/environments/{name}", json={}))[0]
    assert client.put(f"{HOME}/environments/{'x' * 255}", json={}).status_code == 200


@pytest.mark.parametrize("body", [b'{"name":"S","value":"\\ud800"}', b'{"name":NaN}', b'{"a":' * 50_000, b"\xff"])
def test_what_is_no_json_to_github_is_none_here(client: httpx.Client, body: bytes) -> None:
    answer = client.post(f"{STAGING}/variables", content=body + b"1" * (body[-1:] == b":") + b"}" * 50_000)
    assert (answer.status_code, answer.json()["message"]) == (400, "Problems parsing JSON")


def test_variables_come_in_pages_of_ten_and_of_thirty_at_most(client: httpx.Client) -> None:
    for number in range(31):
        client.post(f"{STAGING}/variables", json={"name": f"V{number}", "value": "x"})
    assert len(client.get(f"{STAGING}/variables").json()["variables"]) == 10
    first = client.get(f"{STAGING}/variables", params={"per_page": 100})
    assert (first.json()["total_count"], len(first.json()["variables"])) == (31, 30)
    assert len(client.get(first.links["next"]["url"]).json()["variables"]) == 1


def test_an_environment_holds_a_hundred_variables_of_48_kb(client: httpx.Client) -> None:
    big = "\u00fc" * (24 * 1024)
    assert client.post(f"{STAGING}/variables", json={"name": "BIG", "value": big}).status_code == 201
    assert "48 KB" in refused(client.patch(f"{STAGING}/variables/BIG", json={"value": f"{big}!"}))[0]
    for number in range(99):
        client.post(f"{STAGING}/variables", json={"name": f"V{number}", "value": "x"})
    assert "at most 100" in refused(client.post(f"{STAGING}/variables", json={"name": "MORE", "value": "x"}))[0]
    assert client.patch(f"{STAGING}/variables/BIG", json={"value": "small"}).status_code == 204


@pytest.mark.parametrize("path", ["commits/heads/main/status", "commits/topic/x/check-runs", "contents"])
def test_a_ref_keeps_its_slashes_and_the_root_needs_none(github: LocalGitHub, client: httpx.Client, path: str) -> None:
    github.commit("topic/x", {"a.txt": "a"})
    assert client.get(f"{HOME}/{path}").status_code == 200


def test_a_commit_status_is_short_links_to_the_web_and_names_the_whole_commit(
    github: LocalGitHub, client: httpx.Client
) -> None:
    def said(commit: str, **body: str) -> httpx.Response:
        return client.post(f"{HOME}/statuses/{commit}", json={"state": "success", **body})

    assert said(github.main, description="x" * 140, target_url="https://harbor.example").status_code == 201
    (error,) = refused(said(github.main, description="x" * 141))
    assert error == {
        "resource": "Status",
        "field": "description",
        "code": "custom",
        "message": "description is too long (maximum is 140 characters)",
    }
    assert refused(said(github.main, target_url="ftp://x"))[0]["message"] == "target_url must use http(s) scheme"
    for name in ("main", github.main[:7], "f" * 40):
        assert refused(said(name)) == [f"No commit found for SHA: {name}"]


def test_a_check_run_names_the_whole_commit_and_is_not_stale(github: LocalGitHub, client: httpx.Client) -> None:
    assert refused(client.post(f"{HOME}/check-runs", json={"name": "unit", "head_sha": "main"}))
    stale = {"name": "unit", "head_sha": github.main, "conclusion": "stale"}
    assert refused(client.post(f"{HOME}/check-runs", json=stale))[0]["field"] == "conclusion"


def test_a_deployment_s_status_is_short(client: httpx.Client) -> None:
    made = client.post(f"{HOME}/deployments", json={"ref": "main", "environment": "staging"}).json()
    body = {"state": "success", "description": "x" * 141}
    (error,) = refused(client.post(f"{HOME}/deployments/{made['id']}/statuses", json=body))
    assert (error["resource"], error["field"]) == ("DeploymentStatus", "description")


def test_a_comment_has_65536_characters_at_most(github: LocalGitHub, client: httpx.Client) -> None:
    github.commit("topic", {"a.txt": "a"})
    pull = client.post(f"{HOME}/pulls", json={"title": "t", "head": "topic", "base": "main"}).json()["number"]
    comments = f"{HOME}/issues/{pull}/comments"
    made = client.post(comments, json={"body": "x" * 65_536}).json()
    for answer in (
        client.post(comments, json={"body": "x" * 65_537}),
        client.patch(f"{HOME}/issues/comments/{made['id']}", json={"body": "x" * 65_537}),
    ):
        assert refused(answer) == [
            {
                "resource": "IssueComment",
                "field": "data",
                "code": "unprocessable",
                "message": "Body is too long (maximum is 65536 characters)",
            }
        ]


@pytest.mark.parametrize(
    ("target", "refs", "wrong"),
    [
        ("branch", {"include": ["main"], "exclude": []}, "'main'"),
        ("branch", {"include": ["~ALL"], "exclude": ["refs/tags/v1"]}, "'refs/tags/v1'"),
        ("branch", {"include": ["refs/heads/main"]}, "''"),
        ("tag", {"include": ["~DEFAULT_BRANCH"], "exclude": []}, "'~DEFAULT_BRANCH'"),
    ],
)
def test_a_ruleset_s_patterns_are_of_whole_refs(
    client: httpx.Client, target: str, refs: dict[str, list[str]], wrong: str
) -> None:
    body = {**RULESET, "target": target, "conditions": {"ref_name": refs}}
    assert refused(client.post(f"{HOME}/rulesets", json=body)) == [f"Invalid target patterns: {wrong}"]
    assert client.get(f"{HOME}/rulesets").json() == []


def test_who_may_pass_a_ruleset_may_always_unless_it_says_otherwise(client: httpx.Client) -> None:
    conditions = {"ref_name": {"include": ["~ALL"], "exclude": []}}
    actors = [{"actor_id": 5, "actor_type": "RepositoryRole"}]
    made = client.post(f"{HOME}/rulesets", json={**RULESET, "conditions": conditions, "bypass_actors": actors}).json()
    assert made["bypass_actors"] == [{**actors[0], "bypass_mode": "always"}]


@pytest.mark.parametrize("name", ["", " "])
def test_a_branch_policy_has_a_pattern(client: httpx.Client, name: str) -> None:
    assert refused(client.post(f"{STAGING}/deployment-branch-policies", json={"name": name}))[0]["field"] == "name"


@pytest.mark.parametrize("keys", [["a b"], ["repo", "repo"], [""]])
def test_an_identity_s_subject_is_made_of_claims(client: httpx.Client, keys: list[str]) -> None:
    path = f"{HOME}/actions/oidc/customization/sub"
    (error,) = refused(client.put(path, json={"use_default": False, "include_claim_keys": keys}))
    assert error["field"] == "include_claim_keys"
    assert client.get(path).json() == {"use_default": True}


@pytest.mark.parametrize(
    ("header", "status"), [({"User-Agent": ""}, 403), ({"Accept": "text/html"}, 415), ({"Accept": "text/*, */*"}, 200)]
)
def test_who_asks_says_who_asks_and_takes_json(client: httpx.Client, header: dict[str, str], status: int) -> None:
    assert client.get(HOME, headers=header).status_code == status


@pytest.mark.parametrize(("method", "path"), [("OPTIONS", HOME), ("GET", f"{HOME}/a%0Ab"), ("TRACE", HOME)])
def test_whatever_is_asked_is_answered_as_github_does_and_written_down(
    github: LocalGitHub, client: httpx.Client, method: str, path: str
) -> None:
    answer = client.request(method, path)
    assert (answer.status_code, answer.json()["message"]) == (404, "Not Found")
    assert [call.method for call in github.journal.unknown()] == [method]


@pytest.mark.parametrize(
    "path",
    [
        *(f"commits/{name}/{part}" for name in ("%00", "main%00", "^main") for part in ("status", "check-runs")),
        "contents/a%00b",
        "contents/README.md?ref=main%00",
        "contents/:README.md",
        "contents/:(top)README.md",
    ],
)
def test_what_git_reads_as_more_than_a_name_names_nothing(client: httpx.Client, path: str) -> None:
    assert client.get(f"{HOME}/{path}").status_code in {404, 422}


def test_the_tag_of_a_release_may_have_letters_of_any_language(client: httpx.Client) -> None:
    made = client.post(f"{HOME}/releases", json={"tag_name": "v1-\u6e2f"})
    assert (made.status_code, made.json()["tag_name"]) == (201, "v1-\u6e2f")
    assert made.json()["html_url"].endswith("/releases/tag/v1-%E6%B8%AF")
    assert client.get(f"{HOME}/releases/tags/v1-%E6%B8%AF").json() == made.json()
