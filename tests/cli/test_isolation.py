"""`bulkhead isolation check` on a checkout with stage files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bulkhead.cli.main import main
from tests.support.checkout import work_in

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def each_stage_is_planned_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.support.plans import plans_once  # noqa: PLC0415 (Pulumi's SDKs take seconds to import)

    monkeypatch.setattr("bulkhead.analysis.stages.plans_of", plans_once)


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with the files of the three stages."""
    from tests.support.settings_fixture import write_stage_files  # noqa: PLC0415 (pydantic is not imported twice)

    write_stage_files(tmp_path, ["development", "staging", "production"])
    work_in(monkeypatch, tmp_path)
    return tmp_path


def test_stages_that_are_apart_pass_with_what_was_looked_at_and_what_they_share(
    checkout: Path, capsys: Capture
) -> None:
    assert main(["isolation", "check"]) == 0
    text = capsys.readouterr().out
    assert "Worker bindings" in text
    assert "shared: GitHub repository (development, staging, production)" in text
    assert "No stage points at another" in text


def test_a_leak_fails_and_is_said_with_its_place_its_owner_and_what_mends_it(checkout: Path, capsys: Capture) -> None:
    staging = checkout / "Pulumi.staging.yaml"
    staging.write_text(staging.read_text().replace("cc-staging", "harbor-production"))
    assert main(["isolation", "check", "--json"]) == 1
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert found["apart"] is False
    assert {(leak["stage"], leak["whose"]) for leak in found["leaks"]} == {("staging", "production")}
    assert "leak: staging: Worker web: tags" in err or "defaultTags" in err
    assert "fix:" in err
    assert sum(count["leaks"] for count in found["counts"]) == len(found["leaks"])


def test_a_stage_without_a_file_is_a_fault_and_never_passed_over(checkout: Path, capsys: Capture) -> None:
    (checkout / "Pulumi.production.yaml").unlink()
    assert main(["isolation", "check"]) == 1
    assert "Pulumi.production.yaml" in capsys.readouterr().err


def test_the_shipped_stages_are_apart(capsys: Capture) -> None:
    assert main(["isolation", "check"]) == 0
