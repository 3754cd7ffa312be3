"""Amazon S3: buckets, and what stands beside a bucket to guard it, let it expire and lock it."""

from __future__ import annotations

from typing import Final

from bulkhead.resources.aws.iam import IAM_ROLE
from bulkhead.resources.aws.keys import KMS_ALIAS, KMS_KEY
from bulkhead.resources.kind import Create, Grants, Guard, Link, Reference, Rehearsed, ResourceType, Scope

S3_BUCKET: Final = ResourceType(
    "aws:s3/bucket:Bucket",
    admitted=True,
    holds_data="every object in it, backups and logs with all their versions",
    identity_inputs=("bucket",),
    left_behind="",
    references=(),
    scope=Scope.EVERYWHERE,
    guards=Guard(("forceDestroy", "objectLockEnabled", "acl", "policy")),
    named_by="bucket",
    replaced_by=frozenset({"bucket", "bucketNamespace", "bucketPrefix", "objectLockEnabled", "region"}),
    create=Create.REFUSED,
    documents={"policy": Grants.RESOURCE},
    taggable=True,
    tells={"id": "{name}", "arn": "arn:aws:s3:::{name}"},
    rehearsed=Rehearsed.EMULATED,
)

S3_ACCOUNT_PUBLIC_ACCESS_BLOCK: Final = ResourceType(
    "aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock",
    admitted=True,
    holds_data="",
    identity_inputs=("accountId",),
    left_behind="",
    references=(),
    guards=Guard(
        ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"),
        of=S3_BUCKET,
        lost="what keeps every bucket of the account from being opened to the public",
    ),
)

S3_BUCKET_ACL: Final = ResourceType(
    "aws:s3/bucketAcl:BucketAcl",
    admitted="ACLs are off in every bucket; a bucket policy says who may reach it",
    holds_data="",
    identity_inputs=("bucket",),
    left_behind="",
    references=(Reference("bucket", Link.BUCKET, (S3_BUCKET,)),),
    use_instead="aws:s3/bucketPolicy:BucketPolicy",
    scope=Scope.REGION,
    guards=Guard(("acl", "accessControlPolicy")),
)

S3_BUCKET_LIFECYCLE_CONFIGURATION: Final = ResourceType(
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
    admitted=True,
    holds_data="",
    identity_inputs=("bucket",),
    left_behind="",
    references=(Reference("bucket", Link.BUCKET, (S3_BUCKET,)),),
    scope=Scope.REGION,
    guards=Guard(("rules",)),
    replaced_by=frozenset({"bucket", "expectedBucketOwner", "region"}),
    rehearsed=Rehearsed.EMULATED,
)

S3_BUCKET_LOGGING: Final = ResourceType(
    "aws:s3/bucketLogging:BucketLogging",
    admitted=True,
    holds_data="",
    identity_inputs=("bucket",),
    left_behind="",
    references=(Reference("bucket", Link.BUCKET, (S3_BUCKET,)), Reference("targetBucket", Link.LOGS, (S3_BUCKET,))),
    scope=Scope.REGION,
    guards=Guard(("targetBucket", "targetPrefix"), of=S3_BUCKET, lost="the record of who has read and deleted what"),
    replaced_by=frozenset({"bucket", "expectedBucketOwner", "region"}),
    rehearsed=Rehearsed.EMULATED,
)

S3_BUCKET_OBJECT_LOCK_CONFIGURATION: Final = ResourceType(
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration",
    admitted=True,
    holds_data="",
    identity_inputs=("bucket",),
    left_behind="",
    references=(Reference("bucket", Link.BUCKET, (S3_BUCKET,)),),
    scope=Scope.REGION,
    guards=Guard(("rule", "objectLockEnabled")),
    replaced_by=frozenset({"bucket", "expectedBucketOwner", "objectLockEnabled", "region"}),
    rehearsed=Rehearsed.EMULATED,
)

