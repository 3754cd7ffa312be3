from __future__ import annotations

from typing import Any

import pytest

from bulkhead.engine.rendered import Rendered
from bulkhead.model.access import KEY_ID, KEY_SECRET
from bulkhead.model.naming import Label, Stage
from bulkhead.model.release import PULL_REQUESTS, Ref, ReleaseModel, guarded_branches, refs_that_deploy
from bulkhead.resources.planned import PlannedResource, Sealed
from tests.support.second_product import SECOND_PRODUCT
from tests.support.settings_fixture import secret_value
from tests.support.stages import render_identities, rendered_identities

ENVIRONMENT = "github:index/repositoryEnvironment:RepositoryEnvironment"
ADMITTED = "github:index/repositoryEnvironmentDeploymentPolicy:RepositoryEnvironmentDeploymentPolicy"
SECRET = "github:index/actionsEnvironmentSecret:ActionsEnvironmentSecret"
VARIABLE = "github:index/actionsEnvironmentVariable:ActionsEnvironmentVariable"
RULESET = "github:index/repositoryRuleset:RepositoryRuleset"

STAGE_REFS: list[tuple[ReleaseModel, Stage, set[Ref]]] = [
    ("git-flow", Stage.DEVELOPMENT, {PULL_REQUESTS, Ref("branch", "feature/*")}),
    ("git-flow", Stage.STAGING, {Ref("branch", "develop")}),
    ("git-flow", Stage.PRODUCTION, {Ref("branch", "main")}),
    ("release-tag", Stage.DEVELOPMENT, {Ref("branch", "develop")}),
    ("release-tag", Stage.STAGING, {Ref("branch", "main")}),
    ("release-tag", Stage.PRODUCTION, {Ref("tag", "v*.*.*")}),
]


def admitted(stage: Rendered, role: str = "deploy") -> set[tuple[str | None, str | None]]:
    environment = stage.one(ENVIRONMENT, role).urn
    policies = [policy.inputs for policy in stage.of(ADMITTED) if environment in policy.sources["environment"]]
    return {(policy.get("branchPattern"), policy.get("tagPattern")) for policy in policies}


def of_role(stage: Rendered, type_: str, role: str) -> list[PlannedResource]:
    return [each for each in stage.of(type_) if each.name.startswith(f"{role}-")]


def rules(stage: Rendered, target: str) -> dict[str, Any]:
    [ruleset] = [ruleset for ruleset in stage.of(RULESET) if ruleset.inputs["target"] == target]
    assert ruleset.inputs["enforcement"] == "active"
    assert "bypassActors" not in ruleset.inputs
    found = ruleset.inputs["rules"]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize(("model", "stage", "refs"), STAGE_REFS)
def test_the_release_model_says_which_refs_deploy_a_stage(model: ReleaseModel, stage: Stage, refs: set[Ref]) -> None:
    assert set(refs_that_deploy(model, Label("harbor", stage, stage.value), "main")) == refs


@pytest.mark.parametrize("model", ["git-flow", "release-tag"])
def test_no_ref_deploys_two_stages(model: ReleaseModel) -> None:
    refs = [ref for stage in Stage for ref in refs_that_deploy(model, Label("harbor", stage, stage.value), "trunk")]
    assert len(set(refs)) == len(refs)


@pytest.mark.parametrize("model", ["git-flow", "release-tag"])
def test_an_ephemeral_environment_serves_pull_requests_only(model: ReleaseModel) -> None:
    assert refs_that_deploy(model, Label("harbor", Stage.DEVELOPMENT, "pr-42"), "main") == (PULL_REQUESTS,)


def test_every_branch_that_deploys_a_lasting_stage_is_guarded() -> None:
    deploying = {
        ref.pattern
        for model, stage, refs in STAGE_REFS
        for ref in refs
        if ref.kind == "branch" and (model, stage) != ("git-flow", Stage.DEVELOPMENT)
    }
    assert deploying == set(guarded_branches("main"))


def test_github_admits_the_refs_of_the_model() -> None:
    assert admitted(rendered_identities("first", "staging")) == {("develop", None)}
    assert admitted(rendered_identities("first", "development")) == {("refs/pull/*/merge", None), ("feature/*", None)}
    tagged = render_identities(SECOND_PRODUCT, "production", {"releaseModel": "release-tag"})
    assert admitted(tagged) == {(None, "v*.*.*")}


