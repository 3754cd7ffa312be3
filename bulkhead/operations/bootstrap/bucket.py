"""The bucket that holds the Pulumi state of one stack: one setting after the other, each with its reason."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from bulkhead.clients.clouds import unless_absent
from bulkhead.model.aws_scope import AwsScope
from bulkhead.model.faults import Fault, Refused
from bulkhead.model.iam import Document, document
from bulkhead.operations.bootstrap.key import StoreKey
from bulkhead.operations.bootstrap.steps import BootstrapStep, Effect, covers
from bulkhead.operations.bootstrap.target import StateStore

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

_UNNAMED_REGION: Final = "us-east-1"  # for this region alone, S3 requires that a request names no region
_OLD_STATE_DAYS: Final = 90  # how long a state that was overwritten can be brought back
_ABANDONED_UPLOAD_DAYS: Final = 7


@dataclass(frozen=True, slots=True)
class _Setting:
    """One setting: ``read`` returns it as it is, None without one; ``write`` sets it to ``wanted()``, which is called
    again at that moment, because the key may have been made in between. ``exact`` means that additions are wrong too:
    an added condition would weaken a policy, an added expiry would delete the state."""

    what: str
    why: str
    wanted: Callable[[], Any]
    read: Callable[[], Any]
    write: Callable[[Any], Any]
    exact: bool = False


def bucket_steps(store: StateStore, scope: AwsScope, s3: S3Client, key: StoreKey) -> Iterator[BootstrapStep]:
    """Yield the bucket and its settings. Raises Refused when somebody else has the name, or it is elsewhere."""
    exists = _is_ours(store.bucket, scope, s3)
    yield BootstrapStep(
        f"bucket {store.bucket}",
        f"holds the Pulumi state of {store.whose}",
        Effect.EXISTS if exists else Effect.CREATE,
        partial(_create, store.bucket, scope.region, s3),
    )
    for setting in _settings(store, scope, s3, key):
        effect = _effect(setting) if exists else Effect.CREATE
        yield BootstrapStep(f"{setting.what} of {store.bucket}", setting.why, effect, partial(_write, setting))


def tls_only(bucket: str, partition: str) -> Document:
    """Return the policy of a state bucket: nothing without TLS 1.2, whoever asks."""
    arn = f"arn:{partition}:s3:::{bucket}"
    everybody = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": [arn, f"{arn}/*"]}
    return document(
        (
            {"Sid": "DenyPlainHttp", **everybody, "Condition": {"Bool": {"aws:SecureTransport": "false"}}},
            {"Sid": "DenyOldTls", **everybody, "Condition": {"NumericLessThan": {"s3:TlsVersion": "1.2"}}},
        )
    )


def _settings(store: StateStore, scope: AwsScope, s3: S3Client, key: StoreKey) -> Iterator[_Setting]:
    bucket = store.bucket
    yield _Setting(
        "versioning",
        "a state that was overwritten or deleted can be brought back",
        lambda: "Enabled",
        lambda: s3.get_bucket_versioning(Bucket=bucket).get("Status"),
        lambda wanted: s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": wanted}),
    )
    yield _Setting(
        "encryption",
        "whoever may read the bucket still needs its key",
        lambda: [
            {
                "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key.arn},
                "BucketKeyEnabled": True,
            }
        ],
        lambda: _part(s3.get_bucket_encryption, "ServerSideEncryptionConfiguration", "Rules", Bucket=bucket),
        lambda wanted: s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": wanted}),
    )
    yield _Setting(
        "public access block",
        "no policy and no ACL can open it to the world",
        lambda: dict.fromkeys(
            ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), True
        ),
        lambda: _part(s3.get_public_access_block, "PublicAccessBlockConfiguration", Bucket=bucket),
        lambda wanted: s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=wanted),
    )
    yield _Setting(
        "ownership",
        "access is decided by policies alone, not by ACLs of single objects",
        lambda: [{"ObjectOwnership": "BucketOwnerEnforced"}],
        lambda: _part(s3.get_bucket_ownership_controls, "OwnershipControls", "Rules", Bucket=bucket),
        lambda wanted: s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls={"Rules": wanted}),
    )
    yield _Setting(
        "TLS-only policy",
        "nobody, no administrator either, reads or writes the state over a connection that can be overheard",
        lambda: tls_only(bucket, scope.partition),
        lambda: json.loads(_part(s3.get_bucket_policy, "Policy", Bucket=bucket) or "null"),
        lambda wanted: s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(wanted)),
        exact=True,
    )
    yield _Setting(
        "lifecycle",
        f"old states go after {_OLD_STATE_DAYS} days, abandoned uploads after {_ABANDONED_UPLOAD_DAYS}",
        lambda: [
            {
                "ID": "remove-leftovers",
                "Status": "Enabled",
                "Filter": {"Prefix": ""},
                "NoncurrentVersionExpiration": {"NoncurrentDays": _OLD_STATE_DAYS},
                "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": _ABANDONED_UPLOAD_DAYS},
            }
        ],
        lambda: _part(s3.get_bucket_lifecycle_configuration, "Rules", Bucket=bucket),
        lambda wanted: s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": wanted}),
        exact=True,
    )
    yield _Setting(
        "tags",
        "say whose it is, who answers and pays for it",
        lambda: dict(store.tags),
        lambda: _tags(s3, bucket),
        lambda wanted: s3.put_bucket_tagging(
            Bucket=bucket,
            Tagging={
                "TagSet": [{"Key": key, "Value": value} for key, value in {**_tags(s3, bucket), **wanted}.items()]
            },
        ),
    )


def _effect(setting: _Setting) -> Effect:
    now = setting.read()
    wanted = setting.wanted()
    if now == wanted if setting.exact else covers(now, wanted):
        return Effect.EXISTS
    return Effect.CHANGE if now else Effect.CREATE


def _write(setting: _Setting) -> None:
    setting.write(setting.wanted())


def _create(bucket: str, region: str, s3: S3Client) -> None:
    if region == _UNNAMED_REGION:
        s3.create_bucket(Bucket=bucket)
    else:
        where: Any = {"LocationConstraint": region}
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration=where)


def _is_ours(bucket: str, scope: AwsScope, s3: S3Client) -> bool:
    """Whether the bucket exists in the stage's account and region; S3 names are global over all customers."""
    try:
        head = unless_absent(s3.head_bucket, "404", Bucket=bucket, ExpectedBucketOwner=scope.account)
    except ClientError as error:
        if error.response["Error"]["Code"] != "403":
            raise
        message = "cannot be looked at: another account has this name already, or this profile may not use S3"
        fix = f"aws s3api head-bucket --bucket {bucket} with an administrator's profile tells which"
        raise Refused("The state bucket is out of reach.", [Fault(bucket, message, fix)]) from error
    if head is None:
        return False
    if head.get("BucketRegion", scope.region) != scope.region:
        message = f"is in {head['BucketRegion']}, but the stage's region is {scope.region}"
        fix = f"set bulkhead:region.primary back to {head['BucketRegion']}, or move the state and delete the bucket"
        raise Refused("The state bucket is in another region.", [Fault(bucket, message, fix)])
    return True


def _tags(s3: S3Client, bucket: str) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in _part(s3.get_bucket_tagging, "TagSet", Bucket=bucket) or []}


def _part(call: Callable[..., Any], *path: str, **request: Any) -> Any | None:
    """Return one part of an answer, None where S3 says that the bucket has no such setting."""
    answer = unless_absent(
        call,
        "NoSuchBucketPolicy",
        "NoSuchLifecycleConfiguration",
        "NoSuchPublicAccessBlockConfiguration",
        "NoSuchTagSet",
        "OwnershipControlsNotFoundError",
        "ServerSideEncryptionConfigurationNotFoundError",
        **request,
    )
    for member in path:
        answer = answer and answer.get(member)
    return answer
