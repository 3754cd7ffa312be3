"""What a delivery says on GitHub: deployments, commit statuses, check runs, pull requests, comments, releases."""

from __future__ import annotations

import subprocess
from typing import Any

import httpx
import pytest

from bulkhead.resources import types as t
from tests.support.local_github import LocalGitHub

HOME = "/repos/acme/harbor"


def post(client: httpx.Client, path: str, **body: Any) -> dict[str, Any]:
    answer = client.post(f"{HOME}{path}", json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def deploy(client: httpx.Client, environment: str = "staging", **more: Any) -> int:
    return int(post(client, "/deployments", ref="main", environment=environment, **more)["id"])


def succeed(client: httpx.Client, deployment: int) -> None:
    post(client, f"/deployments/{deployment}/statuses", state="success")


def states(client: httpx.Client, deployment: int) -> list[str]:
    return [one["state"] for one in client.get(f"{HOME}/deployments/{deployment}/statuses").json()]


def test_a_deployment_is_of_a_commit_and_makes_its_environment(github: LocalGitHub, client: httpx.Client) -> None:
    made = post(client, "/deployments", ref="main", payload={"build": 7}, description="Build 7")
    assert (made["sha"], made["environment"], made["production_environment"]) == (github.main, "production", True)
    assert (made["creator"]["login"], made["performed_via_github_app"]["slug"]) == ("harbor-ci[bot]", "harbor-ci")
    assert client.get(f"{HOME}/deployments/{made['id']}").json() == made
    assert [one.id for one in github.store.all(type_=t.GITHUB_REPOSITORY_ENVIRONMENT)] == ["harbor:production"]
    assert client.post(f"{HOME}/deployments", json={"ref": "nowhere"}).status_code == 422


def test_deployments_are_listed_newest_first(client: httpx.Client) -> None:
    first, second, _ = deploy(client), deploy(client), deploy(client, "production")
    listed = client.get(f"{HOME}/deployments", params={"environment": "staging"}).json()
    assert [one["id"] for one in listed] == [second, first]


def test_the_next_success_makes_the_last_one_inactive(client: httpx.Client) -> None:
    first, second = deploy(client), deploy(client)
    succeed(client, first)
    succeed(client, second)
    assert states(client, first) == ["inactive", "success"]
    assert states(client, second) == ["success"]


def test_an_active_deployment_is_not_deleted(client: httpx.Client) -> None:
    first, second = deploy(client), deploy(client)
    succeed(client, first)
    succeed(client, second)
    assert client.delete(f"{HOME}/deployments/{second}").status_code == 422
    assert client.delete(f"{HOME}/deployments/{first}").status_code == 204
    assert client.get(f"{HOME}/deployments/{first}/statuses").status_code == 404


def test_a_deployment_waits_for_the_commit_s_statuses(github: LocalGitHub, client: httpx.Client) -> None:
    post(client, f"/statuses/{github.main}", state="failure", context="unit")
    refused = client.post(f"{HOME}/deployments", json={"ref": "main"})
    assert refused.status_code == 409
    assert refused.json()["errors"][0]["contexts"] == [{"context": "unit", "state": "failure"}]
    assert deploy(client, required_contexts=[]) > 0
    post(client, f"/statuses/{github.main}", state="success", context="unit")
    assert deploy(client) > 0
    assert client.post(f"{HOME}/deployments", json={"ref": "main", "required_contexts": ["e2e"]}).status_code == 409


def test_a_branch_that_lacks_the_default_one_s_commits_is_not_merged(github: LocalGitHub, client: httpx.Client) -> None:
    github.commit("topic", {"a.txt": "a"})
    github.commit("main", {"b.txt": "b"})
    assert client.post(f"{HOME}/deployments", json={"ref": "topic"}).status_code == 409
    assert client.post(f"{HOME}/deployments", json={"ref": "topic", "auto_merge": False}).status_code == 201


def test_the_newest_status_of_each_context_counts(github: LocalGitHub, client: httpx.Client) -> None:
    def combined() -> str:
        return str(client.get(f"{HOME}/commits/main/status").json()["state"])

    assert combined() == "pending"
    post(client, f"/statuses/{github.main}", state="error", context="unit", target_url="https://ci.example/1")
    post(client, f"/statuses/{github.main}", state="success", context="lint")
    assert combined() == "failure"
    post(client, f"/statuses/{github.main}", state="success", context="unit")
    assert combined() == "success"
    listed = client.get(f"{HOME}/commits/{github.main}/statuses").json()
    assert [one["context"] for one in listed] == ["unit", "lint", "unit"]
    assert client.post(f"{HOME}/statuses/{'0' * 40}", json={"state": "success"}).status_code == 422


def test_a_check_run_is_an_app_s(github: LocalGitHub, client: httpx.Client) -> None:
    with github.client("of-a-person") as person:
        refused = person.post(f"{HOME}/check-runs", json={"name": "unit", "head_sha": github.main})
    assert (refused.status_code, refused.json()["message"]) == (403, "You must authenticate via a GitHub App.")
    made = post(client, "/check-runs", name="unit", head_sha=github.main)
    assert (made["status"], made["conclusion"], made["app"]["slug"]) == ("queued", None, "harbor-ci")
    place = f"{HOME}/check-runs/{made['id']}"
    output = {"title": "Unit", "summary": "all passed"}
    done = client.patch(place, json={"conclusion": "success", "output": output}).json()
    assert (done["status"], done["conclusion"]) == ("completed", "success")
    assert done["completed_at"] is not None
    assert done["output"]["summary"] == "all passed"
    assert client.get(place).json() == done
    with github.client(github.tokens["github-actions"]) as other:
        assert other.patch(place, json={"conclusion": "failure"}).status_code == 403
    assert client.patch(place, json={"status": "completed"}).status_code == 422  # without its conclusion


def test_a_completed_check_run_has_a_conclusion(github: LocalGitHub, client: httpx.Client) -> None:
    body = {"name": "unit", "head_sha": github.main, "status": "completed"}
    assert client.post(f"{HOME}/check-runs", json=body).status_code == 422


def test_the_latest_check_runs_of_a_commit_are_listed(github: LocalGitHub, client: httpx.Client) -> None:
    post(client, "/check-runs", name="unit", head_sha=github.main, conclusion="failure")
    second = post(client, "/check-runs", name="unit", head_sha=github.main)
    post(client, "/check-runs", name="lint", head_sha=github.main)
    with github.client(github.tokens["github-actions"]) as actions:
        theirs = post(actions, "/check-runs", name="unit", head_sha=github.main)
    assert theirs["app"]["id"] == 15368
    listed = client.get(f"{HOME}/commits/main/check-runs", params={"check_name": "unit"}).json()
    assert [one["id"] for one in listed["check_runs"]] == [theirs["id"], second["id"]]
    everything = client.get(f"{HOME}/commits/main/check-runs", params={"filter": "all"}).json()
    assert everything["total_count"] == 4
    by_app = client.get(f"{HOME}/commits/main/check-runs", params={"app_id": 15368}).json()
    assert [one["id"] for one in by_app["check_runs"]] == [theirs["id"]]


@pytest.fixture
def pull(github: LocalGitHub, client: httpx.Client) -> dict[str, Any]:
    github.commit("topic/x", {"a.txt": "a\nb\n"})
    return post(client, "/pulls", title="Add a", head="topic/x", base="main")


def test_a_pull_request_shows_what_it_changes(pull: dict[str, Any], client: httpx.Client) -> None:
    assert (pull["number"], pull["state"], pull["commits"], pull["additions"], pull["changed_files"]) == (
        1,
        "open",
        1,
        2,
        1,
    )
    assert client.get(f"{HOME}/pulls/1").json() == pull
    by_head = client.get(f"{HOME}/pulls", params={"head": "acme:topic/x"}).json()
    assert [one["number"] for one in by_head] == [1]
    assert client.get(f"{HOME}/pulls", params={"base": "develop"}).json() == []
    assert client.get(f"{HOME}/pulls/2").status_code == 404


@pytest.mark.parametrize(
    "change", [{"head": "topic/x"}, {"head": "nowhere"}, {"base": "nowhere"}, {"head": "main"}, {"head": "ada:main"}]
)
def test_a_pull_request_that_github_refuses_is_not_made(
    pull: dict[str, Any], client: httpx.Client, change: dict[str, str]
) -> None:
    body = {"title": "Again", "head": "topic/x", "base": "main", **change}
    assert client.post(f"{HOME}/pulls", json=body).status_code == 422
    assert len(client.get(f"{HOME}/pulls").json()) == 1


def test_a_comment_is_written_changed_and_removed(pull: dict[str, Any], client: httpx.Client) -> None:
    made = post(client, "/issues/1/comments", body="It would change 3 resources.")
    place = f"{HOME}/issues/comments/{made['id']}"
    assert client.patch(place, json={"body": "It would change nothing."}).json()["body"] == "It would change nothing."
    assert [one["id"] for one in client.get(f"{HOME}/issues/1/comments").json()] == [made["id"]]
    assert client.get(f"{HOME}/pulls/1").json()["comments"] == 1
    assert client.patch(place, json={"body": "  "}).status_code == 422
    assert client.delete(place).status_code == 204
    assert client.get(place).status_code == 404
    assert client.post(f"{HOME}/issues/2/comments", json={"body": "Nobody reads it."}).status_code == 404


def test_a_release_makes_its_tag(github: LocalGitHub, client: httpx.Client) -> None:
    made = post(client, "/releases", tag_name="v1.0.0", generate_release_notes=True)
    tag = subprocess.check_output(["git", "rev-parse", "v1.0.0"], cwd=github.git, text=True).strip()
    assert tag == github.main
    assert "Full Changelog" in made["body"]
    assert client.get(f"{HOME}/releases/tags/v1.0.0").json() == made
    assert client.get(f"{HOME}/releases/{made['id']}/assets").json() == []
    again = client.post(f"{HOME}/releases", json={"tag_name": "v1.0.0"})
    assert again.json()["errors"] == [{"resource": "Release", "field": "tag_name", "code": "already_exists"}]
    assert client.delete(f"{HOME}/releases/{made['id']}").status_code == 204
    assert client.get(f"{HOME}/releases/tags/v1.0.0").status_code == 404


def test_a_draft_has_no_tag_until_it_is_published(github: LocalGitHub, client: httpx.Client) -> None:
    draft = post(client, "/releases", tag_name="v2.0.0", draft=True)
    assert draft["published_at"] is None
    assert client.get(f"{HOME}/git/ref/tags/v2.0.0").status_code == 404
    assert client.get(f"{HOME}/releases/latest").status_code == 404
    published = client.patch(f"{HOME}/releases/{draft['id']}", json={"draft": False}).json()
    assert published["published_at"] is not None
    assert client.get(f"{HOME}/git/ref/tags/v2.0.0").json()["object"]["sha"] == github.main
    assert client.get(f"{HOME}/releases/latest").json()["id"] == draft["id"]


def test_the_latest_release_is_neither_a_prerelease_nor_said_not_to_be(client: httpx.Client) -> None:
    first = post(client, "/releases", tag_name="v1.0.0")
    post(client, "/releases", tag_name="v1.1.0-rc.1", prerelease=True)
    post(client, "/releases", tag_name="v0.9.1", make_latest="false")
    assert client.get(f"{HOME}/releases/latest").json()["id"] == first["id"]
    assert [one["tag_name"] for one in client.get(f"{HOME}/releases").json()] == ["v0.9.1", "v1.1.0-rc.1", "v1.0.0"]


@pytest.mark.parametrize("body", [{"tag_name": "a..b"}, {"tag_name": "v1", "target_commitish": "nowhere"}])
def test_a_release_of_nothing_is_not_made(client: httpx.Client, body: dict[str, str]) -> None:
    assert client.post(f"{HOME}/releases", json=body).status_code == 422
    assert client.get(f"{HOME}/releases").json() == []
