"""The base of resource types that are real in the local AWS: maps the hooks of ``Recorded`` to four calls."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Final

from botocore.exceptions import BotoCoreError, ClientError

from bulkhead.localclouds.aws.client import client
from bulkhead.localclouds.aws.drift import reconcile
from bulkhead.localclouds.aws.local import LocalAws
from bulkhead.localclouds.providers.handler import ApiRefusal, Caller, Identity, Properties, Recorded
from bulkhead.localclouds.providers.store import Record, Store

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

_ACCOUNT: Final = re.compile(r"[0-9]{12}")


@dataclass(frozen=True, slots=True)
class Cloud:
    """One account and region of the local AWS, as one stage's provider sees it, with the tags it gives to all."""

    endpoint: str
    account: str
    region: str
    default_tags: Mapping[str, str]

    @property
    def s3(self) -> S3Client:
        made: S3Client = self.client("s3")
        return made

    @property
    def kms(self) -> KMSClient:
        made: KMSClient = self.client("kms")
        return made

    @property
    def sns(self) -> SNSClient:
        made: SNSClient = self.client("sns")
        return made

    @property
    def iam(self) -> IAMClient:
        made: IAMClient = self.client("iam")
        return made

    @property
    def budgets(self) -> BudgetsClient:
        made: BudgetsClient = self.client("budgets")
        return made

    @property
    def cloudwatch(self) -> CloudWatchClient:
        made: CloudWatchClient = self.client("cloudwatch")
        return made

    @property
    def ssm(self) -> SSMClient:
        made: SSMClient = self.client("ssm")
        return made

    @property
    def lambda_(self) -> LambdaClient:
        made: LambdaClient = self.client("lambda")
        return made

    @property
    def logs(self) -> CloudWatchLogsClient:
        made: CloudWatchLogsClient = self.client("logs")
        return made

    @property
    def scheduler(self) -> EventBridgeSchedulerClient:
        made: EventBridgeSchedulerClient = self.client("scheduler")
        return made

    @property
    def sqs(self) -> SQSClient:
        made: SQSClient = self.client("sqs")
        return made

    def client(self, service: str) -> Any:
        """Return boto3's client of any service."""
        return client(self.endpoint, self.account, self.region, service)


class AwsResource(Recorded):
    """Subclasses name the inputs that they support, and create, read, update and delete the real resource; ids and
    outputs are AWS's answers. An input that is not supported is refused, because it would have no effect."""

    understood: ClassVar[frozenset[str]]
    defaults: ClassVar[Properties] = {}
    forgotten: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, token: str, rules: Identity, local: LocalAws) -> None:
        super().__init__(token, rules)
        self.local = local

    def make(self, cloud: Cloud, wanted: Properties) -> str:
        """Make it and return its id. ``wanted`` holds the inputs and, in ``tagsAll``, the tags with the provider's."""
        raise NotImplementedError

    def see(self, cloud: Cloud, id_: str) -> dict[str, Any] | None:
        """Return inputs and computed properties as AWS has them, None when it is gone."""
        raise NotImplementedError

    def change(self, cloud: Cloud, id_: str, wanted: Properties) -> None:
        """Write all of ``wanted``, not a difference, so that manual changes are corrected too."""
        raise NotImplementedError

    def drop(self, cloud: Cloud, id_: str, inputs: Properties) -> None:
        """Remove it; it may be gone already."""
        raise NotImplementedError

    def phrase(self, truth: dict[str, Any], declared: Properties) -> None:
        """Return ``truth`` with the declared form of values that have two forms in AWS (a key's id and its ARN)."""

    def on_create(self, caller: Caller, store: Store, record: Record) -> Record:
        cloud = self._cloud(caller, record.inputs)
        with _refusals(self.token):
            id_ = self.make(cloud, self._wanted(cloud, record.inputs))
            return self._seen(cloud, replace(record, id=id_, account=cloud.account))

    def on_update(self, caller: Caller, store: Store, old: Record, new: Record) -> Record:
        cloud = self._cloud(caller, new.inputs)
        with _refusals(self.token):
            self.change(cloud, new.id, self._wanted(cloud, new.inputs))
            return self._seen(cloud, new)

    def on_delete(self, caller: Caller, store: Store, record: Record) -> None:
        cloud = self._cloud(caller, record.inputs)
        with _refusals(self.token):
            self.drop(cloud, record.id, record.inputs)

    def observe(self, caller: Caller, store: Store, record: Record) -> Record | None:
        cloud = self._cloud(caller, record.inputs)
        with _refusals(self.token):
            truth = self.see(cloud, record.id)
        return None if truth is None else self._reconciled(cloud, record, truth)

    def _seen(self, cloud: Cloud, record: Record) -> Record:
        truth = self.see(cloud, record.id)
        if truth is None:
            raise ApiRefusal(f"{self.token} {record.id!r} is not there after it was written")
        return self._reconciled(cloud, record, truth)

    def _reconciled(self, cloud: Cloud, record: Record, truth: dict[str, Any]) -> Record:
        """Tags that the provider gives to everything are no input of the resource, so they are taken out again."""
        self.phrase(truth, record.inputs)
        if "tagsAll" in truth:
            own = record.inputs.get("tags") or {}
            truth["tags"] = {
                key: value
                for key, value in truth["tagsAll"].items()
                if key in own or cloud.default_tags.get(key) != value
            }
        inputs, outputs = reconcile(
            record.inputs, truth, defaults={"tags": {}, **self.defaults}, forgotten=self.forgotten
        )
        kept = {name: value for name, value in record.outputs.items() if name not in truth}
        return replace(record, inputs=inputs, outputs={**kept, **outputs})

    def _wanted(self, cloud: Cloud, inputs: Properties) -> dict[str, Any]:
        unknown = sorted(inputs.keys() - self.understood - {"region", "tagsAll"})
        if unknown:
            raise ApiRefusal(f"the local AWS does not rehearse {', '.join(unknown)} of {self.token}")
        return {**inputs, "tagsAll": {**cloud.default_tags, **(inputs.get("tags") or {})}}

    def _cloud(self, caller: Caller, inputs: Properties) -> Cloud:
        pinned = caller.config.get("allowedAccountIds")
        if not isinstance(pinned, list) or len(pinned) != 1 or not _ACCOUNT.fullmatch(str(pinned[0])):
            raise ApiRefusal(
                f"the aws provider of {caller.environment} must name its account: "
                "allowedAccountIds with one 12-digit id"
            )
        region = inputs.get("region") or caller.config.get("region")
        if not region:
            raise ApiRefusal(f"the aws provider of {caller.environment} must name its region")
        default_tags = (caller.config.get("defaultTags") or {}).get("tags") or {}
        return Cloud(self.local.endpoint, str(pinned[0]), str(region), default_tags)


@contextmanager
def _refusals(token: str) -> Iterator[None]:
    """Return AWS's error as the message for the engine: code and text, without botocore's retry notes."""
    try:
        yield
    except ClientError as error:
        answer = error.response["Error"]
        raise ApiRefusal(f"{token}: {error.operation_name}: {answer['Code']}: {answer['Message']}") from error
    except BotoCoreError as error:
        raise ApiRefusal(f"{token}: the local AWS cannot do this: {type(error).__name__}: {error}") from error
