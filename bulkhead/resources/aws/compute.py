"""What runs in AWS: functions, who may start them, and their schedules."""

from __future__ import annotations

from typing import Final

from bulkhead.resources.aws.iam import IAM_ROLE
from bulkhead.resources.aws.keys import KMS_KEY
from bulkhead.resources.aws.notices import SNS_TOPIC, SQS_QUEUE
from bulkhead.resources.kind import Guard, Link, Reference, ResourceType, Scope

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
    taggable=True,
    tells={"id": "{name}", "arn": "arn:aws:lambda:{region}:{account}:function:{name}"},
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
    ),
    scope=Scope.REGION,
    named_by="name",
    tells={"arn": "arn:aws:scheduler:{region}:{account}:schedule/{groupName}/{name}", "id": "{groupName}/{name}"},
)
