"""The stage's backup vault: a second copy of the data, in another cloud and another blast radius (BAK-5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pulumi
from pulumi_aws.s3 import BucketLogging

from bulkhead.model.naming import Kind, Label
from bulkhead.model.settings import StageSettings
from bulkhead.model.vault import Life, lives, locks
from infra.components.keys import stage_key
from infra.components.private_bucket import BucketLock, PrivateBucket, PrivateBucketArgs, Statement
from infra.components.replica import VaultReplica, VaultReplicaArgs

_ACCESS_LOG_DAYS: Final = 366
_ACCESS_LOG_PREFIX: Final = "access/"


@dataclass(frozen=True, slots=True)
class BackupVaultArgs:
    label: Label
    settings: StageSettings


class BackupVault(pulumi.ComponentResource):
    """The bucket of the stage's backups, the KMS key of its contents, and the bucket of its access log.

    What lies where and for how long, `bulkhead/model/vault.py` says. In production nobody can delete a new object
    before its lock ends: a job gives each copy the lock of its tier (`jobs/locks.py`), and what is written without one
    gets the shortest.

    Bucket names end in the AWS account's id, because S3 names are global over all customers.

    Left out: the jobs that write here. A stage whose ``backup.full`` is ``none`` has no
    vault at all: an empty one would cost a key a month and prove nothing.
    """

    def __init__(self, name: str, args: BackupVaultArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("bulkhead:backup:BackupVault", name, {}, opts)
        label, settings = args.label, args.settings
        account = settings.aws.account_id
        child = pulumi.ResourceOptions(parent=self)
        self.key = stage_key(name, label, account, short="vault", contents="Backups", opts=child)
        bucket_name = label.name(Kind.VAULT, account)
        self.access_log = PrivateBucket(
            f"{name}-access-log",
            PrivateBucketArgs(
                name=label.name(Kind.VAULT_LOG, account),
                lives={_ACCESS_LOG_PREFIX: Life(_ACCESS_LOG_DAYS)},
                statements=[_log_delivery(account, bucket_name)],
                disposable=not settings.protected,
            ),
            child,
        )
        self.store = PrivateBucket(
            name,
            PrivateBucketArgs(
                name=bucket_name,
                key_arn=self.key.arn,
                lives=lives(settings.backup),
                lock=lock_of(settings),
                disposable=not settings.protected,
            ),
            child,
        )
        BucketLogging(
            f"{name}-logging",
            bucket=self.store.bucket.id,
            target_bucket=self.access_log.bucket.id,
            target_prefix=_ACCESS_LOG_PREFIX,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self.access_log]),
        )
        self.replica = (
            VaultReplica(
                "replica",
                VaultReplicaArgs(label, settings, self.store, settings.backup.replica_region, lock_of(settings)),
                child,
            )
            if settings.backup.replica_region is not None
            else None
        )
        self.register_outputs({"bucket": self.store.name, "keyArn": self.key.arn})


def lock_of(settings: StageSettings) -> BucketLock | None:
    """Return how the vault locks: what names no end itself, as a copy of the shortest tier; nothing for longer than
    the longest."""
    days = locks(settings.backup)
    return BucketLock(settings.backup.lock.daily_days, max(days.values())) if days else None


def _log_delivery(account: str, source_bucket: str) -> Statement:
    return {
        "Sid": "AllowAccessLogDelivery",
        "Effect": "Allow",
        "Principal": {"Service": "logging.s3.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": f"{_ACCESS_LOG_PREFIX}*",
        "Condition": {
            "ArnLike": {"aws:SourceArn": f"arn:aws:s3:::{source_bucket}"},
            "StringEquals": {"aws:SourceAccount": account},
        },
    }
