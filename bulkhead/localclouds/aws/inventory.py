"""What exists in an account of the local AWS: for proofs that nothing was left, or that nothing was touched."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from bulkhead.localclouds.aws.client import client

if TYPE_CHECKING:
    from types_boto3_budgets import BudgetsClient
    from types_boto3_iam import IAMClient
    from types_boto3_kms import KMSClient
    from types_boto3_s3 import S3Client
    from types_boto3_sns import SNSClient
    from types_boto3_ssm import SSMClient


@dataclass(frozen=True, slots=True)
class Inventory:
    """Names of what exists, sorted. ``buckets`` pairs a bucket with its number of versions and delete markers.

    Left out: keys that wait for their deletion or that AWS manages itself, and access logs, because looking at a bucket
    writes one.
    """

    buckets: tuple[tuple[str, int], ...]
    keys: tuple[str, ...]
    aliases: tuple[str, ...]
    topics: tuple[str, ...]
    budgets: tuple[str, ...]
    policies: tuple[str, ...]
    roles: tuple[str, ...]
    identity_providers: tuple[str, ...]
    parameters: tuple[str, ...]

    def alive(self) -> str:
        """Return everything that exists in words, empty when there is nothing."""
        found = {field.name: getattr(self, field.name) for field in fields(self)}
        return "; ".join(f"{kind}: {', '.join(map(str, names))}" for kind, names in found.items() if names)


def inventory(endpoint: str, account: str, region: str) -> Inventory:
    """Return what exists in ``account``: IAM, S3 and Budgets as a whole, KMS and SNS in ``region``."""
    s3: S3Client = client(endpoint, account, region, "s3")
    kms: KMSClient = client(endpoint, account, region, "kms")
    sns: SNSClient = client(endpoint, account, region, "sns")
    iam: IAMClient = client(endpoint, account, region, "iam")
    budgets: BudgetsClient = client(endpoint, account, region, "budgets")
    buckets = sorted(bucket["Name"] for bucket in s3.list_buckets()["Buckets"])
    keys = [key["KeyId"] for page in kms.get_paginator("list_keys").paginate() for key in page["Keys"]]
    aliases = [alias["AliasName"] for page in kms.get_paginator("list_aliases").paginate() for alias in page["Aliases"]]
    topics = [topic["TopicArn"] for page in sns.get_paginator("list_topics").paginate() for topic in page["Topics"]]
    found = budgets.describe_budgets(AccountId=account).get("Budgets", [])
    roles = [role["RoleName"] for page in iam.get_paginator("list_roles").paginate() for role in page["Roles"]]
    policies = [
        p["PolicyName"] for page in iam.get_paginator("list_policies").paginate(Scope="Local") for p in page["Policies"]
    ]
    providers = iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]
    ssm: SSMClient = client(endpoint, account, region, "ssm")
    pages = ssm.get_paginator("describe_parameters").paginate()
    parameters = [parameter["Name"] for page in pages for parameter in page["Parameters"]]
    return Inventory(
        buckets=tuple((bucket, _versions(s3, bucket, _log_prefixes(s3, buckets, bucket))) for bucket in buckets),
        keys=tuple(sorted(key for key in keys if _is_live(kms, key))),
        aliases=tuple(sorted(alias for alias in aliases if not alias.startswith("alias/aws/"))),
        topics=tuple(sorted(topics)),
        budgets=tuple(sorted(budget["BudgetName"] for budget in found)),
        policies=tuple(sorted(policies)),
        roles=tuple(sorted(roles)),
        identity_providers=tuple(sorted(provider["Arn"] for provider in providers)),
        parameters=tuple(sorted(parameters)),
    )


def _versions(s3: S3Client, bucket: str, log_prefixes: tuple[str, ...]) -> int:
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket)
    return sum(
        not version["Key"].startswith(log_prefixes)
        for page in pages
        for version in (*page.get("Versions", []), *page.get("DeleteMarkers", []))
    )


def _log_prefixes(s3: S3Client, buckets: list[str], target: str) -> tuple[str, ...]:
    """Return below which prefixes of ``target`` the account's buckets have their access logs written."""
    logging = (s3.get_bucket_logging(Bucket=bucket).get("LoggingEnabled") for bucket in buckets)
    return tuple(to["TargetPrefix"] for to in logging if to and to["TargetBucket"] == target)


def _is_live(kms: KMSClient, key: str) -> bool:
    metadata = kms.describe_key(KeyId=key)["KeyMetadata"]
    return metadata["KeyManager"] == "CUSTOMER" and metadata["KeyState"] != "PendingDeletion"
