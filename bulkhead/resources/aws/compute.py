"""What runs in AWS: functions, who may start them, what becomes of a run that fails, and their schedules."""

from __future__ import annotations

from typing import Final

from bulkhead.resources.aws.iam import IAM_ROLE
from bulkhead.resources.aws.keys import KMS_KEY
from bulkhead.resources.aws.notices import SNS_TOPIC, SQS_QUEUE
from bulkhead.resources.kind import Create, Guard, Link, Reference, Rehearsed, ResourceType, Scope

LAMBDA_FUNCTION: Final = ResourceType(
    "aws:lambda/function:Function",
    admitted=True,
    holds_data="",
    identity_inputs=("name",),
    left_behind="",
    references=(
        Reference("role", Link.RIGHTS, (IAM_ROLE,)),
        Reference("kmsKeyArn", Link.KEY, (KMS_KEY,)),
        Reference("sourceKmsKeyArn", Link.KEY, (KMS_KEY,)),
        Reference("deadLetterConfig.targetArn", Link.CONSUMER, (SQS_QUEUE, SNS_TOPIC)),
    ),
    scope=Scope.REGION,
    named_by="name",
    replaced_by=frozenset({"name", "packageType", "region", "tenancyConfig"}),
    create=Create.REFUSED,
    taggable=True,
    tells={"id": "{name}", "arn": "arn:aws:lambda:{region}:{account}:function:{name}"},
    rehearsed=Rehearsed.EMULATED,
)

LAMBDA_FUNCTION_EVENT_INVOKE_CONFIG: Final = ResourceType(
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig",
    admitted=True,
    unjudged="it says how often a run is tried again; where a failed one is told is a reference, and that is judged",
    holds_data="",
    identity_inputs=("functionName", "qualifier"),
    left_behind="",
    references=(
        Reference("functionName", Link.FUNCTION, (LAMBDA_FUNCTION,)),
        Reference("destinationConfig.onFailure.destination", Link.CONSUMER, (SQS_QUEUE, SNS_TOPIC, LAMBDA_FUNCTION)),
        Reference("destinationConfig.onSuccess.destination", Link.CONSUMER, (SQS_QUEUE, SNS_TOPIC, LAMBDA_FUNCTION)),
    ),
    scope=Scope.REGION,
    replaced_by=frozenset({"functionName", "qualifier", "region"}),
    create=Create.UPSERTS,
    rehearsed=Rehearsed.EMULATED,
)

LAMBDA_PERMISSION: Final = ResourceType(
    "aws:lambda/permission:Permission",
    admitted=True,
    holds_data="",
    identity_inputs=("function", "statementId"),
    left_behind="",
    references=(Reference("function", Link.FUNCTION, (LAMBDA_FUNCTION,)),),
    scope=Scope.REGION,
    guards=Guard(("principal", "sourceArn", "sourceAccount")),
    connects=("function", "principal", "sourceArn"),
)

SCHEDULER_SCHEDULE_GROUP: Final = ResourceType(
    "aws:scheduler/scheduleGroup:ScheduleGroup",
    admitted=True,
    unjudged="it only keeps schedules together, and each of those is judged",
    holds_data="",
    identity_inputs=("name",),
    left_behind="",
    references=(),
    scope=Scope.REGION,
    named_by="name",
    replaced_by=frozenset({"name", "namePrefix", "region"}),
    create=Create.REFUSED,
    taggable=True,
    tells={"id": "{name}", "arn": "arn:aws:scheduler:{region}:{account}:schedule-group/{name}"},
    rehearsed=Rehearsed.EMULATED,
)

SCHEDULER_SCHEDULE: Final = ResourceType(
    "aws:scheduler/schedule:Schedule",
    admitted=True,
    holds_data="",
    identity_inputs=("groupName", "name"),
    left_behind="",
    references=(
        Reference("target.arn", Link.FUNCTION, (LAMBDA_FUNCTION, SQS_QUEUE, SNS_TOPIC)),
        Reference("target.roleArn", Link.RIGHTS, (IAM_ROLE,)),
        Reference("target.deadLetterConfig.arn", Link.CONSUMER, (SQS_QUEUE,)),
        Reference("kmsKeyArn", Link.KEY, (KMS_KEY,)),
        Reference("groupName", Link.FUNCTION, (SCHEDULER_SCHEDULE_GROUP,)),
    ),
    scope=Scope.REGION,
    named_by="name",
    replaced_by=frozenset({"groupName", "name", "namePrefix", "region"}),
    create=Create.REFUSED,
    tells={"arn": "arn:aws:scheduler:{region}:{account}:schedule/{groupName}/{name}", "id": "{groupName}/{name}"},
    rehearsed=Rehearsed.EMULATED,
)
