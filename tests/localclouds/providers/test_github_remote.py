from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bulkhead.localclouds.providers import registry
from bulkhead.localclouds.providers.github_plugin import PLUGIN_TYPES
from bulkhead.localclouds.providers.github_remote import GitHubRemote, github_remotes
from bulkhead.localclouds.providers.handler import ApiRefusal, Caller
from bulkhead.localclouds.providers.store import Record
from bulkhead.resources import types as t
from tests.support import local_github
from tests.support.github_lives import ENVIRONMENT, HOME, LIVES
from tests.support.in_process import InProcess
from tests.support.local_github import LocalGitHub

# The calls of a create, as the plugin makes them (integrations/terraform-provider-github).
_CREATING: dict[str, list[str]] = {
    t.GITHUB_REPOSITORY_ENVIRONMENT: ["PUT /environments/staging", "GET "],
    t.GITHUB_REPOSITORY_ENVIRONMENT_DEPLOYMENT_POLICY: [
        "POST /environments/staging/deployment-branch-policies",
        "GET ",
    ],
    t.GITHUB_ACTIONS_ENVIRONMENT_SECRET: [
        "GET ",
        "GET /environments/staging/secrets/public-key",
        "PUT /environments/staging/secrets/TOKEN",
        "GET /environments/staging/secrets/TOKEN",
    ],
    t.GITHUB_ACTIONS_ENVIRONMENT_VARIABLE: [
        "POST /environments/staging/variables",
        "GET ",
        "GET /environments/staging/variables/STAGE",
    ],
    t.GITHUB_REPOSITORY_RULESET: ["GET ", "POST /rulesets"],
    t.GITHUB_BRANCH_DEFAULT: ["GET "],
    t.GITHUB_ACTIONS_REPOSITORY_PERMISSIONS: [
        "PUT /actions/permissions",
        "PUT /actions/permissions/selected-actions",
        "GET /actions/permissions",
        "GET /actions/permissions/selected-actions",
    ],
    t.GITHUB_WORKFLOW_REPOSITORY_PERMISSIONS: [
        "PUT /actions/permissions/workflow",
        "GET /actions/permissions/workflow",
    ],
}


@pytest.fixture
def github(tmp_path: Path) -> Iterator[LocalGitHub]:
    with local_github.running(tmp_path) as github:
        yield github


@pytest.fixture
def caller() -> Caller:
    return Caller("staging", "github", {"owner": "acme", "token": "of-a-person"})


@pytest.fixture
def types(github: LocalGitHub, caller: Caller) -> dict[str, GitHubRemote]:
    """The types, in a repository with an environment and a branch besides main."""
    github.commit("develop", {"a.txt": "a"})
    types = github_remotes("http://127.0.0.1", InProcess(github.app))
    types[t.GITHUB_REPOSITORY_ENVIRONMENT].create(caller, ENVIRONMENT)
    return types


def test_every_type_of_github_s_is_reached() -> None:
    assert set(PLUGIN_TYPES) == set(registry.TABLES["github"]) == set(LIVES)


def id_of(token: str, record: Record) -> str:
    return LIVES[token][2].format_map(record.outputs)


@pytest.mark.parametrize("token", LIVES)
def test_what_is_made_is_read_changed_and_removed(
    token: str, types: dict[str, GitHubRemote], caller: Caller, github: LocalGitHub
) -> None:
    inputs, changed, _ = LIVES[token]
    made = types[token].create(caller, inputs)
    assert made.id == id_of(token, made)
    read = types[token].read(caller, made.id, made.outputs, inputs)
    assert read is not None
    assert (read.id, read.inputs) == (made.id, inputs)
    updated = types[token].update(caller, made.id, made.outputs, changed)
    assert updated.id == made.id
    again = types[token].read(caller, made.id, updated.outputs, changed)
    assert again is not None
    assert again.inputs == changed
    stale = types[token].read(caller, made.id, made.outputs, inputs)
    assert stale is not None
    assert stale.inputs != inputs or token == t.GITHUB_ACTIONS_ENVIRONMENT_SECRET  # a secret's value is told to nobody
    types[token].delete(caller, made.id, updated.outputs)
    gone = types[token].read(caller, made.id, updated.outputs, changed)
    if "environment" in inputs or token == t.GITHUB_REPOSITORY_RULESET:
        assert gone is None


def test_a_ruleset_has_after_its_creation_what_a_read_finds(types: dict[str, GitHubRemote], caller: Caller) -> None:
    token = t.GITHUB_REPOSITORY_RULESET
    made = types[token].create(caller, LIVES[token][0])
    read = types[token].read(caller, made.id, made.outputs, made.inputs)
    assert read is not None
    assert made.outputs == read.outputs
    updated = types[token].update(caller, made.id, made.outputs, LIVES[token][1])
    again = types[token].read(caller, made.id, updated.outputs, updated.inputs)
    assert again is not None
    assert updated.outputs == again.outputs


