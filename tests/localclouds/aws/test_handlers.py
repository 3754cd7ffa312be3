"""Each real type of AWS: made, read back without a difference, drifted by hand, set right, removed."""

from __future__ import annotations

import base64
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from bulkhead.localclouds.aws.handlers import REAL
from bulkhead.localclouds.aws.inventory import Inventory, inventory
from bulkhead.localclouds.aws.local import LocalAws
from bulkhead.localclouds.providers.handler import ApiRefusal
from bulkhead.localclouds.providers.store import Record
from bulkhead.resources.catalogue import CATALOGUE
from tests.support.aws_stage import DEFAULT_TAGS, AwsStage

pytestmark = pytest.mark.slow

BUCKET = "aws:s3/bucket:Bucket"
KEY = "aws:kms/key:Key"
ALIAS = "aws:kms/alias:Alias"
TOPIC = "aws:sns/topic:Topic"
BUDGET = "aws:budgets/budget:Budget"
ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
ROLE = "aws:iam/role:Role"
MANAGED = "aws:iam/policy:Policy"
PARAMETER = "aws:ssm/parameter:Parameter"
FUNCTION = "aws:lambda/function:Function"
AFTERWARDS = "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig"
GROUP = "aws:scheduler/scheduleGroup:ScheduleGroup"
SCHEDULE = "aws:scheduler/schedule:Schedule"
QUEUE = "aws:sqs/queue:Queue"
LOGS = "aws:cloudwatch/logGroup:LogGroup"
TAGGED = [BUCKET, KEY, TOPIC, BUDGET, ALARM, ROLE, MANAGED, PARAMETER, FUNCTION, GROUP, QUEUE, LOGS]
POLICY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}],
    }
)
_SERVICES = ["lambda.amazonaws.com", "scheduler.amazonaws.com"]
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": _SERVICES}, "Action": "sts:AssumeRole"}],
    }
)
OTHER_POLICY = POLICY.replace("Allow", "Deny")
OWN = POLICY.replace('"Principal": "*", ', "")  # of an identity, which needs no principal
SENDS = OWN.replace("s3:GetObject", "sqs:SendMessage")


@pytest.fixture
def stage(local_aws: LocalAws, account: str, tmp_path: Path) -> Iterator[AwsStage]:
    stage = AwsStage(local_aws, account, tmp_path)
    yield stage
    stage.store.close()


@dataclass(frozen=True)
class Sample:
    """A type with inputs that use all of it, what somebody then does by hand, and where a refresh must show it."""

    inputs: Mapping[str, Any]
    tamper: Callable[[AwsStage, str], Any]
    shows: str
    needs: Callable[[AwsStage], Any] = field(default=lambda stage: None)


def _bucket(stage: AwsStage) -> str:
    return f"harbor-{stage.account}"


def _make_bucket(stage: AwsStage, **inputs: Any) -> None:
    stage.create(BUCKET, bucket=_bucket(stage), **inputs)


def _make_two_buckets(stage: AwsStage) -> None:
    for name in (_bucket(stage), f"{_bucket(stage)}-copy"):
        stage.create(BUCKET, bucket=name)
        stage.aws("s3").put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})


def _make_logged_bucket(stage: AwsStage) -> None:
    _make_bucket(stage)
    stage.create(BUCKET, bucket=f"{_bucket(stage)}-log")
    allow = [{"Effect": "Allow", "Principal": {"Service": "logging.s3.amazonaws.com"}, "Action": "s3:PutObject"}]
    allow[0]["Resource"] = f"arn:aws:s3:::{_bucket(stage)}-log/*"
    policy = json.dumps({"Version": "2012-10-17", "Statement": allow})
    stage.aws("s3").put_bucket_policy(Bucket=f"{_bucket(stage)}-log", Policy=policy)


def _s3(method: str, **request: Any) -> Callable[[AwsStage, str], Any]:
    return lambda stage, id_: getattr(stage.aws("s3"), method)(Bucket=id_, **request)


def _budgets(method: str, **request: Any) -> Callable[[AwsStage, str], Any]:
    return lambda stage, id_: getattr(stage.aws("budgets"), method)(AccountId=stage.account, **request)


