"""S3: the rows of the hand table. What the local AWS checks itself (a bucket that does not exist) is not repeated."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from bulkhead.localclouds.providers.arns import superseded, with_all_tags
from bulkhead.localclouds.providers.checks import (
    Check,
    at,
    between,
    distinct,
    exactly_one,
    json_text,
    needs,
    one_of,
    shaped,
    sized,
)
from bulkhead.localclouds.providers.handler import Caller, Properties
from bulkhead.localclouds.providers.rules import TypeRules, joined
from bulkhead.resources import types as t
from bulkhead.resources.kind import ResourceType


def _s3_setting(type_: ResourceType, *checks: Check, defaults: Properties | None = None) -> TypeRules:
    """A part of a bucket: S3 has one of each kind for a bucket, so its id is the bucket's name."""
    return TypeRules(
        type=type_,
        identify=joined("bucket"),
        checks=checks,
        defaults=defaults or {},
        computed=lambda caller, _id, inputs: {"region": caller.region_of(inputs)},
    )


def _filter_of_each_rule(inputs: Properties) -> Iterator[str]:
    for place, rule in at(inputs, "rules[*]"):
        if "filter" not in rule:
            yield f"{place}.filter: say what the rule is about, if only an empty prefix; left out, it never settles"


def _a_copy_of_what_is_encrypted_has_a_key(inputs: Properties) -> Iterator[str]:
    for place, rule in at(inputs, "rules[*]"):
        chosen = any(
            status == "Enabled" for _, status in at(rule, "sourceSelectionCriteria.sseKmsEncryptedObjects.status")
        )
        named = any("replicaKmsKeyId" in each for _, each in at(rule, "destination.encryptionConfiguration"))
        if chosen != named:
            yield f"{place}: sseKmsEncryptedObjects and replicaKmsKeyId go together; S3 refuses one without the other"


def _bucket_outputs(caller: Caller, _id: str, inputs: Properties) -> Properties:
    name, where = inputs["bucket"], caller.region_of(inputs)
    return {
        "arn": f"arn:aws:s3:::{name}",
        "bucketDomainName": f"{name}.s3.amazonaws.com",
        "bucketRegionalDomainName": f"{name}.s3.{where}.amazonaws.com",
        "bucketRegion": where,
        "region": where,
    }


TABLE: Final = (
    TypeRules(
        type=t.S3_BUCKET,
        identify=joined("bucket"),
        checks=(
            needs("", "bucket"),
            shaped("bucket", r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "3 to 63 lower-case letters, digits, - and ."),
            superseded("acl grants lifecycleRules logging policy serverSideEncryptionConfiguration versioning"),
        ),
        own_name="bucket",
        defaults={"forceDestroy": False, "objectLockEnabled": False},
        plan=with_all_tags,
        computed=_bucket_outputs,
    ),
    _s3_setting(t.S3_BUCKET_VERSIONING, one_of("versioningConfiguration.status", "Enabled", "Suspended", "Disabled")),
    _s3_setting(
        t.S3_BUCKET_SERVER_SIDE_ENCRYPTION_CONFIGURATION,
        one_of("rules[*].applyServerSideEncryptionByDefault.sseAlgorithm", "AES256", "aws:kms", "aws:kms:dsse"),
        one_of("rules[*].blockedEncryptionTypes[*]", "SSE-C", "NONE"),
        sized("rules", 1, 1),
    ),
    _s3_setting(
        t.S3_BUCKET_PUBLIC_ACCESS_BLOCK,
        defaults=dict.fromkeys(
            ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"), False
        ),
    ),
    _s3_setting(
        t.S3_BUCKET_OWNERSHIP_CONTROLS,
        one_of("rule.objectOwnership", "BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter"),
    ),
    _s3_setting(t.S3_BUCKET_POLICY, json_text("policy")),
    _s3_setting(
        t.S3_BUCKET_LIFECYCLE_CONFIGURATION,
        needs("", "rules"),
        sized("rules", 1, 1000),
        distinct("rules[*].id"),
        one_of("rules[*].status", "Enabled", "Disabled"),
        between("rules[*].expiration.days", 1, 36_500),
        between("rules[*].abortIncompleteMultipartUpload.daysAfterInitiation", 1, 36_500),
        between("rules[*].noncurrentVersionExpiration.noncurrentDays", 1, 36_500),
        _filter_of_each_rule,
    ),
    _s3_setting(
        t.S3_BUCKET_OBJECT_LOCK_CONFIGURATION,
        one_of("objectLockEnabled", "Enabled"),
        one_of("rule.defaultRetention.mode", "GOVERNANCE", "COMPLIANCE"),
        exactly_one("rule.defaultRetention", "days", "years"),
        defaults={"objectLockEnabled": "Enabled"},
    ),
    _s3_setting(
        t.S3_BUCKET_REPLICATION_CONFIG,
        needs("", "role", "rules"),
        sized("rules", 1, 1000),
        one_of("rules[*].status", "Enabled", "Disabled"),
        one_of("rules[*].deleteMarkerReplication.status", "Enabled", "Disabled"),
        one_of("rules[*].sourceSelectionCriteria.sseKmsEncryptedObjects.status", "Enabled", "Disabled"),
        _a_copy_of_what_is_encrypted_has_a_key,
    ),
    _s3_setting(t.S3_BUCKET_LOGGING, needs("", "targetBucket", "targetPrefix")),
)
