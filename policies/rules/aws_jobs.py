"""Rules about jobs in AWS: what runs is on the list and the other way round, acts by a role of the stage, and leaves
lines and failures where somebody finds them. What a function is told in the clear, `secret-in-plain-value` judges.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from bulkhead.model.naming import Kind
from bulkhead.model.tasks import FILE, jobs_of
from bulkhead.resources import types as t
from bulkhead.resources.observed import ObservedResource, ObservedStack
from bulkhead.resources.statements import account_of
from bulkhead.resources.values import MISSING, UNKNOWN, number
from policies.context import PolicyContext
from policies.rule import AnyRule, Rule, StackRule, Violation

_NOT_SET: Final = (MISSING, "")


def _by_list(stack: ObservedStack, context: PolicyContext) -> Iterator[Violation]:
    """Compare the schedules of a stack with the jobs of the list; one of a name that is not known yet may be any."""
    if context.identities:
        return
    jobs = {context.label.name(Kind.JOB, job.name): job for job in jobs_of(context.settings, context.tasks)}
    schedules = stack.of(t.SCHEDULER_SCHEDULE)
    for schedule in schedules:
        job = jobs.get(str(schedule["name"]))
        if job is None and schedule["name"] is not UNKNOWN:
            yield Violation(
                "is on no list of tasks",
                "It runs and nobody knows of it: no heartbeat, no alarm, no runbook",
                f"write it into {FILE}; infra.components.jobs makes what stands there",
                schedule,
            )
        elif job is not None and schedule["scheduleExpression"] not in (UNKNOWN, job.schedule):
            yield Violation(
                f"runs at other times than {FILE} says, {job.schedule}",
                "Its heartbeat is measured by the list: an alarm comes too late, or for nothing",
                f"schedule_expression={job.schedule!r}",
                schedule,
            )
        elif job is not None and schedule["state"] not in (UNKNOWN, MISSING, "ENABLED"):
            yield Violation("is switched off", f"{job.does}: nobody does it", 'state="ENABLED"', schedule)
    named = {str(schedule["name"]) for schedule in schedules}
    if not any(schedule["name"] is UNKNOWN for schedule in schedules):
        for name in sorted(jobs.keys() - named):
            yield Violation(
                f"the stage has no schedule {name}",
                f"{jobs[name].does}: nobody does it",
                f"declare it as {FILE} says; infra.components.jobs makes all of the list",
            )


def _zone(resource: ObservedResource, context: PolicyContext) -> Iterator[Violation]:
    zone, wanted = resource["scheduleExpressionTimezone"], context.settings.timezone
    if zone not in (UNKNOWN, wanted):
        yield Violation(
            f"has its times in {'UTC' if zone in _NOT_SET else zone}, and not in {wanted}",
            "It runs at another time of the stage's day than the list says, and moves by an hour twice a year",
            f"schedule_expression_timezone={wanted!r}",
        )


def _silent(resource: ObservedResource, context: PolicyContext) -> Iterator[Violation]:
    queue = "deadLetterConfig.targetArn" if resource.type == t.LAMBDA_FUNCTION else "target.deadLetterConfig.arn"
    if resource[queue] in _NOT_SET:
        yield Violation(
            "has no queue for events that cannot be handled",
            "What was to be done is not done, and nothing tells of it",
            "name the stage's queue as the target of its dead_letter_config",
        )
    if resource.type == t.LAMBDA_FUNCTION and resource["loggingConfig.logGroup"] in _NOT_SET:
        yield Violation(
            "writes its lines where AWS chooses",
            "AWS makes a log group without a key and without an end: what is in it is kept for ever",
            "logging_config with log_group, a LogGroup of the stage",
        )


def _acting(resource: ObservedResource, context: PolicyContext) -> Iterator[Violation]:
    path = "role" if resource.type == t.LAMBDA_FUNCTION else "target.roleArn"
    role = resource[path]
    if not isinstance(role, str):
        return
    name, own = role.rpartition("/")[2], context.settings.aws.account_id
    if account_of(role) != own or not name.startswith(context.prefix):
        yield Violation(
            f"acts by {role}, which is no role of the stage",
            "It does whatever that role may, and nobody who reads the identities of the stage knows of it",
            f"name a role that the identities make: {context.prefix}{Kind.ROLE.value}-...",
        )


def _lines(resource: ObservedResource, context: PolicyContext) -> Iterator[Violation]:
    if number(resource.props, "retentionInDays") in (MISSING, 0.0):
        yield Violation(
            "keeps its lines for ever",
            "They cost more each month, and what they say of people is never gone",
            "retention_in_days=90",
        )
    if resource["kmsKeyId"] in _NOT_SET:
        yield Violation(
            "is not encrypted with a key of the stage",
            "Who may read the log groups of the account reads it, and no key keeps another stage out",
            "kms_key_id with a key whose policy lets logs.<region>.amazonaws.com in",
        )


def _bare_queue(resource: ObservedResource, context: PolicyContext) -> Iterator[Violation]:
    if resource["sqsManagedSseEnabled"] is False and resource["kmsMasterKeyId"] in _NOT_SET:
        yield Violation(
            "keeps its messages unencrypted",
            "An event that was given up lies there for days, readable to whoever has the disk",
            "sqs_managed_sse_enabled=True, or kms_master_key_id",
        )


RULES: Final[tuple[AnyRule, ...]] = (
    StackRule(
        "task-not-on-the-list", ("DOC-4", "DOC-5"), "What is on the list of tasks runs, and nothing else does", _by_list
    ),
    Rule(
        "schedule-in-another-zone",
        ("ENV-6",),
        "Schedules are in the stage's own time zone",
        (t.SCHEDULER_SCHEDULE,),
        _zone,
    ),
    Rule(
        "job-fails-in-silence",
        ("ALR-20", "LOG-5"),
        "What a job could not do, and what it says, is kept where it is looked for",
        (t.LAMBDA_FUNCTION, t.SCHEDULER_SCHEDULE),
        _silent,
    ),
    Rule(
        "job-with-another-role",
        ("SEC-7", "QLT-11"),
        "A job acts by a role that the identities of its stage made",
        (t.LAMBDA_FUNCTION, t.SCHEDULER_SCHEDULE),
        _acting,
    ),
    Rule(
        "log-group-kept-for-ever",
        ("LOG-6", "SEC-8"),
        "Lines of jobs are encrypted, and gone after a time",
        (t.CLOUDWATCH_LOG_GROUP,),
        _lines,
    ),
    Rule("queue-unencrypted", ("SEC-8",), "Messages that wait are encrypted", (t.SQS_QUEUE,), _bare_queue),
)
