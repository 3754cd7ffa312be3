"""What each of GitHub's types is made with and changed to, and the writes that its provider asks for then."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from bulkhead.localclouds.providers.github_remote import github_remotes
from bulkhead.localclouds.providers.handler import Caller
from bulkhead.rehearsal.faults import Act, Write
from bulkhead.resources import types as t
from bulkhead.resources.catalogue import CATALOGUE
from tests.support import local_github
from tests.support.in_process import InProcess

CALLER: Final = Caller("staging", "github", {"owner": "acme", "token": "of-a-person"})
HOME: Final = {"repository": "harbor", "environment": "staging"}
POLICY: Final = {"protectedBranches": False, "customBranchPolicies": True}
ENVIRONMENT: Final[dict[str, Any]] = {**HOME, "canAdminsBypass": False, "deploymentBranchPolicy": POLICY}
RULESET: Final[dict[str, Any]] = {
    "name": "branches",
    "repository": "harbor",
    "target": "branch",
    "enforcement": "active",
    "conditions": {"refName": {"includes": ["refs/heads/main"], "excludes": []}},
    "rules": {
        "deletion": True,
        "creation": False,
        "pullRequest": {"requiredApprovingReviewCount": 2, "requireCodeOwnerReview": True},
        "requiredStatusChecks": {"requiredChecks": [{"context": "unit", "integrationId": 15368}]},
    },
}
ACTIONS: Final = {
    "repository": "harbor",
    "enabled": True,
    "allowedActions": "selected",
    "allowedActionsConfig": {"githubOwnedAllowed": True, "verifiedAllowed": True, "patternsAlloweds": []},
    "shaPinningRequired": True,
}
# Of each type: what is made, what it is changed to, and the id that it has.
LIVES: Final[Mapping[str, tuple[dict[str, Any], dict[str, Any], str]]] = {
    t.GITHUB_REPOSITORY_ENVIRONMENT: (
        ENVIRONMENT,
        {**ENVIRONMENT, "waitTimer": 5, "reviewers": [{"teams": [11], "users": [7]}], "preventSelfReview": True},
        "harbor:staging",
    ),
    t.GITHUB_REPOSITORY_ENVIRONMENT_DEPLOYMENT_POLICY: (
        {**HOME, "branchPattern": "main"},
        {**HOME, "branchPattern": "release/*"},
        "harbor:staging:{policyId}",
    ),
    t.GITHUB_ACTIONS_ENVIRONMENT_SECRET: (
        {**HOME, "secretName": "TOKEN", "value": "made-up"},
        {**HOME, "secretName": "TOKEN", "value": "changed"},
        "harbor:staging:TOKEN",
    ),
    t.GITHUB_ACTIONS_ENVIRONMENT_VARIABLE: (
        {**HOME, "variableName": "STAGE", "value": "staging"},
        {**HOME, "variableName": "STAGE", "value": "other"},
        "harbor:staging:STAGE",
    ),
    t.GITHUB_REPOSITORY_RULESET: (RULESET, {**RULESET, "enforcement": "disabled"}, "{rulesetId}"),
    t.GITHUB_BRANCH_DEFAULT: (
        {"repository": "harbor", "branch": "main"},
        {"repository": "harbor", "branch": "develop"},
        "harbor",
    ),
    t.GITHUB_ACTIONS_REPOSITORY_PERMISSIONS: (
        ACTIONS,
        {"repository": "harbor", "enabled": True, "allowedActions": "local_only"},
        "harbor",
    ),
    t.GITHUB_WORKFLOW_REPOSITORY_PERMISSIONS: (
        {"repository": "harbor", "defaultWorkflowPermissions": "write", "canApprovePullRequestReviews": True},
        {"repository": "harbor", "defaultWorkflowPermissions": "write", "canApprovePullRequestReviews": False},
        "harbor",
    ),
}


def writes() -> Iterator[Write]:
    """Yield every write of every life, as the local GitHub's journal has it: no list says what a provider asks."""
    with tempfile.TemporaryDirectory() as folder, local_github.running(Path(folder)) as github:
        github.commit("develop", {"a.txt": "a"})
        types = github_remotes("http://127.0.0.1", InProcess(github.app))
        around = t.GITHUB_REPOSITORY_ENVIRONMENT
        types[around].create(CALLER, ENVIRONMENT)
        for type_ in (*(each for each in LIVES if each != around), around):
            first, second, _ = LIVES[type_]
            heard = len([*github.journal])
            made = types[type_].create(CALLER, first)
            for act in Act:
                if act is Act.CHANGE:
                    types[type_].update(CALLER, made.id, made.outputs, second)
                elif act is Act.DELETE:
                    types[type_].delete(CALLER, made.id, made.outputs)
                calls = [*github.journal]
                for call in calls[heard:]:
                    if call.method != "GET":
                        yield Write(CATALOGUE[type_], act, call.method, call.route)
                heard = len(calls)
