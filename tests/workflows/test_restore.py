"""`restore.yml`: a plan that changes nothing, and what carries out that very plan and no other."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
RESTORE: dict[Any, Any] = yaml.safe_load((ROOT / ".github/workflows/restore.yml").read_text(encoding="utf-8"))
KEY = "database/daily/main/backup_production_main_20261130T170000Z.sql.gz"
SAID = "Digest d1935"


def asked(folder: Path, job: str, inputs: dict[str, str], code: int = 0) -> tuple[int, list[str]]:
    """Run a job's last step as GitHub does; return how it ended, and the words that the command was given."""
    given, command = folder / "given", folder / ".venv" / "bin" / "bulkhead"
    command.parent.mkdir(parents=True)
    command.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {given}\necho "{SAID}"\nexit {code}\n')
    command.chmod(0o755)
    *_, step = RESTORE["jobs"][job]["steps"]
    names = [name for name in ("AT", "DIGEST", "FROM", "STORE") if name in step["env"]]
    values = {name: inputs.get(name, "") for name in names} | {"STAGE": "production", "STORE": "main"}
    environment = {"PATH": os.environ["PATH"], "GITHUB_STEP_SUMMARY": str(folder / "summary"), **values}
    shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
    done = subprocess.run(shell, cwd=folder, env=environment, check=False, capture_output=True)
    return done.returncode, given.read_text().splitlines()


@pytest.mark.parametrize(
    ("inputs", "words"),
    [({"FROM": KEY}, ["--from", KEY]), ({"AT": "2026-11-30 21:00"}, ["--at", "2026-11-30 21:00"]), ({}, [])],
)
def test_a_plan_is_shown_and_changes_nothing(inputs: dict[str, str], words: list[str], tmp_path: Path) -> None:
    code, given = asked(tmp_path, "plan", inputs)
    told = ["--token-env", "CLOUDFLARE_API_TOKEN"]
    assert (code, given) == (0, ["restore", "production", "main", *words, "--plan", *told])
    assert SAID in (tmp_path / "summary").read_text()


def test_a_plan_that_is_refused_is_a_failure(tmp_path: Path) -> None:
    assert asked(tmp_path, "plan", {}, 1)[0] == 1


@pytest.mark.parametrize("code", [0, 1, 3])
def test_only_the_plan_with_this_digest_is_carried_out_and_its_end_is_the_run_s(code: int, tmp_path: Path) -> None:
    ended, given = asked(tmp_path, "restore", {"FROM": KEY, "DIGEST": "d1935; rm -rf /"}, code)
    assert ended == code
    words = ["--from", KEY, "--apply", "d1935; rm -rf /", "--token-env", "CLOUDFLARE_API_TOKEN"]
    assert given == ["restore", "production", "main", *words]


def test_nothing_is_carried_out_before_the_stage_s_own_approval() -> None:
    assert {job["environment"] for job in RESTORE["jobs"].values()} == {"${{ inputs.stage }}"}
    assert RESTORE["jobs"]["restore"]["if"] == "${{ inputs.digest != '' }}"
    assert RESTORE["jobs"]["plan"]["if"] == "${{ inputs.digest == '' }}"


def test_a_restore_is_never_cancelled_by_the_next_one() -> None:
    assert RESTORE["concurrency"] == {"group": "restore-${{ inputs.stage }}", "cancel-in-progress": False}
    assert set(RESTORE[True]) == {"workflow_dispatch"}
