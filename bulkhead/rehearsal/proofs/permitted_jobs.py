"""What each job of a stage must be able to do in AWS, and what it must not: it has its own place in the vault and its
own lease, and nobody else's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from bulkhead.localclouds.aws.evaluator import Identity, Request, admits, allows
from bulkhead.model.aws_scope import AwsScope
from bulkhead.model.naming import Kind

_STATE: Final = ".pulumi/stacks/bulkhead/stage.json"
_DAILY: Final = "database/daily/main/backup.sql.gz"
_MONTHLY: Final = "database/monthly/main/backup.sql.gz"
_MIRRORED: Final = "storage/reports/a-file"
# By key of the vault: the jobs that add such a one, and those that read it.
_VAULT: Final[Mapping[str, tuple[frozenset[str], frozenset[str]]]] = {
    key: (frozenset(adds), frozenset(reads))
    for key, adds, reads in (
        (_DAILY, ("backup", "interim"), ("backup", "drill", "interim", "verify")),
        (_MONTHLY, ("backup", "interim"), ("backup", "drill", "interim", "renew", "verify")),
        ("bookmarks/main/a-bookmark.json", ("bookmark",), ()),
        ("kv/a-value.json", ("kv",), ("kv",)),
        ("objects/an-object.json", ("objects",), ("objects",)),
        ("state/a-state.json.gz", ("state",), ()),
        (_MIRRORED, ("mirror",), ("mirror",)),
    )
}
_LOOKS: Final = {"drill": ("backup",)}  # whose records a job reads beside its own
KEYS: Final = tuple(_VAULT)
"""What is in the vault that jobs are asked about."""

Asked = tuple[str, str, dict[str, Any], bool]  # a service, an operation, its request, and whether it must be allowed
Judged = tuple[str, bool, bool]  # what was asked, how the evaluator answers, how it must


def notes(jobs: Mapping[str, Identity]) -> tuple[str, ...]:
    """Return what the jobs have beside the stage's state."""
    return tuple(key for name in jobs for key in (_lease(name), _record(name)))


def requests(scope: AwsScope, job: str, jobs: Mapping[str, Identity], others: list[AwsScope]) -> Iterator[Asked]:
    """Yield what a job asks of an AWS that enforces policies: one request for each sort of thing that there is. The
    evaluator judges all the others, in a fraction of the time."""

    def s3(operation: str, bucket: str, key: str, *, allowed: bool) -> Asked:
        body = {"Body": b"new"} if operation == "put_object" else {}
        return "s3", operation, {"Bucket": bucket, "Key": key, **body}, allowed

    adds, reads = _VAULT[_DAILY]
    yield s3("put_object", scope.state, _lease(job), allowed=True)
    yield s3("get_object", scope.state, _record(job), allowed=True)
    yield s3("delete_object", scope.state, _record(job), allowed=False)
    for other in [name for name in jobs if name != job][:1]:
        yield s3("put_object", scope.state, _lease(other), allowed=False)
    yield s3("get_object", scope.state, _STATE, allowed=job == "state")
    yield s3("put_object", scope.vault, _DAILY, allowed=job in adds)
    yield s3("get_object", scope.vault, _DAILY, allowed=job in reads)
    yield s3("delete_object", scope.vault, _DAILY, allowed=False)
    for stage in others:
        yield s3("get_object", stage.state, _STATE, allowed=False)
        if stage.keeps_backups:
            yield s3("get_object", stage.vault, _DAILY, allowed=False)
    yield "iam", "create_user", {"UserName": "somebody"}, False


def places(scope: AwsScope, environment: str, jobs: Mapping[str, Identity]) -> Iterator[Judged]:
    """Yield which places of the vault and of the state each job adds to, reads and removes from."""
    state, vault = scope.state_bucket, f"arn:{scope.partition}:s3:::{scope.vault}"
    for name, identity in jobs.items():

        def may(action: str, resource: str, identity: Identity = identity) -> bool:
            return allows(identity, Request(f"s3:{action}", resource))

        who = f"by {environment}'s job {name}"
        for other in jobs:
            seen = other == name or other in _LOOKS.get(name, ())
            yield f"the lease of {other} taken {who}", may("PutObject", f"{state}/{_lease(other)}"), other == name
            yield f"the records of {other} written {who}", may("PutObject", f"{state}/{_record(other)}"), other == name
            yield f"the records of {other} read {who}", may("GetObject", f"{state}/{_record(other)}"), seen
        yield f"the state written {who}", may("PutObject", f"{state}/{_STATE}"), False
        for key, (adds, reads) in _VAULT.items():
            yield f"{key} added {who}", may("PutObject", f"{vault}/{key}"), name in adds
            yield f"{key} read {who}", may("GetObject", f"{vault}/{key}"), name in reads
            yield f"{key} marked {who}", may("DeleteObject", f"{vault}/{key}"), (key, name) == (_MIRRORED, "mirror")
            yield f"a version of {key} removed {who}", may("DeleteObjectVersion", f"{vault}/{key}"), False
            yield f"the lock of {key} passed {who}", may("BypassGovernanceRetention", f"{vault}/{key}"), False


def judgements(
    scope: AwsScope, environment: str, jobs: Mapping[str, Identity], schedules: Identity
) -> Iterator[Judged]:
    """Yield who takes the roles of the jobs and of their schedules, and how far these reach."""
    yield from places(scope, environment, jobs)
    everything = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    of_lambda, of_schedules = ("Service", "lambda.amazonaws.com"), ("Service", "scheduler.amazonaws.com")
    by_hand = ("AWS", scope.arn("iam", "root"))
    user = scope.arn("iam", "user/somebody")
    group = scope.arn("scheduler", f"schedule-group/{scope.label.name(Kind.JOB)}", region=scope.region)
    own = {"aws:SourceAccount": scope.account, "aws:SourceArn": group}
    for name, identity in {**jobs, "schedules": schedules}.items():
        who = f"{environment}'s {name}"
        is_job = identity is not schedules
        for case, principal, context, expected in (
            ("a function", of_lambda, {}, is_job),
            ("a schedule of the stage", of_schedules, own, not is_job),
            ("another schedule", of_schedules, {**own, "aws:SourceArn": f"{group}x"}, False),
            ("a person with a second factor", by_hand, {"aws:MultiFactorAuthPresent": "true"}, False),
        ):
            yield f"{who} taken by {case}", admits(identity, principal, "sts:AssumeRole", context), expected
        widened = replace(identity, policies=(everything,))
        yield f"{who} with every right making a user", allows(widened, Request("iam:CreateUser", user)), False
        for other in jobs:
            function = scope.arn("lambda", f"function:{scope.job(other)}", region=scope.region)
            begun = allows(identity, Request("lambda:InvokeFunction", function))
            yield f"{other} begun by {who}", begun, other == name or not is_job


def _lease(job: str) -> str:
    return f"jobs/leases/{job}"


def _record(job: str) -> str:
    return f"jobs/runs/{job}/20261130T170000Z.json"
