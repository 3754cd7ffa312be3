"""The rule about what the repository has once: who makes it, and that it is as the settings say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from bulkhead.resources import types as t
from bulkhead.resources.observed import ObservedResource
from bulkhead.resources.values import UNKNOWN, at
from policies.context import PolicyContext
from policies.rule import AnyRule, Rule, Violation
from policies.rules.github import may_be

# Rulesets are left out: they add up.
_OF_REPOSITORY: Final = (
    t.GITHUB_ACTIONS_REPOSITORY_PERMISSIONS,
    t.GITHUB_BRANCH_DEFAULT,
    t.GITHUB_REPOSITORY,
    t.GITHUB_WORKFLOW_REPOSITORY_PERMISSIONS,
)
_SCANS: Final = ("secretScanning", "secretScanningPushProtection")


def _repository(resource: ObservedResource, context: PolicyContext) -> Iterator[Violation]:
    own = context.settings.github
    named = resource["name" if resource.type == t.GITHUB_REPOSITORY else "repository"]
    both = "There is one such thing for all stages: each up overwrites the other stage's, and one destroy ends it"
    if not may_be(named, own.repository):
        yield Violation("is about another repository than the stage's", both, f"name {own.repository}")
    elif not context.settings.owns.repository:
        yield Violation(
            "is made by a stage that does not own the repository",
            both,
            "make it in the stage whose owns.repository is true, or set bulkhead:owns.repository here and only here",
        )
    branch = resource["branch"] if resource.type == t.GITHUB_BRANCH_DEFAULT else UNKNOWN
    if branch is not UNKNOWN and branch != own.default_branch:
        yield Violation(
            f"makes another branch the default than {own.default_branch}, as the settings have it",
            "Schedules run, and pull requests are merged, where no rule guards what is deployed",
            "take the branch from github.defaultBranch of the settings",
        )
    off = [each for each in _SCANS if at(resource["securityAndAnalysis"], each, "status") == "disabled"]
    if off:
        yield Violation(
            f"switches {' and '.join(off)} off",
            "A secret that somebody commits is found by whoever looks for it first",
            'status="enabled"',
        )


RULES: Final[tuple[AnyRule, ...]] = (
    Rule(
        "repository-not-owner",
        ("ENV-3", "QLT-5"),
        "What the repository has once is made by the stage that owns it, as the settings say",
        _OF_REPOSITORY,
        _repository,
    ),
)
