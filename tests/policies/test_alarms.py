"""The rule about alarms: a stage with its catalogue, broken one field at a time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bulkhead.model.alarms import read_alarms
from bulkhead.resources import types as t
from bulkhead.resources.values import UNKNOWN
from policies.context import ALARMS, read_context
from policies.rules.alarms import RULES
from tests.policies.test_pack import environ
from tests.support.policy_scene import changed, found, make_context, make_resource

(MISSING_ALARM,) = RULES
TOPIC = "arn:aws:sns:ap-northeast-1:222222222222:harbor-staging-topic-alarms"
NAME = "harbor-staging-alarm-notices-undelivered"
ARN = f"arn:aws:cloudwatch:ap-northeast-1:222222222222:alarm:{NAME}"
ALARM = make_resource(
    t.CLOUDWATCH_METRIC_ALARM,
    "undelivered",
    name=NAME,
    arn=ARN,
    unit="",  # as the provider shows what nobody gave
    namespace="AWS/SNS",
    metricName="NumberOfNotificationsFailed",
    dimensions={"TopicName": "harbor-staging-topic-cost"},
    statistic="Sum",
    comparisonOperator="GreaterThanOrEqualToThreshold",
    threshold=1.0,
    period=300.0,
    evaluationPeriods=1.0,
    treatMissingData="notBreaching",
    alarmActions=[TOPIC],
)


def test_a_stage_with_its_alarms_is_let_be() -> None:
    assert found(MISSING_ALARM, ALARM) == []
    another = changed(ALARM, "metricName", "NumberOfMessagesPublished")
    assert found(MISSING_ALARM, another, ALARM) == []
    assert found(MISSING_ALARM, changed(ALARM, "threshold", 9.0), ALARM) == []


@pytest.mark.parametrize("rule", [f'ALARM("{NAME}")', f"ALARM({ARN})", f'ALARM("other") OR ALARM("{NAME}")', UNKNOWN])
def test_a_composite_alarm_may_tell_of_it(rule: Any) -> None:
    composite = make_resource(
        t.CLOUDWATCH_COMPOSITE_ALARM, "any", sources={"alarmRule": [ALARM]}, alarmRule=rule, alarmActions=[TOPIC]
    )
    silent = changed(changed(ALARM, "alarmActions", []), "actionsEnabled", False)
    assert found(MISSING_ALARM, silent, composite) == []
    for path, value in (
        ("alarmRule", f'ALARM("other") AND ALARM("{NAME}")'),
        ("alarmRule", f'NOT ALARM("{NAME}")'),
        ("alarmRule", 'ALARM("other")'),
        ("alarmActions", []),
        ("actionsEnabled", False),
        ("actionsSuppressor", {"alarm": "other"}),
    ):
        assert len(found(MISSING_ALARM, silent, changed(composite, path, value))) == 1
    assert len(found(MISSING_ALARM, silent, replace(composite, depends={}))) == (rule is UNKNOWN)


def test_a_stage_without_one_is_named() -> None:
    (message,) = found(MISSING_ALARM, make_resource(t.SNS_TOPIC))
    assert "the stage has no alarm notices-undelivered, on NumberOfNotificationsFailed" in message
    assert "docs/ops/alarms.yaml" in message


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("namespace", "Bulkhead", "has no alarm"),
        ("metricName", "NumberOfMessagesPublished", "has no alarm"),
        ("metricName", ..., "has no alarm"),
        ("dimensions", ..., "has no alarm"),
        ("dimensions", "none", "has no alarm"),
        ("dimensions.TopicName", "harbor-production-topic-cost", "has no alarm"),
        ("threshold", 100.0, "threshold is not 1"),
        ("threshold", ..., "threshold is not 1"),
        ("comparisonOperator", "LessThanThreshold", "comparisonOperator is not"),
        ("statistic", "Minimum", "statistic is not Sum"),
        ("period", 86400.0, "period is not 300"),
        ("evaluationPeriods", 12.0, "evaluationPeriods is not 1"),
        ("treatMissingData", "ignore", "treatMissingData is not notBreaching"),
        ("treatMissingData", ..., "treatMissingData is not notBreaching"),
        ("actionsEnabled", False, "its actions are disabled"),
        ("alarmActions", [], "it tells nobody"),
        ("alarmActions", ["arn:aws:sns:ap-northeast-1:999999999999:x"], "it tells nobody"),
        ("dimensions.Nope", "x", "has no alarm"),
        ("unit", "Bytes", "only of values in Bytes"),
        ("alarmActions", ..., "it tells nobody"),
    ],
)
def test_an_alarm_that_differs_is_not_the_one(path: str, value: Any, said: str) -> None:
    (message,) = found(MISSING_ALARM, changed(ALARM, path, value))
    assert said in message


@pytest.mark.parametrize(
    "path",
    ["namespace", "metricName", "dimensions", "dimensions.TopicName", "threshold", "period", "alarmActions"],
)
def test_what_is_not_known_yet_is_no_difference_and_excuses_no_other(path: str) -> None:
    unknown = changed(ALARM, path, UNKNOWN)
    assert found(MISSING_ALARM, unknown) == []
    (message,) = found(MISSING_ALARM, changed(unknown, "statistic", "Minimum"))
    assert "statistic is not Sum" in message


def test_development_and_the_identities_have_none() -> None:
    assert found(MISSING_ALARM, context=make_context("development")) == []
    assert found(MISSING_ALARM, context=make_context("production", identities=True)) == []
    assert len(found(MISSING_ALARM, context=make_context("production"))) == 1


def test_every_alarm_of_the_catalogue_is_asked_for() -> None:
    alarm = read_alarms()[0]
    second = replace(alarm, name="quiet", metric="NumberOfMessagesPublished")
    context = make_context(alarms=[alarm, second])
    (message,) = found(MISSING_ALARM, ALARM, context=context)
    assert "no alarm quiet" in message


def test_the_catalogue_may_be_of_the_checkout_that_is_previewed(tmp_path: Path) -> None:
    (tmp_path / "docs/ops").mkdir(parents=True)
    path = tmp_path / "docs/ops/alarms.yaml"
    path.write_text("alarms: []\n")
    assert read_context({**environ(), ALARMS: str(path)}).alarms == ()
    assert read_context(environ()).alarms == read_alarms()
