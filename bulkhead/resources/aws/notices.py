"""What AWS watches and whom it tells: budgets, alarms, logs, topics and queues."""

from __future__ import annotations

from typing import Final

from bulkhead.resources.aws.iam import IAM_POLICY, IAM_ROLE
from bulkhead.resources.aws.keys import KMS_ALIAS, KMS_KEY
from bulkhead.resources.kind import EACH_NEW, Create, Grants, Guard, Link, Reference, Rehearsed, ResourceType, Scope

BUDGET_ACTION: Final = ResourceType(
    "aws:budgets/budgetAction:BudgetAction",
    admitted=True,
    holds_data="",
    identity_inputs=EACH_NEW,
    left_behind="",
    references=(
        Reference("budgetName", Link.NOTICE, ("aws:budgets/budget:Budget",)),
        Reference("executionRoleArn", Link.RIGHTS, (IAM_ROLE,)),
        Reference("definition.iamActionDefinition.policyArn", Link.RIGHTS, (IAM_POLICY,)),
        Reference("definition.iamActionDefinition.roles[]", Link.RIGHTS, (IAM_ROLE,)),
    ),
    taggable=True,
)

CLOUDWATCH_LOG_GROUP: Final = ResourceType(
    "aws:cloudwatch/logGroup:LogGroup",
    admitted=True,
    holds_data="every line that was logged there",
    identity_inputs=("name",),
    left_behind="",
    references=(Reference("kmsKeyId", Link.KEY, (KMS_KEY, KMS_ALIAS)),),
    scope=Scope.REGION,
    guards=Guard(("kmsKeyId", "retentionInDays")),
    named_by="name",
    replaced_by=frozenset({"logGroupClass", "name", "namePrefix", "region"}),
    create=Create.REFUSED,
    taggable=True,
    tells={"id": "{name}", "arn": "arn:aws:logs:{region}:{account}:log-group:{name}"},
    rehearsed=Rehearsed.EMULATED,
)

SNS_TOPIC: Final = ResourceType(
    "aws:sns/topic:Topic",
    admitted=True,
    holds_data="",
    identity_inputs=("name",),
    left_behind="",
    references=(Reference("kmsMasterKeyId", Link.KEY, (KMS_KEY, KMS_ALIAS)),),
    scope=Scope.REGION,
    guards=Guard(("kmsMasterKeyId", "policy")),
    named_by="name",
    replaced_by=frozenset({"fifoTopic", "name", "namePrefix", "region"}),
    documents={"policy": Grants.RESOURCE},
    taggable=True,
    tells={"arn": "arn:aws:sns:{region}:{account}:{name}", "id": "{arn}"},
    rehearsed=Rehearsed.EMULATED,
)

BUDGET: Final = ResourceType(
    "aws:budgets/budget:Budget",
    admitted=True,
    holds_data="",
    identity_inputs=("name",),
    left_behind="",
    references=(Reference("notifications[].subscriberSnsTopicArns[]", Link.NOTICE, (SNS_TOPIC,)),),
    guards=Guard(("limitAmount", "limitUnit", "timeUnit", "costFilters", "filterExpression", "notifications")),
    named_by="name",
    replaced_by=frozenset({"accountId", "name", "namePrefix"}),
    taggable=True,
    tells={"arn": "arn:aws:budgets::{account}:budget/{name}", "id": "{account}:{name}"},
    rehearsed=Rehearsed.EMULATED,
)

_ACTIONS: Final = tuple(
    Reference(f"{state}Actions[]", Link.NOTICE, (SNS_TOPIC, "aws:lambda/function:Function"))
    for state in ("alarm", "ok", "insufficientData")
)
_ALARMS: Final = ("aws:cloudwatch/metricAlarm:MetricAlarm", "aws:cloudwatch/compositeAlarm:CompositeAlarm")