SAMPLES: Mapping[str, Sample] = {
    BUCKET: Sample(
        {"bucket": "{bucket}", "objectLockEnabled": True, "forceDestroy": False, "tags": {"tier": "vault"}},
        _s3("put_bucket_tagging", Tagging={"TagSet": [{"Key": "tier", "Value": "other"}]}),
        "tags",
    ),
    "aws:s3/bucketVersioning:BucketVersioning": Sample(
        {"bucket": "{bucket}", "versioningConfiguration": {"status": "Enabled"}},
        _s3("put_bucket_versioning", VersioningConfiguration={"Status": "Suspended"}),
        "versioningConfiguration",
        _make_bucket,
    ),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": Sample(
        {
            "bucket": "{bucket}",
            "rules": [
                {
                    "applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": "alias/x"},
                    "bucketKeyEnabled": True,
                    "blockedEncryptionTypes": ["SSE-C"],
                }
            ],
        },
        _s3(
            "put_bucket_encryption",
            ServerSideEncryptionConfiguration={
                "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
            },
        ),
        "rules",
        _make_bucket,
    ),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": Sample(
        {
            "bucket": "{bucket}",
            "blockPublicAcls": True,
            "blockPublicPolicy": True,
            "ignorePublicAcls": True,
            "restrictPublicBuckets": True,
        },
        _s3("put_public_access_block", PublicAccessBlockConfiguration={"BlockPublicAcls": True}),
        "restrictPublicBuckets",
        _make_bucket,
    ),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": Sample(
        {"bucket": "{bucket}", "rule": {"objectOwnership": "BucketOwnerEnforced"}},
        _s3("put_bucket_ownership_controls", OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]}),
        "rule",
        _make_bucket,
    ),
    "aws:s3/bucketPolicy:BucketPolicy": Sample(
        {"bucket": "{bucket}", "policy": POLICY},
        _s3("put_bucket_policy", Policy=OTHER_POLICY),
        "policy",
        _make_bucket,
    ),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": Sample(
        {
            "bucket": "{bucket}",
            "rules": [
                {
                    "id": "daily",
                    "status": "Enabled",
                    "filter": {"prefix": "database/daily/"},
                    "expiration": {"days": 7},
                    "transitions": [{"days": 3, "storageClass": "GLACIER"}],
                    "noncurrentVersionExpiration": {"noncurrentDays": 3, "newerNoncurrentVersions": 2},
                    "noncurrentVersionTransitions": [{"noncurrentDays": 1, "storageClass": "GLACIER"}],
                    "abortIncompleteMultipartUpload": {"daysAfterInitiation": 7},
                },
                {
                    "id": "tagged",
                    "status": "Disabled",
                    "filter": {"and": {"prefix": "x/", "tags": {"a": "b", "c": "d"}}},
                    "expiration": {"expiredObjectDeleteMarker": True},
                },
                {"id": "all", "status": "Enabled", "filter": {}, "expiration": {"days": 9}},
            ],
        },
        _s3(
            "put_bucket_lifecycle_configuration",
            LifecycleConfiguration={
                "Rules": [{"ID": "all", "Status": "Enabled", "Filter": {}, "Expiration": {"Days": 1}}]
            },
        ),
        "rules",
        _make_bucket,
    ),
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": Sample(
        {"bucket": "{bucket}", "rule": {"defaultRetention": {"mode": "GOVERNANCE", "days": 7}}},
        _s3("put_object_lock_configuration", ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"}),
        "rule",
        lambda stage: _make_bucket(stage, objectLockEnabled=True),
    ),
    "aws:s3/bucketReplicationConfig:BucketReplicationConfig": Sample(
        {
            "bucket": "{bucket}",
            "role": "arn:aws:iam::123456789012:role/copies",
            "rules": [
                {
                    "id": "replica",
                    "status": "Enabled",
                    "priority": 1,
                    "filter": {"prefix": ""},
                    "deleteMarkerReplication": {"status": "Disabled"},
                    "sourceSelectionCriteria": {"sseKmsEncryptedObjects": {"status": "Enabled"}},
                    "destination": {
                        "bucket": "arn:aws:s3:::{bucket}-copy",
                        "storageClass": "STANDARD_IA",
                        "encryptionConfiguration": {"replicaKmsKeyId": "alias/x"},
                    },
                }
            ],
        },
        lambda stage, id_: stage.aws("s3").put_bucket_replication(
            Bucket=id_,
            ReplicationConfiguration={
                "Role": "arn:aws:iam::123456789012:role/copies",
                "Rules": [{"Status": "Disabled", "Destination": {"Bucket": f"arn:aws:s3:::{id_}-copy"}}],
            },
        ),
        "rules",
        _make_two_buckets,
    ),
    "aws:s3/bucketLogging:BucketLogging": Sample(
        {"bucket": "{bucket}", "targetBucket": "{bucket}-log", "targetPrefix": "access/"},
        lambda stage, id_: stage.aws("s3").put_bucket_logging(
            Bucket=id_, BucketLoggingStatus={"LoggingEnabled": {"TargetBucket": f"{id_}-log", "TargetPrefix": ""}}
        ),
        "targetPrefix",
        _make_logged_bucket,
    ),
    KEY: Sample(
        {
            "description": "vault",
            "enableKeyRotation": True,
            "rotationPeriodInDays": 180,
            "deletionWindowInDays": 7,
            "policy": POLICY,
            "tags": {"tier": "vault"},
        },
        lambda stage, id_: stage.aws("kms").disable_key_rotation(KeyId=id_),
        "enableKeyRotation",
    ),
    ALIAS: Sample(
        {"name": "alias/harbor", "targetKeyId": "{key}"},
        lambda stage, id_: stage.aws("kms").update_alias(
            AliasName=id_, TargetKeyId=stage.aws("kms").create_key()["KeyMetadata"]["KeyId"]
        ),
        "targetKeyId",
    ),
    TOPIC: Sample(
        {"name": "harbor-finance", "displayName": "Harbor", "kmsMasterKeyId": "{key}", "tags": {"audience": "finance"}},
        lambda stage, id_: stage.aws("sns").set_topic_attributes(
            TopicArn=id_, AttributeName="DisplayName", AttributeValue="Somebody else"
        ),
        "displayName",
    ),
    "aws:sns/topicPolicy:TopicPolicy": Sample(
        {"arn": "{topic}", "policy": POLICY},
        lambda stage, id_: stage.aws("sns").set_topic_attributes(
            TopicArn=id_, AttributeName="Policy", AttributeValue=OTHER_POLICY
        ),
        "policy",
    ),
    "aws:sns/topicSubscription:TopicSubscription": Sample(
        {"topic": "{topic}", "protocol": "email", "endpoint": "a@harbor.example", "filterPolicy": '{"a":["b"]}'},
        lambda stage, id_: stage.aws("sns").set_subscription_attributes(
            SubscriptionArn=id_, AttributeName="RawMessageDelivery", AttributeValue="true"
        ),
        "rawMessageDelivery",
    ),
    BUDGET: Sample(
        {
            "name": "harbor-budget",
            "budgetType": "COST",
            "timeUnit": "MONTHLY",
            "limitAmount": "20.0",
            "limitUnit": "USD",
            "timePeriodStart": "2026-01-01_00:00",
            "costFilters": [{"name": "TagKeyValue", "values": ["user:stage$staging"]}],
            "costTypes": {"includeTax": True, "includeCredit": False},
            "notifications": [
                {
                    "comparisonOperator": "GREATER_THAN",
                    "notificationType": "ACTUAL",
                    "threshold": 80,
                    "thresholdType": "PERCENTAGE",
                    "subscriberEmailAddresses": ["b@harbor.example", "a@harbor.example"],
                    "subscriberSnsTopicArns": ["arn:aws:sns:x:1:y"],
                },
                {
                    "comparisonOperator": "GREATER_THAN",
                    "notificationType": "FORECASTED",
                    "threshold": 100,
                    "thresholdType": "PERCENTAGE",
                    "subscriberEmailAddresses": ["a@harbor.example"],
                },
            ],
            "tags": {"audience": "finance"},
        },
        _budgets(
            "delete_notification",
            BudgetName="harbor-budget",
            Notification={
                "ComparisonOperator": "GREATER_THAN",
                "NotificationType": "ACTUAL",
                "Threshold": 80,
                "ThresholdType": "PERCENTAGE",
            },
        ),
        "notifications",
    ),
    ALARM: Sample(
        {
            "name": "harbor-alarm",
            "alarmDescription": "see the runbook",
            "namespace": "AWS/SNS",
            "metricName": "NumberOfNotificationsFailed",
            "dimensions": {"TopicName": "harbor-cost"},
            "statistic": "Sum",
            "comparisonOperator": "GreaterThanOrEqualToThreshold",
            "threshold": 1.0,
            "period": 300,
            "evaluationPeriods": 1,
            "treatMissingData": "notBreaching",
            "alarmActions": ["{topic}"],
            "okActions": ["{topic}"],
            "tags": {"severity": "high"},
        },
        lambda stage, id_: stage.aws("cloudwatch").disable_alarm_actions(AlarmNames=[id_]),
        "actionsEnabled",
    ),
    ROLE: Sample(
        {"name": "harbor-role", "assumeRolePolicy": TRUST, "description": "writes", "tags": {"for": "jobs"}},
        lambda stage, id_: stage.aws("iam").update_role(RoleName=id_, MaxSessionDuration=7200),
        "maxSessionDuration",
    ),
    MANAGED: Sample(
        {"name": "harbor-boundary", "policy": OWN, "description": "the most", "tags": {"for": "jobs"}},
        lambda stage, id_: stage.aws("iam").create_policy_version(
            PolicyArn=id_, PolicyDocument=OWN.replace("Allow", "Deny"), SetAsDefault=True
        ),
        "policy",
    ),
    PARAMETER: Sample(
        {
            "name": "/harbor/staging/slack-webhook",
            "type": "SecureString",
            "value": "a secret",
            "keyId": "alias/harbor",
            "description": "of the jobs",
            "tags": {"for": "jobs"},
        },
        lambda stage, id_: stage.aws("ssm").put_parameter(
            Name=id_, Type="SecureString", Value="another", KeyId="alias/harbor", Overwrite=True
        ),
        "value",
    ),
    FUNCTION: Sample(
        {
            "name": "harbor-staging-backup",
            "role": "{role arn}",
            "runtime": "python3.13",
            "handler": "jobs.backup.handler",
            "code": {"path": "{zip}", "hash": "abc"},
            "sourceCodeHash": "abc",
            "description": "backs up",
            "timeout": 900,
            "memorySize": 512,
            "architectures": ["arm64"],
            "environment": {"variables": {"BULKHEAD_JOB": "{}"}},
            "ephemeralStorage": {"size": 1024},
            "kmsKeyArn": "{key}",
            "deadLetterConfig": {"targetArn": "{queue}"},
            "loggingConfig": {"logFormat": "JSON", "logGroup": "/harbor/staging/backup"},
            "tags": {"for": "jobs"},
        },
        lambda stage, id_: stage.aws("lambda").update_function_configuration(FunctionName=id_, MemorySize=128),
        "memorySize",
    ),
    AFTERWARDS: Sample(
        {
            "functionName": "{function}",
            "maximumRetryAttempts": 1,
            "maximumEventAgeInSeconds": 3600,
            "destinationConfig": {"onFailure": {"destination": "{queue}"}},
        },
        lambda stage, id_: stage.aws("lambda").put_function_event_invoke_config(
            FunctionName=id_, MaximumRetryAttempts=0
        ),
        "maximumRetryAttempts",
    ),
    GROUP: Sample(
        {"name": "harbor-staging", "tags": {"for": "jobs"}},
        lambda stage, id_: stage.aws("scheduler").tag_resource(
            ResourceArn=f"arn:aws:scheduler:{stage.local.region}:{stage.account}:schedule-group/{id_}",
            Tags=[{"Key": "for", "Value": "nobody"}],
        ),
        "tags",
    ),
    SCHEDULE: Sample(
        {
            "name": "harbor-staging-backup",
            "groupName": "{group}",
            "description": "at night",
            "scheduleExpression": "cron(0 2 * * ? *)",
            "scheduleExpressionTimezone": "Asia/Tokyo",
            "state": "DISABLED",
            "flexibleTimeWindow": {"mode": "OFF"},
            "kmsKeyArn": "{key}",
            "target": {
                "arn": "arn:aws:lambda:x:1:function:harbor-staging-backup",
                "roleArn": "{role arn}",
                "input": '{"at":"<aws.scheduler.scheduled-time>"}',
                "retryPolicy": {"maximumRetryAttempts": 3, "maximumEventAgeInSeconds": 3600},
                "deadLetterConfig": {"arn": "{queue}"},
            },
        },
        lambda stage, id_: stage.aws("scheduler").update_schedule(
            GroupName="harbor-staging",
            Name="harbor-staging-backup",
            ScheduleExpression="rate(1 hours)",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={"Arn": "arn:aws:lambda:x:1:function:other", "RoleArn": _role_arn(stage)},
        ),
        "scheduleExpression",
    ),
    QUEUE: Sample(
        {
            "name": "harbor-staging-jobs-failed",
            "messageRetentionSeconds": 1_209_600,
            "visibilityTimeoutSeconds": 60,
            "kmsMasterKeyId": "{key}",
            "kmsDataKeyReusePeriodSeconds": 600,
            "policy": POLICY,
            "redrivePolicy": '{"deadLetterTargetArn":"{queue}","maxReceiveCount":3}',
            "tags": {"for": "jobs"},
        },
        lambda stage, id_: stage.aws("sqs").set_queue_attributes(
            QueueUrl=id_, Attributes={"MessageRetentionPeriod": "60"}
        ),
        "messageRetentionSeconds",
    ),
    LOGS: Sample(
        {"name": "/harbor/staging/backup", "retentionInDays": 30, "kmsKeyId": "{key}", "tags": {"for": "jobs"}},
        lambda stage, id_: stage.aws("logs").put_retention_policy(logGroupName=id_, retentionInDays=1),
        "retentionInDays",
    ),
    "aws:iam/rolePolicy:RolePolicy": Sample(
        {"role": "{role}", "name": "write", "policy": OWN},
        lambda stage, id_: stage.aws("iam").put_role_policy(
            RoleName="harbor-jobs", PolicyName="write", PolicyDocument=OWN.replace("Allow", "Deny")
        ),
        "policy",
    ),
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": Sample(
        {"url": "https://token.actions.githubusercontent.com", "clientIdLists": ["sts.amazonaws.com"]},
        lambda stage, id_: stage.aws("iam").tag_open_id_connect_provider(
            OpenIDConnectProviderArn=id_, Tags=[{"Key": "by", "Value": "hand"}]
        ),
        "tags",
    ),
}


