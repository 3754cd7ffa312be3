"""What the stage's bucket and role allow, as IAM documents (pure). Least privilege, with a reason for each statement.

Left out on purpose: every right over IAM. Whoever may write roles may widen their own; roles are changed by the person
who runs the bootstrap, never by a pipeline.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from infra.naming import Kind
from operations.bootstrap.parts import Target

GITHUB: Final = "token.actions.githubusercontent.com"
AUDIENCE: Final = "sts.amazonaws.com"

Document = dict[str, Any]

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


def trust(target: Target) -> Document:
    """Return who may take the role: GitHub for a deployment to this one environment, a person of the account who used
    a second factor, and the role itself, because Pulumi's provider assumes it once more inside a pipeline."""
    anybody_in_account = {"AWS": target.arn("iam", "root")}
    return _document(
        {
            "Sid": "GitHubDeploysToThisEnvironment",
            "Effect": "Allow",
            "Principal": {"Federated": target.arn("iam", f"oidc-provider/{GITHUB}")},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {"StringEquals": {f"{GITHUB}:aud": AUDIENCE, f"{GITHUB}:sub": _one_or_all(target.subjects)}},
        },
        {
            "Sid": "PeopleWithSecondFactor",
            "Effect": "Allow",
            "Principal": anybody_in_account,
            "Action": "sts:AssumeRole",
            "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}},
        },
        {
            "Sid": "TheRoleItself",
            "Effect": "Allow",
            "Principal": anybody_in_account,
            "Action": "sts:AssumeRole",
            "Condition": {"ArnEquals": {"aws:PrincipalArn": target.arn("iam", f"role/{target.role}")}},
        },
    )


def permissions(target: Target, key_arn: str) -> Document:
    """Return what the role may do: use the stage's state and secrets, and manage its buckets, keys, topics, budgets."""
    state = f"arn:{target.partition}:s3:::{target.bucket}"
    key_belongs_to_stage = {
        "StringEquals": {"aws:ResourceTag/product": target.label.product},
        "StringLike": {"aws:ResourceTag/environment": _one_or_all(target.environments)},
    }
    return _document(
        _allow("ListState", ["s3:ListBucket"], [state]),
        _allow("KeepState", ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], [f"{state}/.pulumi/*"]),
        _allow("UseSecretsKey", [*_KEY_USE], [key_arn]),
        {
            "Sid": "NeverChangeSecretsKey",
            "Effect": "Deny",
            "NotAction": [*_KEY_USE],
            "Resource": [key_arn, target.arn("kms", target.alias, region=target.region)],
        },
        _allow(
            "ManageVaults",
            [*_BUCKET_SETTINGS, *(_BUCKET_REMOVAL if target.removes else ())],
            [
                pattern
                for name in _names(target, Kind.VAULT)
                for pattern in (f"arn:{target.partition}:s3:::{name}-*", f"arn:{target.partition}:s3:::{name}-*/*")
            ],
        ),
        {
            **_allow("MakeKeys", ["kms:CreateKey", "kms:TagResource"], ["*"]),
            "Condition": {
                "StringEquals": {"aws:RequestTag/product": target.label.product},
                "StringLike": {"aws:RequestTag/environment": _one_or_all(target.environments)},
                # A new key has no tags yet; one of another stage has, and must not be tagged into this one.
                "StringLikeIfExists": {"aws:ResourceTag/environment": _one_or_all(target.environments)},
            },
        },
        {
            **_allow(
                "ManageKeys",
                [*_KEY_SETTINGS, *(["kms:ScheduleKeyDeletion"] if target.removes else [])],
                [target.arn("kms", "key/*", region=target.region)],
            ),
            "Condition": key_belongs_to_stage,
        },
        _allow(
            "NameKeys",
            ["kms:CreateAlias", "kms:DeleteAlias", "kms:UpdateAlias"],
            [target.arn("kms", f"alias/{name}-*", region=target.region) for name in _names(target, Kind.KMS_ALIAS)],
        ),
        _allow("FindKeys", ["kms:ListAliases"], ["*"]),
        _allow(
            "ManageTopics",
            [
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
            ],
            [target.arn("sns", f"{name}-*", region=target.region) for name in _names(target, Kind.TOPIC)],
        ),
        _allow(
            "ManageBudgets",
            [
                "budgets:ListTagsForResource",
                "budgets:ModifyBudget",
                "budgets:TagResource",
                "budgets:UntagResource",
                "budgets:ViewBudget",
            ],
            [target.arn("budgets", f"budget/{name}*") for name in _names(target, Kind.BUDGET)],
        ),
        _allow("AssumeItself", ["sts:AssumeRole"], [target.arn("iam", f"role/{target.role}")]),
    )


def tls_only(target: Target) -> Document:
    """Return the policy of the state bucket: nothing without TLS 1.2, whoever asks."""
    bucket = f"arn:{target.partition}:s3:::{target.bucket}"
    everybody = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": [bucket, f"{bucket}/*"]}
    return _document(
        {"Sid": "DenyPlainHttp", **everybody, "Condition": {"Bool": {"aws:SecureTransport": "false"}}},
        {"Sid": "DenyOldTls", **everybody, "Condition": {"NumericLessThan": {"s3:TlsVersion": "1.2"}}},
    )


def _names(target: Target, kind: Kind) -> list[str]:
    """Return how names of this kind begin (see ``Label.name``), one for each environment the role manages."""
    return [f"{target.label.product}-{environment}-{kind.value}" for environment in target.environments]


def _allow(sid: str, actions: list[str], resources: list[str]) -> dict[str, Any]:
    return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources}


def _one_or_all(values: tuple[str, ...]) -> str | list[str]:
    """Return a single value as IAM gives it back: a list of one would look like a change."""
    return values[0] if len(values) == 1 else [*values]


def _document(*statements: Mapping[str, Any]) -> Document:
    return {"Version": "2012-10-17", "Statement": [dict(statement) for statement in statements]}
