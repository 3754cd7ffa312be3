"""Which Pulumi types of AWS the local cloud makes real. What is not in this table is not real here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from bulkhead.localclouds.aws import budgets, cloudwatch, iam, kms, s3, s3_settings, sns, ssm
from bulkhead.localclouds.aws.local import LocalAws
from bulkhead.localclouds.aws.resource import AwsResource
from bulkhead.localclouds.providers.handler import Identity, Recorded

REAL: Final[Mapping[str, type[AwsResource]]] = {
    "aws:budgets/budget:Budget": budgets.Budget,
    "aws:cloudwatch/metricAlarm:MetricAlarm": cloudwatch.MetricAlarm,
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": iam.OpenIdConnectProvider,
    "aws:iam/policy:Policy": iam.Policy,
    "aws:iam/role:Role": iam.Role,
    "aws:iam/rolePolicy:RolePolicy": iam.RolePolicy,
    "aws:kms/alias:Alias": kms.Alias,
    "aws:kms/key:Key": kms.Key,
    "aws:s3/bucket:Bucket": s3.Bucket,
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": s3_settings.BucketLifecycleConfiguration,
    "aws:s3/bucketLogging:BucketLogging": s3_settings.BucketLogging,
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": s3_settings.BucketObjectLockConfiguration,
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": s3_settings.BucketOwnershipControls,
    "aws:s3/bucketPolicy:BucketPolicy": s3.BucketPolicy,
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": s3_settings.BucketPublicAccessBlock,
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
        s3_settings.BucketServerSideEncryptionConfiguration
    ),
    "aws:s3/bucketVersioning:BucketVersioning": s3_settings.BucketVersioning,
    "aws:sns/topic:Topic": sns.Topic,
    "aws:sns/topicPolicy:TopicPolicy": sns.TopicPolicy,
    "aws:sns/topicSubscription:TopicSubscription": sns.TopicSubscription,
    "aws:ssm/parameter:Parameter": ssm.Parameter,
}


def handlers(local: LocalAws) -> Mapping[str, Callable[[str, Identity], Recorded]]:
    """Return, for each type token, what makes its handler from the token and its rules."""
    return {token: partial(kind, local=local) for token, kind in REAL.items()}
