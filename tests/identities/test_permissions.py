"""What each role may do: enough for what the program makes, and nothing that nothing needs."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from bulkhead.model.aws_scope import aws_scope_of
from bulkhead.model.naming import Label, stage_of
from bulkhead.model.roles import Role
from bulkhead.model.settings import StageSettings
from bulkhead.resources import types as t
from bulkhead.resources.catalogue import CATALOGUE
from bulkhead.resources.permissions import (
    ACCESS_APPS_WRITE,
    ACCESS_TOKENS_WRITE,
    ACCOUNT_TOKENS_WRITE,
    ANALYTICS_READ,
    CACHE_PURGE,
    D1_READ,
    DNS_WRITE,
    GROUPS,
    PERMISSIONS,
    ROUTES_WRITE,
    ZONE_ANALYTICS_READ,
    Reach,
)
from identities.cloudflare import LOGIN, Need, maker_policies, needs, token_policies
from identities.permissions import grants
from tests.support.second_product import SECOND_PRODUCT
from tests.support.settings_fixture import make_settings
from tests.support.stages import FIRST_PRODUCT, JOBS, PRODUCTS, STAGES, rendered_identities, rendered_stage

every_role = pytest.mark.parametrize("role", Role)


def made(package: str) -> set[str]:
    """Return every type of a cloud that the program makes, over all products and stages."""
    stages = [rendered_stage(product, environment) for product in PRODUCTS for environment in STAGES]
    return {r.type for stage in stages for r in stage.resources if r.custom and r.type.startswith(f"{package}:")}


def label_of(settings: StageSettings) -> Label:
    stage = stage_of(settings.environment)
    assert stage is not None
    return Label(FIRST_PRODUCT.name, stage, settings.environment)


def statements(role: Role, environment: str = "staging") -> dict[str, dict[str, Any]]:
    settings = make_settings(environment)
    scope = aws_scope_of(label_of(settings), settings)
    return {grant.sid: grant.statement() for grant in grants(role, scope, SECOND_PRODUCT, JOBS)}


def allowed(role: Role, environment: str = "staging") -> set[str]:
    said = statements(role, environment).values()
    return {action for each in said if each["Effect"] == "Allow" for action in each["Action"]}


def test_the_deploy_role_can_make_every_type_of_aws_and_no_grant_is_for_another() -> None:
    scope = aws_scope_of(label_of(make_settings("production")), make_settings("production"))
    granted = {type_ for grant in grants(Role.DEPLOY, scope, SECOND_PRODUCT, JOBS) for type_ in grant.types}
    assert granted == made("aws")


def test_each_type_of_cloudflare_has_a_permission_and_no_permission_is_for_another() -> None:
    by_maintenance = {t.WORKERS_ROUTE}  # which is made while it lasts
    assert made("cloudflare") | set(LOGIN) | by_maintenance == {row for row in CATALOGUE.values() if row.needs}


@every_role
def test_no_pipeline_can_open_its_own_stage(role: Role) -> None:
    """Who may edit applications or make service tokens opens every closed stage of the account."""
    held = {need.permission for product in PRODUCTS.values() for need in needs(role, product)}
    assert not held & {permission for type_ in LOGIN for permission in type_.needs}


@every_role
def test_what_a_token_reaches_is_written_as_the_api_answers_it(role: Role) -> None:
    """The plugin compares the answer's bytes, and Go writes JSON without blanks: with blanks, each `up` changes it."""
    settings = make_settings("production")
    for policy in token_policies(role, FIRST_PRODUCT, label_of(settings), settings):
        assert policy.resources == json.dumps(json.loads(policy.resources), sort_keys=True, separators=(",", ":"))


@pytest.mark.parametrize("product", PRODUCTS)
@pytest.mark.parametrize("environment", STAGES)
def test_a_product_s_token_is_for_what_its_stages_consist_of(product: str, environment: str) -> None:
    types = {r.type for r in rendered_stage(product, environment).resources if r.type.startswith("cloudflare:")}
    wanted = {permission for type_ in types for permission in CATALOGUE[type_].needs}
    granted = needs(Role.DEPLOY, PRODUCTS[product])
    assert {need.permission for need in granted if need.types} == wanted
    assert {need.permission for need in granted if not need.types} == {
        ANALYTICS_READ,
        CACHE_PURGE,
        ROUTES_WRITE,
        ZONE_ANALYTICS_READ,
    }


def test_permissions_are_known_by_one_name_and_one_id() -> None:
    assert len({each.id for each in PERMISSIONS}) == len({each.name for each in PERMISSIONS}) == len(PERMISSIONS)
    assert len({each.id for each in GROUPS}) == len({(each.name, each.reach) for each in GROUPS}) == len(GROUPS)


def test_a_product_that_nobody_visits_needs_no_right_on_a_zone() -> None:
    hidden = replace(SECOND_PRODUCT, workers=tuple(replace(worker, host=None) for worker in SECOND_PRODUCT.workers))
    assert not {need.permission for need in needs(Role.DEPLOY, hidden) if need.permission.reach is Reach.ZONE}


