"""A rule about alarms: every alarm of the catalogue exists in the stage.

It cannot see whether anybody has confirmed the e-mail address that an alarm goes to.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from bulkhead.model.alarms import StageAlarm, alarms_of
from bulkhead.resources import types as t
from bulkhead.resources.observed import ObservedResource, ObservedStack
from bulkhead.resources.statements import account_of
from bulkhead.resources.values import MISSING, UNKNOWN, listed
from policies.context import PolicyContext
from policies.rule import AnyRule, StackRule, Violation

_IN_ALARM: Final = re.compile(r'ALARM\s*\(\s*"?([^"()]+?)"?\s*\)')
_CAUSES: Final = "What it watches goes wrong, and nobody is told"


def _missing(stack: ObservedStack, context: PolicyContext) -> Iterator[Violation]:
    if context.identities:
        return
    alarms = stack.of(t.CLOUDWATCH_METRIC_ALARM)
    for wanted in alarms_of(context.settings, context.product, context.alarms, context.tasks):
        on_metric = [alarm for alarm in alarms if _measures(alarm, wanted)]
        faults = {alarm.urn: _faults(stack, alarm, wanted, context) for alarm in on_metric}
        if on_metric and not all(faults.values()):
            continue
        fix = "declare it as docs/ops/alarms.yaml says; infra.components.alarms makes the whole catalogue"
        if on_metric:
            closest = min(on_metric, key=lambda alarm: len(faults[alarm.urn]))
            yield Violation(f"is not the alarm {wanted.name}: {', '.join(faults[closest.urn])}", _CAUSES, fix, closest)
        else:
            yield Violation(f"the stage has no alarm {wanted.name}, on {wanted.entry.metric}", _CAUSES, fix)


def _measures(alarm: ObservedResource, wanted: StageAlarm) -> bool:
    dimensions = alarm["dimensions"]
    should = wanted.dimensions
    # CloudWatch knows a metric by all of its dimensions: with one more it is another metric, which has no data.
    same = (
        isinstance(dimensions, Mapping)
        and dimensions.keys() == should.keys()
        and all(dimensions[name] in (UNKNOWN, value) for name, value in should.items())
    )
    return (same or dimensions is UNKNOWN) and all(
        alarm[path] in (UNKNOWN, value)
        for path, value in (("metricName", wanted.entry.metric), ("namespace", wanted.entry.namespace))
    )


def _faults(stack: ObservedStack, alarm: ObservedResource, wanted: StageAlarm, context: PolicyContext) -> list[str]:
    """Return how an alarm differs from the catalogue's; values that are not known yet do not count."""
    should: dict[str, Any] = {
        "threshold": wanted.threshold,
        "comparisonOperator": wanted.entry.comparison,
        "statistic": wanted.entry.statistic,
        "period": wanted.entry.minutes * 60,
        "evaluationPeriods": wanted.periods,
    }
    faults = [f"{path} is not {value}" for path, value in should.items() if alarm[path] not in (UNKNOWN, value)]
    # `missing` is CloudWatch's default (PutMetricAlarm).
    missing = alarm["treatMissingData"]
    if missing is not UNKNOWN and ("missing" if missing is MISSING else missing) != wanted.entry.missing:
        faults.append(f"treatMissingData is not {wanted.entry.missing}")
    telling = [alarm, *(each for each in stack.of(t.CLOUDWATCH_COMPOSITE_ALARM) if _passes_on(each, alarm))]
    if not any(_notifies(each, context) for each in telling):
        off = alarm["actionsEnabled"] is False
        faults.append("its actions are disabled" if off else "it tells nobody of the stage's account")
    if alarm["unit"] not in (UNKNOWN, MISSING, ""):
        faults.append(f"it hears only of values in {alarm['unit']}")
    return faults


def _notifies(alarm: ObservedResource, context: PolicyContext) -> bool:
    if alarm["actionsEnabled"] is False:
        return False
    actions = [UNKNOWN] if alarm["alarmActions"] is UNKNOWN else listed(alarm.props, "alarmActions")
    return any(who is UNKNOWN or account_of(str(who)) == context.settings.aws.account_id for who in actions)


def _passes_on(composite: ObservedResource, alarm: ObservedResource) -> bool:
    """Whether a composite alarm goes off whenever ``alarm`` does: ``alarm`` is one operand of its OR."""
    rule = composite["alarmRule"]
    if composite["actionsSuppressor"] is not MISSING:
        return False
    if rule is UNKNOWN:
        return any(source.urn == alarm.urn for source in composite.sources("alarmRule"))
    terms = [_IN_ALARM.fullmatch(term) for term in re.split(r"\s+OR\s+", str(rule).strip())]
    named = [term[1] for term in terms if term] if all(terms) else []
    return alarm["name"] in named or alarm["arn"] in named


RULES: Final[tuple[AnyRule, ...]] = (
    StackRule("alarm-missing", ("ALR-20",), "Every alarm of the catalogue is there before a stage is ready", _missing),
)
