"""What must last lasts, and what is to go goes: production refuses its end, development leaves nothing behind."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from botocore.exceptions import ClientError

from bulkhead.engine.inline_stack import StackFailed
from bulkhead.model.naming import Kind, Stage
from bulkhead.model.vault import REPLICA
from bulkhead.rehearsal.evidence import NotShown
from bulkhead.rehearsal.proofs.proof import existing, managed, require
from bulkhead.rehearsal.scene import Scene, StandingStage
from jobs.locks import MODE


@dataclass(frozen=True)
class Snapshot:
    """Everything a stage consists of, as its clouds and the engine's state tell it."""

    resources: tuple[str, ...]
    managed: tuple[str, ...]
    aws: str
    answer: str
    contents: str


def vault_locked(scene: Scene) -> str:
    """A backup that production's vault has locked cannot be deleted, and is still there afterwards."""
    production = _of(scene, Stage.PRODUCTION)
    bucket = scene.name(production, Kind.VAULT, production.settings.aws.account_id)
    s3 = scene.aws(production, "s3")
    key = "database/daily/rehearsal.sql.gz"
    version = s3.put_object(Bucket=bucket, Key=key, Body=b"a backup")["VersionId"]
    head = s3.head_object(Bucket=bucket, Key=key, VersionId=version)
    mode, until = head.get("ObjectLockMode"), head.get("ObjectLockRetainUntilDate")
    require(mode and until, "a new backup to be locked", "it has no lock")
    shorter = {"Mode": mode, "RetainUntilDate": until - timedelta(days=1)}
    for what, attempt, request in (
        ("is deleted", "delete_object", {}),
        ("is deleted past its lock", "delete_object", {"BypassGovernanceRetention": True}),
        ("gets a shorter lock", "put_object_retention", {"Retention": shorter, "BypassGovernanceRetention": True}),
    ):
        try:
            getattr(s3, attempt)(Bucket=bucket, Key=key, VersionId=version, **request)
            refusal = "it was done"
        except ClientError as refused:
            refusal = refused.response["Error"]["Code"]
        require(refusal == "AccessDenied", f"AccessDenied when the locked version {what}", refusal)
    body = s3.get_object(Bucket=bucket, Key=key, VersionId=version)["Body"].read()
    require(body == b"a backup", "the locked version to be readable", f"{len(body)} bytes")
    _copied(scene, production, key, version)
    return f"{bucket}: version locked {mode} until {until}; deleting it answers {refusal}"


def _copied(scene: Scene, stage: StandingStage, key: str, version: str) -> None:
    """Require that the other region has the backup too, where the stage names one, and that it is locked there."""
    region = stage.settings.backup.replica_region
    if region is None:
        return
    bucket = scene.name(stage, Kind.VAULT, REPLICA, stage.settings.aws.account_id)
    try:
        copy = scene.aws(stage, "s3", region).head_object(Bucket=bucket, Key=key, VersionId=version)
        seen = copy.get("ObjectLockMode") or "it has no lock"
    except ClientError as refused:
        seen = refused.response["Error"]["Code"]
    require(seen == MODE, f"a locked copy of the backup in {region}", seen)


def production_stays(scene: Scene) -> str:
    """`destroy` of production fails, also without its preview, and changes nothing in any cloud."""
    production = _of(scene, Stage.PRODUCTION)
    before = _snapshot(scene, production)
    for skip_preview in (False, True):
        way = "destroy --skip-preview" if skip_preview else "destroy"
        try:
            with production.stack.muted():
                production.stack.destroy(skip_preview=skip_preview)
            outcome = "it succeeded"
        except StackFailed as refused:
            outcome = "refused" if "protect" in str(refused) else str(refused)
        require(outcome == "refused", f"{way} to be refused because resources are protected", outcome)
        after = _snapshot(scene, production)
        require(after == before, f"the same resources, data and answer after {way}", _difference(before, after))
    return f"both ways refused; {len(before.resources)} resources, their data and the Worker's answer as before"


