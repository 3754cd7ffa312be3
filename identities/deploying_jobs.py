"""What the role that deploys may do to declare a stage's jobs, with a reason for every statement (pure)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from bulkhead.model.aws_scope import AwsScope
from bulkhead.model.iam import Grant
from bulkhead.model.naming import Kind
from bulkhead.resources import types as t

_FUNCTION_SETTINGS: Final = (
    "lambda:CreateFunction",
    "lambda:DeleteFunction",
    "lambda:DeleteFunctionEventInvokeConfig",
    "lambda:GetFunction*",
    "lambda:GetRuntimeManagementConfig",
    "lambda:ListTags",
    "lambda:ListVersionsByFunction",
    "lambda:PutFunctionEventInvokeConfig",
    "lambda:TagResource",
    "lambda:UntagResource",
    "lambda:UpdateFunctionCode",
    "lambda:UpdateFunctionConfiguration",
    "lambda:UpdateFunctionEventInvokeConfig",
)
_SCHEDULE_SETTINGS: Final = (
    "scheduler:CreateSchedule",
    "scheduler:CreateScheduleGroup",
    "scheduler:DeleteSchedule",
    "scheduler:DeleteScheduleGroup",
    "scheduler:GetSchedule",
    "scheduler:GetScheduleGroup",
    "scheduler:ListTagsForResource",
    "scheduler:TagResource",
    "scheduler:UntagResource",
    "scheduler:UpdateSchedule",
)
_QUEUE_SETTINGS: Final = (
    "sqs:CreateQueue",
    "sqs:DeleteQueue",
    "sqs:GetQueueAttributes",
    "sqs:GetQueueUrl",
    "sqs:ListQueueTags",
    "sqs:SetQueueAttributes",
    "sqs:TagQueue",
    "sqs:UntagQueue",
)
_LOG_SETTINGS: Final = (
    "logs:AssociateKmsKey",
    "logs:CreateLogGroup",
    "logs:DeleteLogGroup",
    "logs:DeleteRetentionPolicy",
    "logs:DisassociateKmsKey",
    "logs:ListTagsForResource",
    "logs:PutRetentionPolicy",
    "logs:TagResource",
    "logs:UntagResource",
)


def deploying_jobs(scope: AwsScope) -> Iterator[Grant]:
    """Yield what is needed to declare jobs. A pull request's stack has none, so that all is the stage's own."""
    group = scope.label.name(Kind.JOB)
    yield Grant(
        "ManageJobs",
        "jobs are functions of the stage",
        _FUNCTION_SETTINGS,
        [scope.arn("lambda", f"function:{group}-*", region=scope.region)],
        types=[t.LAMBDA_FUNCTION, t.LAMBDA_FUNCTION_EVENT_INVOKE_CONFIG],
    )
    yield Grant(
        "ManageSchedules",
        "schedules start them",
        _SCHEDULE_SETTINGS,
        [
            scope.arn("scheduler", each, region=scope.region)
            for each in (f"schedule/{group}/*", f"schedule-group/{group}")
        ],
        types=[t.SCHEDULER_SCHEDULE, t.SCHEDULER_SCHEDULE_GROUP],
    )
    yield Grant(
        "HandOverJobRoles",
        "a function and a schedule act by roles that were made for them",
        ["iam:PassRole"],
        scope.passed_roles,
        {"StringEquals": {"iam:PassedToService": ["lambda.amazonaws.com", "scheduler.amazonaws.com"]}},
        [t.LAMBDA_FUNCTION, t.SCHEDULER_SCHEDULE],
    )
    yield Grant(
        "ManageJobQueue",
        "events that were given up wait in a queue",
        _QUEUE_SETTINGS,
        [scope.arn("sqs", scope.job_queue, region=scope.region)],
        types=[t.SQS_QUEUE],
    )
    yield Grant(
        "ManageLogs",
        "what jobs say is kept for a time",
        _LOG_SETTINGS,
        [scope.arn("logs", f"log-group:{scope.label.name(Kind.LOG)}-*", region=scope.region)],
        types=[t.CLOUDWATCH_LOG_GROUP],
    )
    yield Grant(
        "FindLogs",
        "the log groups of an account can be listed only as a whole",
        ["logs:DescribeLogGroups"],
        ["*"],
        types=[t.CLOUDWATCH_LOG_GROUP],
    )