def test_a_token_reaches_its_own_account_zone_and_buckets() -> None:
    settings = make_settings("staging")
    label = label_of(settings)
    deploy = token_policies(Role.DEPLOY, FIRST_PRODUCT, label, settings)
    reached = [key for policy in deploy for key in json.loads(policy.resources)]
    account = settings.cloudflare.account_id
    zone = f"com.cloudflare.api.account.zone.{settings.cloudflare.zone_id}"
    assert reached == [f"com.cloudflare.api.account.{account}", zone]
    operations = token_policies(Role.OPERATIONS, FIRST_PRODUCT, label, settings)
    buckets = [key for policy in operations for key in json.loads(policy.resources) if "bucket" in key]
    assert buckets == [f"com.cloudflare.edge.r2.bucket.{account}_default_harbor-staging-r2-transcripts"]


def test_what_makes_tokens_has_what_it_must_have_itself_to_hand_it_on(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = make_settings("staging", {"access": {"public": True, "emailDomains": []}})
    makes, hands_on = maker_policies(FIRST_PRODUCT, settings)
    assert (makes.groups, hands_on.groups) == (
        (ACCOUNT_TOKENS_WRITE.id,),
        tuple(sorted((CACHE_PURGE.id, ROUTES_WRITE.id, ZONE_ANALYTICS_READ.id))),
    )
    closed, _zone = maker_policies(FIRST_PRODUCT, make_settings("staging"))
    assert set(closed.groups) == {ACCOUNT_TOKENS_WRITE.id, ACCESS_APPS_WRITE.id, ACCESS_TOKENS_WRITE.id}
    on_a_zone = (Need(DNS_WRITE, "a record"), Need(D1_READ, "a backup"))
    monkeypatch.setattr("identities.cloudflare.needs", lambda *_: on_a_zone)
    [account, zone] = maker_policies(FIRST_PRODUCT, settings)
    assert account == makes
    assert zone.groups == (DNS_WRITE.id,)
    assert list(json.loads(zone.resources)) == [f"com.cloudflare.api.account.zone.{settings.cloudflare.zone_id}"]


def test_a_token_s_resources_are_the_text_that_cloudflare_answers() -> None:
    settings = make_settings("staging")
    for policy in token_policies(Role.OPERATIONS, SECOND_PRODUCT, label_of(settings), settings):
        assert policy.resources == json.dumps(json.loads(policy.resources), separators=(",", ":"))


def test_a_preview_has_no_token_and_operations_write_nothing() -> None:
    assert needs(Role.PREVIEW, FIRST_PRODUCT) == ()
    assert all(need.permission.name.endswith("Read") for need in needs(Role.OPERATIONS, FIRST_PRODUCT))
    assert [need.permission.name for need in needs(Role.ROLLBACK, FIRST_PRODUCT)] == ["Workers Scripts Write"]


@pytest.mark.parametrize("environment", STAGES)
def test_a_rollback_reaches_nothing_in_aws(environment: str) -> None:
    assert allowed(Role.ROLLBACK, environment) == set()
    made = {each.name for each in rendered_identities("first", environment).of(t.IAM_ROLE_POLICY)}
    assert {each for each in made if each.startswith("roles-")} == {f"roles-{role}" for role in Role} - {
        "roles-rollback"
    }


def test_operations_need_no_right_on_stores_that_a_product_does_not_have() -> None:
    names = {need.permission.name for need in needs(Role.OPERATIONS, SECOND_PRODUCT)}
    assert "Workers KV Storage Read" not in names
    assert {"D1 Read", "Workers R2 Storage Bucket Item Read"} <= names


@every_role
@pytest.mark.parametrize("environment", STAGES)
def test_no_role_has_a_right_over_identities(role: Role, environment: str) -> None:
    actions = allowed(role, environment)
    over = {each for each in actions if each.startswith(("iam:", "organizations:", "account:"))}
    assert over == ({"iam:PassRole"} if role is Role.DEPLOY else set())
    assert "sts:AssumeRole" not in actions or role is Role.DEPLOY


def test_a_preview_reads_the_twin_and_nothing_else() -> None:
    said = statements(Role.PREVIEW)
    assert allowed(Role.PREVIEW) == {"s3:GetObject", "s3:ListBucket"}
    assert said["ReadTwin"]["Resource"] == ["arn:aws:s3:::harbor-staging-state-222222222222/twins/*"]
    assert said["FindTwin"]["Condition"] == {"StringLike": {"s3:prefix": "twins/*"}}


def test_a_deployment_s_journal_is_added_to_by_the_deploy_role_alone_and_removed_by_nobody() -> None:
    journal = "arn:aws:s3:::harbor-production-state-333333333333/delivery/*"
    for role in Role:
        on_it = [one for one in statements(role, "production").values() if journal in one["Resource"]]
        wanted = [["s3:GetObject", "s3:PutObject"]] if role is Role.DEPLOY else []
        assert [sorted(one["Action"]) for one in on_it] == wanted


def test_operations_add_backups_and_remove_none() -> None:
    actions = allowed(Role.OPERATIONS)
    assert "s3:PutObject" in actions
    assert not {each for each in actions if "Delete" in each or "Retention" in each or "LegalHold" in each}
    assert statements(Role.OPERATIONS)["KeepBackups"]["Resource"] == [
        "arn:aws:s3:::harbor-staging-vault-222222222222/*"
    ]


@pytest.mark.parametrize("environment", STAGES)
def test_whoever_restores_reads_backups_of_databases_and_nothing_else_of_the_vault(environment: str) -> None:
    said = statements(Role.DEPLOY, environment)
    if environment == "development":  # keeps no backups
        assert not {"ReadBackups", "OpenBackups"} & said.keys()
        return
    account = make_settings(environment).aws.account_id
    assert said["ReadBackups"]["Action"] == ["s3:GetObject"]
    assert said["ReadBackups"]["Resource"] == [f"arn:aws:s3:::harbor-{environment}-vault-{account}/database/*"]
    assert said["OpenBackups"]["Action"] == ["kms:Decrypt"]
    assert said["OpenBackups"]["Condition"] == {
        "ForAnyValue:StringEquals": {"kms:ResourceAliases": f"alias/harbor-{environment}-key-vault"}
    }


def test_operations_lock_what_they_add_and_hold_it_and_let_nothing_go() -> None:
    said = statements(Role.OPERATIONS, "production")
    vault = "arn:aws:s3:::harbor-production-vault-333333333333"
    assert said["LockBackups"]["Action"] == ["s3:PutObjectRetention"]
    assert said["LockBackups"]["Resource"] == [f"{vault}/database/*"]
    assert said["HoldBackups"]["Resource"] == [f"{vault}/held/*"]
    assert said["HoldBackups"]["Condition"] == {"StringEquals": {"s3:object-lock-legal-hold": "ON"}}
    for role in (Role.DEPLOY, Role.PREVIEW, Role.ROLLBACK):
        assert "s3:PutObjectLegalHold" not in allowed(role, "production")
    assert "s3:BypassGovernanceRetention" not in {each for role in Role for each in allowed(role, "production")}


def test_what_staging_validated_is_kept_by_staging_and_reached_by_no_other_stage() -> None:
    said = statements(Role.OPERATIONS)["KeepValidations"]
    assert said["Resource"] == ["arn:aws:s3:::harbor-staging-state-222222222222/validation/*"]
    assert set(said["Action"]) == {"s3:GetObject", "s3:PutObject"}
    for role in Role:
        for environment in STAGES:
            if (role, environment) != (Role.OPERATIONS, "staging"):
                assert "validation/" not in json.dumps(list(statements(role, environment).values()))


def test_who_validates_staging_may_use_the_key_of_its_records_and_opens_no_secret_with_it() -> None:
    said = statements(Role.OPERATIONS)["UseStateKey"]
    assert said["Condition"] == {
        "ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/harbor-staging-key-secrets"},
        "StringEquals": {"kms:ViaService": "s3.ap-northeast-1.amazonaws.com"},
    }
    assert "UseStateKey" not in statements(Role.OPERATIONS, "production")