S3_BUCKET_OWNERSHIP_CONTROLS: Final = ResourceType(
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
    admitted=True,
    unjudged="it says who owns an object; who may read one, ACLs and policies say, and those are judged",
    holds_data="",
    identity_inputs=("bucket",),
    left_behind="",
    references=(Reference("bucket", Link.BUCKET, (S3_BUCKET,)),),
    scope=Scope.REGION,
    guards=Guard(
        ("rule",), of=S3_BUCKET, lost="what makes the bucket's account the owner of every object, and ACLs void"
    ),
    replaced_by=frozenset({"bucket", "region"}),
    rehearsed=Rehearsed.EMULATED,
)

S3_BUCKET_POLICY: Final = ResourceType(
    "aws:s3/bucketPolicy:BucketPolicy",
    admitted=True,
    holds_data="",
    identity_inputs=("bucket",),
    left_behind="",
    references=(Reference("bucket", Link.BUCKET, (S3_BUCKET,)),),
    scope=Scope.REGION,
    guards=Guard(("policy",), of=S3_BUCKET, lost="the bucket's policy, with all that it denies"),
    replaced_by=frozenset({"bucket", "region"}),
    documents={"policy": Grants.RESOURCE},
    rehearsed=Rehearsed.EMULATED,
)

S3_BUCKET_PUBLIC_ACCESS_BLOCK: Final = ResourceType(
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
    admitted=True,
    holds_data="",
    identity_inputs=("bucket",),
    left_behind="",
    references=(Reference("bucket", Link.BUCKET, (S3_BUCKET,)),),
    scope=Scope.REGION,
    guards=Guard(
        ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"),
        of=S3_BUCKET,
        lost="what keeps the bucket from being opened to the public",
    ),
    replaced_by=frozenset({"bucket", "region"}),
    rehearsed=Rehearsed.EMULATED,
)

S3_BUCKET_REPLICATION_CONFIG: Final = ResourceType(
    "aws:s3/bucketReplicationConfig:BucketReplicationConfig",
    admitted=True,
    holds_data="",
    identity_inputs=("bucket",),
    left_behind="",
    references=(
        Reference("bucket", Link.BUCKET, (S3_BUCKET,)),
        Reference("role", Link.RIGHTS, (IAM_ROLE,)),
        Reference("rules[].destination.bucket", Link.BUCKET, (S3_BUCKET,)),
        Reference("rules[].destination.encryptionConfiguration.replicaKmsKeyId", Link.KEY, (KMS_KEY,)),
    ),
    scope=Scope.REGION,
    guards=Guard(("role", "rules"), of=S3_BUCKET, lost="the copy of what is written from now on"),
    replaced_by=frozenset({"bucket", "region"}),
    rehearsed=Rehearsed.EMULATED,
)

S3_BUCKET_SERVER_SIDE_ENCRYPTION_CONFIGURATION: Final = ResourceType(
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    admitted=True,
    holds_data="",
    identity_inputs=("bucket",),
    left_behind="",
    references=(
        Reference("bucket", Link.BUCKET, (S3_BUCKET,)),
        Reference("rules[].applyServerSideEncryptionByDefault.kmsMasterKeyId", Link.KEY, (KMS_KEY, KMS_ALIAS)),
    ),
    scope=Scope.REGION,
    guards=Guard(("rules",), of=S3_BUCKET, lost="the encryption of new objects with the stage's own key"),
    replaced_by=frozenset({"bucket", "expectedBucketOwner", "region"}),
    rehearsed=Rehearsed.EMULATED,
)

S3_BUCKET_VERSIONING: Final = ResourceType(
    "aws:s3/bucketVersioning:BucketVersioning",
    admitted=True,
    holds_data="",
    identity_inputs=("bucket",),
    left_behind="",
    references=(Reference("bucket", Link.BUCKET, (S3_BUCKET,)),),
    scope=Scope.REGION,
    guards=Guard(("versioningConfiguration",)),
    replaced_by=frozenset({"bucket", "expectedBucketOwner", "region"}),
    rehearsed=Rehearsed.EMULATED,
)
