"""A bootstrap makes what is missing, sets right what was changed, and leaves everything else alone."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from bulkhead.localclouds.aws.inventory import inventory
from bulkhead.localclouds.aws.local import LocalAws
from bulkhead.model.faults import Refused
from bulkhead.model.trust import GITHUB, boundary
from bulkhead.operations.bootstrap import (
    BootstrapPlan,
    Clients,
    Effect,
    StateStore,
    Target,
    apply,
    confirmation,
    next_commands,
    plan,
    profile_of,
    require_done,
    target,
)
from bulkhead.operations.bootstrap.bucket import tls_only
from bulkhead.operations.bootstrap.steps import BootstrapStep
from infra.product import PRODUCT
from tests.support.settings_fixture import make_settings


@pytest.fixture
def aim(account: str) -> Target:
    return _target("staging", account)


def _target(stage: str, account: str, *, owns: bool = True) -> Target:
    role = f"arn:aws:iam::{account}:role/bulkhead-{stage}"
    changes = {"aws": {"accountId": account, "roleArn": role}, "owns": {"awsAccount": owns}}
    return target("harbor", make_settings(stage, changes))


def _stores(aim: Target) -> tuple[StateStore, StateStore]:
    return aim.identities, aim.stage


def _bootstrap(aim: Target, clients: Clients) -> list[str]:
    done: list[str] = []
    apply(plan(aim, clients), lambda step: done.append(step.what))
    return done


def _pending(made: BootstrapPlan) -> dict[str, Effect]:
    return {step.what: step.effect for step in made.pending}


def _key(store: StateStore, clients: Clients) -> str:
    return clients.kms.describe_key(KeyId=store.alias)["KeyMetadata"]["Arn"]


@pytest.mark.slow
def test_a_new_account_gets_everything_and_a_second_plan_has_nothing_to_do(
    aim: Target, clients: Clients, local_aws: LocalAws, account: str
) -> None:
    first = plan(aim, clients)
    assert {step.effect for step in first.steps} == {Effect.CREATE}
    assert len({step.what for step in first.steps}) == len(first.steps)
    assert not inventory(local_aws.endpoint, account, local_aws.region).alive()
    assert len(_bootstrap(aim, clients)) == len(first.steps)
    before = inventory(local_aws.endpoint, account, local_aws.region)
    assert _pending(plan(aim, clients)) == {}
    assert _bootstrap(aim, clients) == []
    assert inventory(local_aws.endpoint, account, local_aws.region) == before
    assert sorted(name for name, _ in before.buckets) == [
        f"harbor-staging-state-{account}",
        f"harbor-staging-state-identities-{account}",
    ]
    assert sorted(before.aliases) == ["alias/harbor-staging-key-identities", "alias/harbor-staging-key-secrets"]
    assert len(before.keys) == 2
    assert before.roles == ()
    assert before.identity_providers == (f"arn:aws:iam::{account}:oidc-provider/{GITHUB}",)


@pytest.mark.slow
def test_both_state_buckets_are_versioned_encrypted_private_and_tls_only(aim: Target, clients: Clients) -> None:
    _bootstrap(aim, clients)
    s3 = clients.s3
    for store, purpose in zip(_stores(aim), ("identities", "secrets"), strict=True):
        bucket, key = store.bucket, _key(store, clients)
        assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
        (rule,) = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
        assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
        block = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
        assert set(block.values()) == {True}
        assert len(block) == 4
        assert json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"]) == tls_only(bucket, "aws")
        assert clients.kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"] is True
        tags = {tag["Key"]: tag["Value"] for tag in s3.get_bucket_tagging(Bucket=bucket)["TagSet"]}
        of_key = {tag["TagKey"]: tag["TagValue"] for tag in clients.kms.list_resource_tags(KeyId=key)["Tags"]}
        assert tags == of_key
        assert (tags["environment"], tags["cost-center"], tags["purpose"]) == ("staging", "cc-staging", purpose)


def test_no_role_of_the_stage_reaches_the_store_of_its_identities(aim: Target) -> None:
    denied = [said for said in boundary(aim.scope)["Statement"] if said["Effect"] == "Deny"]
    reached = json.dumps(denied)
    assert f'"arn:aws:s3:::{aim.identities.bucket}/*"' in reached
    assert f'"kms:ResourceAliases": "{aim.identities.alias}"' in reached
    assert f':{aim.identities.alias}"' in reached
    assert not [name for name in (aim.stage.bucket, aim.stage.alias) if f'{name}"' in reached or f"{name}/" in reached]


@pytest.mark.slow
def test_what_was_changed_by_hand_is_planned_alone_and_set_right(aim: Target, clients: Clients) -> None:
    _bootstrap(aim, clients)
    identities, stage = _stores(aim)
    weakened = tls_only(identities.bucket, "aws")
    weakened["Statement"][0]["Condition"]["StringNotEquals"] = {"aws:PrincipalAccount": "999999999999"}
    clients.s3.put_bucket_policy(Bucket=identities.bucket, Policy=json.dumps(weakened))
    clients.s3.put_bucket_versioning(Bucket=stage.bucket, VersioningConfiguration={"Status": "Suspended"})
    clients.kms.disable_key_rotation(KeyId=_key(stage, clients))
    nobody: Any = [{"TagKey": "owner", "TagValue": "nobody"}]
    clients.kms.tag_resource(KeyId=_key(identities, clients), Tags=nobody)
    clients.kms.delete_alias(AliasName=stage.alias)

    assert _pending(plan(aim, clients)) == {
        "KMS key of staging's identities, with its tags": Effect.CHANGE,
        f"TLS-only policy of {identities.bucket}": Effect.CHANGE,
        "yearly rotation of the key of staging": Effect.CHANGE,
        f"{stage.alias}, the name of the key of staging": Effect.CREATE,
        f"versioning of {stage.bucket}": Effect.CHANGE,
    }
    assert len(_bootstrap(aim, clients)) == 5
    assert _pending(plan(aim, clients)) == {}


@pytest.mark.slow
def test_an_expiry_added_to_our_lifecycle_rule_is_taken_out_again(aim: Target, clients: Clients) -> None:
    _bootstrap(aim, clients)
    bucket = aim.stage.bucket
    rules: Any = clients.s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    rules[0]["Expiration"] = {"Days": 1}
    clients.s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": rules})
    assert list(_pending(plan(aim, clients)).values()) == [Effect.CHANGE]
    _bootstrap(aim, clients)
    (rule,) = clients.s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    assert "Expiration" not in rule


@pytest.mark.slow
@pytest.mark.parametrize("whose", ["staging", "staging's identities"])
def test_an_interrupted_bootstrap_finds_its_nameless_key_again(aim: Target, clients: Clients, whose: str) -> None:
    """A key is made first and named afterwards; that of the other store is not taken for it."""
    (first,) = [step for step in plan(aim, clients).steps if step.what.startswith(f"KMS key of {whose},")]
    first.act()
    (made,) = [key["KeyArn"] for key in clients.kms.list_keys()["Keys"]]
    pending = _pending(plan(aim, clients))
    assert f"KMS key of {whose}, with its tags" not in pending
    assert len([what for what in pending if what.startswith("KMS key of ")]) == 1
    _bootstrap(aim, clients)
    keys = {store.whose: _key(store, clients) for store in _stores(aim)}
    assert keys[whose] == made
    assert len(set(keys.values())) == len(clients.kms.list_keys()["Keys"]) == 2


@pytest.mark.slow
def test_credentials_of_another_account_are_refused_before_anything_is_made(
    local_aws: LocalAws, clients: Clients, account: str
) -> None:
    with pytest.raises(Refused, match="is 123123123123, but these credentials are of account"):
        plan(_target("staging", "123123123123"), clients)
    for untouched in (account, "123123123123"):
        assert not inventory(local_aws.endpoint, untouched, local_aws.region).alive()


@pytest.mark.slow
def test_all_that_cannot_be_used_is_said_at_once(
    aim: Target, clients: Clients, local_aws: LocalAws, account: str
) -> None:
    _bootstrap(aim, clients)
    key = _key(aim.identities, clients).rpartition("/")[2]
    clients.kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    clients.s3.delete_bucket(Bucket=aim.stage.bucket)
    stranger = local_aws.client("999999999998", "s3")
    stranger.create_bucket(Bucket=aim.stage.bucket, CreateBucketConfiguration={"LocationConstraint": local_aws.region})
    with pytest.raises(Refused, match="staging cannot be bootstrapped") as refused:
        plan(aim, clients)
    dying, foreign = refused.value.faults
    assert dying.key == aim.identities.alias
    assert f"cancel-key-deletion --region ap-northeast-1 --key-id {key}" in dying.fix
    assert foreign.key == aim.stage.bucket
    assert "another account has this name already" in foreign.message


@pytest.mark.slow
def test_a_state_bucket_in_another_region_is_not_used(
    aim: Target, clients: Clients, local_aws: LocalAws, account: str
) -> None:
    elsewhere = local_aws.client(account, "s3", "eu-west-1")
    where = {"LocationConstraint": "eu-west-1"}
    elsewhere.create_bucket(Bucket=aim.identities.bucket, CreateBucketConfiguration=where)
    with pytest.raises(Refused, match="is in eu-west-1, but the stage's region is ap-northeast-1"):
        plan(aim, clients)


@pytest.mark.slow
def test_a_stage_that_does_not_own_the_account_needs_its_identity_provider(account: str, clients: Clients) -> None:
    guest = _target("development", account, owns=False)
    with pytest.raises(Refused, match="bootstrap the stage that owns it first"):
        plan(guest, clients)
    _bootstrap(_target("staging", account), clients)
    _bootstrap(guest, clients)
    assert _pending(plan(guest, clients)) == {}
    assert _pending(plan(_target("staging", account), clients)) == {}


def test_production_is_confirmed_by_a_word_of_its_own() -> None:
    assert confirmation(_target("staging", "222222222222")) == "staging"
    assert confirmation(_target("production", "333333333333")) == "harbor-production"


def test_the_next_commands_name_what_was_made() -> None:
    commands = next_commands(_target("staging", "222222222222"), PRODUCT, "admin")
    identities = "'s3://harbor-staging-state-identities-222222222222?region=ap-northeast-1'"
    assert commands == {
        "staging's identities": [
            "export AWS_PROFILE=admin",
            f"export PULUMI_BACKEND_URL={identities}",
            "pulumi stack init staging -C identities --secrets-provider="
            "'awskms://alias/harbor-staging-key-identities?region=ap-northeast-1'",
            "pulumi config set identities:awsProfile admin -C identities --stack staging",
            "bulkhead secrets set staging cloudflareTokenMaker",
            "bulkhead secrets set staging githubToken",
            "bulkhead secrets set staging slackWebhook",
            "bulkhead secrets rotate staging",
            "pulumi up -C identities -s staging --policy-pack ../policies",
        ],
        "staging": [
            "export PULUMI_BACKEND_URL='s3://harbor-staging-state-222222222222?region=ap-northeast-1'",
            "pulumi stack init staging --secrets-provider="
            "'awskms://alias/harbor-staging-key-secrets?region=ap-northeast-1'",
            f"PULUMI_BACKEND_URL={identities} "
            "pulumi stack output deployToken --show-secrets -C identities --stack staging"
            " | bulkhead secrets set staging cloudflareApiToken",
            "bulkhead secrets set staging sessionKey",
        ],
    }


def test_a_secret_that_both_stacks_need_is_stored_when_both_exist() -> None:
    product = replace(PRODUCT, secrets=tuple(replace(each, pipeline=True, jobs=True) for each in PRODUCT.secrets))
    first, second = next_commands(_target("staging", "222222222222"), product, "admin").values()
    alone = "pulumi config set --secret secrets:slackWebhook -C identities --stack staging"
    assert alone in first
    assert "bulkhead secrets set staging slackWebhook" not in first
    assert "bulkhead secrets set staging slackWebhook" in second


def test_a_profile_with_a_space_in_its_name_stays_one_word() -> None:
    commands = next_commands(_target("staging", "222222222222"), PRODUCT, "harbor admin")["staging's identities"]
    assert commands[0] == "export AWS_PROFILE='harbor admin'"
    assert "pulumi config set identities:awsProfile 'harbor admin' -C identities --stack staging" in commands


def test_the_profile_on_the_command_line_goes_before_that_of_the_settings() -> None:
    settings = make_settings("staging", {"aws": {"profile": "harbor", "roleArn": None}})
    assert profile_of(settings, None) == "harbor"
    assert profile_of(settings, "admin") == "admin"


def test_what_is_not_as_it_was_made_is_said() -> None:
    there, changed = (
        BootstrapStep(what, "it is needed", effect, lambda: None)
        for what, effect in (("the bucket", Effect.EXISTS), ("the key", Effect.CHANGE))
    )
    require_done(BootstrapPlan((there,)))
    with pytest.raises(Refused) as refused:
        require_done(BootstrapPlan((there, changed)))
    assert [(fault.key, fault.message) for fault in refused.value.faults] == [("the key", "still says change")]