def _role_arn(stage: AwsStage) -> str:
    return f"arn:aws:iam::{stage.account}:role/harbor-jobs"


def _zip(folder: Path, body: str = "def handler(event, context):\n    return event\n") -> Path:
    path = folder / "jobs.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("job.py", body)
    return path


def _function(stage: AwsStage, **inputs: Any) -> Record:
    code = {"path": str(_zip(stage.folder))}
    usual = {"role": _role_arn(stage), "runtime": "python3.13", "handler": "job.handler", "code": code}
    return stage.create(FUNCTION, **{"name": "harbor-job", **usual, **inputs})


def _filled(stage: AwsStage, token: str) -> dict[str, Any]:
    """Return the sample's inputs with the names of what they stand on, which is made first."""
    sample = SAMPLES[token]
    sample.needs(stage)
    text = json.dumps(sample.inputs)
    if "{key}" in text:
        text = text.replace("{key}", str(stage.create(KEY).outputs["arn"]))
    if "{topic}" in text:
        text = text.replace("{topic}", stage.create(TOPIC, name="harbor-alarms").id)
    if "{queue}" in text:
        text = text.replace("{queue}", str(stage.create(QUEUE, name="harbor-failed").outputs["arn"]))
    if "{group}" in text:
        text = text.replace("{group}", stage.create(GROUP, name="harbor-staging").id)
    if "{role" in text or "{function}" in text:
        role = stage.create(ROLE, name="harbor-jobs", assumeRolePolicy=TRUST)
        if token != "aws:iam/rolePolicy:RolePolicy":
            stage.create("aws:iam/rolePolicy:RolePolicy", role=role.id, name="send", policy=SENDS)
        text = text.replace("{role arn}", str(role.outputs["arn"])).replace("{role}", role.id)
    if "{function}" in text:
        text = text.replace("{function}", _function(stage).id)
    text = text.replace("{bucket}", _bucket(stage)).replace("{zip}", str(_zip(stage.folder)))
    filled: dict[str, Any] = json.loads(text)
    return filled


