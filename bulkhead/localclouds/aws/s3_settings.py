"""The parts of a bucket that Pulumi treats as resources of their own: one setting each, named after their bucket."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from bulkhead.clients.clouds import unless_absent
from bulkhead.localclouds.aws.resource import AwsResource, Cloud
from bulkhead.localclouds.aws.s3 import has_object_lock
from bulkhead.localclouds.aws.shape import TAGS, Shape, Wrapped
from bulkhead.localclouds.providers.handler import Properties


class BucketSetting(AwsResource):
    """A setting of a bucket: putting it once more replaces it, and it is gone when the bucket has none."""

    def make(self, cloud: Cloud, wanted: Properties) -> str:
        self.change(cloud, str(wanted["bucket"]), wanted)
        return str(wanted["bucket"])

    def see(self, cloud: Cloud, id_: str) -> dict[str, Any] | None:
        setting = self.get(cloud, id_)
        return None if setting is None else {"bucket": id_, "region": cloud.region, **setting}

    def get(self, cloud: Cloud, bucket: str) -> dict[str, Any] | None:
        """Return the setting's own properties, None when the bucket has no such setting or is gone."""
        raise NotImplementedError


class BucketVersioning(BucketSetting):
    """Versioning. Deleting the resource suspends it, except under object lock, which needs it for ever."""

    understood = frozenset({"bucket", "versioningConfiguration"})
    shape: ClassVar = Shape({"status": "Status", "mfaDelete": "MFADelete"})

    def get(self, cloud: Cloud, bucket: str) -> dict[str, Any] | None:
        answer = unless_absent(cloud.s3.get_bucket_versioning, Bucket=bucket)
        if answer is None:
            return None
        return {"versioningConfiguration": {"status": "Disabled", **self.shape.from_api(answer)}}

    def change(self, cloud: Cloud, id_: str, wanted: Properties) -> None:
        configuration = self.shape.to_api(wanted["versioningConfiguration"])
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
    shape: ClassVar = Shape(
        {
            "applyServerSideEncryptionByDefault": (
                "ApplyServerSideEncryptionByDefault",
                Shape({"sseAlgorithm": "SSEAlgorithm", "kmsMasterKeyId": "KMSMasterKeyID"}),
            ),
            "bucketKeyEnabled": "BucketKeyEnabled",
            "blockedEncryptionTypes": ("BlockedEncryptionTypes", Wrapped("EncryptionType")),
        }
    )

    def get(self, cloud: Cloud, bucket: str) -> dict[str, Any] | None:
        answer = unless_absent(cloud.s3.get_bucket_encryption, Bucket=bucket)
        return answer and {"rules": self.shape.from_api(answer["ServerSideEncryptionConfiguration"]["Rules"])}

    def change(self, cloud: Cloud, id_: str, wanted: Properties) -> None:
        rules = self.shape.to_api(wanted["rules"])
        cloud.s3.put_bucket_encryption(Bucket=id_, ServerSideEncryptionConfiguration={"Rules": rules})

    def drop(self, cloud: Cloud, id_: str, inputs: Properties) -> None:
        unless_absent(cloud.s3.delete_bucket_encryption, Bucket=id_)


class BucketPublicAccessBlock(BucketSetting):
    """The four switches against public access; moto keeps them and does not act on them."""

    shape: ClassVar = Shape(
        {
            "blockPublicAcls": "BlockPublicAcls",
            "blockPublicPolicy": "BlockPublicPolicy",
            "ignorePublicAcls": "IgnorePublicAcls",
            "restrictPublicBuckets": "RestrictPublicBuckets",
        }
    )
    understood = frozenset({"bucket", *shape.names})
    defaults: ClassVar[Properties] = dict.fromkeys(shape.names, False)

    def get(self, cloud: Cloud, bucket: str) -> dict[str, Any] | None:
        answer = unless_absent(cloud.s3.get_public_access_block, Bucket=bucket)
        return answer and self.shape.from_api(answer["PublicAccessBlockConfiguration"])

    def change(self, cloud: Cloud, id_: str, wanted: Properties) -> None:
        switches = {name: wanted[name] for name in self.shape.names if name in wanted}
        cloud.s3.put_public_access_block(Bucket=id_, PublicAccessBlockConfiguration=self.shape.to_api(switches))

    def drop(self, cloud: Cloud, id_: str, inputs: Properties) -> None:
        unless_absent(cloud.s3.delete_public_access_block, Bucket=id_)


