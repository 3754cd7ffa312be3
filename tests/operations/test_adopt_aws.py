"""What exists in AWS is found by name, in a local one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from bulkhead.model.faults import Refused
from bulkhead.operations.adopt import Found
from bulkhead.operations.adopt.aws import AwsFinder, RegionalFinder
from tests.support.adoption import ALIAS, KEY, TOPIC, TOPIC_POLICY, wanted

if TYPE_CHECKING:
    from bulkhead.localclouds.aws.local import LocalAws

pytestmark = pytest.mark.slow

BUCKET = "harbor-production-vault"
POLICY_TEXT = '{"Version": "2012-10-17", "Statement": []}'
_RULE = {"ID": "r", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 9}}


def part(name: str) -> str:
    return f"aws:s3/{name[0].lower()}{name[1:]}:{name}"


# How each part of a bucket is set.
PARTS: Mapping[str, Callable[[Any], Any]] = {
    "BucketVersioning": lambda s3: s3.put_bucket_versioning(
        Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"}
    ),
    "BucketLifecycleConfiguration": lambda s3: s3.put_bucket_lifecycle_configuration(
        Bucket=BUCKET, LifecycleConfiguration={"Rules": [_RULE]}
    ),
    "BucketOwnershipControls": lambda s3: s3.put_bucket_ownership_controls(
        Bucket=BUCKET, OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    ),
    "BucketPublicAccessBlock": lambda s3: s3.put_public_access_block(
        Bucket=BUCKET, PublicAccessBlockConfiguration={"BlockPublicAcls": True}
    ),
    "BucketPolicy": lambda s3: s3.put_bucket_policy(Bucket=BUCKET, Policy=POLICY_TEXT),
    "BucketServerSideEncryptionConfiguration": lambda s3: s3.put_bucket_encryption(
        Bucket=BUCKET,
        ServerSideEncryptionConfiguration={
            "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]
        },
    ),
    "BucketObjectLockConfiguration": lambda s3: s3.put_object_lock_configuration(
        Bucket=BUCKET, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"}
    ),
}


@pytest.fixture
def aws(local_aws: LocalAws, account: str) -> Iterator[tuple[AwsFinder, Callable[[str], Any]]]:
    def client_of(service: str) -> Any:
        return local_aws.client(account, service)

    with ExitStack() as ending:
        s3 = client_of("s3")
        where = {"LocationConstraint": local_aws.region}
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration=where, ObjectLockEnabledForBucket=True)
        ending.callback(s3.delete_bucket, Bucket=BUCKET)
        yield AwsFinder(client_of, account, local_aws.region), client_of


Aws = tuple[AwsFinder, Callable[[str], Any]]


@pytest.mark.parametrize("name", PARTS)
def test_a_bucket_and_each_part_that_was_set_is_found(name: str, aws: Aws) -> None:
    finder, client_of = aws
    here = Found(BUCKET, BUCKET)
    assert finder.find(wanted(part("Bucket"), bucket=BUCKET)) == here
    PARTS[name](client_of("s3"))
    assert finder.find(wanted(part(name), bucket=BUCKET)) == here


def test_what_names_another_region_is_looked_for_there(local_aws: LocalAws, account: str) -> None:
    there = local_aws.client(account, "kms", "ap-northeast-3")
    alias = "alias/harbor-production-key-replica"
    there.create_alias(AliasName=alias, TargetKeyId=there.create_key()["KeyMetadata"]["KeyId"])

    def finder_in(region: str) -> AwsFinder:
        return AwsFinder(lambda service: local_aws.client(account, service, region), account, region)

    finder = RegionalFinder(local_aws.region, finder_in)
    assert finder.find(wanted(ALIAS, name=alias)) is None
    found = finder.find(wanted(ALIAS, name=alias, region="ap-northeast-3"))
    assert found == Found(alias, f"{alias}@ap-northeast-3")
    there.delete_alias(AliasName=alias)


@pytest.mark.parametrize("name", ["BucketLifecycleConfiguration", "BucketPolicy", "BucketPublicAccessBlock"])
def test_a_part_that_was_never_set_does_not_exist(name: str, aws: Aws) -> None:
    assert aws[0].find(wanted(part(name), bucket=BUCKET)) is None


@pytest.mark.parametrize("name", ["Bucket", "BucketLogging", "BucketVersioning", "BucketPolicy"])
def test_neither_a_bucket_nor_a_part_of_it_exists_where_there_is_none(name: str, aws: Aws) -> None:
    finder, _ = aws
    assert finder.knows(part(name))
    assert finder.find(wanted(part(name), bucket="harbor-production-none")) is None


def test_the_part_of_a_bucket_that_is_not_known_does_not_exist(aws: Aws) -> None:
    assert aws[0].find(wanted(part("BucketPolicy"))) is None


def test_a_bucket_of_another_account_is_not_taken_for_ours(aws: Aws, local_aws: LocalAws) -> None:
    stranger = AwsFinder(lambda service: local_aws.client("999999999997", service), "999999999997", local_aws.region)
    with pytest.raises(Refused, match="AWS refused while looking for it"):
        stranger.find(wanted(part("Bucket"), bucket=BUCKET))


def test_a_key_is_found_by_its_alias_and_never_by_chance(aws: Aws) -> None:
    finder, client_of = aws
    kms = client_of("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName="alias/harbor-production-key-vault", TargetKeyId=key)
    name = "alias/harbor-production-key-vault"
    assert finder.find(wanted(KEY, alias=name)) == Found(key, key)
    assert finder.find(wanted(ALIAS, name=name)) == Found(name, name)
    assert finder.find(wanted(KEY)) is None
    assert finder.find(wanted(KEY, alias="alias/harbor-production-key-none")) is None
    assert finder.find(wanted(ALIAS, name="alias/harbor-production-key-none")) is None


def test_a_key_that_is_about_to_be_deleted_stops_everything(aws: Aws) -> None:
    """A new key could not read what the old one has encrypted: that is every backup."""
    finder, client_of = aws
    kms = client_of("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName="alias/harbor-production-key-dying", TargetKeyId=key)
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    with pytest.raises(Refused, match=f"aws kms cancel-key-deletion --region ap-northeast-1 --key-id {key}"):
        finder.find(wanted(KEY, alias="alias/harbor-production-key-dying"))


def test_a_role_its_policy_and_its_boundary_are_found_by_name(aws: Aws, account: str) -> None:
    finder, client_of = aws
    iam = client_of("iam")
    role, policy, role_policy = "aws:iam/role:Role", "aws:iam/policy:Policy", "aws:iam/rolePolicy:RolePolicy"
    statement = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    del statement["Principal"]
    rights = json.dumps({"Version": "2012-10-17", "Statement": [{**statement, "Resource": "*"}]})
    iam.create_role(RoleName="bulkhead-production", Path="/harbor/", AssumeRolePolicyDocument=trust)
    iam.put_role_policy(RoleName="bulkhead-production", PolicyName="rights", PolicyDocument=rights)
    arns = [
        iam.create_policy(PolicyName="harbor-production-boundary", Path=path, PolicyDocument=rights)["Policy"]["Arn"]
        for path in ("/", "/harbor/")
    ]
    here = Found("bulkhead-production", "bulkhead-production")
    assert finder.find(wanted(role, name="bulkhead-production", path="/harbor/")) == here
    assert finder.find(wanted(role, name="bulkhead-none")) is None
    named = "bulkhead-production:rights"
    assert finder.find(wanted(role_policy, role="bulkhead-production", name="rights")) == Found(named, named)
    assert finder.find(wanted(role_policy, role="bulkhead-production", name="none")) is None
    assert finder.find(wanted(role_policy, role="bulkhead-none", name="rights")) is None
    assert finder.find(wanted(role_policy, name="rights")) is None
    plain, with_path = (Found(arn, arn) for arn in arns)
    assert finder.find(wanted(policy, name="harbor-production-boundary")) == plain
    assert finder.find(wanted(policy, name="harbor-production-boundary", path="/harbor/")) == with_path
    assert finder.find(wanted(policy, name="harbor-production-none")) is None


def test_a_parameter_is_found_by_name(aws: Aws) -> None:
    finder, client_of = aws
    client_of("ssm").put_parameter(Name="harbor-production-parameter-mail-key", Type="SecureString", Value="hidden")
    found = Found("harbor-production-parameter-mail-key", "harbor-production-parameter-mail-key")
    assert finder.find(wanted("aws:ssm/parameter:Parameter", name=found.id)) == found
    assert finder.find(wanted("aws:ssm/parameter:Parameter", name="harbor-production-parameter-none")) is None


def test_an_alarm_is_found_by_name(aws: Aws) -> None:
    finder, client_of = aws
    name = "harbor-production-alarm-notices-undelivered"
    client_of("cloudwatch").put_metric_alarm(
        AlarmName=name,
        Namespace="AWS/SNS",
        MetricName="NumberOfNotificationsFailed",
        Statistic="Sum",
        ComparisonOperator="GreaterThanThreshold",
        Threshold=1,
        Period=300,
        EvaluationPeriods=1,
    )
    assert finder.find(wanted("aws:cloudwatch/metricAlarm:MetricAlarm", name=name)) == Found(name, name)
    assert finder.find(wanted("aws:cloudwatch/metricAlarm:MetricAlarm", name="harbor-production-alarm")) is None


def test_a_subscription_is_found_once_it_is_confirmed(aws: Aws) -> None:
    finder, client_of = aws
    type_, sns = "aws:sns/topicSubscription:TopicSubscription", client_of("sns")
    topic = sns.create_topic(Name="harbor-production-topic-alarms")["TopicArn"]
    arns = [
        sns.subscribe(TopicArn=topic, Protocol="email", Endpoint=f"{who}@harbor.example")["SubscriptionArn"]
        for who in ("lead", "other")
    ]
    here = Found(arns[0], arns[0])
    mail = {"topic": topic, "protocol": "email"}
    assert finder.find(wanted(type_, **mail, endpoint="lead@harbor.example")) == here
    assert finder.find(wanted(type_, **mail, endpoint="nobody@harbor.example")) is None
    assert finder.find(wanted(type_, topic=topic, protocol="https", endpoint="lead@harbor.example")) is None
    assert finder.find(wanted(type_, protocol="email", endpoint="lead@harbor.example")) is None
    assert finder.find(wanted(type_, topic=f"{topic}-none", protocol="email", endpoint="lead@harbor.example")) is None


def test_a_subscription_that_waits_for_its_confirmation_has_no_name_to_adopt_it_by(account: str) -> None:
    """AWS says so in the place of the ARN; moto confirms at once."""
    topic = "arn:aws:sns:ap-northeast-1:333333333333:harbor-production-topic-alarms"
    waiting = {"Protocol": "email", "Endpoint": "lead@harbor.example", "SubscriptionArn": "PendingConfirmation"}

    class Waiting:
        def get_paginator(self, operation: str) -> Waiting:
            assert operation == "list_subscriptions_by_topic"
            return self

        def paginate(self, **asked: str) -> list[Any]:
            assert asked == {"TopicArn": topic}
            return [{"Subscriptions": []}, {"Subscriptions": [waiting]}]

    finder = AwsFinder(lambda service: Waiting(), account, "ap-northeast-1")
    asked = wanted(
        "aws:sns/topicSubscription:TopicSubscription", topic=topic, protocol="email", endpoint="lead@harbor.example"
    )
    assert finder.find(asked) is None


def test_a_topic_its_policy_and_a_budget_are_found_by_name(aws: Aws, account: str) -> None:
    finder, client_of = aws
    arn = client_of("sns").create_topic(Name="harbor-production-topic-cost")["TopicArn"]
    limit = {"Amount": "10", "Unit": "USD"}
    budget = {
        "BudgetName": "harbor-production-budget",
        "BudgetType": "COST",
        "TimeUnit": "MONTHLY",
        "BudgetLimit": limit,
    }
    client_of("budgets").create_budget(AccountId=account, Budget=budget)
    assert finder.find(wanted(TOPIC, name="harbor-production-topic-cost")) == Found(arn, arn)
    assert finder.find(wanted(TOPIC, name="harbor-production-topic-none")) is None
    assert finder.find(wanted(TOPIC_POLICY, arn=arn)) == Found(arn, arn)
    assert finder.find(wanted(TOPIC_POLICY)) is None
    named = f"{account}:harbor-production-budget"
    assert finder.find(wanted("aws:budgets/budget:Budget", name="harbor-production-budget")) == Found(named, named)
    assert finder.find(wanted("aws:budgets/budget:Budget", name="harbor-production-none")) is None