def test_every_real_type_has_a_sample() -> None:
    assert SAMPLES.keys() == REAL.keys()


@pytest.mark.parametrize("token", SAMPLES)
def test_it_reads_back_without_a_difference_until_somebody_changes_it_by_hand(stage: AwsStage, token: str) -> None:
    sample = SAMPLES[token]
    inputs = _filled(stage, token)
    made = stage.create(token, **inputs)
    assert made.inputs == inputs
    assert made.account == stage.account
    assert stage.read(made) == made
    sample.tamper(stage, made.id)
    drifted = stage.read(made)
    assert drifted is not None
    assert drifted.inputs.get(sample.shows) != inputs.get(sample.shows)
    mended = stage.update(made, **inputs)
    outputs = {**mended.outputs, **({"version": 1} if token == PARAMETER else {})}  # AWS counts what was written
    assert (mended.inputs, outputs) == (made.inputs, made.outputs)
    assert stage.read(mended) == mended


@pytest.mark.parametrize("token", SAMPLES)
def test_what_was_removed_is_gone_and_removing_it_twice_is_no_error(stage: AwsStage, token: str) -> None:
    made = stage.create(token, **_filled(stage, token))
    handler = stage.handler(token)
    handler.on_delete(stage.caller, stage.store, made)
    seen = handler.observe(stage.caller, stage.store, made)
    # Versioning, object lock and a topic's policy never go: AWS falls back to what it is without the resource.
    assert seen is None or seen.inputs != made.inputs
    stage.delete(made)
    assert stage.store.get(made.type, made.id) is None


