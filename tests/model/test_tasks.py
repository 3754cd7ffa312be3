"""The list of recurring tasks: what is on it recurs, what recurs is on it, and every way to write it wrongly."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from bulkhead.model.faults import Refused
from bulkhead.model.naming import Stage
from bulkhead.model.project import ROOT
from bulkhead.model.schedules import faults
from bulkhead.model.tasks import INTERIM, Function, Task, jobs_of, read_tasks
from infra.product import PRODUCT
from tests.support.settings_fixture import make_settings

JOB = {"handler": "jobs.backup.handler", "seconds": 900, "memory": 512, "heartbeatHours": 26}
WORKFLOWS = ROOT / ".github/workflows"


def test_every_cron_of_a_worker_is_on_the_list_and_no_other() -> None:
    declared = {(worker.name, cron) for worker in PRODUCT.workers for cron in worker.crons or ()}
    assert {(task.worker, task.schedule) for task in read_tasks() if task.worker} == declared


def test_every_scheduled_workflow_is_on_the_list_and_no_other() -> None:
    found = set()
    for path in WORKFLOWS.glob("*.y*ml"):
        on = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))["on"]
        events = on.get("schedule", []) if isinstance(on, dict) else []
        found |= {(path.name, event["cron"]) for event in events}
    assert {(task.workflow, task.schedule) for task in read_tasks() if task.workflow} == found


def test_every_handler_of_the_jobs_is_on_the_list_and_no_other() -> None:
    modules = {path.stem for path in (ROOT / "jobs").glob("*.py")}
    handlers = {
        f"jobs.{name}.handler" for name in modules if hasattr(importlib.import_module(f"jobs.{name}"), "handler")
    }
    assert {task.job.handler for task in read_tasks() if task.job} == handlers


@pytest.mark.parametrize("task", read_tasks(), ids=lambda task: task.name)
def test_who_hears_of_a_failure_can_hear_of_it(task: Task) -> None:
    assert task.tells == ("alarms" if task.job else "github" if task.workflow else "nobody")


def task(**changes: Any) -> Task:
    usual: dict[str, Any] = {
        "name": "backup",
        "does": "Backs up",
        "schedule": "cron(0 2 * * ? *)",
        "stages": (Stage.STAGING, Stage.PRODUCTION),
        "tells": "alarms",
        "runbook": "docs/runbooks/stuck-job.md",
        "job": Function("jobs.backup.handler", 900, 512, 26),
    }
    return Task(**(usual | changes))


INTERIM_TASK = task(name="interim", schedule=INTERIM, job=Function("jobs.backup.handler", 900, 512))


def test_a_job_is_in_its_stages_where_they_keep_backups() -> None:
    names = {
        stage: [job.name for job in jobs_of(make_settings(stage), (task(), INTERIM_TASK))]
        for stage in ("development", "staging", "production")
    }
    assert names == {"development": [], "staging": ["backup"], "production": ["backup", "interim"]}
    keeps = {"backup": {"full": "daily"}}
    assert jobs_of(make_settings("development", keeps), (task(),)) == ()


@pytest.mark.parametrize(("hours", "rate", "heartbeat"), [(1, "rate(1 hour)", 3), (6, "rate(6 hours)", 13)])
def test_a_setting_says_how_often(hours: int, rate: str, heartbeat: int) -> None:
    settings = make_settings("production", {"backup": {"interimHours": hours}})
    [job] = jobs_of(settings, (INTERIM_TASK,))
    assert (job.schedule, job.heartbeat_hours) == (rate, heartbeat)
    assert list(faults(job.schedule)) == []


def checkout(folder: Path, *entries: dict[str, Any]) -> Path:
    """Return the path of a list in a checkout that has the runbook."""
    (folder / "docs/ops").mkdir(parents=True)
    (folder / "docs/runbooks").mkdir()
    (folder / "docs/runbooks/stuck-job.md").write_text("# What to do\n")
    path = folder / "docs/ops/tasks.yaml"
    path.write_text("\n".join(["tasks:", *(f"  - {json.dumps(each)}" for each in entries)]))
    return path


def entry(**changes: Any) -> dict[str, Any]:
    usual = {
        "name": "backup",
        "does": "Backs up",
        "schedule": "cron(0 2 * * ? *)",
        "stages": ["staging"],
        "tells": "alarms",
        "runbook": "docs/runbooks/stuck-job.md",
        "job": JOB,
    }
    return {key: value for key, value in {**usual, **changes}.items() if value is not ...}


def test_a_list_is_read_from_any_checkout(tmp_path: Path) -> None:
    [read] = read_tasks(checkout(tmp_path, entry()))
    assert read == task(stages=(Stage.STAGING,))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (entry(job=...), "backup: is none of them"),
        (entry(worker="clerk"), "backup: is job and worker"),
        (entry(job=..., worker="clerk"), "backup: has a schedule that Cloudflare refuses: does not have the five"),
        (entry(schedule="cron(0 2 * * * *)"), "backup: has a schedule that EventBridge Scheduler refuses: is no cron"),
        (entry(schedule="at(2026-11-30T02:00:00)"), "backup: has a schedule that comes once"),
        (entry(schedule=INTERIM), "backup: says heartbeatHours, which follow from the setting"),
        (entry(job={**JOB, "heartbeatHours": None}), "backup: does not say heartbeatHours"),
        (entry(job={**JOB, "heartbeat": 3}), "job.heartbeat: "),
        (entry(job={**JOB, "seconds": 901}), "job.seconds: "),
        (entry(job={**JOB, "memory": 64}), "job.memory: "),
        (entry(job={**JOB, "heartbeatHours": 169}), "job.heartbeatHours: "),
        (entry(job={**JOB, "handler": "bulkhead.cli.main"}), "job.handler: "),
        (entry(job={**JOB, "edits": True}, stages=["production"]), "backup: edits databases in production"),
        (entry(stages=[]), "backup: runs in no stage"),
        (entry(stages=["staging", "staging"]), "backup: names a stage twice"),
        (entry(stages=["live"]), "stages.0: "),
        (entry(tells="everybody"), "tells: "),
        (entry(name="a" * 21), "name: "),
        (entry(runbook="docs/runbooks/none.md"), "has a runbook that does not exist"),
        (entry(stage="staging"), "has a field 'stage', which there is not; did you mean stages?"),
    ],
)
def test_a_mistake_is_said_with_its_place(tmp_path: Path, wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(Refused) as refused:
        read_tasks(checkout(tmp_path, wrong))
    assert "The list of recurring tasks cannot be used." in str(refused.value)
    assert said in str(refused.value)
    assert all(fault.file == "tasks.yaml" and fault.key.startswith("line 2") for fault in refused.value.faults)


def test_all_mistakes_are_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(Refused) as refused:
        read_tasks(checkout(tmp_path, entry(stages=[]), entry(schedule="rate(0 hours)"), entry(tells=...)))
    assert [fault.key.partition(":")[0] for fault in refused.value.faults] == ["line 4", "line 3", "line 2", "line 3"]
