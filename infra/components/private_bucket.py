"""An S3 bucket nobody but its account can reach: the one way this program makes S3 buckets (SEC-8)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import pulumi
from pulumi_aws.s3 import (
    Bucket,
    BucketLifecycleConfiguration,
    BucketLifecycleConfigurationRuleArgsDict,
    BucketObjectLockConfiguration,
    BucketOwnershipControls,
    BucketPolicy,
    BucketPublicAccessBlock,
    BucketServerSideEncryptionConfiguration,
    BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgsDict,
    BucketVersioning,
)

from bulkhead.model.vault import Life
from jobs.locks import MODE

_ABANDONED_UPLOAD_DAYS: Final = 7

Statement = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class BucketLock:
    """For how many days an object is locked that names no end itself, and the most for which anybody may lock one."""

    default_days: int
    most_days: int


@dataclass(frozen=True, slots=True)
class PrivateBucketArgs:
    """What makes one bucket differ from another.

    ``name`` is the physical name, global over all of S3. ``key_arn`` is the KMS key of the contents; without it S3
    keeps the key, as log delivery demands. ``lives`` are by key prefix; no prefix may be empty or begin another one,
    because S3 takes the shorter of two lives. ``lock`` protects each new object from deletion; None makes a bucket
    without object lock, which cannot be changed later. ``statements`` join the bucket's policy; their
    ``Resource`` is a pattern of keys in it. ``disposable`` lets the bucket go together with what it holds, as a stage
    that is not protected must be able to: its access log is never empty, because removing the stage is itself logged.
    ``region`` is another one than the stage's.
    """

    name: str
    key_arn: pulumi.Input[str] | None = None
    lives: Mapping[str, Life] = field(default_factory=dict)
    lock: BucketLock | None = None
    statements: Sequence[Statement] = ()
    disposable: bool = False
    region: str | None = None


class PrivateBucket(pulumi.ComponentResource):
    """A versioned, encrypted bucket that refuses public access, ACLs and anything below TLS 1.2.

    With ``lock``, object lock is in governance mode, and the policy denies everybody the right to bypass it: to delete
    a locked object, somebody has to change the bucket's policy first, which is a visible act of its own. Nor may
    anybody lock in compliance mode, or for longer than ``most_days``: nobody could end such a lock, not after a mistake
    and not for an erasure, and whoever may write could fill the bucket for a hundred years.
    """

    def __init__(self, name: str, args: PrivateBucketArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("bulkhead:backup:PrivateBucket", name, {}, opts)
        self._args = args
        self.bucket = Bucket(
            name,
            bucket=args.name,
            object_lock_enabled=args.lock is not None,
            force_destroy=args.disposable,
            region=args.region,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.name = self.bucket.bucket
        self.arn = self.bucket.arn
        self._close(name)
        self._encrypt(name)
        self._keep(name)
        self.register_outputs({"name": self.name, "arn": self.arn})

    def _child(self, *after: pulumi.Resource) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, depends_on=list(after))

    def _close(self, name: str) -> None:
        """One after the other: S3 answers 409 when two of these change the same bucket at once."""
        block = BucketPublicAccessBlock(
            f"{name}-no-public-access",
            bucket=self.bucket.id,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            region=self._args.region,
            opts=self._child(),
        )
        ownership = BucketOwnershipControls(
            f"{name}-no-acls",
            bucket=self.bucket.id,
            rule={"object_ownership": "BucketOwnerEnforced"},
            region=self._args.region,
            opts=self._child(block),
        )
        BucketPolicy(
            f"{name}-policy",
            bucket=self.bucket.id,
            policy=self.arn.apply(self._policy),
            region=self._args.region,
            opts=self._child(ownership),
        )

    def _encrypt(self, name: str) -> None:
        default: BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgsDict
        if self._args.key_arn is None:
            default = {"sse_algorithm": "AES256"}
        else:
            default = {"sse_algorithm": "aws:kms", "kms_master_key_id": self._args.key_arn}
        BucketServerSideEncryptionConfiguration(
            f"{name}-encryption",
            bucket=self.bucket.id,
            rules=[
                {
                    "apply_server_side_encryption_by_default": default,
                    "bucket_key_enabled": self._args.key_arn is not None,
                    "blocked_encryption_types": ["SSE-C"],
                }
            ],
            region=self._args.region,
            opts=self._child(),
        )

    def _keep(self, name: str) -> None:
        self.versioning = versioning = BucketVersioning(
            f"{name}-versioning",
            bucket=self.bucket.id,
            versioning_configuration={"status": "Enabled"},
            region=self._args.region,
            opts=self._child(),
        )
        BucketLifecycleConfiguration(
            f"{name}-lifecycle",
            bucket=self.bucket.id,
            rules=lifecycle_rules(self._args.lives),
            region=self._args.region,
            opts=self._child(versioning),
        )
        if self._args.lock is not None:
            BucketObjectLockConfiguration(
                f"{name}-lock",
                bucket=self.bucket.id,
                rule={"default_retention": {"mode": MODE, "days": self._args.lock.default_days}},
                region=self._args.region,
                opts=self._child(versioning),
            )

    def _policy(self, arn: str) -> str:
        anybody, everything = {"AWS": "*"}, [arn, f"{arn}/*"]
        statements: list[Statement] = [
            {
                "Sid": "DenyPlainHttp",
                "Effect": "Deny",
                "Principal": anybody,
                "Action": "s3:*",
                "Resource": everything,
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            },
            {
                "Sid": "DenyOldTls",
                "Effect": "Deny",
                "Principal": anybody,
                "Action": "s3:*",
                "Resource": everything,
                "Condition": {"NumericLessThan": {"s3:TlsVersion": "1.2"}},
            },
        ]
        if self._args.lock is not None:
            statements.extend(lock_statements(self._args.lock, f"{arn}/*"))
        statements.extend(
            {**statement, "Resource": f"{arn}/{statement['Resource']}"} for statement in self._args.statements
        )
        return json.dumps({"Version": "2012-10-17", "Statement": statements}, sort_keys=True)


def lock_statements(lock: BucketLock, objects: str) -> Iterator[Statement]:
    """Return what a locked bucket denies to everybody about its ``objects``, as a pattern of ARNs."""
    # A clock that is ahead of S3's asks for a day more.
    denied = {"Effect": "Deny", "Principal": {"AWS": "*"}, "Resource": objects}
    locking = {**denied, "Action": ["s3:PutObject", "s3:PutObjectRetention"]}
    yield {**denied, "Sid": "DenyDeletingLockedObjects", "Action": "s3:BypassGovernanceRetention"}
    yield {
        **locking,
        "Sid": "DenyLocksThatNobodyCanEnd",
        "Condition": {"StringEquals": {"s3:object-lock-mode": "COMPLIANCE"}},
    }
    yield {
        **locking,
        "Sid": "DenyLocksLongerThanAnyTier",
        "Condition": {"NumericGreaterThan": {"s3:object-lock-remaining-retention-days": str(lock.most_days + 1)}},
    }


def lifecycle_rules(lives: Mapping[str, Life]) -> list[BucketLifecycleConfigurationRuleArgsDict]:
    """Return one rule per prefix (BAK-4) and one for the whole bucket that removes what nobody can see any more."""
    ending: list[BucketLifecycleConfigurationRuleArgsDict] = []
    for prefix, life in lives.items():
        rule: BucketLifecycleConfigurationRuleArgsDict = {
            "id": f"expire-{prefix.strip('/').replace('/', '-')}",
            "status": "Enabled",
            "filter": {"prefix": prefix},
            "noncurrent_version_expiration": {"noncurrent_days": life.undo_days},
        }
        ending.append({**rule, "expiration": {"days": life.days}} if life.days is not None else rule)
    leftovers: BucketLifecycleConfigurationRuleArgsDict = {
        "id": "remove-leftovers",
        "status": "Enabled",
        "filter": {"prefix": ""},
        "expiration": {"expired_object_delete_marker": True},
        "abort_incomplete_multipart_upload": {"days_after_initiation": _ABANDONED_UPLOAD_DAYS},
    }
    return [*ending, leftovers]