@pytest.mark.parametrize("token", TAGGED)
def test_tags_of_the_provider_are_put_on_everything(stage: AwsStage, token: str) -> None:
    made = stage.create(token, **_filled(stage, token))
    assert made.outputs["tagsAll"] == {**DEFAULT_TAGS, **SAMPLES[token].inputs["tags"]}
    assert made.outputs["tags"] == SAMPLES[token].inputs["tags"]


@pytest.mark.parametrize("token", TAGGED)
def test_a_change_of_the_provider_s_tags_is_made_in_aws(stage: AwsStage, token: str) -> None:
    filled = _filled(stage, token)
    made = stage.create(token, **filled, tagsAll={**DEFAULT_TAGS, **filled["tags"]})
    tags = {"product": "harbor", "owner": "web"}
    changed = {**stage.caller.config, "defaultTags": {"tags": tags}}
    stage.caller = replace(stage.caller, config=changed)
    stage.update(made, **filled, tagsAll={**tags, **filled["tags"]})
    seen = stage.read(made)
    assert seen is not None
    assert seen.inputs["tagsAll"] == seen.outputs["tagsAll"] == {**tags, **filled["tags"]}
    assert seen.inputs["tags"] == filled["tags"]


def test_a_provider_that_names_no_account_is_refused(local_aws: LocalAws, account: str, tmp_path: Path) -> None:
    configs: list[dict[str, Any]] = [
        {},
        {"allowedAccountIds": []},
        {"allowedAccountIds": ["12"]},
        {"allowedAccountIds": account},
    ]
    for config in configs:
        stage = AwsStage(local_aws, account, tmp_path, {"region": "ap-northeast-1", **config})
        with pytest.raises(ApiRefusal, match="must name its account"):
            stage.create(BUCKET, bucket=_bucket(stage))
        stage.store.close()
    assert not inventory(local_aws.endpoint, account, local_aws.region).alive()


