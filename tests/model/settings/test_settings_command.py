"""`bulkhead settings`: what people and programs get to see."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

import bulkhead.cli.settings
from bulkhead.model.faults import Refused
from bulkhead.model.settings.schema import render
from tests.model.settings.baseline import CIPHERTEXT, baseline, changed, write
from tests.support.checkout import work_in

run = CliRunner()
SECRETS = 2


@pytest.fixture(autouse=True)
def stages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of its own, with three compliant stages."""
    work_in(monkeypatch, tmp_path)
    for stack in ("development", "staging", "production"):
        write(tmp_path, stack, baseline(stack))
    return tmp_path


def test_check_says_that_all_is_well() -> None:
    result = run.invoke(bulkhead.cli.settings.app, ["check"])
    assert (result.exit_code, result.output) == (0, "0 faults and 0 warnings in 3 files\n")


def test_check_looks_at_a_pull_requests_stage_too(stages: Path) -> None:
    same = baseline("development")["bulkhead:cloudflare"]["hostname"]
    write(stages, "pr-42", changed("pr-42", "bulkhead:cloudflare.hostname", same))
    result = run.invoke(bulkhead.cli.settings.app, ["check"])
    assert result.exit_code == 1
    assert "Pulumi.pr-42.yaml" in result.output
    assert same in result.output
    assert "in 4 files" in result.output


def test_check_says_what_is_wrong_and_where(stages: Path) -> None:
    path = stages / "Pulumi.staging.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace('"rnd"', "yes"), encoding="utf-8")
    result = run.invoke(bulkhead.cli.settings.app, ["check", str(path)])
    assert result.exit_code == 1
    assert result.output.startswith(
        "Pulumi.staging.yaml:4: fault: bulkhead:costCenter may be text or a yes-or-no value"
    )
    assert "      fix: line 4: quote it" in result.output
    assert result.output.endswith("1 fault and 0 warnings in 1 file\n")


def test_check_for_programs(stages: Path) -> None:
    write(stages, "production", changed("production", "bulkhead:backup.retention.dailyDays", 0))
    result = run.invoke(bulkhead.cli.settings.app, ["check", "--json"])
    assert result.exit_code == 1
    document = json.loads(result.stdout)
    assert [(each["level"], each["file"], each["key"]) for each in document] == [
        ("fault", "Pulumi.production.yaml", "bulkhead:backup.retention.dailyDays"),
        ("warning", "", ""),
    ]
    assert document[0]["fix"] == "pulumi config set --path 'bulkhead:backup.retention.dailyDays' 7 --stack production"
    assert set(document[0]) == {"level", "file", "line", "key", "message", "fix"}


def test_a_warning_alone_stops_nothing(stages: Path) -> None:
    shared = changed("staging", "bulkhead:cloudflare.accountId", "a3" * 16)
    shared["bulkhead:owns"]["cloudflareAccount"] = False
    write(stages, "staging", shared)
    result = run.invoke(bulkhead.cli.settings.app, ["check", "--json"])
    assert result.exit_code == 0
    assert [each["level"] for each in json.loads(result.stdout)] == ["warning"]


def test_a_missing_stage_is_a_fault(stages: Path) -> None:
    (stages / "Pulumi.staging.yaml").unlink()
    result = run.invoke(bulkhead.cli.settings.app, ["check"])
    assert result.exit_code == 1
    assert "Pulumi.staging.yaml: fault: does not exist" in result.output


def test_check_against_a_product_that_is_not_there() -> None:
    result = run.invoke(bulkhead.cli.settings.app, ["check", "--product", "infra.product:NOTHING"])
    assert isinstance(result.exception, Refused)


def test_show_tells_defaults_from_choices_and_hides_secrets(stages: Path) -> None:
    config = baseline("production")
    del config["secrets:sessionKey"]
    write(stages, "production", config)
    result = run.invoke(bulkhead.cli.settings.app, ["show", "production"])
    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert "    yearlyDays: 1827  # default" in lines
    assert "  monthlyUsd: 500  # default" in lines
    assert "  hostname: production.acme-hotels.com" in lines
    assert "  endTime: null  # default" in lines
    assert "  finance: [somebody@acme-hotels.com]" in lines
    assert lines[-SECRETS:] == [*("  cloudflareApiToken: set", "  sessionKey: missing")]
    assert CIPHERTEXT["secure"] not in result.output


def test_show_for_programs() -> None:
    result = run.invoke(bulkhead.cli.settings.app, ["show", "staging", "--json"])
    document = json.loads(result.stdout)
    assert document["settings"]["budget"]["monthlyUsd"] == 20
    assert document["secrets"]["cloudflareApiToken"] == "set"


def test_show_refuses_what_it_cannot_read(stages: Path) -> None:
    write(stages, "staging", changed("staging", "bulkhead:owner", ""))
    result = run.invoke(bulkhead.cli.settings.app, ["show", "staging"])
    assert isinstance(result.exception, Refused)
    assert [fault.key for fault in result.exception.faults] == ["bulkhead:owner"]


def test_schema_prints_the_schema() -> None:
    assert run.invoke(bulkhead.cli.settings.app, ["schema"]).stdout == render()


@pytest.mark.parametrize("command", ["check", "show", "schema"])
def test_help_has_an_example(command: str) -> None:
    help_text = re.sub(r"\x1b\[[0-9;]*m", "", run.invoke(bulkhead.cli.settings.app, [command, "--help"]).output)
    assert f"Example: bulkhead settings {command}" in help_text
