"""What each job may do in AWS, with a reason for every statement (pure). A job has what its handler uses: one that
writes backups removes none, and one that reads them writes none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bulkhead.model.aws_scope import AwsScope
from bulkhead.model.iam import Grant, called, called_by_s3
from bulkhead.model.naming import Kind
from bulkhead.model.tasks import Job
from jobs.folders import BOOKMARKS, DATABASES, MIRRORED, NAMESPACES, OBJECTS, STATE
from jobs.locks import ROLLING

METRICS: Final = "Bulkhead"
"""The namespace of the stage's own metrics in CloudWatch."""


@dataclass(frozen=True, slots=True)
class Uses:
    """What a handler uses beside what every job does. ``reads``, ``adds`` and ``marks`` are keys of the vault, as
    patterns; what is marked as deleted stays there as a version. ``state`` are keys beside the state that it reads,
    ``notes`` those that it also writes and removes; ``locks`` are keys of the vault whose locks it sets or lengthens.
    ``secrets`` says whether it reads those that the product gives to its jobs, ``cloudflare`` whether it asks
    Cloudflare."""

    reads: Sequence[str] = ()
    adds: Sequence[str] = ()
    marks: Sequence[str] = ()
    state: Sequence[str] = ()
    notes: Sequence[str] = ()
    locks: Sequence[str] = ()
    secrets: bool = False
    cloudflare: bool = True


_ROLLING: Final = [f"{DATABASES}{tier}/*" for tier in ROLLING]
HANDLERS: Final[Mapping[str, Uses]] = {
    "jobs.backup.handler": Uses(reads=[f"{DATABASES}*"], adds=[f"{DATABASES}*"], locks=[f"{DATABASES}*"]),
    "jobs.bookmark.handler": Uses(adds=[f"{BOOKMARKS}*"]),
    "jobs.drill.handler": Uses(
        reads=[f"{DATABASES}*"], state=["jobs/runs/backup/*", "jobs/verified/*"], notes=["jobs/drills/*"]
    ),
    "jobs.kv.handler": Uses(reads=[f"{NAMESPACES}*"], adds=[f"{NAMESPACES}*"]),
    "jobs.mirror.handler": Uses(
        reads=[f"{MIRRORED}*"], adds=[f"{MIRRORED}*"], marks=[f"{MIRRORED}*"], notes=["jobs/mirror/*"]
    ),
    "jobs.objects.handler": Uses(reads=[f"{OBJECTS}*"], adds=[f"{OBJECTS}*"], secrets=True),
    "jobs.verify.handler": Uses(reads=[f"{DATABASES}*"], notes=["jobs/verified/*"], cloudflare=False),
    "jobs.renew.handler": Uses(reads=_ROLLING, locks=_ROLLING, cloudflare=False),
    "jobs.state.handler": Uses(adds=[f"{STATE}*"], state=[".pulumi/*"], cloudflare=False),
}
"""By handler; a job whose handler is not here has no role, and a test asks for it."""


def job_grants(job: Job, scope: AwsScope) -> tuple[Grant, ...]:
    """Return the statements of a job's role."""
    return tuple(_grants(job, HANDLERS[job.function.handler], scope))


def scheduler_grants(jobs: Iterable[Job], scope: AwsScope) -> tuple[Grant, ...]:
    """Return the statements of the role by which the stage's schedules start its jobs."""
    functions = [_function(job, scope) for job in jobs]
    return (
        Grant("StartJobs", "a schedule starts its job", ["lambda:InvokeFunction"], functions),
        _gives_up(scope),
    )