def test_an_input_that_would_be_lost_is_refused(stage: AwsStage) -> None:
    with pytest.raises(ApiRefusal, match="accelerationStatus"):
        stage.create(BUCKET, bucket=_bucket(stage), accelerationStatus="Enabled")
    _make_bucket(stage)
    with pytest.raises(ApiRefusal, match="does not know prefix"):
        stage.create(
            "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
            bucket=_bucket(stage),
            rules=[{"id": "old", "status": "Enabled", "prefix": "x/"}],
        )


def test_a_public_access_block_that_switches_nothing_is_refused(stage: AwsStage) -> None:
    _make_bucket(stage)
    with pytest.raises(ApiRefusal, match="Must specify at least one configuration"):
        stage.create("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", bucket=_bucket(stage))


def test_a_bucket_is_out_of_reach_from_another_account(stage: AwsStage, local_aws: LocalAws, tmp_path: Path) -> None:
    _make_bucket(stage)
    stranger = local_aws.client("999999999999", "s3")
    with pytest.raises(stranger.exceptions.ClientError, match=r"AccessDenied|403"):
        stranger.put_object(Bucket=_bucket(stage), Key="x", Body=b"x")
    other = AwsStage(local_aws, "999999999999", tmp_path)
    with pytest.raises(ApiRefusal, match="AccessDenied"):
        other.create(BUCKET, bucket=_bucket(stage))
    other.store.close()


def test_force_destroy_empties_every_page(stage: AwsStage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "2")
    made = stage.create(BUCKET, bucket=_bucket(stage), forceDestroy=True)
    for key in "abcde":
        stage.aws("s3").put_object(Bucket=made.id, Key=key, Body=b"x")
    stage.delete(made)
    assert stage.handler(BUCKET).observe(stage.caller, stage.store, made) is None


def test_a_full_bucket_stays_unless_it_says_force_destroy(stage: AwsStage) -> None:
    kept = stage.create(BUCKET, bucket=_bucket(stage))
    stage.aws("s3").put_object(Bucket=kept.id, Key="backup", Body=b"data")
    with pytest.raises(ApiRefusal, match="BucketNotEmpty"):
        stage.delete(kept)
    assert stage.read(kept) == kept
    stage.update(kept, bucket=kept.id, forceDestroy=True)
    stage.delete(kept)
    assert not inventory(stage.local.endpoint, stage.account, stage.local.region).buckets


def test_the_default_retention_may_change_while_the_bucket_holds_backups(stage: AwsStage) -> None:
    token = "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration"
    lock = stage.create(token, **_filled(stage, token))
    stage.aws("s3").put_object(Bucket=lock.id, Key="backup", Body=b"data")
    longer = {"defaultRetention": {"mode": "GOVERNANCE", "days": 9}}
    assert stage.update(lock, bucket=lock.id, rule=longer).inputs["rule"] == longer
    stage.aws("s3").put_object(Bucket=lock.id, Key="second", Body=b"data")
    head = stage.aws("s3").head_object(Bucket=lock.id, Key="second")
    assert (head["ObjectLockRetainUntilDate"] - head["LastModified"]).days in {8, 9}


def test_deleting_a_key_schedules_it_and_counts_as_gone(stage: AwsStage) -> None:
    key = stage.create(KEY, deletionWindowInDays=7)
    assert inventory(stage.local.endpoint, stage.account, stage.local.region).keys == (key.id,)
    stage.delete(key)
    assert stage.aws("kms").describe_key(KeyId=key.id)["KeyMetadata"]["KeyState"] == "PendingDeletion"
    assert not inventory(stage.local.endpoint, stage.account, stage.local.region).alive()


