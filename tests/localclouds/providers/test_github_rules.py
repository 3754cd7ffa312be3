from __future__ import annotations

from typing import Any

import pytest

from bulkhead.localclouds.providers import planning
from bulkhead.localclouds.providers.handler import ApiRefusal, Caller
from bulkhead.localclouds.providers.resources import Resources
from bulkhead.localclouds.providers.store import Record
from bulkhead.localclouds.providers.wire import UNKNOWN

ENVIRONMENT = "github:index/repositoryEnvironment:RepositoryEnvironment"
POLICY = "github:index/repositoryEnvironmentDeploymentPolicy:RepositoryEnvironmentDeploymentPolicy"
SECRET = "github:index/actionsEnvironmentSecret:ActionsEnvironmentSecret"
VARIABLE = "github:index/actionsEnvironmentVariable:ActionsEnvironmentVariable"
RULESET = "github:index/repositoryRuleset:RepositoryRuleset"
BRANCH = "github:index/branchDefault:BranchDefault"
ACTIONS = "github:index/actionsRepositoryPermissions:ActionsRepositoryPermissions"
WORKFLOW = "github:index/workflowRepositoryPermissions:WorkflowRepositoryPermissions"

HOME = {"repository": "harbor", "environment": "staging"}
REFS = {"refName": {"includes": ["~DEFAULT_BRANCH"], "excludes": []}}
GOOD: dict[str, dict[str, Any]] = {
    ENVIRONMENT: {**HOME, "deploymentBranchPolicy": {"protectedBranches": False, "customBranchPolicies": True}},
    POLICY: {**HOME, "branchPattern": "main"},
    SECRET: {**HOME, "secretName": "TOKEN", "value": "made-up"},
    VARIABLE: {**HOME, "variableName": "STAGE", "value": "staging"},
    RULESET: {
        "name": "branches",
        "repository": "harbor",
        "target": "branch",
        "enforcement": "active",
        "conditions": REFS,
        "rules": {"deletion": True},
    },
    BRANCH: {"repository": "harbor", "branch": "main"},
    ACTIONS: {
        "repository": "harbor",
        "allowedActions": "selected",
        "allowedActionsConfig": {"githubOwnedAllowed": True},
    },
    WORKFLOW: {"repository": "harbor", "defaultWorkflowPermissions": "read"},
}


@pytest.fixture
def caller() -> Caller:
    return Caller("staging", "github", {"owner": "acme", "token": "made-up"})


def make(resources: Resources, caller: Caller, token: str, **change: Any) -> Record:
    return resources.create(caller, token, f"urn:{token}", {**GOOD[token], **change})


@pytest.mark.parametrize("token", GOOD)
def test_the_good_inputs_are_good(token: str) -> None:
    assert planning.check(token, GOOD[token])[1] == []


@pytest.mark.parametrize(
    ("token", "change", "fault"),
    [
        (ENVIRONMENT, {"waitTimer": 50_000}, "waitTimer: must be from 0 to 43200"),
        (SECRET, {"value": "語" * 16_385}, "value: has 49155 bytes, and at most 49152 are taken"),
        (VARIABLE, {"value": "x" * 49_153}, "value: has 49153 bytes, and at most 49152 are taken"),
        (
            ENVIRONMENT,
            {"reviewers": [{"teams": [1, 2, 3, 4], "users": [5, 6, 7]}]},
            "reviewers: at most 6 people and teams together, and there are 7",
        ),
        (
            ENVIRONMENT,
            {"preventSelfReview": True},
            "preventSelfReview: GitHub takes it only where reviewers has at least one team or user",
        ),
        (
            ENVIRONMENT,
            {"preventSelfReview": True, "reviewers": [{"teams": [], "users": []}]},
            "preventSelfReview: GitHub takes it only where reviewers has at least one team or user",
        ),
        (
            ENVIRONMENT,
            {"deploymentBranchPolicy": {"protectedBranches": True, "customBranchPolicies": True}},
            "deploymentBranchPolicy: exactly one of protectedBranches and customBranchPolicies must be true",
        ),
        (
            POLICY,
            {"tagPattern": "v*"},
            "exactly one of branchPattern, tagPattern must be given, and there are branchPattern and tagPattern",
        ),
        (
            SECRET,
            {"secretName": "GITHUB_TOKEN"},
            "secretName: must be letters, digits and _, not beginning with a digit or GITHUB_",
        ),
        (
            VARIABLE,
            {"variableName": "1ST"},
            "variableName: must be letters, digits and _, not beginning with a digit or GITHUB_",
        ),
        (RULESET, {"enforcement": "on"}, "enforcement: must be one of disabled, active, evaluate"),
        (
            RULESET,
            {"conditions": None},
            "conditions: required for a ruleset of branches or tags, or it applies to none",
        ),
        (
            RULESET,
            {"rules": {"pullRequest": {"requiredApprovingReviewCount": 11}}},
            "rules.pullRequest.requiredApprovingReviewCount: must be from 0 to 10",
        ),
        (
            RULESET,
            {"rules": {"requiredStatusChecks": {"requiredChecks": []}}},
            "rules.requiredStatusChecks.requiredChecks: must have from 1 to 1000 items",
        ),
        (
            ACTIONS,
            {"allowedActions": "all"},
            "allowedActionsConfig: is given when, and only when, allowedActions is selected",
        ),
        (WORKFLOW, {"defaultWorkflowPermissions": "admin"}, "defaultWorkflowPermissions: must be one of read, write"),
    ],
)
def test_one_bad_field_is_one_fault(token: str, change: dict[str, Any], fault: str) -> None:
    inputs = {name: value for name, value in {**GOOD[token], **change}.items() if value is not None}
    assert planning.check(token, inputs)[1] == [fault]