class BucketOwnershipControls(BucketSetting):
    """Who owns objects that others upload."""

    understood = frozenset({"bucket", "rule"})
    shape: ClassVar = Shape({"objectOwnership": "ObjectOwnership"})

    def get(self, cloud: Cloud, bucket: str) -> dict[str, Any] | None:
        answer = unless_absent(cloud.s3.get_bucket_ownership_controls, Bucket=bucket)
        return answer and {"rule": self.shape.from_api(answer["OwnershipControls"]["Rules"][0])}

    def change(self, cloud: Cloud, id_: str, wanted: Properties) -> None:
        rule = self.shape.to_api(wanted["rule"])
        cloud.s3.put_bucket_ownership_controls(Bucket=id_, OwnershipControls={"Rules": [rule]})

    def drop(self, cloud: Cloud, id_: str, inputs: Properties) -> None:
        unless_absent(cloud.s3.delete_bucket_ownership_controls, Bucket=id_)


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
    shape: ClassVar = Shape(
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

    def get(self, cloud: Cloud, bucket: str) -> dict[str, Any] | None:
        answer = unless_absent(cloud.s3.get_bucket_lifecycle_configuration, Bucket=bucket)
        return answer and {"rules": self.shape.from_api(answer["Rules"])}

    def change(self, cloud: Cloud, id_: str, wanted: Properties) -> None:
        request: dict[str, Any] = {
            "Bucket": id_,
            "LifecycleConfiguration": {"Rules": self.shape.to_api(wanted["rules"])},
        }
        if size := wanted.get("transitionDefaultMinimumObjectSize"):
            request["TransitionDefaultMinimumObjectSize"] = size
        cloud.s3.put_bucket_lifecycle_configuration(**request)

    def drop(self, cloud: Cloud, id_: str, inputs: Properties) -> None:
        unless_absent(cloud.s3.delete_bucket_lifecycle, Bucket=id_)


class BucketObjectLockConfiguration(BucketSetting):
    """The default retention of new objects. Deleting the resource takes the default away, never the lock itself."""

    understood = frozenset({"bucket", "objectLockEnabled", "rule"})
    shape: ClassVar = Shape(
        {"defaultRetention": ("DefaultRetention", Shape({"mode": "Mode", "days": "Days", "years": "Years"}))}
    )

    def get(self, cloud: Cloud, bucket: str) -> dict[str, Any] | None:
        answer = unless_absent(cloud.s3.get_object_lock_configuration, Bucket=bucket)
        if answer is None:
            return None
        rule = answer["ObjectLockConfiguration"].get("Rule")
        return {
            "objectLockEnabled": answer["ObjectLockConfiguration"]["ObjectLockEnabled"],
            "rule": self.shape.from_api(rule) if rule else None,
        }

    def change(self, cloud: Cloud, id_: str, wanted: Properties) -> None:
        configuration: dict[str, Any] = {"ObjectLockEnabled": wanted.get("objectLockEnabled", "Enabled")}
        if "rule" in wanted:
            configuration["Rule"] = self.shape.to_api(wanted["rule"])
        cloud.s3.put_object_lock_configuration(Bucket=id_, ObjectLockConfiguration=configuration)  # type: ignore[arg-type]

    def drop(self, cloud: Cloud, id_: str, inputs: Properties) -> None:
        if has_object_lock(cloud, id_):
            cloud.s3.put_object_lock_configuration(Bucket=id_, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"})


class BucketLogging(BucketSetting):
    """Access logs: which bucket they go to, and below which prefix. moto forgets the format of their keys."""

    understood = frozenset({"bucket", "targetBucket", "targetPrefix", "targetObjectKeyFormat"})
    forgotten = frozenset({"targetObjectKeyFormat"})
    shape: ClassVar = Shape(
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

    def get(self, cloud: Cloud, bucket: str) -> dict[str, Any] | None:
        answer = unless_absent(cloud.s3.get_bucket_logging, Bucket=bucket)
        return self.shape.from_api(answer["LoggingEnabled"]) if answer and "LoggingEnabled" in answer else None

    def change(self, cloud: Cloud, id_: str, wanted: Properties) -> None:
        target = self.shape.to_api({name: wanted[name] for name in self.shape.names if name in wanted})
        cloud.s3.put_bucket_logging(Bucket=id_, BucketLoggingStatus={"LoggingEnabled": target})

    def drop(self, cloud: Cloud, id_: str, inputs: Properties) -> None:
        unless_absent(cloud.s3.put_bucket_logging, Bucket=id_, BucketLoggingStatus={})
