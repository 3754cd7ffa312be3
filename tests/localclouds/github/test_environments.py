from __future__ import annotations

import base64
from typing import Any

import httpx
import pytest
from nacl.public import PrivateKey, PublicKey, SealedBox

from bulkhead.resources import types as t
from tests.support.local_github import LocalGitHub

HOME = "/repos/acme/harbor"
STAGING = f"{HOME}/environments/staging"
CUSTOM = {"protected_branches": False, "custom_branch_policies": True}


@pytest.fixture(autouse=True)
def staging(client: httpx.Client) -> dict[str, Any]:
    answer = client.put(STAGING, json={"deployment_branch_policy": CUSTOM, "can_admins_bypass": False})
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()
    return made


def seal(value: str, key: str) -> str:
    return base64.b64encode(SealedBox(PublicKey(base64.b64decode(key))).encrypt(value.encode())).decode()


def put_secret(client: httpx.Client, name: str, value: str) -> httpx.Response:
    key = client.get(f"{STAGING}/secrets/public-key").json()
    body = {"key_id": key["key_id"], "encrypted_value": seal(value, key["key"])}
    return client.put(f"{STAGING}/secrets/{name}", json=body)


def test_an_environment_is_the_record_that_the_provider_reads(github: LocalGitHub, staging: dict[str, Any]) -> None:
    (record,) = github.store.all(type_=t.GITHUB_REPOSITORY_ENVIRONMENT)
    assert (record.id, record.environment, record.account) == ("harbor:staging", "staging", "acme")
    assert record.outputs["deploymentBranchPolicy"] == {"protectedBranches": False, "customBranchPolicies": True}
    assert staging["can_admins_bypass"] is False
    assert [rule["type"] for rule in staging["protection_rules"]] == ["branch_policy"]


def test_reviewers_and_a_wait_protect_an_environment(client: httpx.Client) -> None:
    people = [{"type": "User", "id": 7}, {"type": "Team", "id": 11}]
    body = {"wait_timer": 30, "prevent_self_review": True, "reviewers": people}
    answer = client.put(STAGING, json=body).json()
    rules = {rule["type"]: rule for rule in answer["protection_rules"]}
    assert set(rules) == {"wait_timer", "required_reviewers"}
    assert rules["wait_timer"]["wait_timer"] == 30
    seen = {one["type"]: one["reviewer"] for one in rules["required_reviewers"]["reviewers"]}
    assert (seen["User"]["login"], seen["Team"]["slug"]) == ("ada", "captains")
    assert answer["deployment_branch_policy"] is None  # what is left out becomes GitHub's default
    assert answer["can_admins_bypass"] is True


@pytest.mark.parametrize(
    "body",
    [
        {"reviewers": [{"type": "User", "id": 999}]},
        {"reviewers": [{"type": "User", "id": 7}] * 7},
        {"wait_timer": 50_000},
        {"prevent_self_review": True},
        {"prevent_self_review": True, "reviewers": []},
        {"deployment_branch_policy": {"protected_branches": True, "custom_branch_policies": True}},
    ],
)
def test_an_environment_that_github_refuses_is_left_as_it_is(
    client: httpx.Client, staging: dict[str, Any], body: dict[str, Any]
) -> None:
    assert client.put(STAGING, json=body).status_code == 422
    assert client.get(STAGING).json() == staging


def test_an_environment_s_name_may_have_a_slash_and_other_letters(client: httpx.Client) -> None:
    assert client.put(f"{HOME}/environments/pr%2F42", json={}).json()["name"] == "pr/42"
    assert client.get(f"{HOME}/environments/PR%2F42").json()["name"] == "pr/42"


def test_a_branch_policy_lives_with_its_environment(github: LocalGitHub, client: httpx.Client) -> None:
    made = client.post(f"{STAGING}/deployment-branch-policies", json={"name": "main"}).json()
    assert made["type"] == "branch"
    one = f"{STAGING}/deployment-branch-policies/{made['id']}"
    assert client.put(one, json={"name": "release/*"}).json() == {**made, "name": "release/*"}
    assert client.post(f"{STAGING}/deployment-branch-policies", json={"name": "release/*"}).status_code == 303
    tag = client.post(f"{STAGING}/deployment-branch-policies", json={"name": "v*", "type": "tag"}).json()
    listed = client.get(f"{STAGING}/deployment-branch-policies").json()
    assert [one["name"] for one in listed["branch_policies"]] == ["release/*", "v*"]
    (first, _) = github.store.all(type_=t.GITHUB_REPOSITORY_ENVIRONMENT_DEPLOYMENT_POLICY)
    assert first.id == f"harbor:staging:{made['id']}"
    assert client.delete(f"{STAGING}/deployment-branch-policies/{tag['id']}").status_code == 204
    assert client.put(STAGING, json={}).status_code == 200
    assert client.get(one).status_code == 404
    assert client.post(f"{STAGING}/deployment-branch-policies", json={"name": "main"}).status_code == 404


