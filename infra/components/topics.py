"""SNS topics to which one AWS service publishes, in the name of the stage."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import pulumi
from pulumi_aws.sns import Topic, TopicPolicy

from bulkhead.model.naming import Kind, Label
from bulkhead.model.settings import StageSettings
from infra.components.keys import stage_key


@dataclass(frozen=True, slots=True)
class Publisher:
    """``service`` is its principal, ``sources`` the pattern of the ARNs in whose name it publishes. ``encrypting`` are
    the conditions (StringEquals) by which the key knows that it is for the stage."""

    service: str
    sources: str
    encrypting: Mapping[str, str]


class ServiceTopic(NamedTuple):
    """A topic refuses messages until ``policy`` exists, so every resource that names the topic depends on it."""

    topic: Topic
    policy: TopicPolicy


def service_topic(
    name: str,
    label: Label,
    settings: StageSettings,
    publisher: Publisher,
    *,
    short: str,
    messages: str,
    opts: pulumi.ResourceOptions,
) -> ServiceTopic:
    """Declare a topic whose name ends in ``short``, and to which the publisher alone may publish its ``messages``.

    The topic has a key of its own: AWS services may not use AWS's own key for SNS, and then tell nobody.
    """
    account = settings.aws.account_id
    encrypts = {
        "Sid": "PublisherEncrypts",
        "Effect": "Allow",
        "Principal": {"Service": publisher.service},
        "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
        "Resource": "*",
        "Condition": {"StringEquals": dict(publisher.encrypting)},
    }
    key = stage_key(name, label, account, encrypts, short=short, contents=messages, opts=opts)
    topic = Topic(f"{name}-topic", name=label.name(Kind.TOPIC, short), kms_master_key_id=key.arn, opts=opts)
    policy = TopicPolicy(
        f"{name}-topic-policy",
        arn=topic.arn,
        policy=topic.arn.apply(lambda arn: _only_it_publishes(arn, publisher, account)),
        opts=opts,
    )
    return ServiceTopic(topic, policy)


def topic_arn(label: Label, settings: StageSettings, short: str) -> str:
    """Return a topic's ARN before it exists: its key may have to know it, and the topic knows the key."""
    return f"arn:aws:sns:{settings.region.primary}:{settings.aws.account_id}:{label.name(Kind.TOPIC, short)}"


def _only_it_publishes(topic: str, publisher: Publisher, account: str) -> str:
    statement = {
        "Sid": "PublisherPublishes",
        "Effect": "Allow",
        "Principal": {"Service": publisher.service},
        "Action": "sns:Publish",
        "Resource": topic,
        "Condition": {"StringEquals": {"aws:SourceAccount": account}, "ArnLike": {"aws:SourceArn": publisher.sources}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]}, sort_keys=True)