def test_a_budget_changes_its_limit_notices_and_subscribers_in_place(stage: AwsStage) -> None:
    inputs = _filled(stage, BUDGET)
    budget = stage.create(BUDGET, **inputs)
    notices = [{**inputs["notifications"][1], "subscriberEmailAddresses": ["new@harbor.example"]}]
    changed = {**inputs, "limitAmount": "30.0", "notifications": notices, "tags": {}}
    assert stage.update(budget, **changed).inputs == changed
    api = stage.aws("budgets")
    where = {"AccountId": stage.account, "BudgetName": "harbor-budget"}
    assert api.describe_budget(**where)["Budget"]["BudgetLimit"] == {"Amount": "30.0", "Unit": "USD"}
    (notice,) = api.describe_notifications_for_budget(**where)["Notifications"]
    heard = api.describe_subscribers_for_notification(**where, Notification=notice)["Subscribers"]
    assert heard == [{"SubscriptionType": "EMAIL", "Address": "new@harbor.example"}]
    tags = api.list_tags_for_resource(ResourceARN=budget.outputs["arn"])["ResourceTags"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == DEFAULT_TAGS


@pytest.mark.parametrize("token", SAMPLES)
def test_what_exists_is_in_the_inventory_unless_it_is_a_setting_of_something_that_is(
    stage: AwsStage, token: str
) -> None:
    def looked() -> Inventory:
        return inventory(stage.local.endpoint, stage.account, stage.local.region)

    row = CATALOGUE[token]
    settings_of = {
        to for reference in row.references if {reference.path} == set(row.identity_inputs) for to in reference.to
    }
    inputs = _filled(stage, token)  # makes what it needs
    before = looked()
    stage.create(token, **inputs)
    assert looked() != before or (settings_of and settings_of <= REAL.keys() - {token})


def test_looking_at_a_logged_bucket_does_not_change_the_inventory(stage: AwsStage) -> None:
    token = "aws:s3/bucketLogging:BucketLogging"
    logged = stage.create(token, **_filled(stage, token))

    def seen() -> dict[str, int]:
        return dict(inventory(stage.local.endpoint, stage.account, stage.local.region).buckets)

    assert seen() == seen() == {logged.id: 0, f"{logged.id}-log": 0}
    assert stage.aws("s3").list_objects_v2(Bucket=f"{logged.id}-log", Prefix="access/")["KeyCount"] > 0
    stage.aws("s3").put_object(Bucket=f"{logged.id}-log", Key="not a log", Body=b"x")
    assert seen() == {logged.id: 0, f"{logged.id}-log": 1}


def test_the_inventory_is_equal_until_something_changes(stage: AwsStage) -> None:
    def seen() -> Any:
        return inventory(stage.local.endpoint, stage.account, stage.local.region)

    for token in (BUCKET, ALIAS, TOPIC, BUDGET, ROLE, MANAGED, PARAMETER):
        stage.create(token, **_filled(stage, token))
    before = seen()
    assert before == seen()
    for kind in ("buckets", "keys", "aliases", "topics", "budgets", "roles", "policies", "parameters"):
        assert f"{kind}: " in before.alive()
    stage.aws("s3").put_object(Bucket=_bucket(stage), Key="x", Body=b"x")
    assert before != seen()


def _trusted(stage: AwsStage, trust: str = TRUST, *policies: str) -> None:
    role = stage.create(ROLE, name="harbor-jobs", assumeRolePolicy=trust)
    for number, policy in enumerate(policies):
        stage.create("aws:iam/rolePolicy:RolePolicy", role=role.id, name=f"policy-{number}", policy=policy)


def test_a_function_s_code_can_be_fetched_as_it_was_given_and_changes(stage: AwsStage) -> None:
    _trusted(stage)
    made = _function(stage)
    before = (stage.folder / "jobs.zip").read_bytes()
    location = stage.aws("lambda").get_function(FunctionName=made.id)["Code"]["Location"]
    assert base64.b64decode(location.partition(",")[2]) == before
    _zip(stage.folder, "def handler(event, context):\n    raise SystemExit\n")
    changed = stage.update(made, **made.inputs)
    assert changed.outputs["codeSha256"] != made.outputs["codeSha256"]


def test_a_function_without_its_extras_has_what_aws_gives_and_can_lose_them_again(stage: AwsStage) -> None:
    inputs = _filled(stage, FUNCTION)
    made = stage.create(FUNCTION, **inputs)
    plain = {name: inputs[name] for name in ("name", "role", "runtime", "handler", "code")}
    changed = stage.update(made, **plain)
    assert changed.inputs == plain
    assert stage.read(changed) == changed
    found = stage.aws("lambda").get_function_configuration(FunctionName=made.id)
    assert (found["MemorySize"], found["Timeout"], found["DeadLetterConfig"]) == (128, 3, {"TargetArn": ""})
    assert "Environment" not in found


@pytest.mark.parametrize("code", [{"path": "jobs"}, {"assets": {}}, {"path": "/nowhere/jobs.zip"}])
def test_code_that_is_no_zip_file_is_refused(stage: AwsStage, code: Any) -> None:
    _trusted(stage)
    with pytest.raises(ApiRefusal, match="code: "):
        _function(stage, code=code)


def test_a_function_whose_role_lambda_may_not_take_is_refused(stage: AwsStage) -> None:
    with pytest.raises(ApiRefusal, match="cannot be assumed by Lambda"):
        _function(stage)
    _trusted(stage, TRUST.replace("lambda.", "ec2."))
    with pytest.raises(ApiRefusal, match="cannot be assumed by Lambda"):
        _function(stage)


def test_a_queue_that_the_function_s_role_may_not_write_to_is_refused(stage: AwsStage) -> None:
    _trusted(stage, TRUST, OWN)
    queue = str(stage.create(QUEUE, name="harbor-failed").outputs["arn"])
    with pytest.raises(ApiRefusal, match="does not have permissions to call SendMessage on SQS"):
        _function(stage, deadLetterConfig={"targetArn": queue})
    function = _function(stage)
    with pytest.raises(ApiRefusal, match="does not have permissions to call SendMessage on SQS"):
        stage.update(function, **function.inputs, deadLetterConfig={"targetArn": queue})
    with pytest.raises(ApiRefusal, match="does not have permissions to call SendMessage on SQS"):
        stage.create(AFTERWARDS, functionName=function.id, destinationConfig={"onFailure": {"destination": queue}})
    assert stage.read(function) == function


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"scheduleExpression": "cron(0 2 * * *)"}, "Invalid Schedule Expression"),
        ({"scheduleExpressionTimezone": "Asia/Tokio"}, "zone"),
        ({"groupName": "absent"}, "group absent does not exist"),
        ({"name": "harbor-staging-backup"}, "must allow AWS EventBridge Scheduler to assume"),
    ],
)
def test_a_schedule_that_aws_would_not_take_is_refused(stage: AwsStage, change: dict[str, str], said: str) -> None:
    inputs = _filled(stage, SCHEDULE)
    if "name" in change:
        stage.aws("iam").update_assume_role_policy(
            RoleName="harbor-jobs", PolicyDocument=TRUST.replace("scheduler.", "events.")
        )
    with pytest.raises(ApiRefusal, match=said):
        stage.create(SCHEDULE, **{**inputs, **change})
    assert not inventory(stage.local.endpoint, stage.account, stage.local.region).schedules


