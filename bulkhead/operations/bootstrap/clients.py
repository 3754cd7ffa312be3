"""boto3 clients with the credentials of one named profile, and of nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ProfileNotFound

from bulkhead.model.faults import Fault, Refused
from bulkhead.model.settings import StageSettings

if TYPE_CHECKING:
    from types_boto3_iam import IAMClient
    from types_boto3_kms import KMSClient
    from types_boto3_s3 import S3Client
    from types_boto3_sts import STSClient

# boto3's fallbacks for a profile without credentials: the role of the machine or the container, which may be of any
# account.
_NOT_THE_PROFILE: Final = frozenset({"env", "iam-role", "container-role"})


@dataclass(frozen=True, slots=True)
class Clients:
    """boto3 clients with one person's credentials, in the region of the stage."""

    s3: S3Client
    kms: KMSClient
    iam: IAMClient
    sts: STSClient


def profile_of(settings: StageSettings, given: str | None) -> str:
    """Return the profile to use: the one that was ``given``, or the settings'. The role in the settings cannot be used:
    it comes later, with the identities."""
    chosen = given or settings.aws.profile
    if chosen is None:
        message = "is not given, and the settings name a role instead of a profile; the environment is never used"
        fix = f"bulkhead bootstrap {settings.stage} --profile <profile that may administer {settings.aws.account_id}>"
        raise Refused("There are no credentials to bootstrap with.", [Fault("--profile", message, fix)])
    return chosen


def connect(profile: str, region: str, endpoint: str | None = None) -> Clients:
    """Return clients for ``region`` with the credentials of ``profile`` in ~/.aws; ``endpoint`` is another AWS's URL.

    Environment credentials are never used. Raises Refused when the profile does not exist or holds none of its own.
    """
    try:
        session = boto3.Session(profile_name=profile, region_name=region)
        credentials = session.get_credentials()
    except ProfileNotFound as missing:
        raise _refused(profile, "is no profile in ~/.aws/config or ~/.aws/credentials") from missing
    except BotoCoreError as error:
        raise _refused(profile, f"gives no credentials: {error}") from error
    if credentials is None or credentials.method in _NOT_THE_PROFILE:
        raise _refused(profile, "holds no credentials; those of the environment or of this machine are never used")
    config = Config(retries={"mode": "standard", "total_max_attempts": 3}, connect_timeout=10, read_timeout=30)
    return Clients(
        s3=session.client("s3", endpoint_url=endpoint, config=config),
        kms=session.client("kms", endpoint_url=endpoint, config=config),
        iam=session.client("iam", endpoint_url=endpoint, config=config),
        sts=session.client("sts", endpoint_url=endpoint, config=config),
    )


def _refused(profile: str, message: str) -> Refused:
    fix = f"aws configure sso --profile {profile}, or name another one with --profile"
    return Refused("There are no credentials for the stage's account.", [Fault(f"profile {profile}", message, fix)])