def test_whoever_deploys_production_may_ask_staging_what_it_validated_and_nobody_else() -> None:
    assert admitted(rendered_identities("first", "staging"), "operations") == {("main", None)}
    tagged = {"releaseModel": "release-tag"}
    staging = render_identities(SECOND_PRODUCT, "staging", tagged)
    assert admitted(staging, "operations") == {("main", None), (None, "v*.*.*")}
    for stage in ("development", "production"):
        assert admitted(render_identities(SECOND_PRODUCT, stage, tagged), "operations") == {("main", None)}


def test_nobody_bypasses_the_environment_and_nobody_approves_their_own_deployment() -> None:
    environment = rendered_identities("first", "production").one(ENVIRONMENT, "deploy").inputs
    assert environment["environment"] == "production"
    assert environment["canAdminsBypass"] is False
    assert environment["preventSelfReview"] is True
    assert environment["deploymentBranchPolicy"] == {"protectedBranches": False, "customBranchPolicies": True}
    assert environment["reviewers"] == [{"teams": [3], "users": []}]
    assert "waitTimer" not in environment


def test_somebody_alone_approves_their_own_deployment() -> None:
    changes = {
        "governance": {"profile": "solo"},
        "github": {"reviewers": {"teams": [], "users": []}, "waitMinutes": 5},
    }
    stage = render_identities(SECOND_PRODUCT, "production", changes)
    environment = stage.one(ENVIRONMENT, "deploy").inputs
    assert environment["preventSelfReview"] is False
    assert environment["waitTimer"] == 5
    assert "reviewers" not in environment
    asked = rules(stage, "branch")["pullRequest"]
    assert asked["requiredApprovingReviewCount"] == 0
    assert asked["requireCodeOwnerReview"] is False


def test_where_nobody_is_asked_github_is_not_told_that_nobody_may_approve_their_own() -> None:
    """GitHub refuses it without reviewers (github-community-projects/safe-settings#628)."""
    stage = render_identities(SECOND_PRODUCT, "staging", {"github": {"reviewers": {"teams": [], "users": []}}})
    reviewed = [each.inputs for each in stage.of(ENVIRONMENT)]
    assert reviewed
    assert not any(environment["preventSelfReview"] for environment in reviewed)


HANDED = {
    "deploy": {"CLOUDFLARE_API_TOKEN", "SLACK_WEBHOOK", KEY_SECRET},
    "preview": set(),
    "operations": {"CLOUDFLARE_API_TOKEN", KEY_SECRET},
    "rollback": {"CLOUDFLARE_API_TOKEN", KEY_SECRET},
}


@pytest.mark.parametrize(("role", "handed"), HANDED.items())
def test_a_run_is_handed_what_its_role_needs_and_no_more(role: str, handed: set[str]) -> None:
    secrets = {
        each.inputs["secretName"]: each for each in of_role(rendered_identities("first", "staging"), SECRET, role)
    }
    assert set(secrets) == handed
    assert all(isinstance(secret.inputs["value"], Sealed) for secret in secrets.values())


def test_a_token_is_that_of_the_role_and_of_the_active_slot() -> None:
    stage = rendered_identities("first", "staging")
    for role in ("deploy", "operations", "rollback"):
        assert stage.one(SECRET, f"{role}-cloudflareApiToken").inputs["value"] == Sealed(
            secret_value("staging", f"tokens-{role}-b")
        )


def test_the_key_of_a_closed_stage_is_that_of_the_active_slot_and_a_public_one_has_none() -> None:
    stage = rendered_identities("first", "staging")
    assert stage.one(SECRET, f"deploy-{KEY_SECRET}").inputs["value"] == Sealed(secret_value("staging", "access-key-b"))
    public = rendered_identities("first", "production")
    secrets = {each.inputs["secretName"] for each in public.of(SECRET)}
    variables = {each.inputs["variableName"] for each in public.of(VARIABLE)}
    assert secrets
    assert variables
    assert not {KEY_ID, KEY_SECRET} & {*secrets, *variables}


