"""The catalogue of alarms: docs/ops/alarms.yaml as dataclasses. The program makes them, policies ask for them.

Left out: alarms on several metrics at once, and on metrics that nobody brings to CloudWatch yet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field

from bulkhead.model import entries
from bulkhead.model.entries import Text
from bulkhead.model.faults import Fault, Refused
from bulkhead.model.naming import Kind, Label, Stage
from bulkhead.model.project import ROOT

FILE: Final = "docs/ops/alarms.yaml"
CATALOGUE: Final = ROOT / FILE
_SUMMARY: Final = "The catalogue of alarms cannot be used."


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm on one metric. ``thresholds`` are by stage: a stage without one does not have the alarm."""

    __pydantic_config__: ClassVar = entries.CONFIG

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=60)]
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
    runbook: Annotated[str, Field(pattern=r"^docs/runbooks/[a-z0-9-]+\.md$")]
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
    try:
        alarms, faults = entries.read(path.read_text(encoding="utf-8"), "alarms", Alarm)
    except OSError as error:
        raise _unreadable(path, str(error.strerror)) from None
    except UnicodeDecodeError:
        raise _unreadable(path, "it is not UTF-8") from None
    except entries.Malformed as bad:
        raise Refused(_SUMMARY, [replace(bad.fault, file=path.name)]) from None
    names = [alarm.name for alarm in alarms]
    faults += [
        Fault(f"line {alarm.line}: {alarm.name}", "is there twice", "give each alarm a name of its own")
        for place, alarm in enumerate(alarms)
        if alarm.name in names[:place]
    ]
    faults += [
        Fault(
            f"line {alarm.line}: {alarm.name}",
            f"has a runbook that does not exist: {alarm.runbook}",
            f"write {alarm.runbook}",
        )
        for alarm in alarms
        if not (path.resolve().parents[2] / alarm.runbook).is_file()
    ]
    if faults:
        raise Refused(_SUMMARY, [replace(each, file=path.name) for each in faults])
    return tuple(alarms)


def _unreadable(path: Path, reason: str) -> Refused:
    return Refused(_SUMMARY, [Fault("", f"cannot be read: {reason}", f"git checkout {FILE}", path.name)])
