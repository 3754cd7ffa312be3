"""What the role may do in AWS that deploys a stage, with a reason for every statement (pure): what the resources of the
program need, no more; `tests/identities` compares the types below with the types that the program makes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from bulkhead.model.aws_scope import JOURNAL, AwsScope
from bulkhead.model.iam import Grant, called, one_or_all
from bulkhead.model.naming import Kind
from bulkhead.model.product import Product
from bulkhead.model.roles import Role
from bulkhead.resources import types as t
from jobs.folders import DATABASES

_BUCKET_SETTINGS: Final = (
    "s3:CreateBucket",
    "s3:GetAccelerateConfiguration",
    "s3:GetBucket*",
    "s3:GetEncryptionConfiguration",
    "s3:GetLifecycleConfiguration",
    "s3:GetReplicationConfiguration",
    "s3:ListBucket",
    "s3:ListTagsForResource",
    "s3:PutBucketLogging",
    "s3:PutBucketObjectLockConfiguration",
    "s3:PutBucketOwnershipControls",
    "s3:PutBucketPolicy",
    "s3:PutBucketPublicAccessBlock",
    "s3:PutBucketTagging",
    "s3:PutBucketVersioning",
    "s3:PutEncryptionConfiguration",
    "s3:PutLifecycleConfiguration",
    "s3:PutReplicationConfiguration",
    "s3:TagResource",
    "s3:UntagResource",
)
# What `bulkhead destroy` needs, so production's role has none of it: its backups outlive every mistake of a pipeline.
_BUCKET_REMOVAL: Final = (
    "s3:AbortMultipartUpload",
    "s3:DeleteBucket",
    "s3:DeleteBucketPolicy",
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
    "s3:ListBucketMultipartUploads",
    "s3:ListBucketVersions",
)
_KEY_SETTINGS: Final = (
    "kms:CreateAlias",
    "kms:DeleteAlias",
    "kms:DescribeKey",
    "kms:DisableKeyRotation",
    "kms:EnableKey",
    "kms:EnableKeyRotation",
    "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus",
    "kms:ListResourceTags",
    "kms:PutKeyPolicy",
    "kms:UntagResource",
    "kms:UpdateAlias",
    "kms:UpdateKeyDescription",
)
_KEY_USE: Final = ("kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey")
_TOPIC_SETTINGS: Final = (
    "sns:CreateTopic",
    "sns:DeleteTopic",
    "sns:Get*",
    "sns:ListSubscriptionsByTopic",
    "sns:ListTagsForResource",
    "sns:SetSubscriptionAttributes",
    "sns:SetTopicAttributes",
    "sns:Subscribe",
    "sns:TagResource",
    "sns:Unsubscribe",
    "sns:UntagResource",
)
_ALARM_SETTINGS: Final = (
    "cloudwatch:DeleteAlarms",
    "cloudwatch:DescribeAlarms",
    "cloudwatch:ListTagsForResource",
    "cloudwatch:PutMetricAlarm",
    "cloudwatch:TagResource",
    "cloudwatch:UntagResource",
)
_BUDGET_SETTINGS: Final = (
    "budgets:ListTagsForResource",
    "budgets:ModifyBudget",
    "budgets:TagResource",
    "budgets:UntagResource",
    "budgets:ViewBudget",
)
_PARAMETER_SETTINGS: Final = (
    "ssm:AddTagsToResource",
    "ssm:DeleteParameter",
    "ssm:GetParameter",
    "ssm:GetParameters",
    "ssm:ListTagsForResource",
    "ssm:PutParameter",
    "ssm:RemoveTagsFromResource",
)
_S3: Final = (
    t.S3_BUCKET,
    t.S3_BUCKET_LIFECYCLE_CONFIGURATION,
    t.S3_BUCKET_LOGGING,
    t.S3_BUCKET_OBJECT_LOCK_CONFIGURATION,
    t.S3_BUCKET_OWNERSHIP_CONTROLS,
    t.S3_BUCKET_POLICY,
    t.S3_BUCKET_PUBLIC_ACCESS_BLOCK,
    t.S3_BUCKET_REPLICATION_CONFIG,
    t.S3_BUCKET_SERVER_SIDE_ENCRYPTION_CONFIGURATION,
    t.S3_BUCKET_VERSIONING,
)
_SNS: Final = (t.SNS_TOPIC, t.SNS_TOPIC_POLICY, t.SNS_TOPIC_SUBSCRIPTION)
TWINS: Final = "twins/*"
"""The redacted twin of the state, for readers who need names and versions, and no secret (bulkhead/twin/state.py)."""


def deploying(scope: AwsScope, product: Product) -> Iterator[Grant]:
    tagged = {"StringEquals": {"aws:ResourceTag/product": scope.label.product}}
    own_environments = one_or_all(scope.environments)
    every_key, secrets = scope.arn("kms", "key/*", region=scope.region), called(scope.secrets_alias)
    own_keys = [scope.arn("kms", "key/*", region=region) for region in scope.regions]
    yield Grant("ListState", "the engine looks for the stage's state", ["s3:ListBucket"], [scope.state_bucket])
    yield Grant(
        "KeepState",
        "the engine writes the state down after each step",
        ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
        [f"{scope.state_bucket}/.pulumi/*"],
    )
    yield Grant(
        "PublishTwin",
        "after a deployment the redacted twin is compared and published, on which pull requests are previewed",
        ["s3:GetObject", "s3:PutObject"],
        [f"{scope.state_bucket}/{TWINS}"],
    )
    yield Grant(
        "KeepJournal",
        "a deployment notes each step before it is taken, so that one which was killed can be continued",
        ["s3:GetObject", "s3:PutObject"],
        [f"{scope.state_bucket}/{JOURNAL}*"],
    )
    if scope.keeps_backups:
        yield from _backs_up(scope)
    yield Grant("UseSecretsKey", "the program reads the stage's secrets", _KEY_USE, [every_key], secrets)
    yield Grant(
        "NeverChangeSecretsKey",
        "the key of the secrets is changed by the person who made it",
        _KEY_USE,
        [every_key],
        secrets,
        denies=True,
        all_but=True,
    )
    yield Grant(
        "NeverRenameSecretsKey",
        "the rights above go by that key's name",
        ["kms:CreateAlias", "kms:DeleteAlias", "kms:UpdateAlias"],
        [scope.arn("kms", scope.secrets_alias, region=scope.region)],
        denies=True,
    )
    yield Grant(
        "ManageVaults",
        "backups and their access log lie in buckets of the stage" + (", removed with it" if scope.removes else ""),
        [*_BUCKET_SETTINGS, *(_BUCKET_REMOVAL if scope.removes else ())],
        [*scope.vaults(), *scope.vaults(objects=True)],
        types=_S3,
    )
    if scope.replica_region:
        yield Grant(
            "HandS3TheRoleThatCopies",
            "S3 copies the vault with it, and nobody else may take it",
            ["iam:PassRole"],
            [scope.replication_role_arn],
            {"StringEquals": {"iam:PassedToService": "s3.amazonaws.com"}},
            [t.S3_BUCKET_REPLICATION_CONFIG],
        )
    if scope.keeps_backups:
        yield Grant(
            "ReadBackups",
            "a restore reads a backup before it changes a database, and is noted down where deployments are",
            ["s3:GetObject"],
            [f"arn:{scope.partition}:s3:::{scope.vault}/{DATABASES}*"],
        )
        yield Grant(
            "OpenBackups",
            "backups are encrypted with the vault's key",
            ["kms:Decrypt"],
            [every_key],
            called(scope.vault_alias),
        )
    yield Grant(
        "MakeKeys",
        "a key has no name before it exists, so it must be made with the stage's tags",
        ["kms:CreateKey", "kms:TagResource"],
        ["*"],
        {
            "StringEquals": {"aws:RequestTag/product": scope.label.product},
            "StringLike": {"aws:RequestTag/environment": own_environments},
            # A new key has no tags yet; one of another stage has, and must not be tagged into this one.
            "StringLikeIfExists": {"aws:ResourceTag/environment": own_environments},
        },
        [t.KMS_KEY],
    )
    yield Grant(
        "ManageKeys",
        "backups are encrypted with a key of the stage",
        [*_KEY_SETTINGS, *(["kms:ScheduleKeyDeletion"] if scope.removes else [])],
        own_keys,
        {**tagged, "StringLike": {"aws:ResourceTag/environment": own_environments}},
        [t.KMS_ALIAS, t.KMS_KEY],
    )
    yield Grant(
        "NameKeys",
        "an alias needs a right on itself, and one on its key",
        ["kms:CreateAlias", "kms:DeleteAlias", "kms:UpdateAlias"],
        [
            scope.arn("kms", f"alias/{name}-*", region=region)
            for name in scope.names(Kind.KMS_ALIAS)
            for region in scope.regions
        ],
        types=[t.KMS_ALIAS],
    )
    yield Grant(
        "FindKeys",
        "the aliases of an account can be listed only as a whole",
        ["kms:ListAliases"],
        ["*"],
        types=[t.KMS_ALIAS],
    )
    yield Grant(
        "ManageTopics",
        "notices of cost and alarms go out through topics of the stage",
        _TOPIC_SETTINGS,
        [scope.arn("sns", f"{name}-*", region=scope.region) for name in scope.names(Kind.TOPIC)],
        types=_SNS,
    )
    yield Grant(
        "ManageAlarms",
        "somebody is told when something of the stage goes wrong",
        _ALARM_SETTINGS,
        [scope.arn("cloudwatch", f"alarm:{name}-*", region=scope.region) for name in scope.names(Kind.ALARM)],
        types=[t.CLOUDWATCH_METRIC_ALARM],
    )
    yield Grant(
        "ManageBudgets",
        "the stage has a monthly budget",
        _BUDGET_SETTINGS,
        [scope.arn("budgets", f"budget/{name}*") for name in scope.names(Kind.BUDGET)],
        types=[t.BUDGET],
    )
    if any(secret.jobs for secret in product.secrets):
        yield Grant(
            "KeepJobSecrets",
            "jobs read their secrets from parameters of the stage",
            _PARAMETER_SETTINGS,
            [scope.arn("ssm", f"parameter/{name}-*", region=scope.region) for name in scope.names(Kind.PARAMETER)],
            types=[t.SSM_PARAMETER],
        )
        yield Grant(
            "FindJobSecrets",
            "the parameters of an account can be listed only as a whole",
            ["ssm:DescribeParameters"],
            ["*"],
            types=[t.SSM_PARAMETER],
        )
    yield Grant(
        "AssumeItself",
        "Pulumi's provider takes the role once more inside a pipeline that has it",
        ["sts:AssumeRole"],
        [scope.role_arn(Role.DEPLOY)],
    )


def _backs_up(scope: AwsScope) -> Iterator[Grant]:
    """What a deployment needs to keep a copy of a database before it changes it: no copy is read, or replaced."""
    locks = [] if scope.removes else ["s3:PutObjectRetention"]  # only production locks anything
    yield Grant(
        "AddBackups",
        "a database is backed up before a migration changes it",
        ["s3:AbortMultipartUpload", "s3:PutObject", *locks],
        [f"arn:{scope.partition}:s3:::{scope.vault}/database/daily/*"],
    )
    yield uses_vault_key(scope)


def uses_vault_key(scope: AwsScope) -> Grant:
    return Grant(
        "UseVaultKey",
        "a backup is encrypted when it is written",
        ["kms:Decrypt", "kms:GenerateDataKey"],
        [scope.arn("kms", "key/*", region=scope.region)],
        called(scope.vault_alias),
    )