def test_only_staging_is_called_staging() -> None:
    named = {each.inputs["variableName"] for each in rendered_identities("first", "development").of(VARIABLE)}
    assert "STAGE_URL" in named
    assert "STAGING_URL" not in named


def test_a_run_knows_where_it_acts() -> None:
    stage = rendered_identities("first", "staging")
    told = {
        role: {each.inputs["variableName"]: each.inputs["value"] for each in of_role(stage, VARIABLE, role)}
        for role in HANDED
    }
    everywhere = {"AWS_ACCOUNT_ID": "222222222222", "AWS_REGION": "ap-northeast-1", "STAGE": "staging"}
    in_stage = everywhere | {
        "CLOUDFLARE_ACCOUNT_ID": "2" * 32,
        "CLOUDFLARE_ZONE_ID": "2f" * 16,
        "STAGE_URL": "https://staging.harbor.example",
        "STAGING_URL": "https://staging.harbor.example",
        KEY_ID: "staging-access-key-b.access",
    }
    arns = {role: said.pop("AWS_ROLE_ARN") for role, said in told.items()}
    assert told == {"deploy": in_stage, "preview": everywhere, "operations": in_stage, "rollback": in_stage}
    assert len(set(arns.values())) == len(arns)


def test_a_preview_is_for_pull_requests_and_nothing_else_is() -> None:
    for environment in ("staging", "production"):
        stage = rendered_identities("first", environment)
        pull_requests = ("refs/pull/*/merge", None)
        assert admitted(stage, "preview") == {pull_requests}
        assert all(pull_requests not in admitted(stage, role) for role in HANDED if role != "preview")


def test_people_approve_what_is_new_to_a_stage_and_no_rollback() -> None:
    stage = rendered_identities("first", "production")
    asked = {role: "reviewers" in stage.one(ENVIRONMENT, role).inputs for role in HANDED}
    assert asked == {"deploy": True, "preview": False, "operations": False, "rollback": False}


def test_the_repository_belongs_to_one_stage() -> None:
    assert not rendered_identities("first", "staging").of("bulkhead:identities:Repository")
    assert rendered_identities("first", "production").one("bulkhead:identities:Repository")


def test_branches_change_by_pull_request_with_two_approvals() -> None:
    stage = rendered_identities("first", "production")
    guarded = rules(stage, "branch")
    assert guarded["pullRequest"]["requiredApprovingReviewCount"] == 2
    assert guarded["pullRequest"]["requireLastPushApproval"] is True
    assert guarded["pullRequest"]["requireCodeOwnerReview"] is True
    assert guarded["deletion"] is True
    assert guarded["nonFastForward"] is True
    conditions = stage.one(RULESET, "repository-branches").inputs["conditions"]
    assert conditions == {"refName": {"includes": ["refs/heads/develop", "refs/heads/main"], "excludes": []}}


def test_required_checks_count_only_when_they_come_from_actions() -> None:
    assert "requiredStatusChecks" not in rules(rendered_identities("first", "production"), "branch")
    stage = render_identities(SECOND_PRODUCT, "production", {"github": {"requiredChecks": ["check", "rehearsal"]}})
    assert rules(stage, "branch")["requiredStatusChecks"] == {
        "requiredChecks": [
            {"context": "check", "integrationId": 15368},
            {"context": "rehearsal", "integrationId": 15368},
        ],
        "strictRequiredStatusChecksPolicy": True,
    }


def test_a_release_tag_cannot_be_moved_or_deleted() -> None:
    assert rules(rendered_identities("first", "production"), "tag") == {
        "update": True,
        "deletion": True,
        "nonFastForward": True,
    }


def test_a_workflow_may_read_and_nothing_else() -> None:
    stage = rendered_identities("first", "production")
    token = stage.one("github:index/workflowRepositoryPermissions:WorkflowRepositoryPermissions").inputs
    assert token["defaultWorkflowPermissions"] == "read"
    assert token["canApprovePullRequestReviews"] is False
    actions = stage.one("github:index/actionsRepositoryPermissions:ActionsRepositoryPermissions").inputs
    assert actions["allowedActions"] == "selected"
    assert actions["shaPinningRequired"] is True
