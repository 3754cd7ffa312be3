"""Where the rules of AWS's types come from."""

from __future__ import annotations

from typing import Final

from bulkhead.localclouds.sources.places import (
    AUTONAMING,
    AWS_REGION,
    AWS_TAGS,
    Sources,
    aws_docs,
    aws_model,
    aws_plugin,
    issue,
)
from bulkhead.resources import types as t

_IAM_QUOTAS: Final = aws_docs("IAM/latest/UserGuide/reference_iam-quotas")
SOURCES: Final[Sources] = {
    t.S3_BUCKET: {
        aws_model("s3", "BucketAlreadyExists"): ("create",),
        AUTONAMING: ("own_name",),
        AWS_TAGS: ("plan",),
    },
    t.S3_BUCKET_VERSIONING: {
        f"{aws_model('s3', 'BucketVersioningStatus')} {aws_plugin('s3/bucket_versioning.go')}": (
            "one of: versioningConfiguration.status",
        ),
        f"{aws_plugin('s3/bucket_versioning.go')} {AWS_REGION}": ("replaced_by",),
        AWS_REGION: ("computed",),
    },
    t.S3_BUCKET_SERVER_SIDE_ENCRYPTION_CONFIGURATION: {
        aws_model("s3", "ServerSideEncryption"): ("one of: rules[*].applyServerSideEncryptionByDefault.sseAlgorithm",),
        aws_model("s3", "EncryptionType"): ("one of: rules[*].blockedEncryptionTypes[*]",),
        AWS_REGION: ("computed",),
    },
    t.S3_BUCKET_PUBLIC_ACCESS_BLOCK: {AWS_REGION: ("computed",)},
    t.S3_BUCKET_POLICY: {AWS_REGION: ("computed",)},
    t.S3_BUCKET_OWNERSHIP_CONTROLS: {
        aws_model("s3", "ObjectOwnership"): ("one of: rule.objectOwnership",),
        f"{aws_plugin('s3/bucket_ownership_controls.go')} {AWS_REGION}": ("replaced_by",),
        AWS_REGION: ("computed",),
    },
    t.S3_BUCKET_LIFECYCLE_CONFIGURATION: {
        aws_model("s3", "BucketLifecycleConfiguration"): ("needs: rules",),
        aws_model("s3", "ExpirationStatus"): ("one of: rules[*].status",),
        aws_model("s3", "LifecycleRule"): ("filter_of_each_rule",),
        AWS_REGION: ("computed",),
    },
    t.S3_BUCKET_OBJECT_LOCK_CONFIGURATION: {
        aws_model("s3", "ObjectLockEnabled"): ("one of: objectLockEnabled", "defaults"),
        aws_model("s3", "ObjectLockRetentionMode"): ("one of: rule.defaultRetention.mode",),
        aws_model("s3", "DefaultRetention"): ("exactly one: rule.defaultRetention",),
        AWS_REGION: ("computed",),
    },
    t.S3_BUCKET_LOGGING: {
        aws_model("s3", "LoggingEnabled"): ("needs: targetBucket, targetPrefix",),
        AWS_REGION: ("computed",),
    },
    t.KMS_KEY: {
        aws_plugin("kms/key.go"): ("between: deletionWindowInDays", "json text: policy", "defaults"),
        f"{aws_plugin('kms/key.go')} {AWS_REGION}": ("replaced_by", "computed"),
        aws_model("kms", "RotationPeriodInDaysType"): ("between: rotationPeriodInDays",),
        aws_model("kms", "KeyUsageType"): ("one of: keyUsage",),
        AWS_TAGS: ("plan",),
    },
    t.KMS_ALIAS: {
        aws_model("kms", "CreateAliasRequest"): ("shaped: name",),
        aws_model("kms", "AlreadyExistsException"): ("create",),
        f"{aws_plugin('kms/alias.go')} {AWS_REGION}": ("replaced_by", "computed"),
        AUTONAMING: ("needs: name", "own_name"),
    },
    t.SNS_TOPIC: {
        aws_model("sns", "CreateTopicInput"): ("shaped: name",),
        AUTONAMING: ("needs: name", "own_name"),
        AWS_TAGS: ("plan",),
    },
    t.SNS_TOPIC_POLICY: {
        aws_plugin("sns/topic_policy.go"): ("json text: policy", "shaped: arn", "computed"),
        f"{aws_plugin('sns/topic_policy.go')} {AWS_REGION}": ("replaced_by",),
    },
    t.SNS_TOPIC_SUBSCRIPTION: {aws_model("sns", "SubscribeInput"): ("one of: protocol",)},
    t.CLOUDWATCH_METRIC_ALARM: {
        aws_model("cloudwatch", "PutMetricAlarmInput"): (
            "exactly one: metricName, metricQueries",
            "one of: treatMissingData",
            "whole_minutes",
        ),
        aws_model("cloudwatch", "Statistic"): ("one of: statistic",),
        AUTONAMING: ("own_name",),
        AWS_TAGS: ("plan",),
    },
    t.BUDGET: {
        aws_model("budgets", "BudgetType"): ("one of: budgetType",),
        aws_model("budgets", "NotificationWithSubscribersList"): ("sized: notifications",),
        aws_model("budgets", "ComparisonOperator"): ("one of: notifications[*].comparisonOperator",),
        aws_model("budgets", "NotificationType"): ("one of: notifications[*].notificationType",),
        aws_model("budgets", "ThresholdType"): ("one of: notifications[*].thresholdType",),
        aws_model("budgets", "Subscribers"): ("subscribers",),
        issue("hashicorp/terraform-provider-aws", 39850): ("tag_filters",),
        aws_model("budgets", "Budget"): ("computed",),
        AUTONAMING: ("own_name",),
        AWS_TAGS: ("plan",),
    },
    t.IAM_ROLE: {
        aws_model("iam", "roleNameType"): ("shaped: name",),
        aws_model("iam", "roleMaxSessionDurationType"): ("between: maxSessionDuration",),
        aws_model("iam", "CreateRoleRequest"): ("json text: assumeRolePolicy",),
        aws_model("iam", "EntityAlreadyExistsException"): ("create",),
        AUTONAMING: ("needs: name", "own_name"),
        AWS_TAGS: ("plan",),
    },
    t.SSM_PARAMETER: {
        aws_model("ssm", "ParameterType"): ("one of: type",),
        aws_model("ssm", "PutParameterRequest"): ("fits_its_tier", "limits"),
        aws_model("ssm", "ParameterAlreadyExists"): ("create",),
        aws_model("ssm", "PSParameterValue"): ("secrets",),
        AUTONAMING: ("needs: name", "own_name"),
        AWS_TAGS: ("plan",),
    },
    t.IAM_POLICY: {
        aws_model("iam", "policyNameType"): ("shaped: name",),
        aws_plugin("iam/policy.go"): ("json text: policy", "replaced_by", "computed"),
        _IAM_QUOTAS: ("limits",),
        aws_model("iam", "EntityAlreadyExistsException"): ("create",),
        AUTONAMING: ("needs: name", "own_name"),
        AWS_TAGS: ("plan",),
    },
    t.IAM_ROLE_POLICY: {
        aws_plugin("iam/role_policy.go"): ("json text: policy", "replaced_by"),
        _IAM_QUOTAS: ("limits",),
        AUTONAMING: ("needs: name", "own_name"),
    },
    t.IAM_OPEN_ID_CONNECT_PROVIDER: {
        aws_model("iam", "CreateOpenIDConnectProviderRequest"): ("shaped: url", "sized: clientIdLists"),
        aws_plugin("iam/openid_connect_provider.go"): ("replaced_by", "computed"),
        aws_model("iam", "EntityAlreadyExistsException"): ("create",),
        AWS_TAGS: ("plan",),
    },
}