def _grants(job: Job, uses: Uses, scope: AwsScope) -> Iterator[Grant]:
    state, vault = scope.state_bucket, f"arn:{scope.partition}:s3:::{scope.vault}"
    if uses.cloudflare:
        token = scope.arn("ssm", f"parameter/{scope.job_token(job.holder)}", region=scope.region)
        yield Grant("ReadToken", "it asks Cloudflare with a token of the jobs", ["ssm:GetParameter"], [token])
    if uses.secrets:
        given = scope.arn("ssm", f"parameter/{scope.label.name(Kind.PARAMETER)}-*", region=scope.region)
        yield Grant("ReadSecrets", "it asks the product's own Worker with its key", ["ssm:GetParameter"], [given])
    yield Grant(
        "FindKeys",
        "S3 says that a key is not there only to whom it would list",
        ["s3:ListBucket"],
        [state, *([vault] if uses.reads or uses.adds else [])],
    )
    yield Grant(
        "KeepRuns",
        "one run at a time holds the lease, and each leaves a record",
        ["s3:GetObject", "s3:PutObject"],
        [f"{state}/jobs/leases/{job.name}", f"{state}/jobs/runs/{job.name}/*"],
    )
    yield Grant(
        "UseStateKey",
        "what is beside the state is encrypted as the state is; S3 alone uses the key for a job, so it opens no secret",
        ["kms:Decrypt", "kms:GenerateDataKey"],
        [scope.arn("kms", "key/*", region=scope.region)],
        called_by_s3(scope.secrets_alias, scope.region),
    )
    if uses.state:
        reason = "it reads the state of the stack, or what jobs noted beside it"
        yield Grant("ReadState", reason, ["s3:GetObject"], [f"{state}/{each}" for each in uses.state])
    if uses.notes:
        yield Grant(
            "KeepNotes",
            "it leaves notes to its next run, and takes away those that are done with",
            ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"],
            [f"{state}/{each}" for each in uses.notes],
        )
    if uses.reads:
        reason = "it reads what was kept before"
        actions = ["s3:GetObject", *(["s3:GetObjectVersion"] if uses.marks else [])]
        yield Grant("ReadVault", reason, actions, [f"{vault}/{each}" for each in uses.reads])
    if uses.adds:
        yield Grant(
            "AddToVault",
            "it keeps what it made, and gives an upload up that fails; nothing is removed",
            ["s3:AbortMultipartUpload", "s3:PutObject"],
            [f"{vault}/{each}" for each in uses.adds],
        )
    if uses.locks:
        yield Grant(
            "LockInVault",
            "a copy cannot be removed for its time; nobody makes that shorter without another right",
            ["s3:GetObjectRetention", "s3:PutObjectRetention"],
            [f"{vault}/{each}" for each in uses.locks],
        )
    if uses.marks:
        yield Grant(
            "MarkInVault",
            "what is gone at its source is marked as deleted; every version stays for its time",
            ["s3:DeleteObject"],
            [f"{vault}/{each}" for each in uses.marks],
        )
    if uses.reads or uses.adds:
        yield Grant(
            "UseVaultKey",
            "what is in the vault is encrypted",
            ["kms:Decrypt", *(["kms:GenerateDataKey"] if uses.adds else [])],
            [scope.arn("kms", "key/*", region=scope.region)],
            called(scope.vault_alias),
        )
    yield Grant(
        "PutMetrics",
        "its age and its size are what the alarms look at",
        ["cloudwatch:PutMetricData"],
        ["*"],
        {"StringEquals": {"cloudwatch:namespace": METRICS}},
    )
    yield Grant(
        "GoOn",
        "a run that comes near fifteen minutes goes on in another invocation",
        ["lambda:InvokeFunction"],
        [_function(job, scope)],
    )
    yield _gives_up(scope)
    yield Grant(
        "WriteLog",
        "it says what it does",
        ["logs:CreateLogStream", "logs:PutLogEvents"],
        [scope.arn("logs", f"log-group:{scope.job_log(job.name)}:*", region=scope.region)],
    )


def _gives_up(scope: AwsScope) -> Grant:
    return Grant(
        "GiveUp",
        "an event that cannot be handled is kept, and an alarm tells of it",
        ["sqs:SendMessage"],
        [scope.arn("sqs", scope.job_queue, region=scope.region)],
    )


def _function(job: Job, scope: AwsScope) -> str:
    return scope.arn("lambda", f"function:{scope.job(job.name)}", region=scope.region)
