"""A copy of the vault in a second region, so that no backup is lost with the first (BAK-9)."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_aws.s3 import BucketReplicationConfig, BucketReplicationConfigRuleArgsDict

from bulkhead.model.aws_scope import aws_scope_of
from bulkhead.model.naming import Label
from bulkhead.model.settings import StageSettings
from bulkhead.model.vault import REPLICA, lives
from infra.components.keys import stage_key
from infra.components.private_bucket import BucketLock, PrivateBucket, PrivateBucketArgs
from jobs.folders import MIRRORED


@dataclass(frozen=True, slots=True)
class VaultReplicaArgs:
    """``vault`` is what is copied, ``region`` where to, and ``lock`` as that of the vault."""

    label: Label
    settings: StageSettings
    vault: PrivateBucket
    region: str
    lock: BucketLock | None


class VaultReplica(pulumi.ComponentResource):
    """A bucket in the second region, with a key, lives and locks of its own, and the rule by which S3 fills it.

    Every new version is copied with its lock. A deletion is not: whoever deletes in the vault, deletes nothing here,
    and an expiry is not copied either, so the copy has the same lives. Of mirrored files the marker is copied which
    says that one is gone at its source: without it they would stay here for ever. S3 copies with a role that the
    identities make (identities/replication.py), because a stage makes none.

    Left out: copying back, which is a restore; what was in the vault before, which S3 Batch Replication copies once;
    and S3's promise of fifteen minutes, which costs as much again as the copy.
    """

    def __init__(self, name: str, args: VaultReplicaArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("bulkhead:backup:VaultReplica", name, {}, opts)
        label, settings = args.label, args.settings
        scope = aws_scope_of(label, settings)
        child = pulumi.ResourceOptions(parent=self)
        self.key = stage_key(
            name, label, scope.account, short=REPLICA, contents="Copied backups", region=args.region, opts=child
        )
        self.store = PrivateBucket(
            name,
            PrivateBucketArgs(
                name=scope.replica,
                key_arn=self.key.arn,
                lives=lives(settings.backup),
                lock=args.lock,
                disposable=not settings.protected,
                region=args.region,
            ),
            child,
        )
        BucketReplicationConfig(
            f"{name}-replication",
            bucket=args.vault.bucket.id,
            role=scope.replication_role_arn,
            rules=[self._rule(REPLICA, 1), self._rule("mirrored", 2, MIRRORED)],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[args.vault.versioning, self.store.versioning]),
        )
        self.register_outputs({"bucket": self.store.name, "keyArn": self.key.arn})

    def _rule(self, id_: str, priority: int, prefix: str = "") -> BucketReplicationConfigRuleArgsDict:
        """Return the rule for a prefix; of two about one object, S3 follows the one with the higher priority."""
        return {
            "id": id_,
            "status": "Enabled",
            "priority": priority,
            "filter": {"prefix": prefix},
            "delete_marker_replication": {"status": "Enabled" if prefix == MIRRORED else "Disabled"},
            "source_selection_criteria": {"sse_kms_encrypted_objects": {"status": "Enabled"}},
            "destination": {
                "bucket": self.store.arn,
                "encryption_configuration": {"replica_kms_key_id": self.key.arn},
            },
        }
