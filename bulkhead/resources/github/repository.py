"""GitHub: a repository, its environments with their secrets, and the rules of its branches."""

from __future__ import annotations

from typing import Final

from bulkhead.resources.kind import Create, Guard, Link, Reference, Rehearsed, ResourceType, Scope

GITHUB_ACTIONS_ORGANIZATION_SECRET: Final = ResourceType(
    "github:index/actionsOrganizationSecret:ActionsOrganizationSecret",
    admitted="pipelines of other repositories of the organisation could read it",
    holds_data="",
    identity_inputs=("secretName",),
    left_behind="",
    references=(),
    secrets=frozenset({"encryptedValue", "plaintextValue", "value", "valueEncrypted"}),
)

GITHUB_ACTIONS_REPOSITORY_PERMISSIONS: Final = ResourceType(
    "github:index/actionsRepositoryPermissions:ActionsRepositoryPermissions",
    admitted=True,
    holds_data="",
    identity_inputs=("repository",),
    left_behind="",
    references=(),
    scope=Scope.REPOSITORY,
    guards=Guard(("allowedActions", "allowedActionsConfig", "shaPinningRequired")),
    replaced_by=frozenset({"repository"}),
    rehearsed=Rehearsed.RECORDED,
    unordered=frozenset({"allowedActionsConfig.patternsAlloweds"}),
)

GITHUB_ACTIONS_SECRET: Final = ResourceType(
    "github:index/actionsSecret:ActionsSecret",
    admitted="every pipeline of every branch could read it, whatever stage it is for",
    holds_data="",
    identity_inputs=("repository", "secretName"),
    left_behind="",
    references=(),
    scope=Scope.REPOSITORY,
    secrets=frozenset({"encryptedValue", "plaintextValue", "value", "valueEncrypted"}),
)

GITHUB_ACTIONS_VARIABLE: Final = ResourceType(
    "github:index/actionsVariable:ActionsVariable",
    admitted="every pipeline of every branch could read it, whatever stage it is for",
    holds_data="",
    identity_inputs=("repository", "variableName"),
    left_behind="",
    references=(),
    scope=Scope.REPOSITORY,
)

GITHUB_BRANCH_DEFAULT: Final = ResourceType(
    "github:index/branchDefault:BranchDefault",
    admitted=True,
    holds_data="",
    identity_inputs=("repository",),
    left_behind="the branch stays the default one",
    references=(),
    scope=Scope.REPOSITORY,
    replaced_by=frozenset({"repository"}),
    rehearsed=Rehearsed.RECORDED,
)

GITHUB_BRANCH_PROTECTION: Final = ResourceType(
    "github:index/branchProtection:BranchProtection",
    admitted="a ruleset guards branches and tags alike",
    holds_data="",
    identity_inputs=("repositoryId", "pattern"),
    left_behind="",
    references=(),
    use_instead="github:index/repositoryRuleset:RepositoryRuleset",
    scope=Scope.REPOSITORY,
)

GITHUB_BRANCH_PROTECTION_V3: Final = ResourceType(
    "github:index/branchProtectionV3:BranchProtectionV3",
    admitted="a ruleset guards branches and tags alike",
    holds_data="",
    identity_inputs=("repository", "branch"),
    left_behind="",
    references=(),
    use_instead="github:index/repositoryRuleset:RepositoryRuleset",
    scope=Scope.REPOSITORY,
)

GITHUB_CODESPACES_SECRET: Final = ResourceType(
    "github:index/codespacesSecret:CodespacesSecret",
    admitted="everybody who opens a codespace could read it",
    holds_data="",
    identity_inputs=("repository", "secretName"),
    left_behind="",
    references=(),
    scope=Scope.REPOSITORY,
    secrets=frozenset({"encryptedValue", "plaintextValue"}),
)

GITHUB_DEPENDABOT_SECRET: Final = ResourceType(
    "github:index/dependabotSecret:DependabotSecret",
    admitted="every run that an update of a dependency starts could read it, with that dependency's code",
    holds_data="",
    identity_inputs=("repository", "secretName"),
    left_behind="",
    references=(),
    scope=Scope.REPOSITORY,
    secrets=frozenset({"encryptedValue", "plaintextValue", "value", "valueEncrypted"}),
)

GITHUB_REPOSITORY: Final = ResourceType(
    "github:index/repository:Repository",
    admitted=True,
    holds_data="the code with its history, issues and pull requests",
    identity_inputs=("name",),
    left_behind="",
    references=(),
)