@pytest.mark.parametrize("token", LIVES)
def test_a_create_makes_the_plugin_s_calls(
    token: str, types: dict[str, GitHubRemote], caller: Caller, github: LocalGitHub
) -> None:
    before = len(list(github.journal))
    types[token].create(caller, LIVES[token][0])
    calls = [f"{call.method} {call.path.removeprefix('/repos/acme/harbor')}" for call in github.journal][before:]
    assert calls == _CREATING[token]


def test_a_provider_asks_once_whether_its_owner_is_an_organisation_and_goes_on_if_not(
    types: dict[str, GitHubRemote], caller: Caller, github: LocalGitHub
) -> None:
    types[t.GITHUB_ACTIONS_ENVIRONMENT_VARIABLE].create(caller, LIVES[t.GITHUB_ACTIONS_ENVIRONMENT_VARIABLE][0])
    assert [call.path for call in github.journal if call.path.startswith("/orgs")] == ["/orgs/acme"]
    github.cloud.declare_person("acme", 4242)
    again = github_remotes("http://127.0.0.1", InProcess(github.app))[t.GITHUB_BRANCH_DEFAULT]
    assert again.create(caller, LIVES[t.GITHUB_BRANCH_DEFAULT][0]).outputs["branch"]
    assert [call.status for call in github.journal if call.path.startswith("/orgs")] == [200, 404]


@pytest.mark.parametrize("token", LIVES)
def test_an_import_finds_what_the_program_would_say(token: str, types: dict[str, GitHubRemote], caller: Caller) -> None:
    inputs = LIVES[token][0]
    made = types[token].create(caller, inputs)
    name = f"harbor:{made.id}" if token == t.GITHUB_REPOSITORY_RULESET else made.id
    found = types[token].read(caller, name, {}, {})
    assert found is not None
    assert found.id == made.id
    assert found.inputs.keys() <= inputs.keys()
    unread = {"value"} if token == t.GITHUB_ACTIONS_ENVIRONMENT_SECRET else set()
    # What the program says besides is what GitHub has anyway, so the comparison with the outputs finds no change.
    for missing in inputs.keys() - found.inputs.keys() - unread:
        assert found.outputs[missing] == inputs[missing]


@pytest.mark.parametrize("token", LIVES)
def test_an_import_of_what_is_not_there_finds_nothing(
    token: str, types: dict[str, GitHubRemote], caller: Caller
) -> None:
    assert types[token].read(caller, "a:b:c:d", {}, {}) is None
    name = ["lighthouse", "1", "1", "1"][: len(registry.rules_of(token).import_id.names)]
    assert types[token].read(caller, ":".join(name), {}, {}) is None


def test_what_somebody_took_away_by_hand_is_seen(
    types: dict[str, GitHubRemote], caller: Caller, github: LocalGitHub
) -> None:
    token = t.GITHUB_REPOSITORY_ENVIRONMENT
    inputs = {**ENVIRONMENT, "waitTimer": 5, "reviewers": [{"users": [7]}]}
    made = types[token].create(caller, inputs)
    with github.client("of-a-person") as client:
        client.put("/repos/acme/harbor/environments/staging", json={"can_admins_bypass": True})
    read = types[token].read(caller, made.id, made.outputs, inputs)
    assert read is not None
    assert read.inputs == {**HOME, "canAdminsBypass": True}


def test_github_s_refusal_says_what_was_asked_and_why(
    types: dict[str, GitHubRemote], caller: Caller, github: LocalGitHub
) -> None:
    token = t.GITHUB_ACTIONS_ENVIRONMENT_VARIABLE
    inputs = {"repository": "harbor", "environment": "nowhere", "variableName": "A", "value": "made-up"}
    with pytest.raises(ApiRefusal, match="POST /repos/acme/harbor/environments/nowhere/variables: Not Found") as told:
        types[token].create(caller, inputs)
    assert "made-up" not in str(told.value)
    stranger = Caller("staging", "github", {"owner": "acme", "token": "made-up"})
    with pytest.raises(ApiRefusal, match="Bad credentials"):
        types[token].create(stranger, inputs)
    with pytest.raises(ApiRefusal, match=r"DELETE .*: Not Found"):
        types[token].delete(caller, "harbor:staging:A", {**HOME, "variableName": "A"})


def test_what_is_removed_leaves_no_record(types: dict[str, GitHubRemote], caller: Caller, github: LocalGitHub) -> None:
    for token in (*LIVES, *(t.GITHUB_REPOSITORY_ENVIRONMENT,)):
        made = types[token].create(caller, LIVES[token][0])
        types[token].delete(caller, made.id, made.outputs)
        types[t.GITHUB_REPOSITORY_ENVIRONMENT].create(caller, ENVIRONMENT)
    types[t.GITHUB_REPOSITORY_ENVIRONMENT].delete(caller, "harbor:staging", ENVIRONMENT)
    assert github.store.all(environment="staging") == []
