"""The stage's backup vault: a second copy of the data, in another cloud and another blast radius (BAK-5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pulumi
from pulumi_aws.s3 import BucketLogging

from bulkhead.model.naming import Kind, Label
from bulkhead.model.settings import StageSettings
from infra.components.keys import stage_key
from infra.components.private_bucket import PrivateBucket, PrivateBucketArgs, Statement

_ACCESS_LOG_DAYS: Final = 366
_ACCESS_LOG_PREFIX: Final = "access/"


@dataclass(frozen=True, slots=True)
class BackupVaultArgs:
    label: Label
    settings: StageSettings


class BackupVault(pulumi.ComponentResource):
    """The bucket of the stage's backups, the KMS key of its contents, and the bucket of its access log.

    Each tier of BAK-4 has its prefix and its life: ``database/daily/``, ``weekly/``, ``monthly/``, ``yearly/`` where
    the stage keeps yearly copies, ``interim/`` where it makes copies between the daily ones. In production no new
    object can be deleted for ``backup.lock_days``.

    Bucket names end in the AWS account's id, because S3 names are global over all customers.

    Left out: the jobs that write here, and the second region of BAK-9. A stage whose ``backup.full`` is ``none`` has no
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
                expire_after_days={_ACCESS_LOG_PREFIX: _ACCESS_LOG_DAYS},
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
                expire_after_days=backup_lives(settings),
                lock_days=settings.backup.lock_days if settings.protected else None,
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
        self.register_outputs({"bucket": self.store.name, "keyArn": self.key.arn})


def backup_lives(settings: StageSettings) -> dict[str, int]:
    """Return the life in days of each prefix under which backups are written; a tier the stage lacks has none."""
    keep = settings.backup.retention
    lives = {
        "database/daily/": keep.daily_days,
        "database/weekly/": keep.weekly_days,
        "database/monthly/": keep.monthly_days,
    }
    if keep.yearly_days is not None:
        lives["database/yearly/"] = keep.yearly_days
    if settings.backup.interim_hours is not None:
        lives["database/interim/"] = keep.daily_days
    return lives


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
