"""Policy documents in unusual places: inline, attached, sealed, in a shared account. Each leads out of its stage."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from bulkhead.analysis.isolation.check import isolation
from bulkhead.analysis.stage_plan import StagePlan
from bulkhead.resources import types as t
from bulkhead.resources.planned import Sealed
from bulkhead.resources.values import UNKNOWN
from tests.support.plans import added, changed, planned, planned_together
from tests.support.planted_leaks import policy

EVERY_BUCKET = {"Action": "s3:*", "Resource": "arn:aws:s3:::harbor-*"}
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
OWN_ROOT = "arn:aws:iam::999999999999:root"
EVERYBODY = {"Principal": {"AWS": "*"}, "Action": "s3:*", "Resource": "*"}


def leaks(plan: StagePlan, *others: StagePlan) -> list[tuple[str, str]]:
    """Return what leads out of the first plan, and what is said of it."""
    found = isolation([plan, *others]).leaks
    return [(leak.path, leak.wrong) for leak in found if leak.stage == plan.environment]


def with_role(plan: StagePlan, path: str, value: Any) -> StagePlan:
    return changed(plan, t.IAM_ROLE, path, value, name="roles-deploy")


def inline(said: dict[str, Any]) -> list[dict[str, str]]:
    return [{"name": "x", "policy": policy(said)}]


@pytest.mark.parametrize("make", [planned, planned_together])
def test_stages_as_they_are_stay_apart(make: Callable[[str], StagePlan]) -> None:
    assert leaks(make("staging"), make("production")) == []


@pytest.mark.parametrize(
    ("plant", "path"),
    [
        (lambda plan: with_role(plan, "inlinePolicies", inline(EVERY_BUCKET)), "inlinePolicies[0].policy"),
        (
            lambda plan: added(plan, t.IAM_ROLE_POLICY, {"role": UNKNOWN, "policy": Sealed(policy(EVERY_BUCKET))}),
            "policy.Statement[Planted].Resource",
        ),
        (
            lambda plan: with_role(plan, "managedPolicyArns", ["arn:aws:iam::888888888888:policy/p"]),
            "managedPolicyArns",
        ),
        (
            lambda plan: changed(plan, t.S3_BUCKET, "policy", policy(EVERYBODY), name="vault"),
            "policy.Statement[Planted].Principal",
        ),
        (
            lambda plan: with_role(
                plan,
                "assumeRolePolicy",
                policy({"NotPrincipal": {"AWS": "arn:aws:iam::222222222222:user/a"}, "Action": "sts:AssumeRole"}),
            ),
            "assumeRolePolicy.Statement[Planted].NotPrincipal",
        ),
        (
            lambda plan: added(
                plan,
                t.S3_BUCKET_POLICY,
                {
                    "bucket": UNKNOWN,
                    "policy": {"Statement": [{"Effect": "Allow", **EVERYBODY, "Condition": {"StringEquals": UNKNOWN}}]},
                },
            ),
            "policy",
        ),
    ],
)
def test_rights_are_found_wherever_they_stand(plant: Callable[[StagePlan], StagePlan], path: str) -> None:
    found = leaks(plant(planned("staging")), planned("production"))
    assert [each for each in found if each[0].startswith(path)], found


@pytest.mark.parametrize(
    "plant",
    [
        lambda plan: with_role(plan, "managedPolicyArns", [ADMINISTRATOR]),
        lambda plan: added(
            plan, t.IAM_ROLE_POLICY_ATTACHMENT, {"role": "bulkhead-staging", "policyArn": ADMINISTRATOR}
        ),
        lambda plan: with_role(plan, "inlinePolicies", inline({"Action": "s3*:*", "Resource": "*"})),
        lambda plan: with_role(
            plan,
            "assumeRolePolicy",
            policy(
                {
                    "Principal": {"AWS": OWN_ROOT},
                    "Action": "sts:AssumeRole",
                    "Condition": {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::999999999999:role/*"}},
                }
            ),
        ),
    ],
)
def test_in_a_shared_account_what_is_wide_takes_in_the_neighbour(plant: Callable[[StagePlan], StagePlan]) -> None:
    production = planned_together("production")
    assert any("production" in wrong for _, wrong in leaks(plant(planned_together("staging")), production))


def test_in_an_account_of_its_own_a_policy_of_awss_is_no_leak() -> None:
    plan = with_role(planned("staging"), "managedPolicyArns", [ADMINISTRATOR])
    assert leaks(plan, planned("production")) == []


def test_a_neighbour_that_the_condition_keeps_out_is_kept_out() -> None:
    said = {
        "Principal": {"AWS": OWN_ROOT},
        "Action": "sts:AssumeRole",
        "Condition": {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::999999999999:role/bulkhead-staging"}},
    }
    plan = with_role(planned_together("staging"), "assumeRolePolicy", policy(said))
    assert not [wrong for _, wrong in leaks(plan, planned_together("production")) if "production" in wrong]


@pytest.mark.parametrize(
    ("type_", "inputs"),
    [
        (t.LOGPUSH_JOB, {"destinationConf": Sealed("s3://elsewhere/logs?secret-access-key=hush")}),
        (t.WORKERS_CUSTOM_DOMAIN, {"hostname": Sealed("hush.example"), "service": Sealed("hush-token")}),
        (t.IAM_ROLE_POLICY, {"policy": Sealed(policy({"Action": "s3:*", "Resource": "arn:aws:s3:::hush"}))}),
    ],
)
def test_what_is_sealed_is_judged_and_not_shown(type_: str, inputs: dict[str, Any]) -> None:
    found = isolation([added(planned("staging"), type_, inputs), planned("production")])
    assert [leak for leak in found.leaks if leak.resource.endswith("planted")]
    assert "hush" not in repr([(leak.path, leak.wrong, leak.fix) for leak in found.leaks])


def test_one_statement_need_not_be_in_a_list() -> None:
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::harbor-production-vault/*"}
    plan = changed(
        planned("staging"), t.S3_BUCKET_POLICY, "policy", json.dumps({"Statement": deny}), name="vault-policy"
    )
    assert not [wrong for _, wrong in leaks(plan, planned("production")) if "holds" in wrong]


def test_two_destinations_that_nobody_sees_are_not_one() -> None:
    jobs = [
        added(plan, t.LOGPUSH_JOB, {"zoneId": "b" * 32, "dataset": "http_requests", "destinationConf": Sealed(where)})
        for plan, where in ((planned_together("staging"), "https://a"), (planned_together("production"), "https://b"))
    ]
    assert not [leak for leak in isolation(jobs).leaks if leak.kind == "names"]


def test_what_a_token_is_denied_may_be_anothers() -> None:
    zone = planned("production").settings.cloudflare.zone_id
    denied = {"effect": "deny", "resources": {f"com.cloudflare.api.account.zone.{zone}": "*"}}
    staging = planned("staging")
    token = next(each for each in staging.of(t.ACCOUNT_TOKEN))
    policies = [*token.inputs["policies"], denied]
    assert leaks(changed(staging, t.ACCOUNT_TOKEN, "policies", policies), planned("production")) == []
    allowed = [*token.inputs["policies"], {**denied, "effect": "allow"}]
    assert leaks(changed(staging, t.ACCOUNT_TOKEN, "policies", allowed), planned("production"))


ANYWHERE = "arn:aws:iam::*:role/bulkhead-*"


def granting(make: Callable[[str], StagePlan], **said: Any) -> list[tuple[str, str]]:
    """Return what is said of staging where one of its roles may do this, beside production."""
    return leaks(changed(make("staging"), t.IAM_ROLE_POLICY, "policy", policy(said)), make("production"))


@pytest.mark.parametrize("action", ["sts:AssumeRole", "sts:*", "sts:Assume*", "STS:assumerole", "*"])
@pytest.mark.parametrize("resource", ["*", ANYWHERE])
def test_a_role_that_takes_every_role_takes_those_of_other_accounts_too(action: str, resource: str) -> None:
    [(_, wrong)] = granting(planned, Action=action, Resource=resource)
    assert "of production" in wrong


def test_in_one_account_roles_that_begin_alike_are_the_neighbours_too() -> None:
    own = "arn:aws:iam::999999999999:role/bulkhead-"
    [(_, wrong)] = granting(planned_together, Action="sts:AssumeRole", Resource=f"{own}*")
    assert wrong == f"{own}* takes in {own}production of production"
    assert granting(planned_together, Action="sts:AssumeRole", Resource=f"{own}staging*") == []


@pytest.mark.parametrize("action", ["s3:GetObject", "s3:*", "s3:PutObject*"])
def test_a_bucket_of_another_account_is_among_all_buckets(action: str) -> None:
    [(_, wrong)] = granting(planned, Action=action, Resource="*")
    assert "takes in arn:aws:s3:::harbor-production-state-" in wrong


@pytest.mark.parametrize(
    "said",
    [
        {"Action": "s3:GetObject", "Condition": {"StringEquals": {"s3:ResourceAccount": "2" * 12}}},
        {"Action": "sts:AssumeRole", "Condition": {"StringEquals": {"aws:ResourceAccount": ["2" * 12]}}},
        {"Action": ["s3:ListAllMyBuckets", "s3:CreateBucket", "s3:GetAccountPublicAccessBlock"]},
        {"Action": "sts:GetCallerIdentity"},
        {"Action": ["kms:Decrypt", "sns:Publish", "iam:GetRole"]},
    ],
)
def test_what_stays_in_the_account_reaches_nobody_elses(said: dict[str, Any]) -> None:
    assert granting(planned, Resource="*", **said) == []


def test_a_condition_on_the_account_is_worth_nothing_in_a_shared_one() -> None:
    own = {"StringEquals": {"aws:ResourceAccount": "9" * 12}}
    assert granting(planned_together, Action="s3:GetObject", Resource="*", Condition=own)


@pytest.mark.parametrize(
    ("environment", "is_trusted"), [("staging", True), ("staging-preview", True), ("staging-x", False)]
)
def test_a_role_trusts_no_environment_that_a_workflow_could_make(environment: str, is_trusted: bool) -> None:
    issuer = "token.actions.githubusercontent.com"
    said = {
        "Principal": {"Federated": f"arn:aws:iam::{'2' * 12}:oidc-provider/{issuer}"},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {
            "StringEquals": {
                f"{issuer}:aud": "sts.amazonaws.com",
                f"{issuer}:sub": f"repo:harbor-inc/harbor:environment:{environment}",
            }
        },
    }
    found = leaks(with_role(planned("staging"), "assumeRolePolicy", policy(said)), planned("production"))
    assert [wrong for _, wrong in found if "does not make" in wrong] == [wrong for _, wrong in found]
    assert (found == []) is is_trusted