CLOUDWATCH_COMPOSITE_ALARM: Final = ResourceType(
    "aws:cloudwatch/compositeAlarm:CompositeAlarm",
    admitted=True,
    holds_data="",
    identity_inputs=("alarmName",),
    left_behind="",
    references=(*_ACTIONS, Reference("actionsSuppressor.alarm", Link.NOTICE, _ALARMS)),
    scope=Scope.REGION,
    guards=Guard(("alarmActions", "actionsEnabled", "alarmRule", "actionsSuppressor")),
    named_by="alarmName",
    taggable=True,
    tells={"id": "{name}", "arn": "arn:aws:cloudwatch:{region}:{account}:alarm:{name}"},
)

CLOUDWATCH_METRIC_ALARM: Final = ResourceType(
    "aws:cloudwatch/metricAlarm:MetricAlarm",
    admitted=True,
    holds_data="",
    identity_inputs=("name",),
    left_behind="",
    references=_ACTIONS,
    scope=Scope.REGION,
    guards=Guard(("alarmActions", "actionsEnabled", "threshold", "treatMissingData")),
    named_by="name",
    replaced_by=frozenset({"name", "region"}),
    create=Create.REFUSED,
    taggable=True,
    tells={"id": "{name}", "arn": "arn:aws:cloudwatch:{region}:{account}:alarm:{name}"},
    rehearsed=Rehearsed.EMULATED,
)

SNS_TOPIC_POLICY: Final = ResourceType(
    "aws:sns/topicPolicy:TopicPolicy",
    admitted=True,
    holds_data="",
    identity_inputs=("arn",),
    left_behind="",
    references=(Reference("arn", Link.NOTICE, (SNS_TOPIC,)),),
    scope=Scope.REGION,
    guards=Guard(("policy",)),
    replaced_by=frozenset({"arn", "region"}),
    documents={"policy": Grants.RESOURCE},
    rehearsed=Rehearsed.EMULATED,
)

SNS_TOPIC_SUBSCRIPTION: Final = ResourceType(
    "aws:sns/topicSubscription:TopicSubscription",
    admitted=True,
    holds_data="",
    identity_inputs=("topic", "endpoint"),
    left_behind="",
    references=(Reference("topic", Link.NOTICE, (SNS_TOPIC,)), Reference("endpoint", Link.NOTICE)),
    scope=Scope.REGION,
    guards=Guard(("endpoint", "protocol", "topic")),
    connects=("topic", "endpoint"),
    replaced_by=frozenset({"endpoint", "protocol", "region", "topic"}),
    rehearsed=Rehearsed.EMULATED,
)

_QUEUE: Final = "aws:sqs/queue:Queue"
QUEUE_URL: Final = "https://sqs.{region}.amazonaws.com/{account}/{name}"

SQS_QUEUE: Final = ResourceType(
    _QUEUE,
    admitted=True,
    holds_data="every message that has not been consumed yet",
    identity_inputs=("name",),
    left_behind="",
    references=(
        Reference("kmsMasterKeyId", Link.KEY, (KMS_KEY, KMS_ALIAS)),
        Reference("redrivePolicy.deadLetterTargetArn", Link.CONSUMER, (_QUEUE,)),
        Reference("redriveAllowPolicy.sourceQueueArns[]", Link.CONSUMER, (_QUEUE,)),
    ),
    scope=Scope.REGION,
    guards=Guard(("policy", "kmsMasterKeyId")),
    named_by="name",
    replaced_by=frozenset({"fifoQueue", "name", "namePrefix", "region"}),
    documents={"policy": Grants.RESOURCE},
    taggable=True,
    tells={
        "arn": "arn:aws:sqs:{region}:{account}:{name}",
        "url": QUEUE_URL,
        "id": "{url}",
    },
    rehearsed=Rehearsed.EMULATED,
)

SQS_QUEUE_POLICY: Final = ResourceType(
    "aws:sqs/queuePolicy:QueuePolicy",
    admitted=True,
    holds_data="",
    identity_inputs=("queueUrl",),
    left_behind="",
    references=(Reference("queueUrl", Link.CONSUMER, (SQS_QUEUE,)),),
    scope=Scope.REGION,
    guards=Guard(("policy",)),
    documents={"policy": Grants.RESOURCE},
)