def test_a_secret_is_opened_and_never_told(github: LocalGitHub, client: httpx.Client) -> None:
    assert put_secret(client, "token", "made-up").status_code == 201
    assert put_secret(client, "TOKEN", "changed").status_code == 204
    (record,) = github.store.all(type_=t.GITHUB_ACTIONS_ENVIRONMENT_SECRET)
    assert (record.id, record.inputs["value"]) == ("harbor:staging:TOKEN", "changed")
    answer = client.get(f"{STAGING}/secrets/Token")
    assert answer.json()["name"] == "TOKEN"
    assert "changed" not in answer.text + client.get(f"{STAGING}/secrets").text
    assert client.delete(f"{STAGING}/secrets/TOKEN").status_code == 204
    assert client.get(f"{STAGING}/secrets/TOKEN").status_code == 404


def test_each_environment_has_a_key_of_its_own(client: httpx.Client) -> None:
    client.put(f"{HOME}/environments/production", json={})
    keys = [
        client.get(f"{HOME}/environments/{name}/secrets/public-key").json()
        for name in ("staging", "production", "staging")
    ]
    assert keys[0] == keys[2] != keys[1]


def test_a_secret_that_cannot_be_opened_is_refused(client: httpx.Client) -> None:
    key = client.get(f"{STAGING}/secrets/public-key").json()
    of_another = base64.b64encode(bytes(PrivateKey.generate().public_key)).decode()
    for body in (
        {"key_id": key["key_id"], "encrypted_value": seal("made-up", of_another)},
        {"key_id": key["key_id"], "encrypted_value": base64.b64encode(b"made-up").decode()},
        {"key_id": "1", "encrypted_value": seal("made-up", key["key"])},
        {"key_id": key["key_id"], "encrypted_value": "not base64!"},
    ):
        answer = client.put(f"{STAGING}/secrets/TOKEN", json=body)
        assert answer.status_code == 422
    assert client.get(f"{STAGING}/secrets").json() == {"total_count": 0, "secrets": []}


def test_a_secret_whose_name_github_keeps_is_refused(client: httpx.Client) -> None:
    answer = put_secret(client, "GITHUB_TOKEN", "made-up")
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["secretName"]
    assert "made-up" not in answer.text


def test_a_variable_is_made_changed_and_removed(github: LocalGitHub, client: httpx.Client) -> None:
    made = client.post(f"{STAGING}/variables", json={"name": "STAGE", "value": "staging"})
    assert made.status_code == 201
    assert client.post(f"{STAGING}/variables", json={"name": "stage", "value": "x"}).status_code == 409
    assert client.patch(f"{STAGING}/variables/STAGE", json={"value": "other"}).status_code == 204
    assert client.get(f"{STAGING}/variables/STAGE").json()["value"] == "other"
    (record,) = github.store.all(type_=t.GITHUB_ACTIONS_ENVIRONMENT_VARIABLE)
    assert record.inputs == {
        "repository": "harbor",
        "environment": "staging",
        "variableName": "STAGE",
        "value": "other",
    }
    assert client.delete(f"{STAGING}/variables/STAGE").status_code == 204
    assert client.get(f"{STAGING}/variables").json()["total_count"] == 0


def test_what_is_in_an_environment_goes_with_it(github: LocalGitHub, client: httpx.Client) -> None:
    put_secret(client, "TOKEN", "made-up")
    client.post(f"{STAGING}/variables", json={"name": "STAGE", "value": "staging"})
    key = client.get(f"{STAGING}/secrets/public-key").json()
    assert client.delete(STAGING).status_code == 204
    assert client.get(f"{STAGING}/variables/STAGE").status_code == 404
    assert github.store.all(environment="staging") == []
    client.put(STAGING, json={})
    assert client.get(f"{STAGING}/secrets/public-key").json() != key
    assert client.get(f"{STAGING}/secrets/TOKEN").status_code == 404
