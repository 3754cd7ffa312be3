"""What recurs: docs/ops/tasks.yaml as dataclasses. The program schedules the jobs on it, and nothing else (DOC-4,
DOC-5)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field

from bulkhead.model import catalogues, entries
from bulkhead.model.crons import cron_fault
from bulkhead.model.entries import Text
from bulkhead.model.faults import Fault
from bulkhead.model.naming import Stage
from bulkhead.model.project import ROOT
from bulkhead.model.roles import DRILL, JOBS, Holder
from bulkhead.model.schedules import faults
from bulkhead.model.settings import StageSettings

FILE: Final = "docs/ops/tasks.yaml"
CATALOGUE: Final = ROOT / FILE
INTERIM: Final = "backup.interimHours"
"""In place of a schedule: as often as that setting says, and not at all in a stage where it says nothing."""
_SUMMARY: Final = "The list of recurring tasks cannot be used."


@dataclass(frozen=True, slots=True)
class Function:
    """What runs a job in AWS Lambda: its limits, and how old the last success of the job may be. ``edits`` says that it
    makes and changes databases, for which it has a token of its own."""

    __pydantic_config__: ClassVar = {**entries.CONFIG, "extra": "forbid"}

    handler: Annotated[str, Field(pattern=r"^jobs\.[a-z_]+\.handler$")]
    seconds: Annotated[int, Field(strict=True, ge=10, le=900)]
    memory: Annotated[int, Field(strict=True, ge=128, le=10_240)]  # MB; Lambda's own limits
    # CloudWatch looks back seven days at most.
    heartbeat_hours: Annotated[int, Field(strict=True, ge=1, le=168)] | None = None
    storage: Annotated[int, Field(strict=True, ge=512, le=10_240)] = 512  # MB below /tmp
    edits: Annotated[bool, Field(strict=True)] = False


@dataclass(frozen=True, slots=True)
class Task:
    """One recurring task: a job, a Worker's crons, or a workflow. A job's ``schedule`` is an expression of EventBridge
    Scheduler, in the stage's zone, or INTERIM; the others are crons in UTC, which is all that Cloudflare and GitHub
    know."""

    __pydantic_config__: ClassVar = entries.CONFIG

    name: Annotated[catalogues.Name, Field(max_length=20)]  # IAM: 64 characters with what comes before
    does: Annotated[Text, Field(max_length=200)]
    schedule: Text
    stages: tuple[Stage, ...]
    tells: Literal["alarms", "github", "nobody"]
    runbook: catalogues.Runbook
    job: Function | None = None
    worker: Text | None = None
    workflow: Annotated[str, Field(pattern=r"^[a-z-]+\.yml$")] | None = None
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Job:
    """A job as one stage runs it."""

    name: str
    does: str
    schedule: str
    heartbeat_hours: int
    function: Function

    @property
    def holder(self) -> Holder:
        """Whose token of Cloudflare it reads."""
        return DRILL if self.function.edits else JOBS


def jobs_of(settings: StageSettings, tasks: tuple[Task, ...]) -> tuple[Job, ...]:
    """Return the jobs of a stage: none where it keeps no backups, and none of a pull request's stack, whose data is
    thrown away and for which nobody made roles."""
    own = settings.environment == settings.stage.value
    return tuple(_jobs(settings, tasks)) if own and settings.backup.full != "none" else ()


def _jobs(settings: StageSettings, tasks: tuple[Task, ...]) -> Iterator[Job]:
    hours = settings.backup.interim_hours
    for task in tasks:
        if task.job is None or settings.stage not in task.stages:
            continue
        if task.job.heartbeat_hours is not None:
            yield Job(task.name, task.does, task.schedule, task.job.heartbeat_hours, task.job)
        elif hours is not None:
            rate = f"rate({hours} hour{'s' if hours > 1 else ''})"
            yield Job(task.name, task.does, rate, 2 * hours + 1, task.job)  # one may fail, and the next be late


def read_tasks(path: Path = CATALOGUE) -> tuple[Task, ...]:
    """Return the tasks on the list at ``path``, which is FILE of this or another checkout. Raises Refused with every
    fault."""
    return catalogues.read(path, "tasks", Task, summary=_SUMMARY, committed=FILE, faults=_faults)


def _faults(task: Task) -> Iterator[Fault]:
    kinds = [kind for kind in ("job", "worker", "workflow") if getattr(task, kind) is not None]
    if len(kinds) != 1:
        found = " and ".join(kinds) or "none of them"
        yield catalogues.fault(task, f"is {found}", "say one of job, worker and workflow: what runs it")
    if not task.stages and task.workflow is None:
        yield catalogues.fault(task, "runs in no stage", "name the stages that have it, or take the entry away")
    if len(set(task.stages)) < len(task.stages):
        yield catalogues.fault(task, "names a stage twice", "name each stage once")
    if task.job is None:
        if wrong := cron_fault(task.schedule) if task.worker else "":
            yield catalogues.fault(task, f"has a schedule that Cloudflare refuses: {wrong}", "correct it")
        return
    by_setting = task.schedule == INTERIM
    for wrong in () if by_setting else faults(task.schedule):
        yield catalogues.fault(task, f"has a schedule that EventBridge Scheduler refuses: {wrong}", "correct it")
    if task.job.edits and Stage.PRODUCTION in task.stages:
        message = "edits databases in production, where its token could edit the real ones"
        yield catalogues.fault(task, message, "leave production out of its stages")
    if task.schedule.startswith("at("):
        yield catalogues.fault(task, "has a schedule that comes once", "say cron(…) or rate(…)")
    if by_setting == (task.job.heartbeat_hours is not None):
        message = "says heartbeatHours, which follow from the setting" if by_setting else "does not say heartbeatHours"
        yield catalogues.fault(task, message, "hours after which somebody has to be told that it did not succeed")
