"""Rules about the repository: what guards its branches, which actions run, and what a workflow's token may do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

from bulkhead.model.release import guarded_branches
from bulkhead.resources import types as t
from bulkhead.resources.observed import ObservedResource, ObservedStack
from bulkhead.resources.values import MISSING, UNKNOWN, at, listed, number
from policies.context import PolicyContext
from policies.rule import AnyRule, Rule, StackRule, Violation
from policies.rules.github import globs, governs, here, may_be, off

_TEAM_APPROVALS: Final = 2  # QLT-5
_EVERYTHING: Final = ("*", "*/*", "**", "*@*", "*/*@*")


def _guarded(stack: ObservedStack, context: PolicyContext) -> Iterator[Violation]:
    if not context.settings.owns.repository:
        return
    ours = [
        resource
        for resource in stack.of(t.GITHUB_REPOSITORY_RULESET)
        if here(resource, context)
        and may_be(resource["target"], "branch")
        and may_be(resource["enforcement"], "active")
    ]
    if not governs(stack, context):
        return
    main = context.settings.github.default_branch
    # Rulesets add up: a branch needs everything that any ruleset covering it demands.
    covering = {
        branch: [resource for resource in ours if _covers(resource, branch, main)] for branch in guarded_branches(main)
    }
    if bare := [branch for branch, rulesets in covering.items() if not rulesets]:
        yield Violation(
            f"no active ruleset guards {' and '.join(bare)}",
            "Whoever may push changes what is deployed, without a review and without a test (QLT-5)",
            "make a RepositoryRuleset, target branch, enforcement active, that includes refs/heads/ of each",
        )
    for wrong, causes, fix, kept in _demands(context):
        lacking = {
            branch: rulesets
            for branch, rulesets in covering.items()
            if rulesets and not any(kept(resource["rules"]) for resource in rulesets)
        }
        if lacking:
            about = next(iter(lacking.values()))[0]
            yield Violation(f"{wrong} on {' and '.join(lacking)}", causes, fix, about)


_Demand = tuple[str, str, str, Callable[[Any], bool]]


def _demands(context: PolicyContext) -> Iterator[_Demand]:
    """Yield the demands of a branch on an active ruleset: what is wrong without it, what that causes, the fix, and the
    test of a ruleset's rules."""
    team = context.settings.governance.profile == "team"
    approvals = _TEAM_APPROVALS if team else 0

    def reviewed(rules: Any) -> bool:
        count = number(rules, "pullRequest", "requiredApprovingReviewCount")
        asked = at(rules, "pullRequest") is not MISSING
        return asked and (count is UNKNOWN or (count if isinstance(count, float) else 0) >= approvals)

    def stays_reviewed(rules: Any) -> bool:
        switches = ("dismissStaleReviewsOnPush", "requireLastPushApproval")
        return not all(off(at(rules, "pullRequest", switch)) for switch in switches)

    yield (
        f"no active ruleset demands a pull request with {approvals} approvals",
        "A change reaches a stage without anybody having seen it (QLT-5)",
        f"give the ruleset pull_request with required_approving_review_count={approvals}",
        reviewed,
    )
    if team:
        yield (
            "no active ruleset asks for a new approval after a push",
            "What is pushed after the last approval is merged and deployed unseen",
            "set dismiss_stale_reviews_on_push or require_last_push_approval of pull_request",
            stays_reviewed,
        )
    for check in context.settings.github.required_checks:
        yield (
            f"no active ruleset demands the check {check}",
            "A change that fails its tests, or never ran them, is merged and deployed",
            "take required_status_checks from github.requiredChecks of the settings",
            partial(_has_check, check),
        )
    yield (
        "no active ruleset forbids deletion",
        "A deleted branch can be pushed anew, with content that nobody has reviewed",
        "set deletion=True in the ruleset's rules",
        lambda rules: not off(at(rules, "deletion")),
    )
    yield (
        "no active ruleset forbids force pushes",
        "What was reviewed and deployed can be replaced without a trace",
        "set non_fast_forward=True in the ruleset's rules",
        lambda rules: not off(at(rules, "nonFastForward")),
    )


