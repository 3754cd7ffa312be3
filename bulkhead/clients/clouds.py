"""Clients of the real clouds of one stage, each with the credential that the stage's own files and stack name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ProfileNotFound

from bulkhead.clients.rest import Rest
from bulkhead.model.faults import Fault, Refused
from bulkhead.model.settings import StageSettings
from jobs.r2 import access
from jobs.r2.endpoint import r2_endpoint

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client
    from types_boto3_sts import STSClient

_CONFIG: Final = Config(
    retries={"mode": "standard", "total_max_attempts": 3},
    connect_timeout=10,
    read_timeout=60,
    s3={"addressing_style": "path"},
)

# How the services say "there is none": S3 has a word for each part of a bucket, and 404 where it answers no body.
ABSENT: Final = frozenset(
    {
        "404",
        "AWS.SimpleQueueService.NonExistentQueue",
        "NoSuchBucket",
        "NoSuchBucketPolicy",
        "NoSuchEntity",
        "NoSuchLifecycleConfiguration",
        "NoSuchPublicAccessBlockConfiguration",
        "NoSuchTagSet",
        "NotFound",
        "NotFoundException",
        "ParameterNotFound",
        "ObjectLockConfigurationNotFoundError",
        "OwnershipControlsNotFoundError",
        "ReplicationConfigurationNotFoundError",
        "ResourceNotFound",
        "ResourceNotFoundException",
        "ServerSideEncryptionConfigurationNotFoundError",
    }
)

ClientOf = Callable[[str], Any]


def r2(account: str, token: str, cloudflare: Rest) -> S3Client:
    """Return a client of the account's R2 buckets. Raises Refused when Cloudflare does not know the token."""
    verified = None
    faults: list[Fault] = []
    # An account's own token and a person's token are verified in different places.
    for place in (f"/accounts/{account}/tokens/verify", "/user/tokens/verify"):
        try:
            verified = cloudflare.get(place)
            break
        except Refused as refused:
            faults += refused.faults
    if not verified:
        message = "could not be verified, neither as a token of the account nor as a person's"
        fix = "make a new token (README.md), then: pulumi config set --secret secrets:cloudflareApiToken"
        raise Refused("R2 cannot be reached.", [Fault("secrets:cloudflareApiToken", message, fix), *faults])
    client: S3Client = access.client(r2_endpoint(cloudflare.api.base, account), verified["id"], token)
    return client


def aws(settings: StageSettings, profile: str | None = None, region: str | None = None) -> ClientOf:
    """Return what makes boto3 clients for the stage's AWS account and region, or another ``region``: with ``profile``,
    or the profile or the role that the settings name.

    A role is assumed with what AWS's own tools would use here, as Pulumi's provider does. Raises Refused when the
    credentials are of another account: nothing is asked with them.
    """
    with said_plainly("AWS", "looking for credentials"):
        session = _session(settings, profile, region or settings.region.primary)
        require_account(session.client("sts", config=_CONFIG), settings.aws.account_id, settings.environment)
    return lambda service: session.client(service, config=_CONFIG)  # type: ignore[call-overload]


def require_account(sts: STSClient, account: str, stack: str) -> None:
    """Raise Refused when these are not credentials of the stack's account: then nothing is asked with them."""
    actual = sts.get_caller_identity()["Account"]
    if actual != account:
        message = f"is {account}, but these credentials are of account {actual}; nothing was done"
        fix = f"name a profile of account {account} with --profile, or correct the setting"
        fault = Fault("bulkhead:aws.accountId", message, fix, f"Pulumi.{stack}.yaml")
        raise Refused("These are credentials of another account.", [fault])


def unless_absent(call: Callable[..., Any], *codes: str, **request: Any) -> Any | None:
    """Call a boto3 operation; return None where AWS answers one of ``codes``, or, where none are given, of ABSENT."""
    try:
        return call(**request)
    except ClientError as error:
        if error.response["Error"]["Code"] in (codes or ABSENT):
            return None
        raise


def every(client: Any, operation: str, member: str, **request: Any) -> Iterator[Any]:
    """Yield each item of all pages of a list."""
    for page in client.get_paginator(operation).paginate(**request):
        yield from page[member]


@contextmanager
def said_plainly(cloud: str, doing: str) -> Iterator[None]:
    """Turn what boto3 raises into something a person can act on."""
    try:
        yield
    except ClientError as error:
        answer = error.response["Error"]
        message = f"{answer.get('Code', '')}: {answer.get('Message', '')}"
        fix = "use credentials that may do this, then run the same command again"
        raise Refused(f"{cloud} refused while {doing}.", [Fault(error.operation_name, message, fix)]) from error
    except BotoCoreError as error:
        fault = Fault("", f"{type(error).__name__}: {error}", "log in, or name another profile with --profile")
        raise Refused(f"{cloud} could not be asked while {doing}.", [fault]) from error


def _session(settings: StageSettings, profile: str | None, region: str) -> boto3.Session:
    chosen, role = profile or settings.aws.profile, settings.aws.role_arn
    try:
        session = boto3.Session(profile_name=chosen, region_name=region)
    except ProfileNotFound as missing:
        fault = Fault(f"profile {chosen}", "is not in ~/.aws", "name another one with --profile")
        raise Refused("There are no credentials for the stage's account.", [fault]) from missing
    if role is None or profile is not None:
        return session
    name = f"bulkhead-{settings.environment}"
    lent = session.client("sts", config=_CONFIG).assume_role(RoleArn=role, RoleSessionName=name)["Credentials"]
    return boto3.Session(
        aws_access_key_id=lent["AccessKeyId"],
        aws_secret_access_key=lent["SecretAccessKey"],
        aws_session_token=lent["SessionToken"],
        region_name=region,
    )