GITHUB_REPOSITORY_ENVIRONMENT: Final = ResourceType(
    "github:index/repositoryEnvironment:RepositoryEnvironment",
    admitted=True,
    holds_data="",
    identity_inputs=("repository", "environment"),
    left_behind="",
    references=(Reference("environment", Link.ENVIRONMENT),),
    scope=Scope.REPOSITORY,
    guards=Guard(("reviewers", "canAdminsBypass", "preventSelfReview", "deploymentBranchPolicy", "waitTimer")),
    named_by="environment",
    replaced_by=frozenset({"environment", "repository"}),
    rehearsed=Rehearsed.RECORDED,
    unordered=frozenset({"reviewers[].teams", "reviewers[].users"}),
)

GITHUB_ACTIONS_ENVIRONMENT_SECRET: Final = ResourceType(
    "github:index/actionsEnvironmentSecret:ActionsEnvironmentSecret",
    admitted=True,
    holds_data="",
    identity_inputs=("repository", "environment", "secretName"),
    left_behind="",
    references=(Reference("environment", Link.ENVIRONMENT, (GITHUB_REPOSITORY_ENVIRONMENT,)),),
    scope=Scope.REPOSITORY,
    replaced_by=frozenset({"environment", "repository", "secretName"}),
    create=Create.UPSERTS,  # the API takes it by PUT (resource_github_actions_environment_secret.go)
    secrets=frozenset({"encryptedValue", "plaintextValue", "value", "valueEncrypted"}),
    made_again="is written again",
    rehearsed=Rehearsed.RECORDED,
    limits={"value": 48 * 1024},  # docs.github.com, Actions: limits of secrets and variables
)

GITHUB_ACTIONS_ENVIRONMENT_VARIABLE: Final = ResourceType(
    "github:index/actionsEnvironmentVariable:ActionsEnvironmentVariable",
    admitted=True,
    holds_data="",
    identity_inputs=("repository", "environment", "variableName"),
    left_behind="",
    references=(Reference("environment", Link.ENVIRONMENT, (GITHUB_REPOSITORY_ENVIRONMENT,)),),
    scope=Scope.REPOSITORY,
    replaced_by=frozenset({"environment", "repository", "variableName"}),
    rehearsed=Rehearsed.RECORDED,
    limits={"value": 48 * 1024},  # docs.github.com, Actions: limits of secrets and variables
)

GITHUB_REPOSITORY_ENVIRONMENT_DEPLOYMENT_POLICY: Final = ResourceType(
    "github:index/repositoryEnvironmentDeploymentPolicy:RepositoryEnvironmentDeploymentPolicy",
    admitted=True,
    holds_data="",
    identity_inputs=("repository", "environment", "branchPattern", "tagPattern"),
    left_behind="",
    references=(Reference("environment", Link.ENVIRONMENT, (GITHUB_REPOSITORY_ENVIRONMENT,)),),
    scope=Scope.REPOSITORY,
    guards=Guard(("branchPattern", "tagPattern")),
    replaced_by=frozenset({"environment", "repository"}),
    rehearsed=Rehearsed.RECORDED,
)

GITHUB_REPOSITORY_RULESET: Final = ResourceType(
    "github:index/repositoryRuleset:RepositoryRuleset",
    admitted=True,
    holds_data="",
    identity_inputs=("repository", "name"),
    left_behind="",
    references=(),
    scope=Scope.REPOSITORY,
    guards=Guard(("rules", "bypassActors", "conditions", "enforcement")),
    named_by="name",
    replaced_by=frozenset({"repository"}),
    create=Create.REFUSED,
    rehearsed=Rehearsed.RECORDED,
    unordered=frozenset(
        {
            "rules.fileExtensionRestriction.restrictedFileExtensions",
            "rules.requiredCodeScanning.requiredCodeScanningTools",
            "rules.requiredStatusChecks.requiredChecks",
        }
    ),
)

GITHUB_WORKFLOW_REPOSITORY_PERMISSIONS: Final = ResourceType(
    "github:index/workflowRepositoryPermissions:WorkflowRepositoryPermissions",
    admitted=True,
    holds_data="",
    identity_inputs=("repository",),
    left_behind="",
    references=(),
    scope=Scope.REPOSITORY,
    guards=Guard(("defaultWorkflowPermissions", "canApprovePullRequestReviews")),
    replaced_by=frozenset({"repository"}),
    rehearsed=Rehearsed.RECORDED,
)
