"""The catalogue of alarms: docs/ops/alarms.yaml as dataclasses. The program makes them, policies ask for them.

Left out: alarms on several metrics at once, and on metrics that nobody brings to CloudWatch yet.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field

from bulkhead.model import catalogues, entries
from bulkhead.model.entries import Text
from bulkhead.model.faults import Fault
from bulkhead.model.naming import Kind, Label, Stage
from bulkhead.model.product import Product
from bulkhead.model.project import ROOT
from bulkhead.model.settings import StageSettings
from bulkhead.model.tasks import Job, Task, jobs_of

FILE: Final = "docs/ops/alarms.yaml"
CATALOGUE: Final = ROOT / FILE
_SUMMARY: Final = "The catalogue of alarms cannot be used."


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm on one metric, or one for each job or database. ``thresholds`` are by stage: a stage without one does
    not have the alarm, and neither has one without the task ``measured_by``. ``periods`` of a job are its heartbeat's.
    """

    __pydantic_config__: ClassVar = entries.CONFIG

    name: catalogues.Name
    says: Annotated[Text, Field(max_length=200)]
    namespace: Text
    metric: Text
    of: Literal["costTopic", "database", "job", "jobQueue", "stage"]
    statistic: Literal["Average", "Maximum", "Minimum", "SampleCount", "Sum"]
    comparison: Literal[
        "GreaterThanOrEqualToThreshold",
        "GreaterThanThreshold",
        "LessThanOrEqualToThreshold",
        "LessThanThreshold",
    ]
    thresholds: Annotated[
        Mapping[Stage, Annotated[float, Field(strict=True, allow_inf_nan=False)]], Field(min_length=1)
    ]
    minutes: Annotated[int, Field(strict=True, ge=1, le=1440)]
    missing: Literal["breaching", "ignore", "missing", "notBreaching"]
    severity: Literal["critical", "high", "warning"]
    runbook: catalogues.Runbook
    periods: Annotated[int, Field(strict=True, ge=1, le=288)] | None = None
    measured_by: Text | None = None
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class StageAlarm:
    """An alarm as one stage has it. ``dimensions`` select the stage's own among all that report the metric; ``name`` is
    the entry's, with what it is about if there are several."""

    entry: Alarm
    name: str
    dimensions: Mapping[str, str]
    threshold: float
    periods: int


def alarms_of(
    settings: StageSettings, product: Product, alarms: tuple[Alarm, ...], tasks: tuple[Task, ...]
) -> tuple[StageAlarm, ...]:
    """Return the alarms of a stage: those that have a threshold for it, and whose metric something there reports."""
    jobs = jobs_of(settings, tasks)
    running = {job.name for job in jobs}
    label = settings.label(product.name)
    return tuple(
        each
        for alarm in alarms
        if settings.stage in alarm.thresholds and alarm.measured_by in {None, *running}
        for each in _of(alarm, label, product, jobs)
    )


def _of(alarm: Alarm, label: Label, product: Product, jobs: tuple[Job, ...]) -> Iterator[StageAlarm]:
    threshold = alarm.thresholds[label.stage]
    own = {"environment": label.environment, "product": label.product}
    match alarm.of:
        case "costTopic":
            topic = {"TopicName": label.name(Kind.TOPIC, "cost")}
            yield StageAlarm(alarm, alarm.name, topic, threshold, alarm.periods or 1)
        case "jobQueue" if jobs:
            queue = {"QueueName": label.name(Kind.JOB, "failed")}
            yield StageAlarm(alarm, alarm.name, queue, threshold, alarm.periods or 1)
        case "job":
            for job in jobs:
                periods = job.heartbeat_hours * 60 // alarm.minutes
                yield StageAlarm(alarm, f"{alarm.name}-{job.name}", {**own, "task": job.name}, threshold, periods)
        case "database" if jobs:
            for each in product.databases:
                about = {**own, "store": each.name}
                yield StageAlarm(alarm, f"{alarm.name}-{each.name}", about, threshold, alarm.periods or 1)
        case "stage" if jobs:
            yield StageAlarm(alarm, alarm.name, own, threshold, alarm.periods or 1)


def read_alarms(path: Path = CATALOGUE) -> tuple[Alarm, ...]:
    """Return the alarms in the catalogue at ``path``, which is FILE of this or another checkout. Raises Refused with
    every fault."""
    return catalogues.read(path, "alarms", Alarm, summary=_SUMMARY, committed=FILE, faults=_faults)


def _faults(alarm: Alarm) -> Iterator[Fault]:
    if (alarm.periods is None) != (alarm.of == "job"):
        message = "says periods, which follow from each job's heartbeat" if alarm.periods else "does not say periods"
        yield catalogues.fault(alarm, message, "so many periods of so many minutes in a row")