def test_who_validates_staging_reads_the_records_of_its_drills_and_writes_none() -> None:
    said = statements(Role.OPERATIONS)
    state = "arn:aws:s3:::harbor-staging-state-222222222222"
    assert said["ReadDrills"]["Action"] == ["s3:GetObject"]
    assert said["ReadDrills"]["Resource"] == [f"{state}/jobs/drills/*", f"{state}/jobs/runs/backup/*"]
    assert said["FindDrills"]["Condition"] == {"StringLike": {"s3:prefix": ["jobs/drills/*", "jobs/runs/backup/*"]}}
    assert not {"FindDrills", "ReadDrills"} & statements(Role.OPERATIONS, "production").keys()


def test_production_s_role_removes_no_backup_and_no_key() -> None:
    taken = allowed(Role.DEPLOY, "staging") - allowed(Role.DEPLOY, "production")
    assert {"s3:DeleteBucket", "s3:DeleteObjectVersion", "kms:ScheduleKeyDeletion"} <= taken


def test_development_s_role_serves_pull_requests_too_and_no_other_stage_s_does() -> None:
    for environment in STAGES:
        resources = str(list(statements(Role.DEPLOY, environment).values()))
        assert ("harbor-pr-*" in resources) == (environment == "development")


@pytest.mark.parametrize("environment", STAGES)
@every_role
def test_a_role_names_nothing_of_another_stage(role: Role, environment: str) -> None:
    said = json.dumps(list(statements(role, environment).values()))
    for other in set(STAGES) - {environment}:
        assert f"-{other}-" not in said
        assert make_settings(other).aws.account_id not in said


@every_role
def test_every_grant_says_why(role: Role) -> None:
    scope = aws_scope_of(label_of(make_settings("staging")), make_settings("staging"))
    for grant in grants(role, scope, SECOND_PRODUCT, JOBS):
        assert grant.reason
        assert not grant.reason.endswith(".")
