"""The catalogue of alarms (pure): docs/ops/alarms.yaml as frozen models. The program makes them, policies miss them.

Left out: alarms on several metrics at once, and on metrics that nobody brings to CloudWatch yet.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from bulkhead.model.faults import Fault, Refused
from bulkhead.model.naming import Kind, Label, Stage
from bulkhead.model.settings import nodes, scalars

FILE: Final = "docs/ops/alarms.yaml"
CATALOGUE: Final = Path(__file__).resolve().parents[2] / FILE
_SUMMARY: Final = "The catalogue of alarms cannot be used."
_FIX: Final = "the comment at its top says what an entry holds"


class Alarm(BaseModel):
    """One alarm on one metric. ``thresholds`` are by stage: a stage without one does not have the alarm."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, hide_input_in_errors=True)

    name: str = Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=60)
    says: str = Field(min_length=1, max_length=200)
    namespace: str = Field(min_length=1)
    metric: str = Field(min_length=1)
    of: Literal["costTopic"]
    statistic: Literal["Average", "Maximum", "Minimum", "SampleCount", "Sum"]
    comparison: Literal[
        "GreaterThanOrEqualToThreshold",
        "GreaterThanThreshold",
        "LessThanOrEqualToThreshold",
        "LessThanThreshold",
    ]
    thresholds: Mapping[Stage, Annotated[float, Field(strict=True, allow_inf_nan=False)]] = Field(min_length=1)
    minutes: int = Field(strict=True, ge=1, le=1440)
    periods: int = Field(strict=True, ge=1, le=288)
    missing: Literal["breaching", "ignore", "missing", "notBreaching"]
    severity: Literal["critical", "high", "warning"]
    runbook: str = Field(pattern=r"^docs/runbooks/[a-z0-9-]+\.md$")

    def dimensions(self, label: Label) -> dict[str, str]:
        """Return by which CloudWatch tells the metric of this stage's thing from others."""
        return {"TopicName": label.name(Kind.TOPIC, "cost")}


def alarms_of(stage: Stage, alarms: tuple[Alarm, ...]) -> tuple[Alarm, ...]:
    """Return those that a stage has."""
    return tuple(alarm for alarm in alarms if stage in alarm.thresholds)


def read_alarms(path: Path = CATALOGUE) -> tuple[Alarm, ...]:
    """Return the alarms in the file at ``path``, which is FILE of a checkout. Raises Refused with
    every fault there is."""
    try:
        root = nodes.compose(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        fix = f"git checkout {FILE}"
        raise Refused(_SUMMARY, [Fault("", f"cannot be read: {reason}", fix, path.name)]) from None
    except nodes.Unreadable as bad:
        at = f"line {bad.line}, column {bad.column}"
        raise Refused(_SUMMARY, [Fault(at, f"is no YAML: {bad.problem}", _FIX, path.name)]) from None
    faults: list[Fault] = []
    alarms = list(_alarms(root, faults))
    names = [alarm.name for alarm in alarms]
    twice = sorted({name for name in names if names.count(name) > 1})
    faults += [Fault(name, "is there twice", "give each alarm a name of its own") for name in twice]
    faults += [
        Fault(alarm.name, f"has a runbook that does not exist: {alarm.runbook}", f"write {alarm.runbook}")
        for alarm in alarms
        if not (path.resolve().parents[2] / alarm.runbook).is_file()
    ]
    if faults:
        raise Refused(_SUMMARY, [Fault(each.key, each.message, each.fix, path.name) for each in faults])
    return tuple(alarms)


def _alarms(root: nodes.Node | None, faults: list[Fault]) -> Iterator[Alarm]:
    """Yield the entries that are alarms, and put what is wrong with the others into ``faults``."""
    listed = nodes.only(root, "alarms")
    if not isinstance(listed, nodes.Sequence):
        faults.append(Fault("", "does not consist of one list called `alarms:`", "an empty one is `alarms: []`"))
        return
    for node in listed.items:
        try:
            yield Alarm.model_validate(_plain(node))
        except _Odd as odd:
            faults.append(Fault(f"line {odd.line}", odd.problem, _FIX))
        except ValidationError as bad:
            faults += [
                Fault(f"line {node.line}: {'.'.join(map(str, error['loc']))}", error["msg"], _FIX)
                for error in bad.errors()
            ]


class _Odd(ValueError):
    def __init__(self, problem: str, line: int) -> None:
        super().__init__(problem)
        self.problem, self.line = problem, line


def _plain(node: nodes.Node) -> Any:
    if node.tag is not None:
        raise _Odd("carries a !tag, which other YAML readers ignore", node.line)
    if isinstance(node, nodes.Sequence):
        return [_plain(item) for item in node.items]
    if isinstance(node, nodes.Scalar):
        try:
            return scalars.resolve(node.text) if node.plain else node.text
        except scalars.Ambiguous as bad:
            raise _Odd(f"may be read as {bad.meaning}: quote it", node.line) from None
    plain: dict[str, Any] = {}
    for key, value in node.pairs:
        if not isinstance(key, nodes.Scalar) or key.text in plain:
            raise _Odd("has a key that is no text, or is there twice", key.line)
        plain[key.text] = _plain(value)
    return plain
