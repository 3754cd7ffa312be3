"""A bootstrap makes what is missing, sets right what was changed, and leaves everything else alone."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra.faults import Refused
from operations.bootstrap import apply, confirmation, next_commands, plan
from operations.bootstrap.parts import Clients, Effect, GitHubIds, Plan, Target, target
from operations.bootstrap.policies import GITHUB, permissions, tls_only, trust
from rehearsal.aws.inventory import inventory
from rehearsal.aws.local import LocalAws
from tests.support.settings_fixture import make_settings


@pytest.fixture
def aim(account: str) -> Target:
    return _target("staging", account)


def _target(stage: str, account: str, ids: GitHubIds | None = None, **changes: Any) -> Target:
    role = f"arn:aws:iam::{account}:role/bulkhead-{stage}"
    own = {"aws": {"accountId": account, "roleArn": role}, "owns": {"awsAccount": True}}
    return target("harbor", make_settings(stage, {**own, **changes}), ids)


def _bootstrap(aim: Target, clients: Clients) -> list[str]:
    done: list[str] = []
    apply(plan(aim, clients), lambda step: done.append(step.what))
    return done


def _pending(made: Plan) -> dict[str, Effect]:
    return {step.what: step.effect for step in made.pending}


@pytest.mark.slow
def test_a_new_account_gets_everything_and_a_second_plan_has_nothing_to_do(
    aim: Target, clients: Clients, local_aws: LocalAws
) -> None:
    first = plan(aim, clients)
    assert {step.effect for step in first.steps} == {Effect.CREATE}
    assert not inventory(local_aws.endpoint, aim.account, aim.region).alive()
    assert len(_bootstrap(aim, clients)) == len(first.steps)
    before = inventory(local_aws.endpoint, aim.account, aim.region)
    assert _pending(plan(aim, clients)) == {}
    assert _bootstrap(aim, clients) == []
    assert inventory(local_aws.endpoint, aim.account, aim.region) == before
    assert [name for name, _ in before.buckets] == [f"harbor-staging-state-{aim.account}"]
    assert before.aliases == ("alias/harbor-staging-key-secrets",)
    assert before.roles == ("bulkhead-staging",)
    assert len(before.keys) == 1
    assert before.identity_providers == (f"arn:aws:iam::{aim.account}:oidc-provider/{GITHUB}",)


@pytest.mark.slow
def test_the_state_bucket_is_versioned_encrypted_private_and_tls_only(aim: Target, clients: Clients) -> None:
    _bootstrap(aim, clients)
    s3, bucket = clients.s3, aim.bucket
    key = clients.kms.describe_key(KeyId=aim.alias)["KeyMetadata"]["Arn"]
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    (rule,) = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    block = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    assert set(block.values()) == {True}
    assert len(block) == 4
    assert json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"]) == tls_only(aim)
    assert clients.kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"] is True
    tags = {tag["Key"]: tag["Value"] for tag in s3.get_bucket_tagging(Bucket=bucket)["TagSet"]}
    assert tags["environment"] == "staging"
    assert tags["cost-center"] == "cc-staging"


@pytest.mark.slow
def test_what_was_changed_by_hand_is_planned_alone_and_set_right(aim: Target, clients: Clients) -> None:
    _bootstrap(aim, clients)
    key = clients.kms.describe_key(KeyId=aim.alias)["KeyMetadata"]["Arn"]
    weakened = tls_only(aim)
    weakened["Statement"][0]["Condition"]["StringNotEquals"] = {"aws:PrincipalAccount": "999999999999"}
    widened = trust(aim)
    widened["Statement"][0]["Condition"]["StringEquals"][f"{GITHUB}:sub"] = "repo:stranger/harbor:environment:staging"
    clients.s3.put_bucket_versioning(Bucket=aim.bucket, VersioningConfiguration={"Status": "Suspended"})
    clients.s3.put_bucket_policy(Bucket=aim.bucket, Policy=json.dumps(weakened))
    clients.kms.disable_key_rotation(KeyId=key)
    clients.iam.update_assume_role_policy(RoleName="bulkhead-staging", PolicyDocument=json.dumps(widened))
    clients.iam.delete_role_policy(RoleName="bulkhead-staging", PolicyName="deploy")

    pending = _pending(plan(aim, clients))
    assert [effect for what, effect in pending.items() if what.startswith("permissions")] == [Effect.CREATE]
    assert sorted(what.split()[0] for what in pending) == ["TLS-only", "permissions", "role", "versioning", "yearly"]
    assert len(_bootstrap(aim, clients)) == 5

    assert _pending(plan(aim, clients)) == {}
    role = clients.iam.get_role(RoleName="bulkhead-staging")["Role"]
    assert role["AssumeRolePolicyDocument"] == trust(aim)
    allowed = clients.iam.get_role_policy(RoleName="bulkhead-staging", PolicyName="deploy")["PolicyDocument"]
    assert allowed == permissions(aim, key)


@pytest.mark.slow
def test_an_expiry_added_to_our_lifecycle_rule_is_taken_out_again(aim: Target, clients: Clients) -> None:
    _bootstrap(aim, clients)
    rules: Any = clients.s3.get_bucket_lifecycle_configuration(Bucket=aim.bucket)["Rules"]
    rules[0]["Expiration"] = {"Days": 1}
    clients.s3.put_bucket_lifecycle_configuration(Bucket=aim.bucket, LifecycleConfiguration={"Rules": rules})
    assert list(_pending(plan(aim, clients)).values()) == [Effect.CHANGE]
    _bootstrap(aim, clients)
    (rule,) = clients.s3.get_bucket_lifecycle_configuration(Bucket=aim.bucket)["Rules"]
    assert "Expiration" not in rule


@pytest.mark.slow
def test_an_interrupted_bootstrap_finds_its_nameless_key_again(aim: Target, clients: Clients) -> None:
    plan(aim, clients).steps[0].act()
    assert "alias/harbor-staging-key-secrets, the name of that key" in _pending(plan(aim, clients))
    _bootstrap(aim, clients)
    keys = clients.kms.list_keys()["Keys"]
    mine = [key for key in keys if clients.kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["Description"]]
    assert len([key for key in mine if _is_secrets_key(clients, key["KeyId"])]) == 1


def _is_secrets_key(clients: Clients, key: str) -> bool:
    return {"TagKey": "purpose", "TagValue": "secrets"} in clients.kms.list_resource_tags(KeyId=key)["Tags"]


@pytest.mark.slow
def test_credentials_of_another_account_are_refused_before_anything_is_made(
    aim: Target, local_aws: LocalAws, clients: Clients
) -> None:
    other = _target("staging", "123123123123")
    with pytest.raises(Refused, match="is 123123123123, but these credentials are of account"):
        plan(other, clients)
    assert not inventory(local_aws.endpoint, aim.account, aim.region).alive()
    assert not inventory(local_aws.endpoint, "123123123123", aim.region).alive()


@pytest.mark.slow
def test_a_key_that_is_about_to_be_deleted_stops_everything(aim: Target, clients: Clients) -> None:
    _bootstrap(aim, clients)
    key = clients.kms.describe_key(KeyId=aim.alias)["KeyMetadata"]["KeyId"]
    clients.kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    with pytest.raises(Refused, match=f"cancel-key-deletion --region ap-northeast-1 --key-id {key}"):
        plan(aim, clients)


@pytest.mark.slow
def test_a_bucket_of_somebody_else_is_not_used(aim: Target, clients: Clients, local_aws: LocalAws) -> None:
    stranger = local_aws.client("999999999998", "s3")
    stranger.create_bucket(Bucket=aim.bucket, CreateBucketConfiguration={"LocationConstraint": aim.region})
    with pytest.raises(Refused, match="another account has this name already"):
        plan(aim, clients)


@pytest.mark.slow
def test_a_state_bucket_in_another_region_is_not_used(aim: Target, clients: Clients, local_aws: LocalAws) -> None:
    elsewhere = local_aws.client(aim.account, "s3", "eu-west-1")
    elsewhere.create_bucket(Bucket=aim.bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    with pytest.raises(Refused, match="is in eu-west-1, but the stage's region is ap-northeast-1"):
        plan(aim, clients)


@pytest.mark.slow
def test_a_role_that_was_not_made_here_is_left_alone(aim: Target, clients: Clients) -> None:
    clients.iam.create_role(RoleName="bulkhead-staging", AssumeRolePolicyDocument=json.dumps(trust(aim)))
    with pytest.raises(Refused, match="was not made by a bootstrap"):
        plan(aim, clients)


@pytest.mark.slow
def test_a_stage_that_does_not_own_the_account_needs_its_identity_provider(account: str, clients: Clients) -> None:
    guest = _target("development", account, owns={"awsAccount": False})
    with pytest.raises(Refused, match="bootstrap the stage that owns it first"):
        plan(guest, clients)
    _bootstrap(_target("staging", account), clients)
    _bootstrap(guest, clients)
    assert _pending(plan(guest, clients)) == {}
    assert _pending(plan(_target("staging", account), clients)) == {}


def test_github_is_trusted_for_one_environment_by_exact_subject() -> None:
    document = trust(_target("production", "333333333333"))
    condition = document["Statement"][0]["Condition"]
    assert condition == {
        "StringEquals": {
            f"{GITHUB}:aud": "sts.amazonaws.com",
            f"{GITHUB}:sub": "repo:harbor-inc/harbor:environment:production",
        }
    }
    assert "*" not in json.dumps(document)


def test_numbered_subjects_are_trusted_beside_the_plain_one() -> None:
    subjects = _target("staging", "222222222222", GitHubIds(12, 34)).subjects
    assert subjects == (
        "repo:harbor-inc/harbor:environment:staging",
        "repo:harbor-inc@12/harbor@34:environment:staging",
    )


def test_people_need_a_second_factor() -> None:
    _, people, itself = trust(_target("staging", "222222222222"))["Statement"]
    assert people["Condition"] == {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    assert itself["Condition"] == {"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::222222222222:role/bulkhead-staging"}}


def _statements(aim: Target) -> dict[str, Any]:
    document = permissions(aim, "arn:aws:kms:ap-northeast-1:222222222222:key/k")
    return {statement["Sid"]: statement for statement in document["Statement"]}


@pytest.mark.parametrize("stage", ["development", "staging", "production"])
def test_the_role_reaches_its_own_stage_only_and_nothing_of_iam(stage: str) -> None:
    statements = _statements(_target(stage, "222222222222"))
    for sid, statement in statements.items():
        actions = statement.get("Action", [])
        assert not [action for action in actions if action.startswith("iam:") or action.endswith(":*")], sid
        if "*" in statement["Resource"] and sid != "FindKeys":
            assert "aws:RequestTag/environment" in statement["Condition"]["StringLike"]
    others = {"development", "staging", "production"} - {stage}
    assert not [other for other in others if other in json.dumps(statements)]


def test_only_production_cannot_delete() -> None:
    production = json.dumps(_statements(_target("production", "333333333333"))["ManageVaults"])
    staging = json.dumps(_statements(_target("staging", "222222222222"))["ManageVaults"])
    for action in ("s3:DeleteBucket", "s3:DeleteObject", "s3:DeleteObjectVersion"):
        assert f'"{action}"' in staging
        assert f'"{action}"' not in production
    assert "kms:ScheduleKeyDeletion" not in json.dumps(_statements(_target("production", "333333333333")))


def test_the_permissions_fit_into_an_inline_policy() -> None:
    # 10,240 characters without white space for all inline policies of a role (IAM quotas).
    for stage in ("development", "staging", "production"):
        document = permissions(
            _target(stage, "222222222222"), "arn:aws:kms:ap-northeast-1:222222222222:key/" + "k" * 36
        )
        assert len(json.dumps(document, separators=(",", ":"))) < 10_240


def test_development_manages_ephemeral_environments_too() -> None:
    development = _statements(_target("development", "111111111111"))
    assert "arn:aws:s3:::harbor-pr-*-vault-*" in development["ManageVaults"]["Resource"]
    staging = _statements(_target("staging", "222222222222"))
    assert "pr-" not in json.dumps(staging["ManageVaults"]["Resource"])


def test_production_is_confirmed_by_a_word_of_its_own() -> None:
    assert confirmation(_target("staging", "222222222222")) == "staging"
    assert confirmation(_target("production", "333333333333")) == "harbor-production"


def test_the_next_commands_name_what_was_made() -> None:
    commands = next_commands(_target("staging", "222222222222"), ["pulumi config set --secret secrets:x"], "admin")
    assert commands == [
        "export AWS_PROFILE=admin",
        "pulumi login 's3://harbor-staging-state-222222222222?region=ap-northeast-1'",
        "pulumi stack init staging --secrets-provider="
        "'awskms://alias/harbor-staging-key-secrets?region=ap-northeast-1'",
        "pulumi config set --secret secrets:x",
    ]
