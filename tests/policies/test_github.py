"""Rules about GitHub: a compliant baseline of each, broken one field at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bulkhead.resources import types as t
from bulkhead.resources.kind import ResourceType
from bulkhead.resources.observed import ObservedResource
from bulkhead.resources.values import UNKNOWN
from policies.rules import github, github_repository, github_secrets
from tests.support.policy_scene import changed, found, make_context, make_resource

RULES = {rule.name: rule for rule in (*github.RULES, *github_repository.RULES, *github_secrets.RULES)}
STAGING = make_context("staging")
PRODUCTION = make_context("production")
OWNER = make_context("production", {"github": {"requiredChecks": ["test", "lint"]}})
SOLO = make_context("production", {"governance": {"profile": "solo"}})


def environment(name: Any = "staging", **props: Any) -> ObservedResource:
    said = {
        "repository": "harbor",
        "environment": name,
        "canAdminsBypass": False,
        "preventSelfReview": True,
        "reviewers": [{"teams": [2.0], "users": []}],  # numbers arrive as floats
        "deploymentBranchPolicy": {"protectedBranches": False, "customBranchPolicies": True},
    }
    return make_resource(t.GITHUB_REPOSITORY_ENVIRONMENT, str(name), **{**said, **props})


def admit(of: ObservedResource, pattern: Any = "develop", kind: str = "branch", **props: Any) -> ObservedResource:
    said = {"repository": "harbor", "environment": of["environment"], f"{kind}Pattern": pattern, **props}
    type_ = t.GITHUB_REPOSITORY_ENVIRONMENT_DEPLOYMENT_POLICY
    return make_resource(type_, f"{of.name}-{pattern}", sources={"environment": [of]}, **said)


ENVIRONMENT = environment()
DEVELOP = admit(ENVIRONMENT)


KEPT = [
    make_resource(type_, repository="harbor", environment="staging")
    for type_ in (t.GITHUB_ACTIONS_ENVIRONMENT_SECRET, t.GITHUB_ACTIONS_ENVIRONMENT_VARIABLE)
]


class TestEnvironmentUnprotected:
    rule = RULES["github-environment-unprotected"]

    @pytest.mark.parametrize(
        ("path", "value"),
        [
            ("reviewers", ...),
            ("reviewers", []),
            ("reviewers.0.teams", []),
            ("reviewers.0.teams", [9.0]),
            ("reviewers.0.teams", [2.0, 9.0]),
            ("reviewers.0.users", [7.0]),
            ("preventSelfReview", ...),
            ("preventSelfReview", False),
            ("deploymentBranchPolicy", ...),
            ("deploymentBranchPolicy", {"protectedBranches": True, "customBranchPolicies": False}),
            ("deploymentBranchPolicy", {"protectedBranches": True, "customBranchPolicies": UNKNOWN}),
            ("deploymentBranchPolicy", {"protectedBranches": UNKNOWN, "customBranchPolicies": False}),
            ("deploymentBranchPolicy.customBranchPolicies", False),
            ("environment", "elsewhere"),
            ("repository", "another"),
        ],
    )
    def test_one_field(self, path: str, value: Any) -> None:
        assert found(self.rule, ENVIRONMENT, DEVELOP) == []
        assert len(found(self.rule, changed(ENVIRONMENT, path, value), DEVELOP)) == 1

    @pytest.mark.parametrize(
        ("path", "value"), [("reviewers", [{"teams": [2.0]}]), ("reviewers", [{"users": [7.0]}]), ("waitTimer", 5.0)]
    )
    def test_a_rollback_waits_for_nobody(self, path: str, value: Any) -> None:
        rollback = environment("staging-rollback", reviewers=[], waitTimer=0.0)
        both = (ENVIRONMENT, DEVELOP, admit(rollback))
        assert found(self.rule, *both, rollback) == []
        assert found(self.rule, *both, changed(rollback, path, UNKNOWN)) == []
        (message,) = found(self.rule, *both, changed(rollback, path, value))
        assert "environment staging-rollback lets a rollback wait" in message

    def test_every_environment_of_the_stage_is_for_its_own_branches(self) -> None:
        smoke = environment("staging-smoke", reviewers=[])
        assert found(self.rule, ENVIRONMENT, DEVELOP, smoke, admit(smoke)) == []
        assert len(found(self.rule, ENVIRONMENT, DEVELOP, changed(smoke, "deploymentBranchPolicy", ...))) == 1
        assert found(self.rule, ENVIRONMENT, DEVELOP, environment("docs", deploymentBranchPolicy=None)) == []

    @pytest.mark.parametrize("path", ["reviewers", "reviewers.0.teams", "preventSelfReview", "deploymentBranchPolicy"])
    def test_what_is_known_later_is_judged_later(self, path: str) -> None:
        assert found(self.rule, changed(ENVIRONMENT, path, UNKNOWN), DEVELOP) == []
        assert found(self.rule, changed(ENVIRONMENT, "deploymentBranchPolicy", UNKNOWN)) == []
        both = (changed(ENVIRONMENT, path, UNKNOWN), DEVELOP, replace(ENVIRONMENT, urn="other", props=OPEN.props))
        assert len(found(self.rule, *both)) == 1

    def test_an_unknown_reviewer_hides_no_stranger(self) -> None:
        assert len(found(self.rule, changed(ENVIRONMENT, "reviewers.0.teams", [UNKNOWN, 9.0]), DEVELOP)) == 1

    def test_it_is_there_at_all(self) -> None:
        assert len(found(self.rule, context=make_context(identities=True))) == 1
        assert len(found(self.rule, changed(ENVIRONMENT, "environment", "another"))) == 1
        assert found(self.rule) == []  # the other stack of the stage is not about GitHub
        assert found(self.rule, *KEPT) == []  # nor is it by what it keeps in the environment of the first
        assert found(self.rule, environment(UNKNOWN)) == []
        assert found(self.rule, context=make_context("development", identities=True)) == []

    def test_somebody_may_deploy(self) -> None:
        (message,) = found(self.rule, ENVIRONMENT)
        assert "no branch" in message
        elsewhere = admit(environment("production"))
        assert len(found(self.rule, ENVIRONMENT, changed(elsewhere, "environment", UNKNOWN))) == 1
        for other in (elsewhere, replace(elsewhere, depends={})):
            assert len(found(self.rule, ENVIRONMENT, other)) == 2  # it is another stage's, too
        assert len(found(self.rule, ENVIRONMENT, changed(DEVELOP, "repository", "another"))) == 1
        by_name = replace(DEVELOP, depends={})
        assert found(self.rule, ENVIRONMENT, by_name) == []
        assert found(self.rule, ENVIRONMENT, changed(by_name, "environment", UNKNOWN)) == []
        assert found(self.rule, ENVIRONMENT, changed(DEVELOP, "environment", UNKNOWN)) == []
        assert found(self.rule, environment("Staging"), DEVELOP) == []  # GitHub takes both for one

    @pytest.mark.parametrize("stage", ["development", "staging"])
    @pytest.mark.parametrize("name", ["production", "Production", "production-rollback", "production-preview"])
    @pytest.mark.parametrize(
        "type_",
        [
            t.GITHUB_REPOSITORY_ENVIRONMENT,
            t.GITHUB_REPOSITORY_ENVIRONMENT_DEPLOYMENT_POLICY,
            t.GITHUB_ACTIONS_ENVIRONMENT_SECRET,
            t.GITHUB_ACTIONS_ENVIRONMENT_VARIABLE,
        ],
    )
    def test_another_stages_environment_is_not_written_over(self, type_: str, name: str, stage: str) -> None:
        theirs = make_resource(type_, repository="harbor", environment=name)
        context = make_context(stage)
        said = [message for message in found(self.rule, theirs, context=context) if "another stage's" in message]
        assert len(said) == 1
        elsewhere = changed(theirs, "repository", "another")
        assert not [each for each in found(self.rule, elsewhere, context=context) if "another stage's" in each]

    @pytest.mark.parametrize("pattern", ["*", "develop*", "main", "feature/*", "refs/pull/*/merge", "**"])
    def test_no_other_ref_deploys(self, pattern: str) -> None:
        unclear = admit(ENVIRONMENT, UNKNOWN)
        (message,) = found(self.rule, ENVIRONMENT, unclear, DEVELOP, admit(ENVIRONMENT, pattern))
        assert pattern in message
        assert len(found(self.rule, ENVIRONMENT, admit(ENVIRONMENT, "develop", "tag"))) == 1

    def test_a_narrower_tag_deploys_production(self) -> None:
        context = make_context("production", {"releaseModel": "release-tag"})
        own = environment("production", reviewers=[{"teams": [3.0]}])
        for pattern in ("v*.*.*", "v1.*.*", "v1.2.3"):
            assert found(self.rule, own, admit(own, pattern, "tag", branchPattern=""), context=context) == []
        for pattern in ("v*", "*", "v**.*.*"):
            assert len(found(self.rule, own, admit(own, pattern, "tag"), context=context)) == 1

    def test_development_is_open_to_those_who_develop(self) -> None:
        own = environment("development", canAdminsBypass=True, preventSelfReview=False, reviewers=[])
        context = make_context("development")
        assert found(self.rule, own, context=context) == []
        assert found(self.rule, environment("pr-7"), context=make_context("pr-7")) == []

    def test_solo_asks_nobody_else(self) -> None:
        own = environment("production", preventSelfReview=False, reviewers=[{"users": [5.0]}])
        context = make_context("production", {"governance": {"profile": "solo"}, "github": {"reviewers": ME}})
        assert found(self.rule, own, admit(own, "main"), context=context) == []
        assert len(found(self.rule, own, admit(own, "main"), context=make_context("production"))) == 3

    def test_without_reviewers_in_the_settings_more_are_welcome(self) -> None:
        context = make_context("staging", {"github": {"reviewers": {"teams": [], "users": []}}})
        assert found(self.rule, ENVIRONMENT, DEVELOP, context=context) == []
        assert found(self.rule, changed(ENVIRONMENT, "reviewers", ...), DEVELOP, context=context) == []

    def test_where_nobody_is_asked_nobody_approves_their_own(self) -> None:
        """GitHub refuses to be told so without reviewers (github-community-projects/safe-settings#628)."""
        context = make_context("staging", {"github": {"reviewers": {"teams": [], "users": []}}})
        absent: list[Any] = [..., [], [{"teams": [], "users": []}]]
        for nobody in absent:
            own = changed(environment(preventSelfReview=False), "reviewers", nobody)
            assert found(self.rule, own, DEVELOP, context=context) == []
        own = environment(preventSelfReview=False, reviewers=[{"users": [UNKNOWN]}])
        assert len(found(self.rule, own, DEVELOP, context=context)) == 1

    def test_nobody_is_on_the_list_but_those_of_the_settings(self) -> None:
        context = make_context("staging", {"github": {"reviewers": ME}})
        assert found(self.rule, environment(reviewers=[{"users": [5.0]}]), DEVELOP, context=context) == []
        assert (
            len(found(self.rule, environment(reviewers=[{"users": [5.0], "teams": [2.0]}]), DEVELOP, context=context))
            == 1
        )

    def test_it_says_what_is_open(self) -> None:
        protected = {"protectedBranches": True, "customBranchPolicies": False}
        (message,) = found(self.rule, environment(deploymentBranchPolicy=protected), DEVELOP)
        assert "every protected branch" in message
        (message,) = found(self.rule, OPEN, DEVELOP)
        assert "every branch and tag" in message

    def test_it_waits_as_long_as_the_settings_say(self) -> None:
        context = make_context("staging", {"github": {"waitMinutes": 10}})
        assert found(self.rule, environment(waitTimer=10.0), DEVELOP, context=context) == []
        assert found(self.rule, environment(waitTimer=UNKNOWN), DEVELOP, context=context) == []
        assert len(found(self.rule, ENVIRONMENT, DEVELOP, context=context)) == 1
        assert len(found(self.rule, environment(waitTimer=5.0), DEVELOP, context=context)) == 1

    def test_a_stages_jobs_have_environments_of_their_own(self) -> None:
        operations, preview = environment("staging-operations", reviewers=[]), environment("staging-preview")
        preview = changed(preview, "deploymentBranchPolicy", ...)  # pull requests of everybody, with nothing to write
        scheduled = admit(operations, "main")
        assert found(self.rule, ENVIRONMENT, DEVELOP, operations, scheduled, preview) == []
        pulled = admit(operations, "refs/pull/*/merge")
        assert len(found(self.rule, ENVIRONMENT, DEVELOP, operations, scheduled, pulled)) == 1
        assert len(found(self.rule, ENVIRONMENT, DEVELOP, changed(operations, "deploymentBranchPolicy", ...))) == 1

    def test_staging_s_jobs_run_on_what_deploys_production_too(self) -> None:
        operations = environment("staging-operations", reviewers=[])
        tag = changed(admit(operations, "v*.*.*"), "branchPattern", ...)
        tag = changed(tag, "tagPattern", "v*.*.*")
        tagged = make_context("staging", {"releaseModel": "release-tag"})
        main = admit(ENVIRONMENT, "main")
        assert found(self.rule, ENVIRONMENT, main, operations, tag, context=tagged) == []
        assert len(found(self.rule, ENVIRONMENT, DEVELOP, operations, tag)) == 1


ME = {"teams": [], "users": [5]}
OPEN = environment(deploymentBranchPolicy=None)


@pytest.mark.parametrize(
    "type_",
    [
        t.GITHUB_ACTIONS_SECRET,
        t.GITHUB_ACTIONS_ORGANIZATION_SECRET,
        t.GITHUB_DEPENDABOT_SECRET,
        t.GITHUB_CODESPACES_SECRET,
    ],
)
def test_no_secret_is_repository_wide(type_: ResourceType) -> None:
    rule = RULES["github-secret-repository-wide"]
    own = make_resource(
        t.GITHUB_ACTIONS_ENVIRONMENT_SECRET, environment="staging", secretName="SLACK_WEBHOOK", value="canary-1"
    )
    assert found(rule, own) == []
    wide = make_resource(
        type_, repository="harbor", secretName="SLACK_WEBHOOK", value="canary-2", plaintextValue="canary"
    )
    (message,) = found(rule, own, wide)
    assert "SLACK_WEBHOOK, a credential of the stage," in message
    assert f" {str(type_.admitted)[0].upper()}{str(type_.admitted)[1:]}, and no reviewer is asked." in message
    assert "canary" not in message
    assert len(found(rule, changed(wide, "secretName", UNKNOWN), changed(wide, "secretName", "OTHER"))) == 2


def ruleset(**props: Any) -> ObservedResource:
    said = {
        "repository": "harbor",
        "name": "harbor-production-ruleset-branches",
        "target": "branch",
        "enforcement": "active",
        "conditions": {"refName": {"includes": ["refs/heads/develop", "refs/heads/main"], "excludes": []}},
        "rules": {
            "deletion": True,
            "nonFastForward": True,
            "pullRequest": {
                "requiredApprovingReviewCount": 2.0,
                "dismissStaleReviewsOnPush": True,
                "requireLastPushApproval": True,
            },
            "requiredStatusChecks": {"requiredChecks": [{"context": "test"}, {"context": "lint"}]},
        },
    }
    return make_resource(t.GITHUB_REPOSITORY_RULESET, "branches", **{**said, **props})


RULESET = ruleset()
TAGS = ruleset(target="tag", rules={"deletion": True}, conditions={"refName": {"includes": ["refs/tags/v*"]}})


class TestBranchUnprotected:
    rule = RULES["github-branch-unprotected"]

    @pytest.mark.parametrize(
        ("path", "value"),
        [
            ("enforcement", "evaluate"),
            ("enforcement", "disabled"),
            ("target", "tag"),
            ("repository", "another"),
            ("conditions", ...),
            ("conditions.refName.includes", ["refs/heads/main"]),
            ("conditions.refName.includes", ["~DEFAULT_BRANCH"]),
            ("conditions.refName.includes", ["refs/heads/*x"]),
            ("conditions.refName.excludes", ["refs/heads/main"]),
            ("conditions.refName.excludes", ["~DEFAULT_BRANCH"]),
            ("conditions.refName.excludes", ["refs/heads/**"]),
            ("rules.deletion", False),
            ("rules.deletion", ...),
            ("rules.nonFastForward", ...),
            ("rules.pullRequest.requiredApprovingReviewCount", 1.0),
            ("rules.pullRequest.requiredApprovingReviewCount", ...),
            ("rules.requiredStatusChecks", ...),
            ("rules.requiredStatusChecks.requiredChecks", [{"context": "test"}]),
        ],
    )
    def test_one_field(self, path: str, value: Any) -> None:
        assert found(self.rule, RULESET, TAGS, context=OWNER) == []
        messages = found(self.rule, changed(RULESET, path, value), TAGS, context=OWNER)
        assert len(messages) == (2 if (path, value) == ("rules.requiredStatusChecks", ...) else 1)

    def test_no_pull_request_at_all(self) -> None:
        assert len(found(self.rule, changed(RULESET, "rules.pullRequest", ...), context=PRODUCTION)) == 2
        assert len(found(self.rule, changed(RULESET, "rules.pullRequest", ...), context=SOLO)) == 1

    def test_checks_have_names(self) -> None:
        path = "rules.requiredStatusChecks.requiredChecks"
        assert len(found(self.rule, changed(RULESET, path, [{"context": "other"}]), context=OWNER)) == 2
        assert (
            found(self.rule, changed(RULESET, path, [{"context": "other"}, {"context": UNKNOWN}]), context=OWNER) == []
        )

    def test_what_is_pushed_after_an_approval_is_approved_again(self) -> None:
        one = changed(RULESET, "rules.pullRequest.dismissStaleReviewsOnPush", False)
        assert found(self.rule, one, context=OWNER) == []
        neither = changed(one, "rules.pullRequest.requireLastPushApproval", ...)
        assert len(found(self.rule, neither, context=OWNER)) == 1
        assert found(self.rule, neither, context=make_context("production", SOLO_CHANGES)) == []

    def test_one_person_approves_nothing_and_still_makes_a_pull_request(self) -> None:
        alone = changed(RULESET, "rules.pullRequest", {"requiredApprovingReviewCount": 0.0})
        assert found(self.rule, alone, context=SOLO) == []
        assert len(found(self.rule, alone, context=PRODUCTION)) == 2

    def test_it_is_there_where_the_stage_owns_the_repository(self) -> None:
        (message,) = found(self.rule, TAGS, context=OWNER)
        assert "develop and main" in message
        assert found(self.rule, TAGS, context=STAGING) == []
        assert found(self.rule, changed(RULESET, "rules", {}), context=STAGING) == []
        assert found(self.rule, *KEPT, context=OWNER) == []

    @pytest.mark.parametrize(
        "includes",
        [["~ALL"], ["~DEFAULT_BRANCH", "refs/heads/develop"], ["refs/heads/*"], ["refs/heads/**/*"], ["refs/heads/**"]],
    )
    def test_wildcards_cover_too(self, includes: list[str]) -> None:
        assert found(self.rule, changed(RULESET, "conditions.refName.includes", includes), context=OWNER) == []

    def test_rulesets_add_up(self) -> None:
        reviewed = changed(RULESET, "rules", {"pullRequest": RULESET["rules.pullRequest"]})
        rest = changed(RULESET, "rules.pullRequest", ...)
        assert found(self.rule, reviewed, rest, context=OWNER) == []
        assert len(found(self.rule, reviewed, changed(rest, "rules.deletion", False), context=OWNER)) == 1

    @pytest.mark.parametrize(
        "path",
        [
            "enforcement",
            "target",
            "repository",
            "conditions",
            "conditions.refName.includes",
            "rules",
            "rules.pullRequest",
            "rules.requiredStatusChecks",
            "rules.deletion",
        ],
    )
    def test_what_is_known_later_is_judged_later(self, path: str) -> None:
        assert found(self.rule, changed(RULESET, path, UNKNOWN), context=OWNER) == []
        unclear = ruleset(rules={"update": True})  # says nothing of what the other one lacks
        unclear = changed(unclear, "enforcement" if path.startswith("rules") else path, UNKNOWN)
        assert len(found(self.rule, unclear, changed(RULESET, "rules.deletion", False), context=OWNER)) == 1


SOLO_CHANGES = {"governance": {"profile": "solo"}, "github": {"requiredChecks": ["test"]}}
ACTIONS = make_resource(
    t.GITHUB_ACTIONS_REPOSITORY_PERMISSIONS,
    repository="harbor",
    enabled=True,
    allowedActions="selected",
    allowedActionsConfig={"githubOwnedAllowed": True, "verifiedAllowed": True, "patternsAlloweds": ["pulumi/*"]},
    shaPinningRequired=True,
)


class TestShaPinningOff:
    rule = RULES["github-sha-pinning-off"]

    @pytest.mark.parametrize(
        ("path", "value"),
        [
            ("shaPinningRequired", ...),
            ("shaPinningRequired", False),
            ("allowedActions", "all"),
            ("allowedActions", ...),
            ("allowedActionsConfig.patternsAlloweds", ["pulumi/*", "*"]),
            ("repository", "another"),
        ],
    )
    def test_one_field(self, path: str, value: Any) -> None:
        assert found(self.rule, ACTIONS, context=OWNER) == []
        assert len(found(self.rule, changed(ACTIONS, path, value), context=OWNER)) == 1

    def test_it_is_there_where_the_stage_owns_the_repository(self) -> None:
        assert len(found(self.rule, TAGS, context=OWNER)) == 1
        assert found(self.rule, *KEPT, context=OWNER) == []
        assert len(found(self.rule, context=replace(OWNER, identities=True))) == 1
        assert found(self.rule, context=OWNER) == []
        assert found(self.rule, TAGS, context=STAGING) == []

    def test_another_stage_does_not_loosen_it(self) -> None:
        assert len(found(self.rule, changed(ACTIONS, "shaPinningRequired", False), context=STAGING)) == 1

    def test_fewer_actions_are_welcome(self) -> None:
        local = changed(ACTIONS, "allowedActions", "local_only")
        assert (
            found(self.rule, local, changed(local, "allowedActionsConfig.patternsAlloweds", ["*"]), context=OWNER) == []
        )
        off = make_resource(t.GITHUB_ACTIONS_REPOSITORY_PERMISSIONS, repository="harbor", enabled=False)
        assert found(self.rule, off, context=OWNER) == []

    @pytest.mark.parametrize("path", ["shaPinningRequired", "allowedActions", "repository", "allowedActionsConfig"])
    def test_what_is_known_later_is_judged_later(self, path: str) -> None:
        unknown = changed(ACTIONS, path, UNKNOWN)
        assert found(self.rule, unknown, context=OWNER) == []
        assert len(found(self.rule, unknown, changed(ACTIONS, "shaPinningRequired", False), context=OWNER)) == 1


class TestAdminBypass:
    rule = RULES["github-admin-bypass"]

    @pytest.mark.parametrize("value", [..., True])
    def test_administrators_keep_to_the_environment(self, value: Any) -> None:
        assert found(self.rule, ENVIRONMENT, RULESET) == []
        broken = changed(ENVIRONMENT, "canAdminsBypass", value)
        assert len(found(self.rule, changed(ENVIRONMENT, "canAdminsBypass", UNKNOWN), broken)) == 1
        assert found(self.rule, broken, context=make_context("development")) == []

    @pytest.mark.parametrize("mode", ["always", "pull_request", "exempt", UNKNOWN])
    def test_nobody_passes_over_a_ruleset(self, mode: Any) -> None:
        actor = {"actorType": "OrganizationAdmin", "bypassMode": mode}
        unknown = changed(RULESET, "bypassActors", UNKNOWN)
        assert len(found(self.rule, unknown, changed(RULESET, "bypassActors", [UNKNOWN, actor]))) == 1
        assert found(self.rule, changed(RULESET, "bypassActors", []), changed(RULESET, "bypassActors", [UNKNOWN])) == []

    def test_who_makes_a_tag_is_said_by_a_bypass(self) -> None:
        releases = {"actorType": "Integration", "actorId": 7, "bypassMode": "always"}
        tags = ruleset(target="tag", rules={"creation": True, "update": False}, bypassActors=[releases])
        assert found(self.rule, tags) == []
        for path, value in (
            ("rules.deletion", True),
            ("rules.update", UNKNOWN),
            ("rules", UNKNOWN),
            ("target", "branch"),
        ):
            assert len(found(self.rule, changed(tags, path, value))) == 1

    @pytest.mark.parametrize("type_", [t.GITHUB_BRANCH_PROTECTION, t.GITHUB_BRANCH_PROTECTION_V3])
    def test_nobody_passes_over_the_older_protection(self, type_: str) -> None:
        assert found(self.rule, make_resource(type_, enforceAdmins=True)) == []
        assert len(found(self.rule, make_resource(type_, enforceAdmins=UNKNOWN), make_resource(type_))) == 1


TOKEN = make_resource(
    t.GITHUB_WORKFLOW_REPOSITORY_PERMISSIONS,
    repository="harbor",
    defaultWorkflowPermissions="read",
    canApprovePullRequestReviews=False,
)


@pytest.mark.parametrize(
    ("path", "value"), [("defaultWorkflowPermissions", "write"), ("canApprovePullRequestReviews", True)]
)
def test_a_workflows_token_reads(path: str, value: Any) -> None:
    rule = RULES["github-token-write-default"]
    bare = make_resource(t.GITHUB_WORKFLOW_REPOSITORY_PERMISSIONS, repository="harbor")
    assert found(rule, TOKEN, bare) == []
    assert len(found(rule, changed(TOKEN, path, UNKNOWN), changed(TOKEN, path, value))) == 1


def kept(type_: str = t.GITHUB_ACTIONS_ENVIRONMENT_SECRET, **props: Any) -> ObservedResource:
    return make_resource(type_, **{"repository": "harbor", "environment": "staging", "secretName": "X", **props})


class TestOutsideStage:
    rule = RULES["github-outside-stage"]

    @pytest.mark.parametrize("type_", [t.GITHUB_ACTIONS_ENVIRONMENT_SECRET, t.GITHUB_ACTIONS_ENVIRONMENT_VARIABLE])
    def test_what_is_kept_is_kept_in_an_environment_of_the_stage(self, type_: str) -> None:
        for name in ("staging", "Staging", "staging-rollback", "staging-smoke", UNKNOWN):
            assert found(self.rule, kept(type_, environment=name)) == []
        for name in ("docs", "github-pages", "stagings"):
            (message,) = found(self.rule, kept(type_, environment=name))
            assert name in message
        assert found(self.rule, environment("docs")) == []

    def test_it_is_in_the_stages_repository(self) -> None:
        for resource in (kept(), environment(), DEVELOP):
            assert found(self.rule, changed(resource, "repository", "HARBOR")) == []
            assert found(self.rule, changed(resource, "repository", UNKNOWN)) == []
            (message,) = found(self.rule, changed(resource, "repository", "another"))
            assert "another" in message


class TestSecretAsVariable:
    rule = RULES["github-secret-as-variable"]

    @pytest.mark.parametrize(
        ("name", "value", "count"),
        [
            ("NPM_TOKEN", "canary", 1),
            ("SMTP_PASS", "canary", 1),
            ("NOTIFY", "https://hooks.slack.com/" + "services/T000/B000/canary", 1),
            ("DEPLOY_TOKEN", UNKNOWN, 1),
            ("STAGE", "staging", 0),
            ("AWS_ROLE_ARN", "arn:aws:iam::222222222222:role/harbor-staging-role-deploy", 0),
            ("USE_TOKEN", "true", 0),
            ("NPM_TOKEN", "", 0),
            (UNKNOWN, "canary", 0),
        ],
    )
    def test_a_secret_is_no_variable(self, name: Any, value: Any, count: int) -> None:
        messages = found(self.rule, kept(t.GITHUB_ACTIONS_ENVIRONMENT_VARIABLE, variableName=name, value=value))
        assert len(messages) == count
        assert not any("canary" in message for message in messages)