def test_a_schedule_s_role_may_be_for_its_group_alone(stage: AwsStage) -> None:
    inputs = _filled(stage, SCHEDULE)
    group = f"arn:aws:scheduler:{stage.local.region}:{stage.account}:schedule-group/"
    for name, taken in (("other", False), ("harbor-staging", True)):
        trust = json.loads(TRUST)
        trust["Statement"][0]["Condition"] = {"StringEquals": {"aws:SourceArn": f"{group}{name}"}}
        stage.aws("iam").update_assume_role_policy(RoleName="harbor-jobs", PolicyDocument=json.dumps(trust))
        if taken:
            stage.create(SCHEDULE, **inputs)
        else:
            with pytest.raises(ApiRefusal, match="must allow"):
                stage.create(SCHEDULE, **inputs)


def test_a_schedule_that_says_little_reads_back_as_it_was_said(stage: AwsStage) -> None:
    _trusted(stage)
    target = {"arn": "arn:aws:lambda:x:1:function:f", "roleArn": _role_arn(stage)}
    inputs = {"name": "s", "scheduleExpression": "rate(1 hour)", "flexibleTimeWindow": {"mode": "OFF"}}
    made = stage.create(SCHEDULE, **inputs, target=target)
    assert made.id == "default/s"
    assert made.inputs == {**inputs, "target": target}
    assert stage.read(made) == made


def test_a_log_group_may_change_its_key_and_keep_its_lines_for_ever(stage: AwsStage) -> None:
    made = stage.create(LOGS, **_filled(stage, LOGS))
    changed = stage.update(made, name=made.id)
    assert changed.inputs == {"name": made.id}
    (group,) = stage.aws("logs").describe_log_groups(logGroupNamePrefix=made.id)["logGroups"]
    assert "kmsKeyId" not in group
    assert "retentionInDays" not in group
