"""What exists once per repository and is made by the one stage that owns it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_github as github

from bulkhead.model.naming import Kind, Label
from bulkhead.model.release import guarded_branches
from bulkhead.model.settings import StageSettings

_GITHUB_ACTIONS: Final = 15368
"""The app id of GitHub Actions: a check of the same name from any other source does not count."""
_TEAM_APPROVALS: Final = 2


@dataclass(frozen=True, slots=True)
class RepositoryArgs:
    label: Label
    settings: StageSettings


class Repository(pulumi.ComponentResource):
    """The rules of the repository: its default branch, what guards branches and release tags, what Actions may do.

    The guarded branches change by pull request only (QLT-5): two approvals in a team, one by an owner of what changes
    (`.github/CODEOWNERS`); none alone, because GitHub lets nobody approve their own, but the pull request and its
    checks stay. Nobody bypasses the rules.

    A release tag cannot be moved or deleted once it is there, so what was deployed from it can always be found again
    (REL-1). That its name is ``vMAJOR.MINOR.PATCH`` is checked by the release workflow: a ruleset can demand a name
    pattern on GitHub Enterprise only, and elsewhere the API refuses the whole ruleset.

    Actions run only when they come from this repository, GitHub or a verified creator, and are pinned to a commit; a
    workflow's own token can read and nothing else unless the workflow says so.

    Left out: the repository itself and its branches (they exist before a stage can be deployed from them), and
    ``required_deployments``, which would block a merge on an environment that pull requests never deploy to.
    """

    def __init__(self, name: str, args: RepositoryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("bulkhead:identities:Repository", name, {}, opts)
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)
        repository = args.settings.github.repository
        github.BranchDefault(
            f"{name}-default-branch",
            repository=repository,
            branch=args.settings.github.default_branch,
            opts=self._child,
        )
        github.ActionsRepositoryPermissions(
            f"{name}-actions",
            repository=repository,
            enabled=True,
            allowed_actions="selected",
            allowed_actions_config={"github_owned_allowed": True, "verified_allowed": True, "patterns_alloweds": []},
            sha_pinning_required=True,
            opts=self._child,
        )
        github.WorkflowRepositoryPermissions(
            f"{name}-workflow-token",
            repository=repository,
            default_workflow_permissions="read",
            can_approve_pull_request_reviews=False,
            opts=self._child,
        )
        self.branches = self._guard_branches(name)
        self.tags = self._guard_tags(name)
        self.register_outputs({"branches": self.branches.name, "tags": self.tags.name})

    def _guard_branches(self, name: str) -> github.RepositoryRuleset:
        ours, team = self._args.settings.github, self._args.settings.governance.profile == "team"
        rules: github.RepositoryRulesetRulesArgsDict = {
            "deletion": True,
            "non_fast_forward": True,
            "pull_request": {
                "required_approving_review_count": _TEAM_APPROVALS if team else 0,
                "dismiss_stale_reviews_on_push": True,
                # A waiver counts once it is on the base branch, so the owners of its file must have agreed to it there.
                # Alone, nobody could: GitHub lets no owner approve their own change.
                "require_code_owner_review": team,
                "require_last_push_approval": team,
                "required_review_thread_resolution": True,
            },
        }
        if ours.required_checks:  # GitHub refuses the rule when it names no check.
            rules["required_status_checks"] = {
                "required_checks": [
                    {"context": context, "integration_id": _GITHUB_ACTIONS} for context in ours.required_checks
                ],
                "strict_required_status_checks_policy": True,
            }
        return github.RepositoryRuleset(
            f"{name}-branches",
            name=self._args.label.name(Kind.RULESET, "branches"),
            repository=ours.repository,
            target="branch",
            enforcement="active",
            conditions={
                "ref_name": {
                    "includes": [f"refs/heads/{branch}" for branch in guarded_branches(ours.default_branch)],
                    "excludes": [],
                }
            },
            rules=rules,
            opts=self._child,
        )

    def _guard_tags(self, name: str) -> github.RepositoryRuleset:
        return github.RepositoryRuleset(
            f"{name}-tags",
            name=self._args.label.name(Kind.RULESET, "tags"),
            repository=self._args.settings.github.repository,
            target="tag",
            enforcement="active",
            conditions={"ref_name": {"includes": ["refs/tags/v*"], "excludes": []}},
            rules={"update": True, "deletion": True, "non_fast_forward": True},
            opts=self._child,
        )
