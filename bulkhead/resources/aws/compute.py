"""What runs in AWS: functions, who may start them, and when they are started."""

from __future__ import annotations

from typing import Final

from bulkhead.resources.kind import Guard, ResourceType, Scope

LAMBDA_FUNCTION: Final = ResourceType(
    "aws:lambda/function:Function",
    admitted=True,
    holds="",
    same=("name",),
    leaves="",
    references=(),
    scope=Scope.REGION,
    named_by="name",
    taggable=True,
    tells={"id": "{name}", "arn": "arn:aws:lambda:{region}:{account}:function:{name}"},
)

LAMBDA_PERMISSION: Final = ResourceType(
    "aws:lambda/permission:Permission",
    admitted=True,
    holds="",
    same=("function", "statementId"),
    leaves="",
    references=(),
    scope=Scope.REGION,
    guards=Guard(("principal", "sourceArn", "sourceAccount")),
    ends=("function", "principal", "sourceArn"),
)

SCHEDULER_SCHEDULE: Final = ResourceType(
    "aws:scheduler/schedule:Schedule",
    admitted=True,
    holds="",
    same=("groupName", "name"),
    leaves="",
    references=(),
    scope=Scope.REGION,
)
