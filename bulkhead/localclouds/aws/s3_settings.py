"""The parts of a bucket that Pulumi treats as resources of their own: one setting each, named after their bucket."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from bulkhead.clients.buckets import PARTS
from bulkhead.clients.clouds import unless_absent
from bulkhead.localclouds.aws.resource import AwsResource, Cloud
from bulkhead.localclouds.aws.s3 import has_object_lock
from bulkhead.localclouds.aws.shape import TAGS, Codec, Shape, Single, Wrapped
from bulkhead.localclouds.providers.handler import Properties


class BucketSetting(AwsResource):
    """A setting of a bucket: putting it once more replaces it, and it is gone when the bucket has none.

    ``request`` translates its properties to what ``put`` is asked, and back; ``without`` are those of a bucket that has
    no such setting, where S3 has a word for that.
    """

    request: ClassVar[Codec]
    without: ClassVar[Properties | None] = None

    def make(self, cloud: Cloud, wanted: Properties) -> str:
        self.change(cloud, str(wanted["bucket"]), wanted)
        return str(wanted["bucket"])

    def see(self, cloud: Cloud, id_: str) -> dict[str, Any] | None:
        setting = self.get(cloud, id_)
        return None if setting is None else {"bucket": id_, "region": cloud.region, **setting}

    def get(self, cloud: Cloud, bucket: str) -> Properties | None:
        """Return the setting's own properties, None when the bucket has no such setting or is gone."""
        part = PARTS[self.token]
        answer = unless_absent(getattr(cloud.s3, f"get_{part.name}"), Bucket=bucket)
        if answer is None or not answer.get(part.member):
            return answer and self.without
        seen = self.request.from_api({part.document: answer} if part.document else answer)
        return {**dict.fromkeys(self._own - self.forgotten), **seen}

    def change(self, cloud: Cloud, id_: str, wanted: Properties) -> None:
        own = {name: value for name, value in wanted.items() if name in self._own}
        getattr(cloud.s3, f"put_{PARTS[self.token].name}")(Bucket=id_, **self.request.to_api(own))

    def drop(self, cloud: Cloud, id_: str, inputs: Properties) -> None:
        unless_absent(getattr(cloud.s3, f"delete_{PARTS[self.token].name}"), Bucket=id_)

    @property
    def _own(self) -> frozenset[str]:
        return self.understood - {"bucket"}


class BucketPolicy(BucketSetting):
    """The one policy of a bucket; the last writer wins."""

    understood = frozenset({"bucket", "policy"})
    request = Shape({"policy": "Policy"})


class BucketVersioning(BucketSetting):
    """Versioning. Deleting the resource suspends it, except under object lock, which needs it for ever."""

    understood = frozenset({"bucket", "versioningConfiguration"})
    without: ClassVar[Properties] = {"versioningConfiguration": {"status": "Disabled"}}
    _state: ClassVar = Shape({"status": "Status", "mfaDelete": "MFADelete"})
    request = Shape({"versioningConfiguration": ("VersioningConfiguration", _state)})

    def change(self, cloud: Cloud, id_: str, wanted: Properties) -> None:
        configuration = self._state.to_api(wanted["versioningConfiguration"])
        if configuration.get("Status") != "Disabled":  # the provider's word for a bucket that never had it
            cloud.s3.put_bucket_versioning(Bucket=id_, VersioningConfiguration=configuration)

    def drop(self, cloud: Cloud, id_: str, inputs: Properties) -> None:
        seen = self.get(cloud, id_)
        if seen and seen["versioningConfiguration"]["status"] == "Enabled" and not has_object_lock(cloud, id_):
            cloud.s3.put_bucket_versioning(Bucket=id_, VersioningConfiguration={"Status": "Suspended"})


class BucketServerSideEncryptionConfiguration(BucketSetting):
    """Default encryption. moto accepts and forgets which kinds of encryption are blocked."""

    understood = frozenset({"bucket", "rules"})
    forgotten = frozenset({"blockedEncryptionTypes"})
    _rule: ClassVar = Shape(
        {
            "applyServerSideEncryptionByDefault": (
                "ApplyServerSideEncryptionByDefault",
                Shape({"sseAlgorithm": "SSEAlgorithm", "kmsMasterKeyId": "KMSMasterKeyID"}),
            ),
            "bucketKeyEnabled": "BucketKeyEnabled",
            "blockedEncryptionTypes": ("BlockedEncryptionTypes", Wrapped("EncryptionType")),
        }
    )
    request = Shape({"rules": ("ServerSideEncryptionConfiguration", Wrapped("Rules", _rule))})


class BucketPublicAccessBlock(BucketSetting):
    """The four switches against public access; moto keeps them and does not act on them."""

    _switches: ClassVar = Shape(
        {
            "blockPublicAcls": "BlockPublicAcls",
            "blockPublicPolicy": "BlockPublicPolicy",
            "ignorePublicAcls": "IgnorePublicAcls",
            "restrictPublicBuckets": "RestrictPublicBuckets",
        }
    )
    understood = frozenset({"bucket", *_switches.names})
    defaults: ClassVar[Properties] = dict.fromkeys(_switches.names, False)
    request = Wrapped("PublicAccessBlockConfiguration", _switches)


class BucketOwnershipControls(BucketSetting):
    """Who owns objects that others upload."""

    understood = frozenset({"bucket", "rule"})
    _rules: ClassVar = Wrapped("Rules", Single(Shape({"objectOwnership": "ObjectOwnership"})))
    request = Shape({"rule": ("OwnershipControls", _rules)})


