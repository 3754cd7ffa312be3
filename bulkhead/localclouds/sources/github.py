"""Where the rules of GitHub's types come from."""

from __future__ import annotations

from typing import Final

from bulkhead.localclouds.sources.places import Sources, github_docs, github_plugin, issue
from bulkhead.resources import types as t

_ENVIRONMENT: Final = github_plugin("resource_github_repository_environment.go")
_BRANCH_POLICY: Final = github_plugin("resource_github_repository_environment_deployment_policy.go")
_SECRET: Final = github_plugin("resource_github_actions_environment_secret.go")
_SECRETS_DOCS: Final = github_docs("actions/reference/secrets-reference")
_VARIABLE: Final = github_plugin("resource_github_actions_environment_variable.go")
_RULESET: Final = github_plugin("resource_github_repository_ruleset.go")

SOURCES: Final[Sources] = {
    t.GITHUB_REPOSITORY_ENVIRONMENT: {
        _ENVIRONMENT: ("between: waitTimer", "sized: reviewers", "replaced_by", "defaults", "import_id", "unordered"),
        github_docs("actions/reference/deployments-and-environments"): ("not_too_many_reviewers",),
        issue("github-community-projects/safe-settings", 628): ("no_self_review_without_reviewers",),
        github_docs("rest/deployments/environments"): ("one_branch_policy",),
    },
    t.GITHUB_REPOSITORY_ENVIRONMENT_DEPLOYMENT_POLICY: {
        _BRANCH_POLICY: (
            "exactly one: branchPattern, tagPattern",
            "replaced_by",
            "replaced_when_added_or_removed",
            "computed",
            "import_id",
        ),
    },
    t.GITHUB_ACTIONS_ENVIRONMENT_SECRET: {
        _SECRET: (
            "exactly one: value, valueEncrypted, plaintextValue, encryptedValue",
            "replaced_by",
            "create",
            "secrets",
            "computed",
            "import_id",
        ),
        _SECRETS_DOCS: ("shaped: secretName", "limits"),
        github_docs("rest/actions/secrets"): ("unread",),
    },
    t.GITHUB_ACTIONS_ENVIRONMENT_VARIABLE: {_VARIABLE: ("replaced_by", "computed", "import_id")},
    t.GITHUB_REPOSITORY_RULESET: {
        _RULESET: (
            "needs: name",
            "one of: target",
            "one of: enforcement",
            "one of: bypassActors[*].bypassMode",
            "between: rules.pullRequest.requiredApprovingReviewCount",
            "one of: rules.pullRequest.allowedMergeMethods[*]",
            "plan",
            "computed",
            "import_id",
            "unordered",
        ),
        github_plugin("util_ruleset_validation.go"): ("conditions_fit_target",),
    },
    t.GITHUB_BRANCH_DEFAULT: {
        github_plugin("resource_github_branch_default.go"): ("left_behind", "defaults", "import_id"),
    },
    t.GITHUB_ACTIONS_REPOSITORY_PERMISSIONS: {
        github_plugin("resource_github_actions_repository_permissions.go"): (
            "one of: allowedActions",
            "defaults",
            "import_id",
            "unordered",
        ),
    },
    t.GITHUB_WORKFLOW_REPOSITORY_PERMISSIONS: {
        github_plugin("resource_github_workflow_repository_permissions.go"): (
            "one of: defaultWorkflowPermissions",
            "import_id",
        ),
    },
}
