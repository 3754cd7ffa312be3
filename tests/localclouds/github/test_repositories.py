from __future__ import annotations

import base64
from typing import Any

import httpx
import pytest

from bulkhead.resources import types as t
from tests.support.local_github import LocalGitHub

HOME = "/repos/acme/harbor"
RULESET: dict[str, Any] = {
    "name": "branches",
    "target": "branch",
    "enforcement": "active",
    "conditions": {"ref_name": {"include": ["~DEFAULT_BRANCH"], "exclude": []}},
    "rules": [
        {"type": "deletion"},
        {
            "type": "required_status_checks",
            "parameters": {
                "required_status_checks": [{"context": "unit", "integration_id": 15368}],
                "strict_required_status_checks_policy": True,
            },
        },
    ],
}


def test_the_default_branch_must_have_been_pushed(github: LocalGitHub, client: httpx.Client) -> None:
    refused = client.patch(HOME, json={"default_branch": "develop"})
    assert refused.status_code == 422
    assert "develop was not found" in refused.text
    github.commit("develop", {"a.txt": "a"})
    assert client.patch(HOME, json={"default_branch": "develop"}).json()["default_branch"] == "develop"
    assert client.get(HOME).json()["default_branch"] == "develop"


def test_what_the_local_github_cannot_change_is_refused(client: httpx.Client) -> None:
    assert client.patch(HOME, json={"name": "harbor", "has_wiki": False}).json()["has_wiki"] is False
    refused = client.patch(HOME, json={"name": "port"})
    assert refused.status_code == 422
    assert "name" in refused.json()["message"]


def test_a_ruleset_is_the_record_that_the_provider_reads(github: LocalGitHub, client: httpx.Client) -> None:
    made = client.post(f"{HOME}/rulesets", json=RULESET).json()
    (record,) = github.store.all(type_=t.GITHUB_REPOSITORY_RULESET)
    assert record.id == str(made["id"])
    assert record.inputs["rules"] == {
        "deletion": True,
        "requiredStatusChecks": {
            "requiredChecks": [{"context": "unit", "integrationId": 15368}],
            "strictRequiredStatusChecksPolicy": True,
        },
    }
    assert client.get(f"{HOME}/rulesets/{made['id']}").json() == made
    assert [one["name"] for one in client.get(f"{HOME}/rulesets").json()] == ["branches"]
    assert client.get(f"{HOME}/rulesets", params={"targets": "tag"}).json() == []


def test_a_change_of_a_ruleset_names_only_what_changes(client: httpx.Client) -> None:
    made = client.post(f"{HOME}/rulesets", json=RULESET).json()
    changed = client.put(f"{HOME}/rulesets/{made['id']}", json={"enforcement": "disabled"}).json()
    assert changed == {**made, "enforcement": "disabled", "updated_at": changed["updated_at"]}
    assert client.delete(f"{HOME}/rulesets/{made['id']}").status_code == 204
    assert client.get(f"{HOME}/rulesets/{made['id']}").status_code == 404


@pytest.mark.parametrize(
    "change",
    [
        {"rules": [{"type": "required_status_checks", "parameters": {"required_status_checks": []}}]},
        {"bypass_actors": [{"actor_type": "Cat", "actor_id": 1}]},
        {"target": "push"},
    ],
)
def test_a_ruleset_that_github_refuses_is_not_made(client: httpx.Client, change: dict[str, Any]) -> None:
    assert client.post(f"{HOME}/rulesets", json={**RULESET, **change}).status_code == 422
    assert client.get(f"{HOME}/rulesets").json() == []


def test_two_rulesets_of_one_name_are_refused(client: httpx.Client) -> None:
    client.post(f"{HOME}/rulesets", json=RULESET)
    assert client.post(f"{HOME}/rulesets", json=RULESET).status_code == 422


def test_a_branch_is_protected_by_an_active_ruleset(github: LocalGitHub, client: httpx.Client) -> None:
    github.commit("topic/x", {"a.txt": "a"})
    made = client.post(f"{HOME}/rulesets", json=RULESET).json()
    branches = client.get(f"{HOME}/branches").json()
    assert {one["name"]: one["protected"] for one in branches} == {"main": True, "topic/x": False}
    only = client.get(f"{HOME}/branches", params={"protected": "true"}).json()
    assert [one["name"] for one in only] == ["main"]
    client.put(f"{HOME}/rulesets/{made['id']}", json={"enforcement": "disabled"})
    assert client.get(f"{HOME}/branches/main").json()["protected"] is False