def _has_check(check: str, rules: Any) -> bool:
    asked = at(rules, "requiredStatusChecks", "requiredChecks")
    return asked is UNKNOWN or any(at(each, "context") in (check, UNKNOWN) for each in listed(asked))


def _covers(resource: ObservedResource, branch: str, main: str) -> bool:
    """Whether a ruleset applies, or may apply, to a branch. Without conditions it applies to none."""
    names = ["~ALL", f"refs/heads/{branch}", *(["~DEFAULT_BRANCH"] if branch == main else [])]

    def among(key: str, *, unknown: bool) -> bool:
        patterns = resource[f"conditions.refName.{key}"]
        if patterns is UNKNOWN:
            return unknown
        return any(
            unknown if pattern is UNKNOWN else isinstance(pattern, str) and any(globs(pattern, name) for name in names)
            for pattern in listed(patterns)
        )

    return among("includes", unknown=True) and not among("excludes", unknown=False)


def _unpinned(stack: ObservedStack, context: PolicyContext) -> Iterator[Violation]:
    ours = [resource for resource in stack.of(t.GITHUB_ACTIONS_REPOSITORY_PERMISSIONS) if here(resource, context)]
    if not ours and governs(stack, context) and context.settings.owns.repository:
        yield Violation(
            "nothing says which actions may run in the repository",
            "GitHub then runs any action of anybody, also by a tag that its author moves later",
            "make ActionsRepositoryPermissions with allowed_actions='selected' and sha_pinning_required=True",
        )
    for resource in (each for each in ours if each["enabled"] is not False):
        if off(resource["shaPinningRequired"]):
            yield Violation(
                "actions need not be pinned to a commit",
                "Whoever takes over an action moves its tag and gets the secrets of the next deployment",
                "set sha_pinning_required=True",
                resource,
            )
        allowed, patterns = (
            resource["allowedActions"],
            listed(resource.props, "allowedActionsConfig", "patternsAlloweds"),
        )
        if allowed in (MISSING, "all") or (allowed == "selected" and any(each in _EVERYTHING for each in patterns)):
            yield Violation(
                "actions of anybody may run in the repository",
                "An action nobody has looked at gets the secrets of a deployment",
                "set allowed_actions='selected' and name whose actions may run",
                resource,
            )


def _token(resource: ObservedResource, context: PolicyContext) -> Iterator[Violation]:
    if resource["defaultWorkflowPermissions"] == "write":
        yield Violation(
            "every workflow's token may write to the repository",
            "One action that turned bad, in any job, rewrites branches, releases and packages",
            "set default_workflow_permissions='read' and let a job ask for what it needs",
        )
    if resource["canApprovePullRequestReviews"] is True:
        yield Violation(
            "workflows may approve pull requests",
            "Whoever can change a workflow on a branch approves their own change with it (QLT-5)",
            "set can_approve_pull_request_reviews=False",
        )


RULES: Final[tuple[AnyRule, ...]] = (
    StackRule(
        "github-branch-unprotected",
        ("QLT-5", "DEP-2", "DEP-3"),
        "Branches that are deployed change by pull request only, with the approvals and checks of the settings",
        _guarded,
    ),
    StackRule(
        "github-sha-pinning-off",
        ("SEC-1", "DEP-14"),
        "Pipelines run only actions that were chosen, at the commit that was chosen",
        _unpinned,
    ),
    Rule(
        "github-token-write-default",
        ("SEC-1", "QLT-5"),
        "A workflow's own token reads, and approves nothing",
        (t.GITHUB_WORKFLOW_REPOSITORY_PERMISSIONS,),
        _token,
    ),
)
