"""What exists in an account of the local AWS: for proofs that nothing was left, or that nothing was touched."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from bulkhead.clients.clouds import every
from bulkhead.localclouds.aws.client import client

if TYPE_CHECKING:
    from types_boto3_budgets import BudgetsClient
    from types_boto3_cloudwatch import CloudWatchClient
    from types_boto3_iam import IAMClient
    from types_boto3_kms import KMSClient
    from types_boto3_lambda import LambdaClient
    from types_boto3_logs import CloudWatchLogsClient
    from types_boto3_s3 import S3Client
    from types_boto3_scheduler import EventBridgeSchedulerClient
    from types_boto3_sns import SNSClient
    from types_boto3_sqs import SQSClient
    from types_boto3_ssm import SSMClient


@dataclass(frozen=True, slots=True)
class Inventory:
    """Names of what exists, sorted. ``buckets`` pairs a bucket with its number of versions and delete markers.

    Left out: keys that wait for their deletion or that AWS manages itself; access logs, because looking at a bucket
    writes one; and the settings of a bucket or a topic, such as its policy, which are deleted with it.
    """

    buckets: tuple[tuple[str, int], ...]
    keys: tuple[str, ...]
    aliases: tuple[str, ...]
    topics: tuple[str, ...]
    subscriptions: tuple[str, ...]
    alarms: tuple[str, ...]
    budgets: tuple[str, ...]
    policies: tuple[str, ...]
    roles: tuple[str, ...]
    role_policies: tuple[str, ...]
    identity_providers: tuple[str, ...]
    parameters: tuple[str, ...]
    functions: tuple[str, ...]
    afterwards: tuple[str, ...]
    schedules: tuple[str, ...]
    schedule_groups: tuple[str, ...]
    queues: tuple[str, ...]
    log_groups: tuple[str, ...]

    def alive(self) -> str:
        """Return a description of everything that exists, empty when there is nothing."""
        found = {field.name: getattr(self, field.name) for field in fields(self)}
        return "; ".join(f"{kind}: {', '.join(map(str, names))}" for kind, names in found.items() if names)


def inventory(endpoint: str, account: str, region: str) -> Inventory:
    """Return what exists in ``account``: IAM, S3 and Budgets as a whole, the other services in ``region``."""
    s3: S3Client = client(endpoint, account, region, "s3")
    kms: KMSClient = client(endpoint, account, region, "kms")
    sns: SNSClient = client(endpoint, account, region, "sns")
    iam: IAMClient = client(endpoint, account, region, "iam")
    ssm: SSMClient = client(endpoint, account, region, "ssm")
    budgets: BudgetsClient = client(endpoint, account, region, "budgets")
    cloudwatch: CloudWatchClient = client(endpoint, account, region, "cloudwatch")
    lambda_: LambdaClient = client(endpoint, account, region, "lambda")
    scheduler: EventBridgeSchedulerClient = client(endpoint, account, region, "scheduler")
    sqs: SQSClient = client(endpoint, account, region, "sqs")
    logs: CloudWatchLogsClient = client(endpoint, account, region, "logs")
    buckets = sorted(bucket["Name"] for bucket in s3.list_buckets()["Buckets"])
    functions = _sorted(each["FunctionName"] for each in every(lambda_, "list_functions", "Functions"))
    roles = sorted(role["RoleName"] for role in every(iam, "list_roles", "Roles"))
    return Inventory(
        buckets=tuple((bucket, _versions(s3, bucket, _log_prefixes(s3, buckets, bucket))) for bucket in buckets),
        keys=_sorted(key["KeyId"] for key in every(kms, "list_keys", "Keys") if _is_live(kms, key["KeyId"])),
        aliases=_sorted(
            alias["AliasName"]
            for alias in every(kms, "list_aliases", "Aliases")
            if not alias["AliasName"].startswith("alias/aws/")
        ),
        topics=_sorted(topic["TopicArn"] for topic in every(sns, "list_topics", "Topics")),
        subscriptions=_sorted(
            f"{each['TopicArn']} to {each['Endpoint']}" for each in every(sns, "list_subscriptions", "Subscriptions")
        ),
        alarms=_sorted(alarm["AlarmName"] for alarm in every(cloudwatch, "describe_alarms", "MetricAlarms")),
        budgets=_sorted(
            budget["BudgetName"] for budget in budgets.describe_budgets(AccountId=account).get("Budgets", [])
        ),
        policies=_sorted(policy["PolicyName"] for policy in every(iam, "list_policies", "Policies", Scope="Local")),
        roles=tuple(roles),
        role_policies=tuple(
            f"{role}:{name}" for role in roles for name in iam.list_role_policies(RoleName=role)["PolicyNames"]
        ),
        identity_providers=_sorted(
            provider["Arn"] for provider in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]
        ),
        parameters=_sorted(parameter["Name"] for parameter in every(ssm, "describe_parameters", "Parameters")),
        functions=functions,
        afterwards=tuple(
            each
            for each in functions
            if lambda_.list_function_event_invoke_configs(FunctionName=each)["FunctionEventInvokeConfigs"]
        ),
        schedules=_sorted(
            f"{each['GroupName']}/{each['Name']}" for each in every(scheduler, "list_schedules", "Schedules")
        ),
        schedule_groups=_sorted(
            each["Name"]
            for each in every(scheduler, "list_schedule_groups", "ScheduleGroups")
            if each["Name"] != "default"
        ),
        queues=_sorted(sqs.list_queues().get("QueueUrls", [])),
        log_groups=_sorted(each["logGroupName"] for each in every(logs, "describe_log_groups", "logGroups")),
    )


def _sorted(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(names))


def _versions(s3: S3Client, bucket: str, log_prefixes: tuple[str, ...]) -> int:
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket)
    return sum(
        not version["Key"].startswith(log_prefixes)
        for page in pages
        for version in (*page.get("Versions", []), *page.get("DeleteMarkers", []))
    )


def _log_prefixes(s3: S3Client, buckets: list[str], target: str) -> tuple[str, ...]:
    """Return the prefixes of ``target`` below which access logs of the account's buckets are written."""
    logging = (s3.get_bucket_logging(Bucket=bucket).get("LoggingEnabled") for bucket in buckets)
    return tuple(to["TargetPrefix"] for to in logging if to and to["TargetBucket"] == target)


def _is_live(kms: KMSClient, key: str) -> bool:
    metadata = kms.describe_key(KeyId=key)["KeyMetadata"]
    return metadata["KeyManager"] == "CUSTOMER" and metadata["KeyState"] != "PendingDeletion"
