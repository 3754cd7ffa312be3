"""How AWS's resources are found by name, and what their import is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from botocore.exceptions import ClientError

from bulkhead.clients.clouds import ABSENT, ClientOf, said_plainly
from bulkhead.model.faults import Fault, Refused
from bulkhead.operations.adopt.finding import Found, Wanted
from bulkhead.resources import types as t

# A key in one of these states is on its way out, and with it everything that it has encrypted.
_LEAVING: Final = frozenset({"PendingDeletion", "PendingReplicaDeletion"})


class AwsFinder:
    """Finds what has a name in one account and region, with the boto3 clients that ``client_of`` makes."""

    def __init__(self, client_of: ClientOf, account: str, region: str) -> None:
        self._client_of = client_of
        self._account = account
        self._region = region

    def knows(self, type_: str) -> bool:
        return type_ in _PARTS_OF_BUCKETS or type_ in _LOOKS

    def find(self, wanted: Wanted) -> Found | None:
        """Raises Refused as well for a key that is about to be deleted: a new one could not read the old backups."""
        with said_plainly("AWS", f"looking for {wanted.name}"):
            try:
                if wanted.type in _PARTS_OF_BUCKETS:
                    return self._part_of_bucket(wanted)
                return _LOOKS[wanted.type](self, wanted)
            except ClientError as error:
                if error.response["Error"]["Code"] in ABSENT:
                    return None
                raise

    def _bucket(self, wanted: Wanted) -> Found:
        name = wanted.inputs["bucket"]
        self._client_of("s3").head_bucket(Bucket=name, ExpectedBucketOwner=self._account)
        return Found(name, name)

    def _part_of_bucket(self, wanted: Wanted) -> Found | None:
        """S3 answers with an error for a part that was never set, or with an answer that lacks it."""
        bucket = wanted.inputs.get("bucket")
        if bucket is None:
            return None
        operation, member = _PARTS_OF_BUCKETS[wanted.type]
        answer = getattr(self._client_of("s3"), operation)(Bucket=bucket)
        return Found(bucket, bucket) if answer.get(member) else None

    def _alias(self, wanted: Wanted) -> Found:
        name = wanted.inputs["name"]
        self._client_of("kms").describe_key(KeyId=name)
        return Found(name, name)

    def _key(self, wanted: Wanted) -> Found | None:
        if wanted.alias is None:
            return None
        key = self._client_of("kms").describe_key(KeyId=wanted.alias)["KeyMetadata"]
        if key["KeyState"] in _LEAVING:
            message = f"is {key['KeyState']}: with key {key['KeyId']} all that it has encrypted would be lost"
            fix = f"aws kms cancel-key-deletion --region {self._region} --key-id {key['KeyId']}"
            raise Refused("A key of this stage is about to be deleted.", [Fault(wanted.alias, message, fix)])
        return Found(key["KeyId"], key["KeyId"])

    def _topic(self, wanted: Wanted) -> Found:
        sns = self._client_of("sns")
        arn = f"arn:{sns.meta.partition}:sns:{self._region}:{self._account}:{wanted.inputs['name']}"
        sns.get_topic_attributes(TopicArn=arn)
        return Found(arn, arn)

    def _topic_policy(self, wanted: Wanted) -> Found | None:
        arn = wanted.inputs.get("arn")
        return None if arn is None else Found(arn, arn)  # every topic has one

    def _subscription(self, wanted: Wanted) -> Found | None:
        """One that waits for its confirmation has no ARN, and is made anew: AWS sends the mail once more."""
        topic = wanted.inputs.get("topic")
        if topic is None:
            return None
        pages = self._client_of("sns").get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
        for each in (each for page in pages for each in page["Subscriptions"]):
            same = all(each[word.title()] == wanted.inputs.get(word) for word in ("protocol", "endpoint"))
            if same and each["SubscriptionArn"].startswith("arn:"):
                return Found(each["SubscriptionArn"], each["SubscriptionArn"])
        return None

    def _alarm(self, wanted: Wanted) -> Found | None:
        name = wanted.inputs["name"]
        found = self._client_of("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
        return Found(name, name) if found else None

    def _budget(self, wanted: Wanted) -> Found:
        name = wanted.inputs["name"]
        self._client_of("budgets").describe_budget(AccountId=self._account, BudgetName=name)
        return Found(f"{self._account}:{name}", f"{self._account}:{name}")

    def _parameter(self, wanted: Wanted) -> Found:
        name = wanted.inputs["name"]
        self._client_of("ssm").get_parameter(Name=name)  # a secret one stays encrypted
        return Found(name, name)

    def _role(self, wanted: Wanted) -> Found:
        name = wanted.inputs["name"]
        self._client_of("iam").get_role(RoleName=name)
        return Found(name, name)

    def _role_policy(self, wanted: Wanted) -> Found | None:
        role, name = wanted.inputs.get("role"), wanted.inputs["name"]
        if role is None:
            return None
        self._client_of("iam").get_role_policy(RoleName=role, PolicyName=name)
        return Found(f"{role}:{name}", f"{role}:{name}")

    def _policy(self, wanted: Wanted) -> Found:
        iam = self._client_of("iam")
        path, name = wanted.inputs.get("path", "/"), wanted.inputs["name"]
        arn = f"arn:{iam.meta.partition}:iam::{self._account}:policy{path}{name}"
        iam.get_policy(PolicyArn=arn)
        return Found(arn, arn)


# The operation that reads a part of a bucket, and the member of the answer that is there when the part is.
_PARTS_OF_BUCKETS: Final[Mapping[str, tuple[str, str]]] = {
    t.S3_BUCKET_LIFECYCLE_CONFIGURATION: (
        "get_bucket_lifecycle_configuration",
        "Rules",
    ),
    t.S3_BUCKET_LOGGING: ("get_bucket_logging", "LoggingEnabled"),
    t.S3_BUCKET_OBJECT_LOCK_CONFIGURATION: (
        "get_object_lock_configuration",
        "ObjectLockConfiguration",
    ),
    t.S3_BUCKET_OWNERSHIP_CONTROLS: ("get_bucket_ownership_controls", "OwnershipControls"),
    t.S3_BUCKET_POLICY: ("get_bucket_policy", "Policy"),
    t.S3_BUCKET_PUBLIC_ACCESS_BLOCK: (
        "get_public_access_block",
        "PublicAccessBlockConfiguration",
    ),
    t.S3_BUCKET_SERVER_SIDE_ENCRYPTION_CONFIGURATION: (
        "get_bucket_encryption",
        "ServerSideEncryptionConfiguration",
    ),
    t.S3_BUCKET_VERSIONING: ("get_bucket_versioning", "Status"),
}
_LOOKS: Final[Mapping[str, Callable[[AwsFinder, Wanted], Found | None]]] = {
    t.BUDGET: AwsFinder._budget,
    t.CLOUDWATCH_METRIC_ALARM: AwsFinder._alarm,
    t.IAM_POLICY: AwsFinder._policy,
    t.IAM_ROLE: AwsFinder._role,
    t.IAM_ROLE_POLICY: AwsFinder._role_policy,
    t.KMS_ALIAS: AwsFinder._alias,
    t.KMS_KEY: AwsFinder._key,
    t.S3_BUCKET: AwsFinder._bucket,
    t.SNS_TOPIC: AwsFinder._topic,
    t.SNS_TOPIC_POLICY: AwsFinder._topic_policy,
    t.SNS_TOPIC_SUBSCRIPTION: AwsFinder._subscription,
    t.SSM_PARAMETER: AwsFinder._parameter,
}
