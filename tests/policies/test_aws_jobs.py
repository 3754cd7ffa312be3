"""The rules about jobs: a stage with the jobs of its list, broken one way at a time."""

from __future__ import annotations

from typing import Any

import pytest

from bulkhead.model.tasks import jobs_of, read_tasks
from bulkhead.resources import types as t
from bulkhead.resources.observed import ObservedResource
from bulkhead.resources.values import UNKNOWN
from policies.rules.aws_jobs import RULES
from tests.support.policy_scene import changed, found, make_context, make_resource
from tests.support.settings_fixture import make_settings

LISTED, ZONE, SILENT, ACTING, LINES, QUEUE = RULES
CONTEXT = make_context("staging", tasks=read_tasks())
ROLE = "arn:aws:iam::222222222222:role/harbor-staging-role-job-backup"
DEAD = "arn:aws:sqs:ap-northeast-1:222222222222:harbor-staging-job-failed"
FUNCTION = make_resource(
    t.LAMBDA_FUNCTION,
    name="harbor-staging-job-backup",
    role=ROLE,
    deadLetterConfig={"targetArn": DEAD},
    loggingConfig={"logFormat": "JSON", "logGroup": "harbor-staging-log-backup"},
)
GROUP = make_resource(
    t.CLOUDWATCH_LOG_GROUP, name="harbor-staging-log-backup", retentionInDays=90.0, kmsKeyId="arn:aws:kms:x:1:key/2"
)


def schedules() -> list[ObservedResource]:
    return [
        make_resource(
            t.SCHEDULER_SCHEDULE,
            job.name,
            name=f"harbor-staging-job-{job.name}",
            scheduleExpression=job.schedule,
            scheduleExpressionTimezone="Asia/Tokyo",
            target={"arn": "x", "roleArn": ROLE, "deadLetterConfig": {"arn": DEAD}},
        )
        for job in jobs_of(make_settings("staging"), read_tasks())
    ]


def test_a_stage_with_its_jobs_is_let_be() -> None:
    assert found(LISTED, *schedules(), context=CONTEXT) == []
    for rule, resource in ((ZONE, schedules()[0]), (SILENT, schedules()[0]), (ACTING, schedules()[0])):
        assert found(rule, resource, context=CONTEXT) == []
    for rule in (SILENT, ACTING):
        assert found(rule, FUNCTION, context=CONTEXT) == []
    assert found(LINES, GROUP, context=CONTEXT) == []


def test_what_is_on_the_list_and_does_not_run_is_named() -> None:
    first, *others = schedules()
    [message] = found(LISTED, *others, context=CONTEXT)
    assert f"the stage has no schedule harbor-staging-job-{first.name}" in message
    assert "docs/ops/tasks.yaml" in message
    assert found(LISTED, changed(first, "name", UNKNOWN), *others, context=CONTEXT) == []


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("scheduleExpression", "rate(2 days)", "runs at other times"),
        ("state", "DISABLED", "is switched off"),
    ],
)
def test_what_runs_otherwise_than_the_list_says_is_named(path: str, value: str, said: str) -> None:
    first, *others = schedules()
    [message] = found(LISTED, changed(first, path, value), *others, context=CONTEXT)
    assert said in message
    assert found(LISTED, changed(first, path, UNKNOWN), *others, context=CONTEXT) == []


def test_what_is_on_no_list_is_named() -> None:
    mining = changed(schedules()[0], "name", "harbor-staging-job-mining")
    [message] = found(LISTED, *schedules(), mining, context=CONTEXT)
    assert "is on no list of tasks" in message
    [alone] = found(LISTED, mining, context=make_context("development", tasks=read_tasks()))
    assert "is on no list of tasks" in alone
    assert found(LISTED, mining, context=make_context("staging", identities=True, tasks=read_tasks())) == []


@pytest.mark.parametrize(
    ("rule", "resource", "path", "value", "said"),
    [
        (ZONE, schedules()[0], "scheduleExpressionTimezone", ..., "in UTC, and not in Asia/Tokyo"),
        (ZONE, schedules()[0], "scheduleExpressionTimezone", "Europe/London", "in Europe/London"),
        (SILENT, schedules()[0], "target.deadLetterConfig", ..., "no queue"),
        (SILENT, FUNCTION, "deadLetterConfig", ..., "no queue"),
        (SILENT, FUNCTION, "loggingConfig", ..., "where AWS chooses"),
        (ACTING, FUNCTION, "role", "arn:aws:iam::222222222222:role/harbor-production-role-job-backup", "no role of"),
        (ACTING, FUNCTION, "role", "arn:aws:iam::222222222222:role/admin", "no role of the stage"),
        (ACTING, FUNCTION, "role", ROLE.replace("2" * 12, "9" * 12), "no role of the stage"),
        (ACTING, schedules()[0], "target.roleArn", "arn:aws:iam::222222222222:role/admin", "no role of the stage"),
        (LINES, GROUP, "retentionInDays", ..., "for ever"),
        (LINES, GROUP, "retentionInDays", 0.0, "for ever"),
        (LINES, GROUP, "kmsKeyId", ..., "not encrypted"),
        (QUEUE, make_resource(t.SQS_QUEUE, sqsManagedSseEnabled=True), "sqsManagedSseEnabled", False, "unencrypted"),
    ],
)
def test_what_is_wrong_with_a_job_is_named_once_it_is_known(
    rule: Any, resource: ObservedResource, path: str, value: Any, said: str
) -> None:
    [message] = found(rule, changed(resource, path, value), context=CONTEXT)
    assert said in message
    assert found(rule, changed(resource, path, UNKNOWN), context=CONTEXT) == []


def test_a_queue_with_a_key_of_its_own_is_encrypted() -> None:
    keyed = make_resource(t.SQS_QUEUE, sqsManagedSseEnabled=False, kmsMasterKeyId="alias/harbor-staging-key-queue")
    assert found(QUEUE, keyed, context=CONTEXT) == []
    assert found(QUEUE, make_resource(t.SQS_QUEUE), context=CONTEXT) == []  # AWS encrypts what says nothing
