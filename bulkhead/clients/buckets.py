"""The parts of a bucket that Pulumi treats as resources of their own, as S3's API names them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bulkhead.resources import types as t


@dataclass(frozen=True, slots=True)
class Part:
    """``name`` follows get_, put_ and delete_ in boto3's operations. The answer has ``member`` when the part is there.
    ``document`` is how a request names what an answer gives without a name."""

    name: str
    member: str
    document: str | None = None


PARTS: Final[Mapping[str, Part]] = {
    t.S3_BUCKET_LIFECYCLE_CONFIGURATION: Part("bucket_lifecycle_configuration", "Rules", "LifecycleConfiguration"),
    t.S3_BUCKET_LOGGING: Part("bucket_logging", "LoggingEnabled", "BucketLoggingStatus"),
    t.S3_BUCKET_OBJECT_LOCK_CONFIGURATION: Part("object_lock_configuration", "ObjectLockConfiguration"),
    t.S3_BUCKET_OWNERSHIP_CONTROLS: Part("bucket_ownership_controls", "OwnershipControls"),
    t.S3_BUCKET_POLICY: Part("bucket_policy", "Policy"),
    t.S3_BUCKET_PUBLIC_ACCESS_BLOCK: Part("public_access_block", "PublicAccessBlockConfiguration"),
    t.S3_BUCKET_REPLICATION_CONFIG: Part("bucket_replication", "ReplicationConfiguration"),
    t.S3_BUCKET_SERVER_SIDE_ENCRYPTION_CONFIGURATION: Part("bucket_encryption", "ServerSideEncryptionConfiguration"),
    t.S3_BUCKET_VERSIONING: Part("bucket_versioning", "Status", "VersioningConfiguration"),
}
