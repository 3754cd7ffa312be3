"""Which Pulumi types of AWS the local cloud makes real. Types outside this table are only recorded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from bulkhead.localclouds.aws import (
    budgets,
    cloudwatch,
    iam,
    kms,
    lambdas,
    logs,
    s3,
    s3_settings,
    scheduler,
    sns,
    sqs,
    ssm,
)
from bulkhead.localclouds.aws.local import LocalAws
from bulkhead.localclouds.aws.resource import AwsResource
from bulkhead.localclouds.providers.handler import Identity, Recorded
from bulkhead.resources import types as t

REAL: Final[Mapping[str, type[AwsResource]]] = {
    t.BUDGET: budgets.Budget,
    t.CLOUDWATCH_LOG_GROUP: logs.LogGroup,
    t.CLOUDWATCH_METRIC_ALARM: cloudwatch.MetricAlarm,
    t.IAM_OPEN_ID_CONNECT_PROVIDER: iam.OpenIdConnectProvider,
    t.IAM_POLICY: iam.Policy,
    t.IAM_ROLE: iam.Role,
    t.IAM_ROLE_POLICY: iam.RolePolicy,
    t.KMS_ALIAS: kms.Alias,
    t.KMS_KEY: kms.Key,
    t.LAMBDA_FUNCTION: lambdas.Function,
    t.LAMBDA_FUNCTION_EVENT_INVOKE_CONFIG: lambdas.FunctionEventInvokeConfig,
    t.S3_BUCKET: s3.Bucket,
    t.S3_BUCKET_LIFECYCLE_CONFIGURATION: s3_settings.BucketLifecycleConfiguration,
    t.S3_BUCKET_LOGGING: s3_settings.BucketLogging,
    t.S3_BUCKET_OBJECT_LOCK_CONFIGURATION: s3_settings.BucketObjectLockConfiguration,
    t.S3_BUCKET_OWNERSHIP_CONTROLS: s3_settings.BucketOwnershipControls,
    t.S3_BUCKET_POLICY: s3_settings.BucketPolicy,
    t.S3_BUCKET_PUBLIC_ACCESS_BLOCK: s3_settings.BucketPublicAccessBlock,
    t.S3_BUCKET_REPLICATION_CONFIG: s3_settings.BucketReplicationConfig,
    t.S3_BUCKET_SERVER_SIDE_ENCRYPTION_CONFIGURATION: (s3_settings.BucketServerSideEncryptionConfiguration),
    t.S3_BUCKET_VERSIONING: s3_settings.BucketVersioning,
    t.SCHEDULER_SCHEDULE: scheduler.Schedule,
    t.SCHEDULER_SCHEDULE_GROUP: scheduler.ScheduleGroup,
    t.SNS_TOPIC: sns.Topic,
    t.SNS_TOPIC_POLICY: sns.TopicPolicy,
    t.SNS_TOPIC_SUBSCRIPTION: sns.TopicSubscription,
    t.SQS_QUEUE: sqs.Queue,
    t.SSM_PARAMETER: ssm.Parameter,
}


def handlers(local: LocalAws) -> Mapping[str, Callable[[str, Identity], Recorded]]:
    """Return, for each type token, what makes its handler from the token and its rules."""
    return {token: partial(kind, local=local) for token, kind in REAL.items()}
