"""What a resource is called in its cloud, and what makes it the same thing as another one (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bulkhead.analysis.clouds import account_of
from bulkhead.analysis.stage_plan import StagePlan
from bulkhead.resources import types as t
from bulkhead.resources.catalogue import NAMED_BY
from bulkhead.resources.planned import PlannedResource, unsealed
from bulkhead.resources.values import UNKNOWN, at

# The properties that make two resources of a type one and the same thing; nothing where each is a new thing. AWS's
# account and region, and GitHub's owner, come from the provider and are added to these.
_SAME: Final[Mapping[str, str]] = {
    t.ACCOUNT_TOKEN: "accountId name",
    t.API_TOKEN: "name",
    t.D1_DATABASE: "accountId name",
    t.DNS_RECORD: "zoneId name type content",
    t.LOGPUSH_JOB: "accountId zoneId dataset destinationConf",
    t.NOTIFICATION_POLICY: "accountId name",
    t.QUEUE: "accountId queueName",
    t.QUEUE_CONSUMER: "accountId queueId",
    t.R2_BUCKET: "accountId name",
    t.R2_BUCKET_CORS: "accountId bucketName",
    t.R2_BUCKET_LIFECYCLE: "accountId bucketName",
    t.R2_BUCKET_LOCK: "accountId bucketName",
    t.R2_CUSTOM_DOMAIN: "domain",
    t.R2_MANAGED_DOMAIN: "accountId bucketName",
    t.RULESET: "accountId zoneId phase kind name",
    t.WORKER: "accountId name",
    t.WORKER_VERSION: "",
    t.WORKERS_CRON_TRIGGER: "accountId scriptName",
    t.WORKERS_CUSTOM_DOMAIN: "hostname",
    t.WORKERS_DEPLOYMENT: "accountId scriptName",
    t.WORKERS_KV_NAMESPACE: "accountId title",
    t.WORKERS_ROUTE: "zoneId pattern",
    t.WORKERS_SCRIPT: "accountId scriptName",
    t.WORKERS_SCRIPT_SUBDOMAIN: "accountId scriptName",
    t.ZERO_TRUST_ACCESS_GROUP: "accountId zoneId name",
    t.ZERO_TRUST_ACCESS_APPLICATION: "accountId zoneId domain name",
    t.ZONE_SETTING: "zoneId settingId",
    t.BUDGET: "name",
    t.CLOUDWATCH_METRIC_ALARM: "name",
    t.IAM_OPEN_ID_CONNECT_PROVIDER: "url",
    t.IAM_POLICY: "name",
    t.IAM_ROLE: "name",
    t.IAM_ROLE_POLICY: "role name",
    t.IAM_ROLE_POLICY_ATTACHMENT: "role policyArn",
    t.KMS_ALIAS: "name",
    t.KMS_KEY: "",
    t.KMS_KEY_POLICY: "keyId",
    t.KMS_REPLICA_KEY: "primaryKeyArn",
    t.S3_ACCOUNT_PUBLIC_ACCESS_BLOCK: "accountId",
    t.S3_BUCKET: "bucket",
    t.S3_BUCKET_LIFECYCLE_CONFIGURATION: "bucket",
    t.S3_BUCKET_LOGGING: "bucket",
    t.S3_BUCKET_OBJECT_LOCK_CONFIGURATION: "bucket",
    t.S3_BUCKET_OWNERSHIP_CONTROLS: "bucket",
    t.S3_BUCKET_POLICY: "bucket",
    t.S3_BUCKET_PUBLIC_ACCESS_BLOCK: "bucket",
    t.S3_BUCKET_SERVER_SIDE_ENCRYPTION_CONFIGURATION: "bucket",
    t.S3_BUCKET_VERSIONING: "bucket",
    t.SNS_TOPIC: "name",
    t.SNS_TOPIC_POLICY: "arn",
    t.SNS_TOPIC_SUBSCRIPTION: "topic endpoint",
    t.SQS_QUEUE: "name",
    t.SQS_QUEUE_POLICY: "queueUrl",
    t.SSM_PARAMETER: "name",
    t.GITHUB_ACTIONS_ENVIRONMENT_SECRET: "repository environment secretName",
    t.GITHUB_ACTIONS_ENVIRONMENT_VARIABLE: "repository environment variableName",
    t.GITHUB_ACTIONS_REPOSITORY_PERMISSIONS: "repository",
    t.GITHUB_BRANCH_DEFAULT: "repository",
    t.GITHUB_REPOSITORY_ENVIRONMENT: "repository environment",
    t.GITHUB_REPOSITORY_ENVIRONMENT_DEPLOYMENT_POLICY: "repository environment branchPattern tagPattern",
    t.GITHUB_REPOSITORY_RULESET: "repository name",
    t.GITHUB_WORKFLOW_REPOSITORY_PERMISSIONS: "repository",
}
# Names that are taken for all customers at once, in whichever account.
_GLOBAL: Final = frozenset({t.S3_BUCKET})
_IN_NO_REGION: Final = ("aws:iam/", "aws:budgets/", t.S3_ACCOUNT_PUBLIC_ACCESS_BLOCK)


def is_made(resource: PlannedResource) -> bool:
    """Whether a resource becomes a thing of its own in a cloud."""
    return resource.custom and not resource.read and not resource.is_provider


def is_known(type_: str) -> bool:
    """Whether it is listed here what tells two resources of a type apart."""
    return type_ in _SAME


def same(plan: StagePlan, resource: PlannedResource) -> tuple[Any, ...] | None:
    """Return what makes a resource of a known type the same thing as another one: both have the same answer. None where
    each is a new thing, or where that cannot be told."""
    properties = _SAME[resource.type].split()
    inputs = unsealed(resource.inputs)
    values = [at(inputs, name) for name in properties]
    if not properties or UNKNOWN in values:
        return None
    where = () if resource.type in _GLOBAL else _where(plan, resource)
    return (resource.type, *where, *(str(value).lower() for value in values))


def names(resource: PlannedResource) -> frozenset[str]:
    """Return everything by which others can point at a resource: its id, its name, and what its cloud calls it."""
    own = at(resource.inputs, NAMED_BY[resource.type]) if resource.type in NAMED_BY else None
    return frozenset(each for each in (resource.id, own, *resource.outputs.values()) if isinstance(each, str) and each)


def _where(plan: StagePlan, resource: PlannedResource) -> tuple[str, ...]:
    provider = plan.provider_of(resource)
    settings = provider.inputs if provider else {}
    match resource.type.partition(":")[0]:
        case "aws":
            region = str(resource.inputs.get("region") or settings.get("region", ""))
            return account_of(settings), "" if resource.type.startswith(_IN_NO_REGION) else region
        case "github":
            return (str(settings.get("owner", "")).lower(),)
        case _:
            return ()
