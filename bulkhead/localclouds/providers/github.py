"""GitHub: the rows of the hand table. Sources: SDK docstrings, GitHub's REST reference, terraform-provider-github."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from typing import Final

from bulkhead.localclouds.github.properties import ruleset_planned
from bulkhead.localclouds.providers.checks import Check, at, between, exactly_one, known, needs, one_of, shaped, sized
from bulkhead.localclouds.providers.handler import Caller, Properties
from bulkhead.localclouds.providers.rules import ImportId, TypeRules, Within, joined, now
from bulkhead.localclouds.providers.store import Store
from bulkhead.localclouds.providers.wire import UNKNOWN, contains_unknown
from bulkhead.resources import types as t

_MOST_REVIEWERS: Final = 6
_NAME: Final = (r"(?!GITHUB_)[A-Za-z_][A-Za-z0-9_]*", "letters, digits and _, not beginning with a digit or GITHUB_")
_IN_ENVIRONMENT: Final = Within(
    t.GITHUB_REPOSITORY_ENVIRONMENT, {"repository": "repository", "environment": "environment"}
)


def _number(_caller: Caller, _inputs: Properties) -> str:
    return str(random.randrange(10**6, 10**8))  # noqa: S311 - an id like GitHub's, nothing secret


def _environment(store: Store, caller: Caller, inputs: Properties) -> Properties | None:
    for record in store.all(type_=t.GITHUB_REPOSITORY_ENVIRONMENT):
        same = all(record.outputs[name] == inputs[name] for name in ("repository", "environment"))
        if record.account == caller.account and same:
            return record.outputs
    return None


def _environment_exists(caller: Caller, store: Store, inputs: Properties) -> Iterator[str]:
    if _environment(store, caller, inputs) is None:
        yield f"repository {inputs['repository']!r} has no environment {inputs['environment']!r} (404)"


def _environment_has_custom_policies(caller: Caller, store: Store, inputs: Properties) -> Iterator[str]:
    environment = _environment(store, caller, inputs)
    policy = (environment or {}).get("deploymentBranchPolicy", {})
    if environment is not None and not policy.get("customBranchPolicies"):
        yield f"environment {inputs['environment']!r} does not use custom branch policies (404)"


def _one_branch_policy(inputs: Properties) -> Iterator[str]:
    for place, policy in at(inputs, "deploymentBranchPolicy"):
        kinds = ("protectedBranches", "customBranchPolicies")
        if known(policy, *kinds) and policy[kinds[0]] == policy[kinds[1]]:
            yield f"{place}: exactly one of protectedBranches and customBranchPolicies must be true"


def _not_too_many_reviewers(inputs: Properties) -> Iterator[str]:
    count = sum(len(people) for kind in ("teams", "users") for _, people in at(inputs, f"reviewers[*].{kind}"))
    if count > _MOST_REVIEWERS:
        yield f"reviewers: at most {_MOST_REVIEWERS} people and teams together, and there are {count}"


def _no_self_review_without_reviewers(inputs: Properties) -> Iterator[str]:
    asked = inputs.get("reviewers") or []
    if inputs.get("preventSelfReview") is not True or contains_unknown(asked):
        return
    if not any(people for _, group in at(asked, "[*]") for people in group.values()):
        yield "preventSelfReview: GitHub takes it only where reviewers has at least one team or user"


def _conditions_fit_target(inputs: Properties) -> Iterator[str]:
    wanted = inputs.get("target") in ("branch", "tag")
    if wanted and "conditions" not in inputs:
        yield "conditions: required for a ruleset of branches or tags, or it applies to none"
    if inputs.get("target") == "push" and "conditions" in inputs:
        yield "conditions: a push ruleset takes none"


def _selected_actions(inputs: Properties) -> Iterator[str]:
    selected = inputs.get("allowedActions")
    if selected is not UNKNOWN and ("allowedActionsConfig" in inputs) != (selected == "selected"):
        yield "allowedActionsConfig: is given when, and only when, allowedActions is selected"


_TABLE: Final = (
    TypeRules(
        type=t.GITHUB_REPOSITORY_ENVIRONMENT,
        import_id=ImportId("repository", "environment", separator=":"),
        identify=joined("repository", "environment", separator=":"),
        checks=(
            between("waitTimer", 0, 43_200),
            sized("reviewers", 0, 1),
            _not_too_many_reviewers,
            _no_self_review_without_reviewers,
            _one_branch_policy,
        ),
        defaults={"canAdminsBypass": True, "preventSelfReview": False},
    ),
    TypeRules(
        type=t.GITHUB_REPOSITORY_ENVIRONMENT_DEPLOYMENT_POLICY,
        import_id=ImportId("repository", "environment", "policyId", separator=":"),
        identify=lambda caller, inputs: f"{inputs['repository']}:{inputs['environment']}:{_number(caller, inputs)}",
        checks=(exactly_one("", "branchPattern", "tagPattern"),),
        admissions=(_environment_exists, _environment_has_custom_policies),
        replaced_when_added_or_removed=frozenset({"branchPattern", "tagPattern"}),
        computed=lambda _caller, id_, _inputs: {"policyId": int(id_.rsplit(":", 1)[1])},
        within=_IN_ENVIRONMENT,
    ),
    TypeRules(
        type=t.GITHUB_ACTIONS_ENVIRONMENT_SECRET,
        import_id=ImportId("repository", "environment", "secretName", separator=":"),
        identify=joined("repository", "environment", "secretName", separator=":"),
        checks=(
            exactly_one("", "value", "valueEncrypted", "plaintextValue", "encryptedValue"),
            shaped("secretName", *_NAME),
        ),
        admissions=(_environment_exists,),
        computed=lambda _caller, _id, _inputs: {"createdAt": now(), "updatedAt": now()},
        unread=frozenset({"value", "valueEncrypted", "plaintextValue", "encryptedValue"}),
        within=_IN_ENVIRONMENT,
    ),
    TypeRules(
        type=t.GITHUB_ACTIONS_ENVIRONMENT_VARIABLE,
        import_id=ImportId("repository", "environment", "variableName", separator=":"),
        identify=joined("repository", "environment", "variableName", separator=":"),
        checks=(shaped("variableName", *_NAME),),
        admissions=(_environment_exists,),
        computed=lambda _caller, _id, _inputs: {"createdAt": now(), "updatedAt": now()},
        within=_IN_ENVIRONMENT,
    ),
    TypeRules(
        type=t.GITHUB_REPOSITORY_RULESET,
        plan=ruleset_planned,
        identify=_number,
        checks=(
            needs("", "name"),
            one_of("target", "branch", "tag", "push"),
            one_of("enforcement", "disabled", "active", "evaluate"),
            one_of("bypassActors[*].bypassMode", "always", "pull_request", "exempt"),
            one_of(
                "bypassActors[*].actorType",
                "RepositoryRole",
                "Team",
                "Integration",
                "OrganizationAdmin",
                "DeployKey",
            ),
            between("rules.pullRequest.requiredApprovingReviewCount", 0, 10),
            one_of("rules.pullRequest.allowedMergeMethods[*]", "merge", "squash", "rebase"),
            sized("rules.requiredStatusChecks.requiredChecks", 1, 1000),
            _conditions_fit_target,
        ),
        computed=lambda _caller, id_, _inputs: {"rulesetId": int(id_), "nodeId": f"RRS_{id_}", "etag": f'W/"{id_}"'},
        import_id=ImportId("repository", "rulesetId", separator=":"),
    ),
    TypeRules(
        type=t.GITHUB_BRANCH_DEFAULT,
        import_id=ImportId("repository", separator=":"),
        identify=joined("repository"),
        defaults={"rename": False, "waitForRename": False},
    ),
    TypeRules(
        type=t.GITHUB_ACTIONS_REPOSITORY_PERMISSIONS,
        import_id=ImportId("repository", separator=":"),
        identify=joined("repository"),
        checks=(one_of("allowedActions", "all", "local_only", "selected"), _selected_actions),
        defaults={"enabled": True},
    ),
    TypeRules(
        type=t.GITHUB_WORKFLOW_REPOSITORY_PERMISSIONS,
        import_id=ImportId("repository", separator=":"),
        identify=joined("repository"),
        checks=(one_of("defaultWorkflowPermissions", "read", "write"),),
        defaults={"defaultWorkflowPermissions": "read", "canApprovePullRequestReviews": False},
    ),
)

PROVIDER_CHECKS: Final[tuple[Check, ...]] = (needs("", "owner"), exactly_one("", "token", "appAuth"))
RULES: Final[Mapping[str, TypeRules]] = {rules.type: rules for rules in _TABLE}
