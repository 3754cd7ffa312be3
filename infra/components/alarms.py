"""What a stage's alarms are, and who is told of them (ALR-17, ALR-19, ALR-20)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pulumi
from pulumi_aws.cloudwatch import MetricAlarm
from pulumi_aws.kms import Alias, Key
from pulumi_aws.sns import Topic, TopicPolicy, TopicSubscription

from infra.alarms import Alarm
from infra.components.vault import account_key_policy
from infra.naming import Kind, Label
from infra.settings import StageSettings

_CLOUDWATCH: Final = "cloudwatch.amazonaws.com"


@dataclass(frozen=True, slots=True)
class AlarmsArgs:
    """``alarms`` are those that the stage has: infra.alarms.alarms_of."""

    label: Label
    settings: StageSettings
    alarms: Sequence[Alarm]


class Alarms(pulumi.ComponentResource):
    """The stage's alarms in CloudWatch, and an encrypted topic that tells the tech lead by e-mail when one begins and
    when it is over. Where no tech lead is named, the stakeholders are told, else finance.

    AWS sends each address a mail to confirm first; until then nothing arrives there. The topic has a key of its own,
    because CloudWatch may not use AWS's own key for SNS, and then tells nobody.

    Left out: other channels by severity (Slack, a pager), and silence during maintenance.
    """

    def __init__(self, name: str, args: AlarmsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("bulkhead:alarms:Alarms", name, {}, opts)
        label, settings = args.label, args.settings
        child = pulumi.ResourceOptions(parent=self)
        topic_name = label.name(Kind.TOPIC, "alarms")
        key = Key(
            f"{name}-key",
            description=f"Alarms of {label.product} {label.environment}",
            enable_key_rotation=True,
            deletion_window_in_days=30,
            policy=account_key_policy(
                settings.aws.account_id,
                {
                    "Sid": "AlarmsEncryptMessages",
                    "Effect": "Allow",
                    "Principal": {"Service": _CLOUDWATCH},
                    "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
                    "Resource": "*",
                    "Condition": {
                        "StringEquals": {"kms:EncryptionContext:aws:sns:topicArn": _arn(settings, topic_name)}
                    },
                },
            ),
            opts=child,
        )
        Alias(
            f"{name}-key-name",
            name=f"alias/{label.name(Kind.KMS_ALIAS, 'alarms')}",
            target_key_id=key.key_id,
            opts=child,
        )
        self.topic = Topic(f"{name}-topic", name=topic_name, kms_master_key_id=key.arn, opts=child)
        policy = TopicPolicy(
            f"{name}-topic-policy",
            arn=self.topic.arn,
            policy=self.topic.arn.apply(lambda arn: _only_alarms_publish(arn, settings, label)),
            opts=child,
        )
        for address in told(settings):
            TopicSubscription(
                f"{name}-mail-{hashlib.sha256(address.encode()).hexdigest()[:8]}",
                topic=self.topic.arn,
                protocol="email",
                endpoint=address,
                opts=child,
            )
        for alarm in args.alarms:
            MetricAlarm(
                f"{name}-{alarm.name}",
                name=label.name(Kind.ALARM, alarm.name),
                alarm_description=f"{alarm.says}. What to do: {alarm.runbook}",
                namespace=alarm.namespace,
                metric_name=alarm.metric,
                dimensions=alarm.dimensions(label),
                statistic=alarm.statistic,
                comparison_operator=alarm.comparison,
                threshold=alarm.thresholds[label.stage],
                period=alarm.minutes * 60,
                evaluation_periods=alarm.periods,
                treat_missing_data=alarm.missing,
                alarm_actions=[self.topic.arn],
                ok_actions=[self.topic.arn],
                tags={"severity": alarm.severity, "runbook": alarm.runbook},
                opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
            )
        self.register_outputs({"topicArn": self.topic.arn})


def told(settings: StageSettings) -> list[str]:
    """Return the addresses that hear of an alarm, each once."""
    budget = settings.budget
    return sorted(set(budget.tech_lead or budget.stakeholders or budget.finance))


def _arn(settings: StageSettings, topic: str) -> str:
    """Return the topic's ARN before it exists: its key must know it, and the topic must know the key."""
    return f"arn:aws:sns:{settings.region.primary}:{settings.aws.account_id}:{topic}"


def _only_alarms_publish(topic: str, settings: StageSettings, label: Label) -> str:
    region, account = settings.region.primary, settings.aws.account_id
    statement = {
        "Sid": "AlarmsPublishThemselves",
        "Effect": "Allow",
        "Principal": {"Service": _CLOUDWATCH},
        "Action": "sns:Publish",
        "Resource": topic,
        "Condition": {
            "StringEquals": {"aws:SourceAccount": account},
            "ArnLike": {"aws:SourceArn": f"arn:aws:cloudwatch:{region}:{account}:alarm:{label.name(Kind.ALARM)}-*"},
        },
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]}, sort_keys=True)
