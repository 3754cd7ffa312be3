"""`bulkhead access` in words, as a page and as JSON, and whether docs/access.md is current."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import bulkhead.cli.access
from bulkhead.cli.main import main
from bulkhead.model import project
from tests.support.checkout import work_in

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def each_stage_is_planned_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.support.plans import plans_once  # noqa: PLC0415 (Pulumi's SDKs take seconds to import)

    monkeypatch.setattr("bulkhead.analysis.stages.plans_of", plans_once)


def test_the_page_in_the_repository_is_current(capsys: Capture) -> None:
    assert main(["access", "--check"]) == 0, "run: bulkhead access --write"
    page = (project.ROOT / bulkhead.cli.access.PAGE).read_text(encoding="utf-8")
    assert [line for line in page.splitlines() if line.startswith("## ")] == [
        "## development",
        "## staging",
        "## production",
    ]


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    from tests.support.settings_fixture import write_stage_files  # noqa: PLC0415 (pydantic is not imported twice)

    write_stage_files(tmp_path, ["development", "staging", "production", "pr-42"])
    (tmp_path / "docs").mkdir()
    work_in(monkeypatch, tmp_path)
    return tmp_path


def test_one_stage_is_shown_in_tables(checkout: Path, capsys: Capture) -> None:
    assert main(["access", "pr-42"]) == 0
    text = capsys.readouterr().out
    assert "harbor in pr-42" in text
    assert "harbor-pr-42-d1-main" in text
    assert "What a Worker may touch" in text
    assert "shared: identities of development (development, pr-42)" in text
    assert "production" not in text.replace("(development, staging, production, pr-42)", "")


def test_a_program_gets_the_tables_of_one_stage(checkout: Path, capsys: Capture) -> None:
    assert main(["access", "staging", "--json"]) == 0
    (matrix,) = json.loads(capsys.readouterr().out)
    assert matrix["stage"] == "staging"
    assert {row["binding"][0] for row in matrix["tables"]["workers"] if row["may"] == "send"} == {"EVENTS"}


def test_a_page_that_is_stale_is_refused_until_it_is_written(checkout: Path, capsys: Capture) -> None:
    assert main(["access", "--check"]) == 1
    assert "bulkhead access --write" in capsys.readouterr().err
    assert main(["access", "--write"]) == 0
    assert main(["access", "--check"]) == 0
    assert main(["access", "--markdown"]) == 0
    assert capsys.readouterr().out.endswith((checkout / "docs/access.md").read_text())


@pytest.mark.parametrize("arguments", [["staging", "--write"], ["staging", "--check"], ["nowhere"]])
def test_what_makes_no_sense_is_refused(arguments: list[str], checkout: Path, capsys: Capture) -> None:
    assert main(["access", *arguments]) == 1
    assert "fix:" in capsys.readouterr().err
    assert not (checkout / "docs/access.md").exists()
