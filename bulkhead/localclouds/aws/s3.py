"""S3 buckets in the local AWS; ``s3_settings`` has the parts of a bucket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

from bulkhead.clients.clouds import unless_absent
from bulkhead.localclouds.aws.resource import AwsResource, Cloud
from bulkhead.localclouds.aws.shape import TAGS
from bulkhead.localclouds.providers.handler import ApiRefusal, Properties

if TYPE_CHECKING:
    from types_boto3_s3.type_defs import CreateBucketRequestTypeDef, ObjectIdentifierTypeDef

# The one region whose buckets are created without naming it (S3 API reference, CreateBucket).
_UNNAMED_REGION: Final = "us-east-1"
# Route 53 zones of S3 website endpoints (AWS General Reference, "Amazon S3 endpoints and quotas").
_HOSTED_ZONES: Final = {
    "ap-northeast-1": "Z2M4EHUR26P7ZW",
    "ap-northeast-3": "Z2YQB5RD63NC85",
    "ap-southeast-1": "Z3O0J2DXBE1FTB",
    "eu-central-1": "Z21DNDUVLTQW6Q",
    "eu-west-1": "Z1BKCTXD74EZPE",
    "us-east-1": "Z3AQBSTGFJSTF",
    "us-west-2": "Z3BJ6K6RIION7M",
}


class Bucket(AwsResource):
    """A bucket. Deleting one that holds anything is refused, as in AWS, unless it says ``forceDestroy``."""

    understood = frozenset({"bucket", "forceDestroy", "objectLockEnabled", "tags"})
    defaults: ClassVar[Properties] = {"objectLockEnabled": False}

    def make(self, cloud: Cloud, wanted: Properties) -> str:
        name = str(wanted["bucket"])
        request: CreateBucketRequestTypeDef = {
            "Bucket": name,
            "ObjectLockEnabledForBucket": bool(wanted.get("objectLockEnabled", False)),
        }
        if cloud.region != _UNNAMED_REGION:
            request["CreateBucketConfiguration"] = {"LocationConstraint": cast(Any, cloud.region)}
        cloud.s3.create_bucket(**request)
        self.change(cloud, name, wanted)
        return name

    def see(self, cloud: Cloud, id_: str) -> dict[str, Any] | None:
        head = unless_absent(cloud.s3.head_bucket, Bucket=id_)
        if head is None:
            return None
        region = head["BucketRegion"]
        tags = unless_absent(cloud.s3.get_bucket_tagging, Bucket=id_)
        seen = {
            "bucket": id_,
            "objectLockEnabled": has_object_lock(cloud, id_),
            "tagsAll": TAGS.from_api(tags["TagSet"]) if tags else {},
            "arn": f"arn:aws:s3:::{id_}",
            "bucketDomainName": f"{id_}.s3.amazonaws.com",
            "bucketRegionalDomainName": f"{id_}.s3.{region}.amazonaws.com",
            "bucketRegion": region,
            "region": region,
        }
        return seen | ({"hostedZoneId": _HOSTED_ZONES[region]} if region in _HOSTED_ZONES else {})

    def change(self, cloud: Cloud, id_: str, wanted: Properties) -> None:
        if bool(wanted.get("objectLockEnabled", False)) != has_object_lock(cloud, id_):
            raise ApiRefusal(f"object lock of bucket {id_} can be chosen at creation only: replace the bucket")
        cloud.s3.put_bucket_tagging(Bucket=id_, Tagging={"TagSet": cast(Any, TAGS.to_api(wanted["tagsAll"]))})

    def drop(self, cloud: Cloud, id_: str, inputs: Properties) -> None:
        if unless_absent(cloud.s3.head_bucket, Bucket=id_) is None:
            return
        if inputs.get("forceDestroy"):
            _delete_versions(cloud, id_)
        cloud.s3.delete_bucket(Bucket=id_)


def has_object_lock(cloud: Cloud, bucket: str) -> bool:
    """Whether the bucket was created with object lock, with or without a default retention."""
    return unless_absent(cloud.s3.get_object_lock_configuration, Bucket=bucket) is not None


def _delete_versions(cloud: Cloud, bucket: str) -> None:
    """Delete what ``forceDestroy`` allows: the real provider bypasses GOVERNANCE, and nobody bypasses COMPLIANCE."""
    while True:
        page = cloud.s3.list_object_versions(Bucket=bucket)
        versions: list[ObjectIdentifierTypeDef] = [
            {"Key": version["Key"], "VersionId": version["VersionId"]}
            for version in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        ]
        if not versions:
            return
        answer = cloud.s3.delete_objects(
            Bucket=bucket, Delete={"Objects": versions, "Quiet": True}, BypassGovernanceRetention=True
        )
        if locked := sorted({error["Key"] for error in answer.get("Errors", [])}):
            raise ApiRefusal(f"bucket {bucket} cannot be emptied, object lock holds {', '.join(locked)}")
