"""What a stage promises of a total loss, against what its backups can keep."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import bulkhead.cli.settings
from bulkhead.model.naming import Stage
from bulkhead.model.settings.files import Finding
from bulkhead.model.settings.recovery import copies_apart_minutes, order_faults, recovery_doubts, recovery_order
from tests.model.settings.baseline import PRODUCT, baseline, by_engine, by_file, changed, write
from tests.support.checkout import work_in
from tests.support.settings_fixture import make_settings

RPO = "bulkhead:dr.rpoMinutes"


def doubts(dr: dict[str, Any], backup: dict[str, Any], stack: str = "production") -> list[tuple[str, str]]:
    settings = make_settings(stack, {"dr": dr, "backup": backup})
    return [(fault.key, fault.fix) for fault in recovery_doubts(settings)]


def test_copies_every_six_hours_do_not_keep_a_promise_of_one() -> None:
    settings = make_settings("production")
    assert (settings.dr.rpo_minutes, settings.dr.rto_minutes, copies_apart_minutes(settings)) == (60, 240, 360)
    (doubt,) = recovery_doubts(settings)
    assert (doubt.key, doubt.file) == (RPO, "Pulumi.production.yaml")
    assert "360 minutes apart" in doubt.message
    assert doubt.fix == "pulumi config set --path 'bulkhead:backup.interimHours' 1 --stack production"


@pytest.mark.parametrize(("hours", "goal"), [(1, 60), (6, 360), (12, 1000), (None, 1440)])
def test_a_promise_that_is_kept_is_not_doubted(hours: int | None, goal: int) -> None:
    assert doubts({"rpoMinutes": goal}, {"interimHours": hours}) == []


def test_what_no_interval_can_keep_is_to_be_promised_otherwise() -> None:
    assert doubts({"rpoMinutes": 59}, {"interimHours": 1}) == [
        (RPO, "pulumi config set --path 'bulkhead:dr.rpoMinutes' 60 --stack production")
    ]


def test_the_longest_interval_that_is_enough_is_advised() -> None:
    ((_, fix),) = doubts({"rpoMinutes": 300}, {"interimHours": None}, "staging")
    assert fix == "pulumi config set --path 'bulkhead:backup.interimHours' 4 --stack staging"


def test_a_stage_without_copies_keeps_no_promise() -> None:
    ((key, fix),) = doubts({"rpoMinutes": 100_000}, {}, "development")
    assert (key, fix) == (RPO, "pulumi config set --path 'bulkhead:backup.full' daily --stack development")


@pytest.mark.parametrize("stage", [Stage.DEVELOPMENT, Stage.STAGING])
def test_a_stage_that_promises_nothing_is_not_doubted(stage: Stage) -> None:
    settings = make_settings(stage)
    assert settings.dr.rpo_minutes is None
    assert [*recovery_doubts(settings)] == []


def test_a_doubt_is_said_with_its_line_and_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work_in(monkeypatch, tmp_path)
    for stage in Stage:
        write(tmp_path, stage, changed(stage, RPO, 59) if stage is Stage.PRODUCTION else baseline(stage))
    result = CliRunner().invoke(bulkhead.cli.settings.app, ["check", "--json"])
    assert result.exit_code == 0
    (told,) = json.loads(result.stdout)
    assert (told["level"], told["file"], told["key"]) == ("warning", "Pulumi.production.yaml", RPO)
    assert told["line"] > 1


def test_a_stage_comes_back_in_the_order_of_the_product_unless_it_says_another() -> None:
    assert recovery_order(make_settings("production"), PRODUCT) == ("web", "api")
    chosen = make_settings("production", {"dr": {"recoveryOrder": ["api", "web"]}})
    assert recovery_order(chosen, PRODUCT) == ("api", "web")
    assert [*order_faults(chosen, PRODUCT)] == []


@pytest.mark.parametrize(("order", "says"), [(["web"], "lacks api"), (["web", "api", "clerk"], "names clerk")])
def test_an_order_that_is_not_the_products_is_refused(order: list[str], says: str, tmp_path: Path) -> None:
    config = changed("production", "bulkhead:dr.recoveryOrder", order)
    faults = [each.fault if isinstance(each, Finding) else each for each in by_file(tmp_path, "production", config)]
    for found in (faults, by_engine("production", config)):
        (fault,) = found
        assert fault.key == "bulkhead:dr.recoveryOrder"
        assert says in fault.message
        assert "pulumi config rm" in fault.fix
