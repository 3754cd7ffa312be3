from __future__ import annotations

from typing import Any

import pytest

from bulkhead.localclouds.github import properties
from bulkhead.localclouds.github.api.description import operations

PULL_REQUEST = {
    "dismissStaleReviewsOnPush": True,
    "requireCodeOwnerReview": True,
    "requireLastPushApproval": True,
    "requiredApprovingReviewCount": 2,
    "requiredReviewThreadResolution": True,
    "allowedMergeMethods": ["squash"],
}
RULES: dict[str, Any] = {
    "creation": True,
    "nonFastForward": True,
    "requiredLinearHistory": True,
    "requiredSignatures": True,
    "update": True,
    "updateAllowsFetchAndMerge": True,
    "pullRequest": PULL_REQUEST,
    "requiredStatusChecks": {
        "requiredChecks": [{"context": "unit", "integrationId": 15368}],
        "strictRequiredStatusChecksPolicy": True,
        "doNotEnforceOnCreate": False,
    },
    "requiredDeployments": {"requiredDeploymentEnvironments": ["staging"]},
    "requiredCodeScanning": {
        "requiredCodeScanningTools": [{"tool": "CodeQL", "alertsThreshold": "errors", "securityAlertsThreshold": "all"}]
    },
    "branchNamePattern": {"operator": "regex", "pattern": "^v", "negate": False, "name": "versions"},
    "mergeQueue": {
        "checkResponseTimeoutMinutes": 10,
        "groupingStrategy": "HEADGREEN",
        "maxEntriesToBuild": 1,
        "maxEntriesToMerge": 1,
        "mergeMethod": "SQUASH",
        "minEntriesToMerge": 1,
        "minEntriesToMergeWaitMinutes": 1,
    },
    "maxFileSize": {"maxFileSize": 10},
    "fileExtensionRestriction": {"restrictedFileExtensions": ["*.pem"]},
    "copilotCodeReview": {"reviewOnPush": True, "reviewDraftPullRequests": False},
}
RULESET = {
    "name": "branches",
    "repository": "harbor",
    "target": "branch",
    "enforcement": "active",
    "bypassActors": [{"actorType": "Team", "actorId": 11, "bypassMode": "pull_request"}],
    "conditions": {"refName": {"includes": ["~DEFAULT_BRANCH"], "excludes": ["refs/heads/x"]}},
    "rules": RULES,
}


def taken(id_: str, body: dict[str, Any]) -> list[Any]:
    return next(one for one in operations() if one.id == id_).body_faults(body)


def test_a_ruleset_comes_back_as_it_was_sent_and_github_takes_it() -> None:
    body = properties.ruleset_body(RULESET)
    assert taken("repos/create-repo-ruleset", body) == []
    assert {**properties.ruleset_properties(body), "repository": body["source"]} == RULESET


@pytest.mark.parametrize("name", sorted(RULES.keys() - {"updateAllowsFetchAndMerge"}))
def test_github_knows_each_rule(name: str) -> None:
    body = properties.ruleset_body({**RULESET, "rules": {name: RULES[name]}})
    assert taken("repos/create-repo-ruleset", body) == []


def test_a_rule_that_is_false_is_not_sent_and_is_read_as_false() -> None:
    body = properties.ruleset_body({**RULESET, "rules": {"deletion": True, "creation": False, "update": False}})
    assert body["rules"] == [{"type": "deletion"}]
    seen = properties.ruleset_seen(body)["rules"]
    assert (seen["deletion"], seen["creation"], seen["update"]) == (True, False, False)


def test_a_ruleset_says_whose_it_is_and_an_update_without_parameters_has_none() -> None:
    """As go-github writes what the plugin asks for (google/go-github, rules.go; util_rules.go of the provider)."""
    body = properties.ruleset_body({**RULESET, "rules": {"update": True, "updateAllowsFetchAndMerge": False}})
    assert (body["source"], body["source_type"]) == ("harbor", "Repository")
    assert body["rules"] == [{"type": "update"}]
    widened = properties.ruleset_body({**RULESET, "rules": {"update": True, "updateAllowsFetchAndMerge": True}})
    assert widened["rules"] == [{"type": "update", "parameters": {"update_allows_fetch_and_merge": True}}]


def test_a_parameter_that_the_program_leaves_out_is_sent_all_the_same() -> None:
    checks = {"requiredChecks": [{"context": "unit"}]}
    rules = {"pullRequest": {}, "requiredStatusChecks": checks, "mergeQueue": {}}
    assert taken("repos/create-repo-ruleset", properties.ruleset_body({**RULESET, "rules": rules})) == []


def test_an_environment_comes_back_as_it_was_sent_and_github_takes_it() -> None:
    inputs = {
        "waitTimer": 30,
        "canAdminsBypass": False,
        "preventSelfReview": True,
        "reviewers": [{"teams": [11, 12], "users": [7]}],
        "deploymentBranchPolicy": {"protectedBranches": False, "customBranchPolicies": True},
    }
    body = properties.environment_body(inputs)
    assert taken("repos/create-or-update-environment", body) == []
    assert properties.environment_properties(body) == inputs


def test_an_environment_without_settings_is_put_with_all_of_github_s_defaults() -> None:
    body = properties.environment_body({})
    assert taken("repos/create-or-update-environment", body) == []
    assert body == {
        "wait_timer": None,
        "reviewers": None,
        "can_admins_bypass": True,
        "prevent_self_review": False,
        "deployment_branch_policy": None,
    }
    assert properties.environment_properties(body) == {"canAdminsBypass": True, "preventSelfReview": False}


@pytest.mark.parametrize("kind", ["branch", "tag"])
def test_a_pattern_is_of_branches_or_of_tags(kind: str) -> None:
    inputs = {f"{kind}Pattern": "v*"}
    assert properties.policy_body(inputs) == {"name": "v*", "type": kind}
    assert properties.policy_properties(properties.policy_body(inputs)) == inputs


def test_actions_that_are_allowed_come_back_as_they_were_sent() -> None:
    inputs = {"githubOwnedAllowed": True, "verifiedAllowed": False, "patternsAlloweds": ["acme/*"]}
    body = properties.json_of(inputs)
    assert taken("actions/set-allowed-actions-repository", body) == []
    assert body["patterns_allowed"] == ["acme/*"]
    assert properties.properties_of(body) == inputs
