"""How AWS's resources are found by name, and what their import is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Final

from botocore.exceptions import ClientError

from bulkhead.clients.buckets import PARTS
from bulkhead.clients.clouds import ABSENT, ClientOf, every, said_plainly
from bulkhead.model.faults import Fault, Refused
from bulkhead.operations.adopt.finding import Found, Wanted
from bulkhead.resources import types as t

# A key in one of these states is on its way out, and with it everything that it has encrypted.
_LEAVING: Final = frozenset({"PendingDeletion", "PendingReplicaDeletion"})

Look = Callable[["AwsFinder", Wanted], Found | None]


class AwsFinder:
    """Finds what has a name in one account and region, with the boto3 clients that ``client_of`` makes."""

    def __init__(self, client_of: ClientOf, account: str, region: str) -> None:
        self.client_of = client_of
        self.account = account
        self.region = region

    def knows(self, type_: str) -> bool:
        return type_ in _LOOKS

    def find(self, wanted: Wanted) -> Found | None:
        """Raises Refused as well for a key that is about to be deleted: a new one could not read the old backups."""
        with said_plainly("AWS", f"looking for {wanted.name}"):
            try:
                return _LOOKS[wanted.type](self, wanted)
            except ClientError as error:
                if error.response["Error"]["Code"] in ABSENT:
                    return None
                raise

    def _key(self, wanted: Wanted) -> Found | None:
        if wanted.alias is None:
            return None
        key = self.client_of("kms").describe_key(KeyId=wanted.alias)["KeyMetadata"]
        if key["KeyState"] in _LEAVING:
            message = f"is {key['KeyState']}: with key {key['KeyId']} all that it has encrypted would be lost"
            fix = f"aws kms cancel-key-deletion --region {self.region} --key-id {key['KeyId']}"
            raise Refused("A key of this stage is about to be deleted.", [Fault(wanted.alias, message, fix)])
        return Found(key["KeyId"], key["KeyId"])

    def _topic_policy(self, wanted: Wanted) -> Found | None:
        arn = wanted.inputs.get("arn")
        return None if arn is None else Found(arn, arn)  # every topic has one

    def _subscription(self, wanted: Wanted) -> Found | None:
        """One that waits for its confirmation has no ARN, and is made anew: AWS sends the mail once more."""
        topic = wanted.inputs.get("topic")
        if topic is None:
            return None
        for each in every(self.client_of("sns"), "list_subscriptions_by_topic", "Subscriptions", TopicArn=topic):
            same = all(each[word.title()] == wanted.inputs.get(word) for word in ("protocol", "endpoint"))
            if same and each["SubscriptionArn"].startswith("arn:"):
                return Found(each["SubscriptionArn"], each["SubscriptionArn"])
        return None

    def _alarm(self, wanted: Wanted) -> Found | None:
        name = wanted.inputs["name"]
        found = self.client_of("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
        return Found(name, name) if found else None

    def _log_group(self, wanted: Wanted) -> Found | None:
        name = wanted.inputs["name"]
        groups = every(self.client_of("logs"), "describe_log_groups", "logGroups", logGroupNamePrefix=name)
        return Found(name, name) if any(each["logGroupName"] == name for each in groups) else None

    def _queue(self, wanted: Wanted) -> Found | None:
        url = self.client_of("sqs").get_queue_url(QueueName=wanted.inputs["name"])["QueueUrl"]
        return Found(url, url)


class RegionalFinder:
    """Looks for each resource in the region that it names, and else in the stage's. ``finder_in`` makes the finder of a
    region; `pulumi import` is told the region behind an @ (Terraform, AWS provider, "Enhanced Region Support")."""

    def __init__(self, home: str, finder_in: Callable[[str], AwsFinder]) -> None:
        self._home = home
        self._in = cache(finder_in)

    def knows(self, type_: str) -> bool:
        return type_ in _LOOKS

    def find(self, wanted: Wanted) -> Found | None:
        region = str(wanted.inputs.get("region") or self._home)
        found = self._in(region).find(wanted)
        return found if found is None or region == self._home else Found(found.id, f"{found.import_id}@{region}")


def _named(id_: str, service: str, operation: str, member: str | None = None, **request: str) -> Look:
    """Ask for the resource by its names, of which ``id_`` and ``request`` are patterns; nothing exists by a name that
    is not known yet. The answer has ``member`` when the resource is there; without ``member``, any answer will do."""

    def look(finder: AwsFinder, wanted: Wanted) -> Found | None:
        client = finder.client_of(service)
        place = {"account": finder.account, "region": finder.region, "partition": client.meta.partition}
        names = {"path": "/", **wanted.inputs, **place}
        try:
            asked = {word: pattern.format_map(names) for word, pattern in request.items()}
            found = id_.format_map(names)
        except KeyError:
            return None
        answer = getattr(client, operation)(**asked)
        return Found(found, found) if member is None or answer.get(member) else None

    return look


_TOPIC: Final = "arn:{partition}:sns:{region}:{account}:{name}"
_POLICY: Final = "arn:{partition}:iam::{account}:policy{path}{name}"
_LOOKS: Final[Mapping[str, Look]] = {
    # S3 answers with an error for a part that was never set, or with an answer that lacks it.
    **{
        type_: _named("{bucket}", "s3", f"get_{part.name}", part.member, Bucket="{bucket}")
        for type_, part in PARTS.items()
    },
    t.BUDGET: _named("{account}:{name}", "budgets", "describe_budget", AccountId="{account}", BudgetName="{name}"),
    t.CLOUDWATCH_LOG_GROUP: AwsFinder._log_group,
    t.CLOUDWATCH_METRIC_ALARM: AwsFinder._alarm,
    t.IAM_POLICY: _named(_POLICY, "iam", "get_policy", PolicyArn=_POLICY),
    t.IAM_ROLE: _named("{name}", "iam", "get_role", RoleName="{name}"),
    t.IAM_ROLE_POLICY: _named("{role}:{name}", "iam", "get_role_policy", RoleName="{role}", PolicyName="{name}"),
    t.KMS_ALIAS: _named("{name}", "kms", "describe_key", KeyId="{name}"),
    t.KMS_KEY: AwsFinder._key,
    t.LAMBDA_FUNCTION: _named("{name}", "lambda", "get_function", FunctionName="{name}"),
    t.LAMBDA_FUNCTION_EVENT_INVOKE_CONFIG: _named(
        "{functionName}", "lambda", "get_function_event_invoke_config", FunctionName="{functionName}"
    ),
    t.S3_BUCKET: _named("{bucket}", "s3", "head_bucket", Bucket="{bucket}", ExpectedBucketOwner="{account}"),
    t.SCHEDULER_SCHEDULE: _named(
        "{groupName}/{name}", "scheduler", "get_schedule", GroupName="{groupName}", Name="{name}"
    ),
    t.SCHEDULER_SCHEDULE_GROUP: _named("{name}", "scheduler", "get_schedule_group", Name="{name}"),
    t.SNS_TOPIC: _named(_TOPIC, "sns", "get_topic_attributes", TopicArn=_TOPIC),
    t.SNS_TOPIC_POLICY: AwsFinder._topic_policy,
    t.SNS_TOPIC_SUBSCRIPTION: AwsFinder._subscription,
    t.SQS_QUEUE: AwsFinder._queue,
    t.SSM_PARAMETER: _named("{name}", "ssm", "get_parameter", Name="{name}"),  # a secret one stays encrypted
}
