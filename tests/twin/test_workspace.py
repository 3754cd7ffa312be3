"""The folder in which a checkout is previewed against a twin: complete, apart, and nobody's but its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bulkhead.engine.environment import backend_url
from bulkhead.engine.stack import StackCli
from bulkhead.model.faults import Refused
from bulkhead.model.project import read_project
from bulkhead.twin.state import CIPHERTEXT, PASSPHRASE, SALT, Twin, redact
from bulkhead.twin.workspace import compute, make_workspace

PROJECT = """
name: toys
description: Toys
backend: {url: "s3://somewhere"}
stackConfigDir: stacks
runtime: {name: python, options: {toolchain: pip, virtualenv: .venv}}
config: {"pulumi:disable-default-providers": {value: ["*"]}}
"""
SETTINGS = """
secretsprovider: awskms://alias/theirs
encryptedkey: AQICAHh
config:
  bulkhead:size: 2
  bulkhead:list: [{deep: {secure: v1:AAAA:BBBB}}, text]
  secrets:key: {secure: v1:AAAA:BBBB}
"""
TWIN = redact({"version": 3, "deployment": None}, "toys", "staging")
# Tells what it was asked and with which environment; a preview leaves a plan, and `fails` is what fails.
PULUMI = """#!/bin/sh
printf '%s\\n' "$PWD: $*" >> "$(dirname "$0")/asked"
env > "$(dirname "$0")/environment"
shift 3
case "$*" in
"stack export"*) echo '{"version": 3}' ;;
preview*) echo '{"resourcePlans": {}}' > "$4" ;;
"stack init"*"--stack bad") echo "error: the backend is full" >&2; exit 255 ;;
esac
"""


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A CLI that remembers; the folder it lies in."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "pulumi").write_text(PULUMI)
    (folder / "pulumi").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    checkout = tmp_path / "checkout"
    (checkout / ".venv").mkdir(parents=True)
    (checkout / "Pulumi.yaml").write_text(PROJECT)
    (checkout / "Pulumi.staging.yaml").write_text(SETTINGS)
    return checkout


def written(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text())
    return content


@pytest.mark.usefixtures("pulumi")
def test_every_encrypted_setting_is_the_placeholder_and_every_other_is_the_checkouts(
    checkout: Path, tmp_path: Path
) -> None:
    work = make_workspace(checkout, TWIN, tmp_path / "twin").work
    assert written(work / "Pulumi.staging.yaml") == {
        "encryptionsalt": SALT,
        "config": {
            "bulkhead:size": 2,
            "bulkhead:list": [{"deep": {"secure": CIPHERTEXT}}, "text"],
            "secrets:key": {"secure": CIPHERTEXT},
        },
    }


@pytest.mark.usefixtures("pulumi")
def test_the_program_is_the_checkouts_and_the_backend_is_not(checkout: Path, tmp_path: Path) -> None:
    work = make_workspace(checkout, TWIN, tmp_path / "twin").work
    project = written(work / "Pulumi.yaml")
    assert (work / project["main"]).resolve() == checkout
    assert project["runtime"]["options"] == {"toolchain": "pip", "virtualenv": str(checkout / ".venv")}
    assert project["config"] == {"pulumi:disable-default-providers": {"value": ["*"]}}
    assert {"backend", "stackConfigDir"}.isdisjoint(project)


@pytest.mark.usefixtures("pulumi")
def test_a_project_in_a_folder_of_its_own_keeps_it(checkout: Path, tmp_path: Path) -> None:
    (checkout / "Pulumi.yaml").write_text("name: toys\nruntime: python\nmain: program\n")
    project = written(make_workspace(checkout, TWIN, tmp_path / "twin").work / "Pulumi.yaml")
    assert project == {"name": "toys", "runtime": "python", "main": "checkout/program"}


def test_the_engine_is_kept_in_the_folder(checkout: Path, tmp_path: Path, pulumi: Path) -> None:
    into = tmp_path / "twin"
    workspace = make_workspace(checkout, TWIN, into)
    assert workspace.environment["PULUMI_BACKEND_URL"] == backend_url(into / "state")
    assert workspace.environment["PULUMI_HOME"] == str(into / "home")
    assert workspace.environment["PULUMI_CONFIG_PASSPHRASE"] == PASSPHRASE
    asked = (pulumi / "asked").read_text()
    assert all(line.startswith(f"{into / 'work'}: ") for line in asked.splitlines()), asked
    assert "stack init --secrets-provider passphrase --stack staging" in asked
    assert f"stack import --file {into / 'twin.json'} --stack staging" in asked
    assert written(into / "twin.json") == TWIN.body()


@pytest.mark.usefixtures("pulumi")
def test_it_can_be_made_again_and_nothing_of_the_former_one_stays(checkout: Path, tmp_path: Path) -> None:
    into = tmp_path / "twin"
    make_workspace(checkout, TWIN, into)
    for stale in (into / "state" / "old.json", into / "work" / "Pulumi.other.yaml"):
        stale.touch()
    make_workspace(checkout, TWIN, into)
    assert list((into / "state").iterdir()) == []
    assert not (into / "work" / "Pulumi.other.yaml").exists()
    assert (checkout / "Pulumi.yaml").read_text() == PROJECT, "the checkout behind the link was removed"


@pytest.mark.usefixtures("pulumi")
def test_a_folder_with_anything_else_in_it_is_left_alone(checkout: Path, tmp_path: Path) -> None:
    into = tmp_path / "mine"
    into.mkdir()
    (into / "thesis.txt").write_text("ten years")
    with pytest.raises(Refused, match="is not empty"):
        make_workspace(checkout, TWIN, into)
    assert [path.name for path in into.iterdir()] == ["thesis.txt"]


BAD_FILES = {
    "no project": ("Pulumi.yaml", None, "does not exist"),
    "a project that is no YAML": ("Pulumi.yaml", "name: [", "is no YAML"),
    "a project without a name": ("Pulumi.yaml", "runtime: python", "name: is missing"),
    "a project without its Python": (
        "Pulumi.yaml",
        "name: toys\nruntime: {name: python, options: {virtualenv: gone}}",
        "make install",
    ),
    "no settings": ("Pulumi.staging.yaml", None, "does not exist"),
    "settings that are no YAML": ("Pulumi.staging.yaml", "config: [", "is no YAML"),
    "settings of an ESC environment": ("Pulumi.staging.yaml", "environment: [a]\nconfig: {a: b}", "Pulumi ESC"),
}


@pytest.mark.parametrize(("name", "content", "said"), BAD_FILES.values(), ids=BAD_FILES)
def test_files_that_cannot_be_used_are_refused(
    checkout: Path, tmp_path: Path, pulumi: Path, name: str, content: str | None, said: str
) -> None:
    (checkout / name).unlink() if content is None else (checkout / name).write_text(content)
    with pytest.raises(Refused) as refused:
        make_workspace(checkout, TWIN, tmp_path / "twin")
    assert said in str(refused.value)
    assert not (pulumi / "asked").exists()
    assert not (tmp_path / "twin").exists()


def test_without_a_cli_it_says_how_to_get_one(checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Refused, match="pulumi: is not on PATH"):
        make_workspace(checkout, TWIN, tmp_path / "twin")


@pytest.mark.usefixtures("pulumi")
def test_what_the_cli_complains_of_is_told(checkout: Path, tmp_path: Path) -> None:
    (checkout / "Pulumi.bad.yaml").write_text("config: {a:b: c}")
    with pytest.raises(Refused, match="the backend is full"):
        make_workspace(checkout, Twin("toys", "bad", TWIN.deployment), tmp_path / "twin")


def test_a_program_that_is_settled_sees_nothing_of_this_processs_environment(
    checkout: Path, tmp_path: Path, pulumi: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_SECRET_ACCESS_KEY", "CLOUDFLARE_API_TOKEN", "GITHUB_TOKEN", "ANYTHING_ELSE"):
        monkeypatch.setenv(name, "canary-of-the-pipeline")
    monkeypatch.setenv("PULUMI_DEBUG_PROVIDERS", "toy:1234")
    workspace = make_workspace(checkout, TWIN, tmp_path / "twin")
    monkeypatch.setenv("PULUMI_DEBUG_LANGUAGES", "python:1")
    assert compute(workspace, "staging", {"aws": 5, "toy": 6}) == {"resourcePlans": {}}
    seen = (pulumi / "environment").read_text()
    assert "canary-of-the-pipeline" not in seen
    assert "PULUMI_DEBUG_PROVIDERS=toy:6,aws:5\n" in seen
    assert f"HOME={tmp_path / 'twin' / 'home'}" in seen


def test_a_state_is_asked_for_where_it_lives_and_stays_closed(checkout: Path, pulumi: Path) -> None:
    assert StackCli("staging", checkout, "mine").export() == {"version": 3}
    assert (pulumi / "asked").read_text().startswith(f"{checkout}: ")
    assert "--show-secrets" not in (pulumi / "asked").read_text()
    assert "AWS_PROFILE=mine" in (pulumi / "environment").read_text()


def test_the_project_is_read_from_the_checkout(checkout: Path) -> None:
    assert read_project(checkout)["name"] == "toys"