def test_a_secret_s_value_is_given_once() -> None:
    inputs = {**HOME, "secretName": "TOKEN"}
    (fault,) = planning.check(SECRET, inputs)[1]
    assert fault.endswith("must be given, and there is none")


def test_what_is_not_known_yet_is_no_fault() -> None:
    policy = {"protectedBranches": UNKNOWN, "customBranchPolicies": UNKNOWN}
    assert planning.check(ENVIRONMENT, {**HOME, "deploymentBranchPolicy": policy})[1] == []
    assert planning.check(ACTIONS, {**GOOD[ACTIONS], "allowedActions": UNKNOWN})[1] == []


@pytest.mark.parametrize("token", [POLICY, SECRET, VARIABLE])
def test_the_parts_of_an_environment_need_it_and_go_with_it(resources: Resources, caller: Caller, token: str) -> None:
    with pytest.raises(ApiRefusal, match="has no environment 'staging'"):
        make(resources, caller, token)
    environment = make(resources, caller, ENVIRONMENT)
    make(resources, caller, token)
    make(resources, caller, ENVIRONMENT, repository="other")
    stays = make(resources, caller, token, repository="other")
    resources.delete(caller, ENVIRONMENT, environment.id)
    assert [part.id for part in resources.store.all(type_=token)] == [stays.id]


def test_an_environment_exists_once_in_a_repository(resources: Resources, caller: Caller) -> None:
    make(resources, caller, ENVIRONMENT)
    make(resources, caller, ENVIRONMENT, repository="other")
    with pytest.raises(ApiRefusal, match="exists already"):
        make(resources, caller, ENVIRONMENT)


def test_a_branch_policy_needs_an_environment_that_uses_them(resources: Resources, caller: Caller) -> None:
    protected = {"protectedBranches": True, "customBranchPolicies": False}
    make(resources, caller, ENVIRONMENT, deploymentBranchPolicy=protected)
    with pytest.raises(ApiRefusal, match="does not use custom branch policies"):
        make(resources, caller, POLICY)


def test_a_branch_policy_cannot_become_a_tag_policy() -> None:
    new = {**HOME, "tagPattern": "v*"}
    assert all(difference.forces_new for difference in planning.diff(POLICY, GOOD[POLICY], new))
    renamed = {**HOME, "branchPattern": "release"}
    assert not any(difference.forces_new for difference in planning.diff(POLICY, GOOD[POLICY], renamed))


def test_a_name_of_a_ruleset_is_taken_once(resources: Resources, caller: Caller) -> None:
    make(resources, caller, RULESET)
    with pytest.raises(ApiRefusal, match="is taken"):
        make(resources, caller, RULESET)


def test_a_secret_s_value_is_secret_whoever_asks() -> None:
    assert planning.always_secret(SECRET, GOOD[SECRET]) == {("value",)}


@pytest.mark.parametrize(
    ("config", "fault"),
    [
        ({"owner": "acme"}, "exactly one of token, appAuth must be given, and there is none"),
        ({"token": "made-up"}, "owner: required property is missing"),
    ],
)
def test_a_provider_says_its_owner_and_its_credential(config: dict[str, Any], fault: str) -> None:
    assert planning.check_provider("github", {"owner": "acme", "token": "made-up"}) == []
    assert planning.check_provider("github", config) == [fault]
