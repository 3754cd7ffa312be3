"""SNS topics in the local AWS: the topic, its policy, and who subscribes."""

from __future__ import annotations

import json
from typing import Any, ClassVar, Final

from bulkhead.clients.clouds import unless_absent
from bulkhead.localclouds.aws.drift import same
from bulkhead.localclouds.aws.resource import AwsResource, Cloud
from bulkhead.localclouds.aws.shape import TAGS, Tagging
from bulkhead.localclouds.providers.handler import Properties

_TAGGING: Final = Tagging()
_TOPIC_ATTRIBUTES: Final = {"displayName": "DisplayName", "kmsMasterKeyId": "KmsMasterKeyId"}
_SUBSCRIPTION_ATTRIBUTES: Final = {
    "filterPolicy": "FilterPolicy",
    "filterPolicyScope": "FilterPolicyScope",
    "rawMessageDelivery": "RawMessageDelivery",
    "redrivePolicy": "RedrivePolicy",
}
# The values that reset an attribute (SNS API reference, SetSubscriptionAttributes).
_UNSET: Final = {
    "filterPolicy": "{}",
    "filterPolicyScope": "MessageAttributes",
    "rawMessageDelivery": False,
    "redrivePolicy": "{}",
}


class Topic(AwsResource):
    """A topic. Its id is its ARN."""

    understood = frozenset({"name", "displayName", "kmsMasterKeyId", "policy", "tags"})
    defaults: ClassVar[Properties] = {"displayName": "", "kmsMasterKeyId": ""}

    def make(self, cloud: Cloud, wanted: Properties) -> str:
        tags: Any = TAGS.to_api(wanted["tagsAll"])
        arn = cloud.sns.create_topic(Name=wanted["name"], Tags=tags)["TopicArn"]
        self.change(cloud, arn, wanted)
        return arn

    def see(self, cloud: Cloud, id_: str) -> dict[str, Any] | None:
        answer = unless_absent(cloud.sns.get_topic_attributes, TopicArn=id_)
        if answer is None:
            return None
        attributes = answer["Attributes"]
        return {
            "name": id_.rpartition(":")[2],
            "arn": id_,
            "owner": attributes["Owner"],
            "policy": attributes["Policy"],
            "tagsAll": _TAGGING.of(cloud.sns, ResourceArn=id_),
            "region": cloud.region,
            **{name: attributes.get(attribute, "") for name, attribute in _TOPIC_ATTRIBUTES.items()},
        }

    def change(self, cloud: Cloud, id_: str, wanted: Properties) -> None:
        for name, attribute in _TOPIC_ATTRIBUTES.items():
            cloud.sns.set_topic_attributes(
                TopicArn=id_, AttributeName=attribute, AttributeValue=str(wanted.get(name, ""))
            )
        if "policy" in wanted:
            cloud.sns.set_topic_attributes(TopicArn=id_, AttributeName="Policy", AttributeValue=wanted["policy"])
        _TAGGING.write(cloud.sns, wanted["tagsAll"], ResourceArn=id_)

    def drop(self, cloud: Cloud, id_: str, inputs: Properties) -> None:
        cloud.sns.delete_topic(TopicArn=id_)


class TopicPolicy(AwsResource):
    """Who may publish to a topic. It is deleted with its topic; if it is deleted alone, AWS's default policy applies
    again."""

    understood = frozenset({"arn", "policy"})

    def make(self, cloud: Cloud, wanted: Properties) -> str:
        self.change(cloud, str(wanted["arn"]), wanted)
        return str(wanted["arn"])

    def see(self, cloud: Cloud, id_: str) -> dict[str, Any] | None:
        answer = unless_absent(cloud.sns.get_topic_attributes, TopicArn=id_)
        if answer is None:
            return None
        attributes = answer["Attributes"]
        return {"arn": id_, "owner": attributes["Owner"], "policy": attributes["Policy"], "region": cloud.region}

    def change(self, cloud: Cloud, id_: str, wanted: Properties) -> None:
        cloud.sns.set_topic_attributes(TopicArn=id_, AttributeName="Policy", AttributeValue=wanted["policy"])

    def drop(self, cloud: Cloud, id_: str, inputs: Properties) -> None:
        policy = json.dumps(_default_policy(cloud, id_))
        unless_absent(cloud.sns.set_topic_attributes, TopicArn=id_, AttributeName="Policy", AttributeValue=policy)


class TopicSubscription(AwsResource):
    """A subscription. moto confirms e-mail at once; AWS waits until the person has clicked."""

    understood = frozenset({"topic", "protocol", "endpoint", *_SUBSCRIPTION_ATTRIBUTES})
    defaults: ClassVar[Properties] = _UNSET

    def make(self, cloud: Cloud, wanted: Properties) -> str:
        return cloud.sns.subscribe(
            TopicArn=wanted["topic"],
            Protocol=wanted["protocol"],
            Endpoint=wanted["endpoint"],
            Attributes={
                attribute: _text(wanted[name]) for name, attribute in _SUBSCRIPTION_ATTRIBUTES.items() if name in wanted
            },
            ReturnSubscriptionArn=True,
        )["SubscriptionArn"]

    def see(self, cloud: Cloud, id_: str) -> dict[str, Any] | None:
        answer = unless_absent(cloud.sns.get_subscription_attributes, SubscriptionArn=id_)
        if answer is None:
            return None
        attributes = answer["Attributes"]
        return {
            "arn": id_,
            "topic": attributes["TopicArn"],
            "protocol": attributes["Protocol"],
            "endpoint": attributes["Endpoint"],
            "ownerId": attributes["Owner"],
            "pendingConfirmation": attributes["PendingConfirmation"] == "true",
            "confirmationWasAuthenticated": attributes["ConfirmationWasAuthenticated"] == "true",
            "rawMessageDelivery": attributes["RawMessageDelivery"] == "true",
            "filterPolicy": attributes.get("FilterPolicy", ""),
            "filterPolicyScope": attributes.get("FilterPolicyScope", _UNSET["filterPolicyScope"]),
            "redrivePolicy": attributes.get("RedrivePolicy", ""),
            "region": cloud.region,
        }

    def change(self, cloud: Cloud, id_: str, wanted: Properties) -> None:
        seen = self.see(cloud, id_) or {}
        for name, attribute in _SUBSCRIPTION_ATTRIBUTES.items():
            value = wanted.get(name, _UNSET[name])
            if not same(value, seen.get(name)):
                cloud.sns.set_subscription_attributes(
                    SubscriptionArn=id_, AttributeName=attribute, AttributeValue=_text(value)
                )

    def drop(self, cloud: Cloud, id_: str, inputs: Properties) -> None:
        cloud.sns.unsubscribe(SubscriptionArn=id_)


def _default_policy(cloud: Cloud, arn: str) -> dict[str, Any]:
    """Return what a new topic allows: everything, to its own account (SNS Developer Guide, "Access policies")."""
    actions = "GetTopicAttributes SetTopicAttributes AddPermission RemovePermission DeleteTopic Subscribe"
    statement = {
        "Sid": "__default_statement_ID",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": [f"SNS:{action}" for action in (*actions.split(), "ListSubscriptionsByTopic", "Publish")],
        "Resource": arn,
        "Condition": {"StringEquals": {"AWS:SourceOwner": cloud.account}},
    }
    return {"Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": [statement]}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