def development_goes(scene: Scene) -> str:
    """`bulkhead destroy development` leaves nothing of development and touches no other stage."""
    development = _of(scene, Stage.DEVELOPMENT)
    others = [stage for stage in scene.stages.values() if stage is not development]
    before = {stage.environment: _snapshot(scene, stage) for stage in others}
    removed = remove(scene, development)
    for stage in others:
        after = _snapshot(scene, stage)
        require(
            after == before[stage.environment],
            f"{stage.environment} untouched",
            _difference(before[stage.environment], after),
        )
    return f"{removed} resources removed, none left; {' and '.join(before) or 'no other stage'} as before"


def remove(scene: Scene, stage: StandingStage) -> int:
    """Remove a stage as `bulkhead destroy` does, and require that its clouds hold nothing of it any more.

    Returns how many resources there were.
    """
    count = len(existing(scene, stage))
    scene.empty(stage)
    for stack in reversed(stage.stacks):
        stack.destroy(skip_preview=False)
    left = [f"{record.type} {record.id}" for record in scene.records(stage)]
    require(not left, f"nothing of {stage.environment} in the clouds", ", ".join(left[:5]))
    known = [resource["urn"] for resource in stage.resources()]
    require(not known, f"nothing in the state of {stage.environment}", ", ".join(known[:5]))
    remains = scene.inventory(stage).alive()
    require(not remains, f"nothing in {stage.environment}'s AWS account", remains)
    running = _running(stage)
    require(not running, f"nothing in {stage.environment}'s Cloudflare", ", ".join(running[:5]))
    return count


def _running(stage: StandingStage) -> list[str]:
    """Return the Workers and stores that the local Cloudflare really has, whatever the providers wrote down."""
    said = stage.cloud.call("state")
    return [worker["name"] for worker in said["workers"]] + [
        name for names in said["stores"].values() for name in names
    ]


def _snapshot(scene: Scene, stage: StandingStage) -> Snapshot:
    # First the answer, because a health check may write its result into a cache.
    answer = "; ".join(_answer(stage, scene.worker_name(stage, worker)) for worker in scene.product.public_workers)
    there = scene.inventory(stage)
    require(there.alive(), f"something in {stage.environment}'s AWS account", "nothing")
    # Reading the access-log bucket makes it grow, so only its existence counts.
    log = scene.name(stage, Kind.VAULT_LOG, stage.settings.aws.account_id)
    there = replace(there, buckets=tuple((name, 0 if name == log else count) for name, count in there.buckets))
    return Snapshot(
        tuple(f"{r.type} {r.id} {json.dumps(r.outputs, sort_keys=True)}" for r in existing(scene, stage)),
        tuple(f"in the state: {urn}" for stack in stage.stacks for urn in managed(stack)),
        str(there),
        answer,
        "\n".join(f"{place} {name}: {text}" for place, name, text in scene.contents(stage)),
    )


def _answer(stage: StandingStage, worker: str) -> str:
    """Return status and names of the checks: times and ids in the body are new at each request."""
    answer = stage.cloud.fetch(worker, "/health")
    try:
        body: Any = json.loads(answer.text)
    except ValueError:
        return f"{worker} {answer.status}"
    return f"{worker} {answer.status} {body.get('status') if isinstance(body, dict) else ''}"


def _difference(before: Snapshot, after: Snapshot) -> str:
    was, now = (
        {*snapshot.resources, *snapshot.managed, snapshot.aws, snapshot.answer, *snapshot.contents.splitlines()}
        for snapshot in (before, after)
    )
    return f"gone: {[line[:200] for line in was - now][:3]}, new: {[line[:200] for line in now - was][:3]}"


def _of(scene: Scene, wanted: Stage) -> StandingStage:
    for stage in scene.stages.values():
        if stage.settings.stage is wanted:
            return stage
    raise NotShown(f"{wanted} is not part of this rehearsal")
