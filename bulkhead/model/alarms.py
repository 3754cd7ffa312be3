"""The catalogue of alarms: docs/ops/alarms.yaml as dataclasses. The program makes them, policies ask for them.

Left out: alarms on several metrics at once, and on metrics that nobody brings to CloudWatch yet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field

from bulkhead.model import catalogues, entries
from bulkhead.model.entries import Text
from bulkhead.model.naming import Kind, Label, Stage
from bulkhead.model.project import ROOT

FILE: Final = "docs/ops/alarms.yaml"
CATALOGUE: Final = ROOT / FILE
_SUMMARY: Final = "The catalogue of alarms cannot be used."


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm on one metric. ``thresholds`` are by stage: a stage without one does not have the alarm."""

    __pydantic_config__: ClassVar = entries.CONFIG

    name: catalogues.Name
    says: Annotated[Text, Field(max_length=200)]
    namespace: Text
    metric: Text
    of: Literal["costTopic"]
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
    periods: Annotated[int, Field(strict=True, ge=1, le=288)]
    missing: Literal["breaching", "ignore", "missing", "notBreaching"]
    severity: Literal["critical", "high", "warning"]
    runbook: catalogues.Runbook
    line: int = field(default=0, compare=False)

    def dimensions(self, label: Label) -> dict[str, str]:
        """Return the CloudWatch dimensions that select this stage's resource among all that report the metric."""
        return {"TopicName": label.name(Kind.TOPIC, "cost")}


def alarms_of(stage: Stage, alarms: tuple[Alarm, ...]) -> tuple[Alarm, ...]:
    """Return the alarms that have a threshold for ``stage``."""
    return tuple(alarm for alarm in alarms if stage in alarm.thresholds)


def read_alarms(path: Path = CATALOGUE) -> tuple[Alarm, ...]:
    """Return the alarms in the catalogue at ``path``, which is FILE of this or another checkout. Raises Refused with
    every fault."""
    return catalogues.read(path, "alarms", Alarm, summary=_SUMMARY, committed=FILE)