class BucketLifecycleConfiguration(BucketSetting):
    """Lifecycle rules. moto keeps them, never runs them, and forgets how many newer versions are to stay."""

    understood = frozenset({"bucket", "rules", "transitionDefaultMinimumObjectSize"})
    forgotten = frozenset({"newerNoncurrentVersions", "transitionDefaultMinimumObjectSize"})
    _sizes: ClassVar[Mapping[str, str]] = {
        "prefix": "Prefix",
        "objectSizeGreaterThan": "ObjectSizeGreaterThan",
        "objectSizeLessThan": "ObjectSizeLessThan",
    }
    _move: ClassVar = {"storageClass": "StorageClass", "days": "Days", "date": "Date"}
    _keep: ClassVar = {"noncurrentDays": "NoncurrentDays", "newerNoncurrentVersions": "NewerNoncurrentVersions"}
    _rule: ClassVar = Shape(
        {
            "id": "ID",
            "status": "Status",
            "filter": (
                "Filter",
                Shape(
                    {
                        **_sizes,
                        "tag": ("Tag", Shape({"key": "Key", "value": "Value"})),
                        "and": ("And", Shape({**_sizes, "tags": ("Tags", TAGS)})),
                    }
                ),
            ),
            "expiration": (
                "Expiration",
                Shape({"days": "Days", "date": "Date", "expiredObjectDeleteMarker": "ExpiredObjectDeleteMarker"}),
            ),
            "transitions": ("Transitions", Shape(_move)),
            "noncurrentVersionExpiration": ("NoncurrentVersionExpiration", Shape(_keep)),
            "noncurrentVersionTransitions": (
                "NoncurrentVersionTransitions",
                Shape({"storageClass": "StorageClass", **_keep}),
            ),
            "abortIncompleteMultipartUpload": (
                "AbortIncompleteMultipartUpload",
                Shape({"daysAfterInitiation": "DaysAfterInitiation"}),
            ),
        }
    )
    request = Shape(
        {
            "rules": ("LifecycleConfiguration", Wrapped("Rules", _rule)),
            "transitionDefaultMinimumObjectSize": "TransitionDefaultMinimumObjectSize",
        }
    )

    def drop(self, cloud: Cloud, id_: str, inputs: Properties) -> None:
        unless_absent(cloud.s3.delete_bucket_lifecycle, Bucket=id_)


class BucketObjectLockConfiguration(BucketSetting):
    """The default retention of new objects. Deleting the resource takes the default away, never the lock itself."""

    understood = frozenset({"bucket", "objectLockEnabled", "rule"})
    _retention: ClassVar = Shape({"mode": "Mode", "days": "Days", "years": "Years"})
    request = Wrapped(
        "ObjectLockConfiguration",
        Shape(
            {
                "objectLockEnabled": "ObjectLockEnabled",
                "rule": ("Rule", Shape({"defaultRetention": ("DefaultRetention", _retention)})),
            }
        ),
    )

    def change(self, cloud: Cloud, id_: str, wanted: Properties) -> None:
        super().change(cloud, id_, {"objectLockEnabled": "Enabled", **wanted})

    def drop(self, cloud: Cloud, id_: str, inputs: Properties) -> None:
        if has_object_lock(cloud, id_):
            cloud.s3.put_object_lock_configuration(Bucket=id_, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"})


class BucketReplicationConfig(BucketSetting):
    """The rules by which S3 copies what is written from now on into another bucket."""

    understood = frozenset({"bucket", "role", "rules"})
    _on: ClassVar = Shape({"status": "Status"})
    _key: ClassVar = Shape({"replicaKmsKeyId": "ReplicaKmsKeyID"})
    _rule: ClassVar = Shape(
        {
            "id": "ID",
            "status": "Status",
            "priority": "Priority",
            "filter": ("Filter", Shape({"prefix": "Prefix"})),
            "deleteMarkerReplication": ("DeleteMarkerReplication", _on),
            "sourceSelectionCriteria": (
                "SourceSelectionCriteria",
                Shape({"sseKmsEncryptedObjects": ("SseKmsEncryptedObjects", _on)}),
            ),
            "destination": (
                "Destination",
                Shape(
                    {
                        "bucket": "Bucket",
                        "storageClass": "StorageClass",
                        "encryptionConfiguration": ("EncryptionConfiguration", _key),
                    }
                ),
            ),
        }
    )
    request = Wrapped("ReplicationConfiguration", Shape({"role": "Role", "rules": ("Rules", _rule)}))


class BucketLogging(BucketSetting):
    """Access logs: which bucket they go to, and below which prefix. moto forgets the format of their keys."""

    understood = frozenset({"bucket", "targetBucket", "targetPrefix", "targetObjectKeyFormat"})
    forgotten = frozenset({"targetObjectKeyFormat"})
    _target: ClassVar = Shape(
        {
            "targetBucket": "TargetBucket",
            "targetPrefix": "TargetPrefix",
            "targetObjectKeyFormat": (
                "TargetObjectKeyFormat",
                Shape(
                    {
                        "simplePrefix": ("SimplePrefix", Shape({})),
                        "partitionedPrefix": (
                            "PartitionedPrefix",
                            Shape({"partitionDateSource": "PartitionDateSource"}),
                        ),
                    }
                ),
            ),
        }
    )
    request = Wrapped("BucketLoggingStatus", Wrapped("LoggingEnabled", _target))

    def drop(self, cloud: Cloud, id_: str, inputs: Properties) -> None:
        unless_absent(cloud.s3.put_bucket_logging, Bucket=id_, BucketLoggingStatus={})
