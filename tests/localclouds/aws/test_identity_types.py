"""Roles with their limits, and parameters: what of them AWS would do, too."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from bulkhead.localclouds.aws.local import LocalAws
from tests.support.aws_stage import AwsStage

pytestmark = pytest.mark.slow

ROLE = "aws:iam/role:Role"
MANAGED = "aws:iam/policy:Policy"
PARAMETER = "aws:ssm/parameter:Parameter"
OWN = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
)
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)
ROLE_INPUTS = {"name": "harbor-role", "assumeRolePolicy": TRUST}
MANAGED_INPUTS = {"name": "harbor-boundary", "policy": OWN, "description": "the most"}
PARAMETER_INPUTS = {
    "name": "/harbor/staging/slack-webhook",
    "type": "SecureString",
    "value": "a secret",
    "keyId": "alias/harbor",
    "description": "of the jobs",
}


@pytest.fixture
def stage(local_aws: LocalAws, account: str, tmp_path: Path) -> Iterator[AwsStage]:
    stage = AwsStage(local_aws, account, tmp_path)
    yield stage
    stage.store.close()


def test_a_policy_that_changes_often_keeps_one_version(stage: AwsStage) -> None:
    inputs = MANAGED_INPUTS
    policy = stage.create(MANAGED, **inputs)
    for number in range(7):  # IAM keeps five, and then refuses
        changed = {**inputs, "policy": OWN.replace("*", f"arn:aws:s3:::bucket-{number}/*")}
        assert stage.update(policy, **changed).inputs == changed
    (version,) = stage.aws("iam").list_policy_versions(PolicyArn=policy.id)["Versions"]
    assert version["IsDefaultVersion"]


def test_a_role_has_the_limit_that_it_is_given_and_loses_it_again(stage: AwsStage) -> None:
    inputs, limit = ROLE_INPUTS, stage.create(MANAGED, **MANAGED_INPUTS).id
    role = stage.create(ROLE, **inputs, permissionsBoundary=limit)
    made = stage.aws("iam").get_role(RoleName=role.id)["Role"]
    assert made["PermissionsBoundary"]["PermissionsBoundaryArn"] == limit
    stage.aws("iam").delete_role_permissions_boundary(RoleName=role.id)
    drifted = stage.read(role)
    assert drifted is not None
    assert not drifted.inputs.get("permissionsBoundary")
    assert stage.update(role, **inputs, permissionsBoundary=limit).inputs["permissionsBoundary"] == limit
    stage.update(role, **inputs)
    assert "PermissionsBoundary" not in stage.aws("iam").get_role(RoleName=role.id)["Role"]


def test_an_encrypted_parameter_is_not_kept_in_clear(stage: AwsStage) -> None:
    parameter = stage.create(PARAMETER, **PARAMETER_INPUTS)
    kept = stage.aws("ssm").get_parameter(Name=parameter.id)["Parameter"]
    assert (kept["Type"], parameter.outputs["value"]) == ("SecureString", "a secret")
    assert kept["Value"] != "a secret"


@pytest.mark.parametrize("seen", ["description", "keyId", "tier"])
def test_what_somebody_changes_of_a_parameter_is_seen(stage: AwsStage, seen: str) -> None:
    inputs = {**PARAMETER_INPUTS, "tier": "Standard"}
    parameter = stage.create(PARAMETER, **inputs)
    changed = {"description": "of nobody", "keyId": "alias/another", "tier": "Advanced"}
    word = {"description": "Description", "keyId": "KeyId", "tier": "Tier"}[seen]
    kept = {"Value": "a secret", "Type": "SecureString", "KeyId": "alias/harbor", "Description": "of the jobs"}
    stage.aws("ssm").put_parameter(**{**kept, "Name": parameter.id, word: changed[seen], "Overwrite": True})
    drifted = stage.read(parameter)
    assert drifted is not None
    assert drifted.inputs == {**inputs, seen: changed[seen]}


def test_a_description_that_is_taken_away_is_gone(stage: AwsStage) -> None:
    parameter = stage.create(PARAMETER, **PARAMETER_INPUTS)
    without = {name: value for name, value in PARAMETER_INPUTS.items() if name != "description"}
    assert stage.update(parameter, **without).inputs == without
    assert stage.read(parameter) is not None
    (about,) = stage.aws("ssm").describe_parameters()["Parameters"]
    assert not about.get("Description")
