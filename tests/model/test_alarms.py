"""The catalogue of alarms: what it says, what of it a stage gets, and every way in which it can be written wrongly."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from bulkhead.model.alarms import CATALOGUE, Alarm, alarms_of, read_alarms
from bulkhead.model.faults import Refused
from bulkhead.model.tasks import Task, read_tasks
from infra.product import PRODUCT
from tests.support.second_product import SECOND_PRODUCT
from tests.support.settings_fixture import make_settings
from tests.support.stages import STAGES, render_stage, rendered_stage

ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
TOPIC = "aws:sns/topic:Topic"
SUBSCRIPTION = "aws:sns/topicSubscription:TopicSubscription"
ROOT = CATALOGUE.parents[2]


@pytest.mark.parametrize("environment", STAGES)
def test_a_stage_has_every_alarm_of_the_catalogue_and_no_other(environment: str) -> None:
    settings = make_settings(environment)
    wanted = {f"alarms-{alarm.name}" for alarm in alarms_of(settings, PRODUCT, read_alarms(), read_tasks())}
    assert {alarm.name for alarm in rendered_stage("first", environment).of(ALARM)} == wanted
    assert bool(wanted) == (environment != "development")


def test_each_job_and_each_database_has_its_own() -> None:
    settings = make_settings("production", {"backup": {"interimHours": 1}})
    found = {alarm.name: alarm for alarm in alarms_of(settings, PRODUCT, read_alarms(), read_tasks())}
    own = {"environment": "production", "product": "harbor"}
    assert found["job-silent-backup"].dimensions == {**own, "task": "backup"}
    assert (found["job-silent-backup"].periods, found["job-silent-interim"].periods) == (26, 3)
    assert found["backup-old-main"].dimensions == {**own, "store": "main"}
    assert found["job-given-up"].dimensions == {"QueueName": "harbor-production-job-failed"}


def test_what_nothing_in_a_stage_reports_has_no_alarm_there() -> None:
    def names(changes: dict[str, Any], tasks: tuple[Task, ...]) -> set[str]:
        settings = make_settings("staging", changes)
        return {alarm.name for alarm in alarms_of(settings, PRODUCT, read_alarms(), tasks)}

    backup = tuple(task for task in read_tasks() if task.name == "backup")
    assert names({"backup": {"full": "none"}}, read_tasks()) == names({}, ()) == {"notices-undelivered"}
    assert "backup-shrank-main" in names({}, backup)
    assert "bookmark-old-main" not in names({}, backup)


def test_what_an_alarm_waits_for_is_a_task_of_the_list() -> None:
    assert {alarm.measured_by for alarm in read_alarms()} - {None} <= {task.name for task in read_tasks()}


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_cloudwatch_looks_back_as_far_as_an_alarm_asks(environment: str) -> None:
    """PutMetricAlarm: seven days where a period is an hour or longer, else one day."""
    for alarm in alarms_of(make_settings(environment), PRODUCT, read_alarms(), read_tasks()):
        seconds = alarm.entry.minutes * 60
        assert seconds * alarm.periods <= (7 if seconds >= 3600 else 1) * 86_400


def test_an_alarm_tells_the_tech_lead_when_it_begins_and_when_it_ends() -> None:
    stage = rendered_stage("first", "production")
    alarm = stage.one(ALARM, "alarms-notices-undelivered").inputs
    assert alarm["alarmActions"] == alarm["okActions"] == ["arn:aws:sns:ap-northeast-1:333333333333:alarms-topic"]
    assert alarm["tags"] == {"severity": "high", "runbook": "docs/runbooks/notices-undelivered.md"}
    assert alarm["tags"]["runbook"] in alarm["alarmDescription"]
    assert alarm["dimensions"] == {"TopicName": stage.one(TOPIC, "budget-topic").inputs["name"]}
    mail = stage.one(SUBSCRIPTION).inputs
    assert (mail["protocol"], mail["endpoint"]) == ("email", "lead-production@harbor.example")


@pytest.mark.parametrize(
    ("budget", "told"),
    [
        ({"techLead": []}, {"everybody-staging@harbor.example"}),
        ({"techLead": [], "stakeholders": []}, {"finance-staging@harbor.example"}),
        ({"techLead": ["b@harbor.example", "a@harbor.example"]}, {"a@harbor.example", "b@harbor.example"}),
    ],
)
def test_without_a_tech_lead_somebody_else_is_told(budget: dict[str, Any], told: set[str]) -> None:
    stage = render_stage(SECOND_PRODUCT, "staging", {"budget": budget})
    assert {each.inputs["endpoint"] for each in stage.of(SUBSCRIPTION)} == told


def test_only_this_stages_alarms_publish_and_only_to_its_topic_is_the_key_of_use() -> None:
    stage = rendered_stage("first", "production")
    [publish] = json.loads(stage.one("aws:sns/topicPolicy:TopicPolicy", "alarms-topic-policy").inputs["policy"])[
        "Statement"
    ]
    assert publish["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert publish["Condition"] == {
        "StringEquals": {"aws:SourceAccount": "333333333333"},
        "ArnLike": {"aws:SourceArn": "arn:aws:cloudwatch:ap-northeast-1:333333333333:alarm:harbor-production-alarm-*"},
    }
    _, key = json.loads(stage.one("aws:kms/key:Key", "alarms-key").inputs["policy"])["Statement"]
    name = stage.one(TOPIC, "alarms-topic").inputs["name"]
    assert key["Condition"]["StringEquals"] == {
        "kms:EncryptionContext:aws:sns:topicArn": f"arn:aws:sns:ap-northeast-1:333333333333:{name}"
    }
    assert str(stage.one(ALARM, "alarms-notices-undelivered").inputs["name"]).startswith("harbor-production-alarm-")


@pytest.mark.parametrize("alarm", read_alarms(), ids=lambda alarm: alarm.name)
def test_a_runbook_says_what_it_means_and_names_a_command(alarm: Alarm) -> None:
    text = (ROOT / alarm.runbook).read_text(encoding="utf-8")
    assert alarm.says in text
    assert re.search(r"^```console\n\$ \S", text, re.MULTILINE)


def checkout(folder: Path, text: str) -> Path:
    """Return the path of a catalogue in a checkout that has the runbooks of the shipped one."""
    (folder / "docs/ops").mkdir(parents=True)
    (folder / "docs/runbooks").mkdir()
    for runbook in (ROOT / "docs/runbooks").glob("*.md"):
        (folder / "docs/runbooks" / runbook.name).write_text("# What to do\n")
    path = folder / "docs/ops/alarms.yaml"
    path.write_text(text)
    return path


def entry(**changes: Any) -> str:
    """Return a catalogue of the first shipped alarm, with other fields; ``...`` takes one away."""
    alarm = yaml.safe_load(CATALOGUE.read_text(encoding="utf-8"))["alarms"][0]
    said = {key: value for key, value in {**alarm, **changes}.items() if value is not ...}
    return json.dumps({"alarms": [said]})


def test_the_shipped_entry_is_read_from_any_checkout(tmp_path: Path) -> None:
    assert read_alarms(checkout(tmp_path, entry())) == read_alarms()[:1]
    (tmp_path / "all").mkdir()
    assert read_alarms(checkout(tmp_path / "all", CATALOGUE.read_text(encoding="utf-8"))) == read_alarms()


def test_no_alarms_at_all_can_be_said(tmp_path: Path) -> None:
    assert read_alarms(checkout(tmp_path, "alarms: []\n")) == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "does not consist of one list called `alarms:`"),
        ("alarms:\n", "`alarms:` is no list"),
        ("alarms: []\nmore: 1\n", "does not consist of one list called `alarms:`"),
        ("- a\n", "does not consist of one list called `alarms:`"),
        ("alarms: [\n", "is no YAML"),
        ("alarms:\n  - just text\n", "line 2: is no entry"),
        ("alarms:\n  - !alarm {name: a}\n", "!tag"),
        ("alarms:\n  - {name: !name a}\n", "has a name with a !tag"),
        ("alarms:\n  - {name: a, name: b}\n", "says name twice"),
        ("alarms:\n  - {thresholds: {staging: 1, staging: 2}}\n", "says thresholds.staging twice"),
        ("alarms:\n  - {thresholds: {staging: 1_0}}\n", "has a thresholds.staging that may be read as a number"),
        ("alarms:\n  - {name: on}\n", "quote it"),
        (entry(name=...), "does not say name"),
        (entry(name="Notices"), "name: String should match pattern"),
        (entry(says=""), "has no text as says"),
        (entry(thresholds={}), "thresholds: "),
        (entry(thresholds={"live": 1}), "thresholds.live"),
        (entry(thresholds={"production": True}), "thresholds.production"),
        (entry(thresholds={"production": "1"}), "thresholds.production"),
        (entry(minutes=0), "minutes: "),
        (entry(minutes=2.5), "minutes: "),
        (entry(periods=289), "periods: "),
        (entry(periods=...), "notices-undelivered: does not say periods"),
        (entry(of="job"), "notices-undelivered: says periods, which follow from each job's heartbeat"),
        (entry(of="vault"), "of: "),
        (entry(statistic="p95"), "statistic: "),
        (entry(comparison=">="), "comparison: "),
        (entry(missing="nobody"), "missing: "),
        (entry(severity="urgent"), "severity: "),
        (entry(threshold=1), "has a field 'threshold', which there is not; did you mean thresholds?"),
        (entry(runbook="../../etc/passwd"), "runbook: "),
        (entry(runbook="docs/runbooks/nobody-wrote-it.md"), "has a runbook that does not exist"),
    ],
)
def test_a_mistake_is_said_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(Refused) as refused:
        read_alarms(checkout(tmp_path, text))
    assert "The catalogue of alarms cannot be used." in str(refused.value)
    assert said in str(refused.value)
    assert all(fault.file == "alarms.yaml" and fault.fix for fault in refused.value.faults)


def test_all_mistakes_are_said_at_once(tmp_path: Path) -> None:
    wrong = (
        {"minutes": 0, "threshold": 1, "says": ..., "metric": 5},
        {"of": "vault"},
        {"runbook": "docs/runbooks/a.md"},
    )
    lines = [json.dumps(json.loads(entry(**changes))["alarms"][0]) for changes in wrong]
    with pytest.raises(Refused) as refused:
        read_alarms(checkout(tmp_path, "\n".join(["alarms:", *(f"  - {line}" for line in lines)])))
    assert [(fault.key, fault.message.partition(":")[0]) for fault in refused.value.faults] == [
        ("line 2", "has a field 'threshold', which there is not; did you mean thresholds?"),
        ("line 2", "has no text as metric"),
        ("line 2: minutes", "Input should be greater than or equal to 1"),
        ("line 2", "does not say says"),
        ("line 3: of", "Input should be 'costTopic', 'database', 'job', 'jobQueue' or 'stage'"),
        ("line 4: notices-undelivered", "has a runbook that does not exist"),
    ]


def test_a_name_is_given_once(tmp_path: Path) -> None:
    [alarm] = json.loads(entry())["alarms"]
    with pytest.raises(Refused, match="notices-undelivered: is there twice"):
        read_alarms(checkout(tmp_path, json.dumps({"alarms": [alarm, alarm]})))


@pytest.mark.parametrize("content", [None, b"alarms: \xff"])
def test_a_file_that_cannot_be_read_is_no_empty_one(tmp_path: Path, content: bytes | None) -> None:
    path = checkout(tmp_path, "")
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(Refused, match="cannot be read"):
        read_alarms(path)