def test_actions_that_may_run_are_selected(github: LocalGitHub, client: httpx.Client) -> None:
    place = f"{HOME}/actions/permissions"
    assert client.get(place).json() == {"enabled": True, "allowed_actions": "all", "sha_pinning_required": False}
    assert client.get(f"{place}/selected-actions").status_code == 409
    body = {"enabled": True, "allowed_actions": "selected", "sha_pinning_required": True}
    assert client.put(place, json=body).status_code == 204
    assert client.put(f"{place}/selected-actions", json={"github_owned_allowed": True}).status_code == 204
    assert client.get(f"{place}/selected-actions").json() == {
        "github_owned_allowed": True,
        "verified_allowed": False,
        "patterns_allowed": [],
    }
    (record,) = github.store.all(type_=t.GITHUB_ACTIONS_REPOSITORY_PERMISSIONS)
    assert record.outputs["shaPinningRequired"] is True
    assert client.put(place, json={"enabled": True, "allowed_actions": "all"}).status_code == 204
    assert github.store.all(type_=t.GITHUB_ACTIONS_REPOSITORY_PERMISSIONS) == []


def test_a_repository_without_actions_tells_nothing_else(client: httpx.Client) -> None:
    assert client.put(f"{HOME}/actions/permissions", json={"enabled": False}).status_code == 204
    assert client.get(f"{HOME}/actions/permissions").json() == {"enabled": False}


def test_a_workflow_s_token_may_read_until_it_may_write(client: httpx.Client) -> None:
    place = f"{HOME}/actions/permissions/workflow"
    first = client.get(place).json()
    assert first == {"default_workflow_permissions": "read", "can_approve_pull_request_reviews": False}
    assert client.put(place, json={"default_workflow_permissions": "write"}).status_code == 204
    assert client.get(place).json() == {**first, "default_workflow_permissions": "write"}


def test_the_subject_of_identity_tokens_can_be_customised(client: httpx.Client) -> None:
    place = f"{HOME}/actions/oidc/customization/sub"
    assert client.get(place).json() == {"use_default": True}
    body = {"use_default": False, "include_claim_keys": ["repo", "context"]}
    assert client.put(place, json=body).status_code == 201
    assert client.get(place).json() == body


def test_files_are_read_at_a_ref(github: LocalGitHub, client: httpx.Client) -> None:
    github.commit("topic/x", {"docs/ships.txt": "four\n"})
    readme = client.get(f"{HOME}/contents/README.md").json()
    assert base64.b64decode(readme["content"]) == b"# Harbor\n"
    place = f"{HOME}/contents/docs/ships.txt"
    raw = {"Accept": "application/vnd.github.raw+json"}
    assert client.get(place, headers=raw).text == "three\n"
    assert client.get(place, headers=raw, params={"ref": "topic/x"}).text == "four\n"
    assert client.get(place, params={"ref": "nowhere"}).status_code == 404
    assert [(one["name"], one["type"]) for one in client.get(f"{HOME}/contents/").json()] == [
        ("README.md", "file"),
        ("docs", "dir"),
    ]
    assert [one["path"] for one in client.get(f"{HOME}/contents/docs").json()] == ["docs/ships.txt"]
    assert client.get(f"{HOME}/contents/none").status_code == 404


def test_refs_are_read(github: LocalGitHub, client: httpx.Client) -> None:
    sha = github.commit("topic/x", {"a.txt": "a"})
    assert client.get(f"{HOME}/git/ref/heads/topic/x").json()["object"]["sha"] == sha
    assert client.get(f"{HOME}/git/ref/heads/top").status_code == 404
    assert [one["ref"] for one in client.get(f"{HOME}/git/matching-refs/heads/top").json()] == ["refs/heads/topic/x"]
    branch = client.get(f"{HOME}/branches/topic/x").json()
    assert branch["commit"]["commit"]["message"] == "Change topic/x"
    assert [one["sha"] for one in branch["commit"]["parents"]] == [github.main]


def test_a_repository_to_which_nothing_was_pushed_is_empty(github: LocalGitHub, client: httpx.Client) -> None:
    github.cloud.declare_repository("acme", "harbor", 1)
    assert client.get(f"{HOME}/branches").json() == []
    assert client.get(f"{HOME}/git/ref/heads/main").status_code == 409
    assert client.get(f"{HOME}/contents/README.md").json()["message"] == "This repository is empty."


def test_people_and_teams_are_found_by_name(client: httpx.Client) -> None:
    assert client.get("/users/ADA").json()["id"] == 7
    assert client.get("/users/acme").json()["type"] == "Organization"
    assert client.get("/orgs/acme").json()["id"] == 4242
    assert client.get("/orgs/ada").status_code == 404
    team = client.get("/orgs/acme/teams/captains").json()
    assert (team["id"], team["organization"]["login"]) == (11, "acme")
    for path in ("/users/nobody", "/orgs/acme/teams/nobody"):
        assert client.get(path).status_code == 404


def test_an_app_is_no_user(github: LocalGitHub, client: httpx.Client) -> None:
    assert client.get("/user").status_code == 404
    with github.client("of-a-person") as person:
        assert person.get("/user").json()["login"] == "acme"
