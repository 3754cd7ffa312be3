"""Queues in the local AWS."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from bulkhead.clients.clouds import unless_absent
from bulkhead.localclouds.aws.resource import AwsResource, Cloud
from bulkhead.localclouds.aws.shape import Tagging, TagMap
from bulkhead.localclouds.providers.handler import Properties
from bulkhead.resources.aws.notices import QUEUE_URL

_TAGGING: Final = Tagging("list_queue_tags", "tag_queue", "untag_queue", tags=TagMap())
_WHOLE: Final = {
    "delaySeconds": "DelaySeconds",
    "kmsDataKeyReusePeriodSeconds": "KmsDataKeyReusePeriodSeconds",
    "maxMessageSize": "MaximumMessageSize",
    "messageRetentionSeconds": "MessageRetentionPeriod",
    "receiveWaitTimeSeconds": "ReceiveMessageWaitTimeSeconds",
    "visibilityTimeoutSeconds": "VisibilityTimeout",
}
_TEXT: Final = {"kmsMasterKeyId": "KmsMasterKeyId", "policy": "Policy", "redrivePolicy": "RedrivePolicy"}
_ATTRIBUTES: Final = {**_WHOLE, **_TEXT}


class Queue(AwsResource):
    """A queue, encrypted with a key or with SQS's own. Its id is its address in AWS, where nothing listens here. Left
    out: queues that keep an order, and who may take failed messages."""

    understood = frozenset({*_ATTRIBUTES, "name", "sqsManagedSseEnabled", "tags"})
    defaults: ClassVar[Properties] = {  # terraform-provider-aws, sqs/consts.go
        "delaySeconds": 0,
        "kmsDataKeyReusePeriodSeconds": 300,
        "kmsMasterKeyId": "",
        "maxMessageSize": 262_144,
        "messageRetentionSeconds": 345_600,
        "policy": "",
        "receiveWaitTimeSeconds": 0,
        "redrivePolicy": "",
        "visibilityTimeoutSeconds": 30,
    }

    def make(self, cloud: Cloud, wanted: Properties) -> str:
        given = {name: wanted.get(name, self.defaults[name]) for name in _ATTRIBUTES}
        attributes: Any = _attributes({name: value for name, value in given.items() if value != ""})
        cloud.sqs.create_queue(QueueName=wanted["name"], Attributes=attributes, tags=wanted["tagsAll"])
        return QUEUE_URL.format(region=cloud.region, account=cloud.account, name=wanted["name"])

    def see(self, cloud: Cloud, id_: str) -> dict[str, Any] | None:
        answer = unless_absent(cloud.sqs.get_queue_attributes, QueueUrl=id_, AttributeNames=["All"])
        if answer is None:
            return None
        found: Any = answer["Attributes"]
        return {
            **{name: int(found.get(api, self.defaults[name])) for name, api in _WHOLE.items()},
            **{name: found.get(api, "") for name, api in _TEXT.items()},
            "arn": found["QueueArn"],
            "name": id_.rpartition("/")[2],
            "region": cloud.region,
            "sqsManagedSseEnabled": "KmsMasterKeyId" not in found,
            "tagsAll": _TAGGING.of(cloud.sqs, QueueUrl=id_),
            "url": id_,
        }

    def change(self, cloud: Cloud, id_: str, wanted: Properties) -> None:
        attributes: Any = _attributes({name: wanted.get(name, self.defaults[name]) for name in _ATTRIBUTES})
        cloud.sqs.set_queue_attributes(QueueUrl=id_, Attributes=attributes)
        _TAGGING.write(cloud.sqs, wanted["tagsAll"], QueueUrl=id_)

    def drop(self, cloud: Cloud, id_: str, inputs: Properties) -> None:
        unless_absent(cloud.sqs.delete_queue, QueueUrl=id_)


def _attributes(values: Properties) -> dict[str, str]:
    return {_ATTRIBUTES[name]: str(value) for name, value in values.items()}
