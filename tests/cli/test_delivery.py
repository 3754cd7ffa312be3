"""`bulkhead delivery`: what a run of GitHub Actions hears of its own event, in words and as outputs of a step."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from bulkhead.cli.main import main
from bulkhead.model.settings.paths import stack_file


@pytest.fixture
def repository(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The checkout as a repository, outside any run of GitHub Actions."""
    for name in ("GITHUB_EVENT_NAME", "GITHUB_REF", "GITHUB_OUTPUT"):
        monkeypatch.delenv(name, raising=False)
    who = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
    for words in (["init"], ["add", "."], [*who, "commit", "--message", "one"]):
        subprocess.run(["git", *words], cwd=checkout, check=True, capture_output=True)
    return checkout


def test_a_run_hears_its_stage_and_its_tree(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_EVENT_NAME", "push")
    monkeypatch.setenv("GITHUB_REF", "refs/heads/develop")
    monkeypatch.setenv("GITHUB_OUTPUT", str(repository / "output"))
    assert main(["delivery", "stage", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["stage"] == "staging"
    asked = ["git", "rev-parse", "HEAD^{tree}"]
    tree = subprocess.run(asked, cwd=repository, check=True, capture_output=True, text=True).stdout.strip()
    assert (repository / "output").read_text() == f"stage=staging\ntree={tree}\n"


def test_an_event_that_deploys_nothing_is_no_failure(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_OUTPUT", str(repository / "output"))
    assert main(["delivery", "stage", "--event", "push", "--ref", "refs/heads/fix/boats"]) == 0
    assert "deploys no stage" in capsys.readouterr().out
    assert (repository / "output").read_text().startswith("stage=\n")


def test_a_stage_that_is_not_deployed_from_the_ref_is_refused_and_hands_nothing_on(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_OUTPUT", str(repository / "output"))
    asked = ["--event", "workflow_dispatch", "--ref", "refs/heads/develop", "--stage", "production"]
    assert main(["delivery", "stage", *asked]) == 1
    assert "gh workflow run deploy.yml --ref main -f stage=production" in capsys.readouterr().err
    assert not (repository / "output").exists()


def test_outside_a_run_the_event_has_to_be_said(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["delivery", "stage", "--event", "push"]) == 1
    said = capsys.readouterr().err
    assert "--ref: is not said" in said
    assert "--event: is not said" not in said


def test_stages_that_do_not_agree_are_named(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = repository / stack_file("production")
    file.write_text(file.read_text().replace("releaseModel: git-flow", "releaseModel: release-tag"))
    assert main(["delivery", "triggers"]) == 1
    said = capsys.readouterr().err
    assert "Pulumi.production.yaml: deploys by release-tag" in said
    assert "Pulumi.staging.yaml: deploys by git-flow" in said


def test_everybody_can_see_what_deploys_what(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["delivery", "triggers", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["model"] == "git-flow"
    assert {"model": "release-tag", "stage": "production", "deployedBy": "tag `v*.*.*`"} in told["triggers"]
