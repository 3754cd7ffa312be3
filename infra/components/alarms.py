"""A stage's alarms, and their recipients (ALR-17, ALR-19, ALR-20)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pulumi
from pulumi_aws.cloudwatch import MetricAlarm
from pulumi_aws.sns import TopicSubscription

from bulkhead.model.alarms import StageAlarm
from bulkhead.model.naming import Kind, Label
from bulkhead.model.settings import StageSettings
from infra.components.topics import Publisher, service_topic, topic_arn

_SHORT: Final = "alarms"


@dataclass(frozen=True, slots=True)
class AlarmsArgs:
    """``alarms`` are those that the stage has: bulkhead.model.alarms.alarms_of."""

    label: Label
    settings: StageSettings
    alarms: Sequence[StageAlarm]


class Alarms(pulumi.ComponentResource):
    """The stage's alarms in CloudWatch, and an encrypted topic that tells the tech lead by e-mail when one begins and
    when it is over. Without a tech lead the stakeholders get them, else finance.

    AWS sends each address a mail to confirm first; until then nothing arrives there.

    Left out: other channels by severity (Slack, a pager), and silence during maintenance.
    """

    def __init__(self, name: str, args: AlarmsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("bulkhead:alarms:Alarms", name, {}, opts)
        label, settings = args.label, args.settings
        child = pulumi.ResourceOptions(parent=self)
        publisher = Publisher(
            "cloudwatch.amazonaws.com",
            f"arn:aws:cloudwatch:{settings.region.primary}:{settings.aws.account_id}:alarm:{label.name(Kind.ALARM)}-*",
            {"kms:EncryptionContext:aws:sns:topicArn": topic_arn(label, settings, _SHORT)},
        )
        topic, policy = service_topic(name, label, settings, publisher, short=_SHORT, messages="Alarms", opts=child)
        for address in recipients(settings):
            TopicSubscription(
                f"{name}-mail-{hashlib.sha256(address.encode()).hexdigest()[:8]}",
                topic=topic.arn,
                protocol="email",
                endpoint=address,
                opts=child,
            )
        for alarm in args.alarms:
            entry = alarm.entry
            MetricAlarm(
                f"{name}-{alarm.name}",
                name=label.name(Kind.ALARM, alarm.name),
                alarm_description=f"{entry.says}. What to do: {entry.runbook}",
                namespace=entry.namespace,
                metric_name=entry.metric,
                dimensions=dict(alarm.dimensions),
                statistic=entry.statistic,
                comparison_operator=entry.comparison,
                threshold=alarm.threshold,
                period=entry.minutes * 60,
                evaluation_periods=alarm.periods,
                treat_missing_data=entry.missing,
                alarm_actions=[topic.arn],
                ok_actions=[topic.arn],
                tags={"severity": entry.severity, "runbook": entry.runbook},
                opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
            )
        self.register_outputs({"topicArn": topic.arn})


def recipients(settings: StageSettings) -> list[str]:
    """Return the addresses that get alarms, each once."""
    budget = settings.budget
    return sorted(set(budget.tech_lead or budget.stakeholders or budget.finance))
