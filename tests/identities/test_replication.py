"""The role with which S3 copies the vault: S3 alone takes it, and it adds copies and does nothing else."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, Final

import pytest

from bulkhead.localclouds.aws.evaluator import Identity, Request, admits, allows
from bulkhead.model.aws_scope import aws_scope_of
from bulkhead.model.roles import Role
from bulkhead.resources import types as t
from tests.support.settings_fixture import make_settings
from tests.support.stages import rendered_identities

SETTINGS: Final = make_settings("production")
SCOPE: Final = aws_scope_of(SETTINGS.label("harbor"), SETTINGS)
VAULT, REPLICA = f"arn:aws:s3:::{SCOPE.vault}", f"arn:aws:s3:::{SCOPE.replica}"
S3: Final = ("Service", "s3.amazonaws.com")
KEY: Final = {region: f"arn:aws:kms:{region}:{SCOPE.account}:key/k" for region in SCOPE.regions}
HOME, ABROAD = SCOPE.regions


def identity(name: str = "replication") -> Identity:
    """A role as the identities make it."""
    made = rendered_identities("first", "production")
    role = made.one(t.IAM_ROLE, name).inputs
    policy = made.one(t.IAM_ROLE_POLICY, name).inputs["policy"]
    boundary = made.one(t.IAM_POLICY, "roles-boundary").inputs["policy"]
    return Identity(name, (json.loads(policy),), json.loads(boundary), json.loads(role["assumeRolePolicy"]))


def may(action: str, resource: str, **context: str) -> bool:
    return allows(identity(), Request(action, resource, context))


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("s3:GetReplicationConfiguration", VAULT),
        ("s3:ListBucket", VAULT),
        ("s3:GetObjectVersionForReplication", f"{VAULT}/database/daily/a"),
        ("s3:GetObjectRetention", f"{VAULT}/database/daily/a"),
        ("s3:ReplicateObject", f"{REPLICA}/database/daily/a"),
        ("s3:ReplicateTags", f"{REPLICA}/database/daily/a"),
        ("s3:ReplicateDelete", f"{REPLICA}/storage/reports/harbor/a"),
    ],
)
def test_it_can_do_what_a_copy_needs(action: str, resource: str) -> None:
    assert may(action, resource)
    assert not may(action, resource.replace("production", "staging"))


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("s3:PutObject", f"{VAULT}/a"),
        ("s3:GetObject", f"{VAULT}/a"),
        ("s3:DeleteObject", f"{VAULT}/a"),
        ("s3:ReplicateDelete", f"{REPLICA}/database/daily/a"),
        ("s3:DeleteObjectVersion", f"{REPLICA}/a"),
        ("s3:PutObjectRetention", f"{REPLICA}/a"),
        ("s3:BypassGovernanceRetention", f"{REPLICA}/a"),
        ("s3:ReplicateObject", f"{VAULT}/a"),
        ("iam:PassRole", SCOPE.replication_role_arn),
    ],
)
def test_it_can_do_nothing_else(action: str, resource: str) -> None:
    assert not may(action, resource)


@pytest.mark.parametrize(
    ("action", "region", "alias", "expected"),
    [
        ("kms:Decrypt", HOME, SCOPE.vault_alias, True),
        ("kms:Encrypt", ABROAD, SCOPE.replica_alias, True),
        ("kms:Decrypt", ABROAD, SCOPE.replica_alias, False),
        ("kms:Encrypt", HOME, SCOPE.vault_alias, False),
        ("kms:Decrypt", HOME, SCOPE.secrets_alias, False),
    ],
)
def test_it_opens_backups_and_closes_copies_each_with_its_key(
    action: str, region: str, alias: str, expected: bool
) -> None:
    assert may(action, KEY[region], **{"kms:ResourceAliases": alias}) is expected


@pytest.mark.parametrize(
    ("principal", "account", "expected"),
    [
        (S3, SCOPE.account, True),
        (S3, "111122223333", False),
        (("Service", "lambda.amazonaws.com"), SCOPE.account, False),
        (("AWS", f"arn:aws:iam::{SCOPE.account}:root"), SCOPE.account, False),
    ],
)
def test_s3_alone_takes_it_and_for_this_account(principal: tuple[str, str], account: str, expected: bool) -> None:
    assert admits(identity(), principal, "sts:AssumeRole", {"aws:SourceAccount": account}) is expected


def test_who_deploys_may_hand_it_to_s3_and_no_other_role_to_anybody() -> None:
    deploy = identity("roles-deploy")

    def passes(role: str, service: str) -> bool:
        return allows(deploy, Request("iam:PassRole", role, {"iam:PassedToService": service}))

    assert passes(SCOPE.replication_role_arn, S3[1])
    assert not passes(SCOPE.replication_role_arn, "lambda.amazonaws.com")
    assert not any(passes(SCOPE.role_arn(role), S3[1]) for role in Role)


@pytest.mark.parametrize("environment", ["development", "staging"])
def test_a_stage_without_a_copy_has_no_such_role(environment: str) -> None:
    names: list[Any] = [each.name for each in rendered_identities("first", environment).of(t.IAM_ROLE)]
    assert "replication" not in names
    assert replace(SCOPE, replica_region="").regions == (HOME,)
