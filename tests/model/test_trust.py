"""Who may take a role, and that no role reaches beyond its limit."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from typing import Any

import pytest

from bulkhead.model.aws_scope import AwsScope, aws_scope_of
from bulkhead.model.naming import Label, Stage
from bulkhead.model.roles import Role, environment_of, subjects
from bulkhead.model.settings import StageSettings
from bulkhead.model.trust import boundary, trust
from bulkhead.resources.statements import action_matches
from identities.job_permissions import job_grants, scheduler_grants
from identities.permissions import grants
from tests.support.second_product import SECOND_PRODUCT
from tests.support.settings_fixture import make_settings
from tests.support.stages import JOBS, STAGES, rendered_identities

every_role = pytest.mark.parametrize("role", Role)
NUMBERS = {"github": {"ownerId": 4321, "repositoryId": 8765}}


def scene(environment: str, changes: Mapping[str, Any] | None = None) -> tuple[Label, StageSettings, AwsScope]:
    settings = make_settings(environment, changes)
    label = Label("harbor", Stage(environment), environment)
    return label, settings, aws_scope_of(label, settings)


def github_statement(role: Role, environment: str, changes: Mapping[str, Any] | None = None) -> dict[str, Any]:
    _, settings, scope = scene(environment, changes)
    [said] = [s for s in trust(role, scope, settings)["Statement"] if "Federated" in s["Principal"]]
    found: dict[str, Any] = said
    return found


def test_no_two_roles_are_taken_from_one_environment() -> None:
    taken = [
        subject
        for environment in STAGES
        for role in Role
        for subject in subjects(role, scene(environment, NUMBERS)[0], scene(environment, NUMBERS)[1])
    ]
    assert len(set(taken)) == len(taken) == 2 * len(STAGES) * len(Role)


@every_role
def test_github_takes_a_role_by_an_exact_subject_and_audience(role: Role) -> None:
    condition = github_statement(role, "staging")["Condition"]
    suffix = "" if role is Role.DEPLOY else f"-{role}"
    assert condition == {
        "StringEquals": {
            "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
            "token.actions.githubusercontent.com:sub": f"repo:harbor-inc/harbor:environment:staging{suffix}",
        }
    }


def test_newer_repositories_have_numbers_in_the_subject() -> None:
    condition = github_statement(Role.PREVIEW, "staging", NUMBERS)["Condition"]["StringEquals"]
    assert condition["token.actions.githubusercontent.com:sub"] == [
        "repo:harbor-inc/harbor:environment:staging-preview",
        "repo:harbor-inc@4321/harbor@8765:environment:staging-preview",
    ]


@every_role
def test_people_need_a_second_factor_and_preview_nothing(role: Role) -> None:
    _, settings, scope = scene("production")
    by_hand = [s for s in trust(role, scope, settings)["Statement"] if s["Sid"] == "PeopleWithSecondFactor"]
    assert [s["Condition"] for s in by_hand] == (
        [] if role is Role.PREVIEW else [{"Bool": {"aws:MultiFactorAuthPresent": "true"}}]
    )


def test_the_settings_name_the_role_that_deploys() -> None:
    _, _, scope = scene("staging", {"aws": {"roleArn": "arn:aws-cn:iam::222222222222:role/team/deployer"}})
    assert scope.role_arn(Role.DEPLOY) == "arn:aws-cn:iam::222222222222:role/team/deployer"
    assert scope.role_arn(Role.PREVIEW) == "arn:aws-cn:iam::222222222222:role/team/harbor-staging-role-preview"
    _, _, unnamed = scene("staging", {"aws": {"roleArn": None, "profile": "mine"}})
    assert unnamed.role_arn(Role.DEPLOY) == "arn:aws:iam::222222222222:role/harbor-staging-role-deploy"


def test_the_limit_leaves_out_identities_their_state_and_their_key() -> None:
    _, _, scope = scene("staging")
    said = boundary(scope)["Statement"]
    [allows, passes] = [s for s in said if s["Effect"] == "Allow"]
    assert passes["Action"] == "iam:PassRole"
    assert passes["Resource"] == [
        "arn:aws:iam::222222222222:role/harbor-staging-role-job-*",
        "arn:aws:iam::222222222222:role/harbor-staging-role-scheduler",
    ]
    assert not [action for action in allows["Action"] if action.startswith(("iam:", "organizations:", "*"))]
    denied = json.dumps([s for s in said if s["Effect"] == "Deny"])
    assert "harbor-staging-state-identities-222222222222/*" in denied
    assert "alias/harbor-staging-key-identities" in denied


@pytest.mark.parametrize("environment", STAGES)
def test_the_limit_lets_through_what_a_role_is_granted(environment: str) -> None:
    """AWS allows what both allow: a grant outside of the limit is a right that nobody has."""
    _, _, scope = scene(environment)
    limit = [
        action
        for said in boundary(scope)["Statement"]
        if said["Effect"] == "Allow"
        for action in ([said["Action"]] if isinstance(said["Action"], str) else said["Action"])
    ]
    by_role = [grants(role, scope, SECOND_PRODUCT, JOBS) for role in Role]
    by_job = [*(job_grants(job, scope) for job in JOBS), scheduler_grants(JOBS, scope)]
    granted = {
        action
        for grant in itertools.chain(*by_role, *by_job)
        if grant.statement()["Effect"] == "Allow"
        for action in grant.statement()["Action"]
    }
    assert granted
    assert {action for action in granted if not any(action_matches(pattern, action) for pattern in limit)} == set()


@pytest.mark.parametrize("environment", STAGES)
def test_every_role_has_the_limit_and_its_own_environment(environment: str) -> None:
    stage = rendered_identities("first", environment)
    limit = stage.one("aws:iam/policy:Policy")
    for role in Role:
        made = stage.one("aws:iam/role:Role", f"roles-{role}")
        assert made.sources["permissionsBoundary"] == (limit.urn,)
        environments = stage.one("github:index/repositoryEnvironment:RepositoryEnvironment", role.value)
        label = Label("harbor", Stage(environment), environment)
        assert environments.inputs["environment"] == environment_of(role, label)
