"""`optimize.yml`: once a month, in production, with the token that may write, and by the one command."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
OPTIMIZE: dict[Any, Any] = yaml.safe_load((ROOT / ".github/workflows/optimize.yml").read_text(encoding="utf-8"))
JOBS: dict[str, Any] = OPTIMIZE["jobs"]


def due(folder: Path, event: str, now: str) -> str:
    """Run the step that sees whether it is the day, at a time of UTC."""
    (step,) = JOBS["slot"]["steps"]
    output, fake = folder / "output", folder / "date"
    fake.write_text(f'#!/bin/sh\nexec {DATE} --date "{now}" "$@"\n')
    fake.chmod(0o755)
    environment = {"PATH": f"{folder}:{os.environ['PATH']}", "GITHUB_OUTPUT": str(output)}
    environment |= {"TZ": step["env"]["TZ"], "BY": event}
    subprocess.run(["bash", "-e", "-c", step["run"]], env=environment, check=True)
    return output.read_text().removeprefix("due=").strip()


DATE = subprocess.run(["sh", "-c", "command -v date"], capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize(
    ("event", "now", "said"),
    [
        ("schedule", "2026-12-05T17:30:00Z", "yes"),  # Sunday the 6th, in Japan
        ("schedule", "2026-12-12T17:30:00Z", "no"),
        ("schedule", "2027-01-02T17:30:00Z", "yes"),
        ("schedule", "2026-10-31T17:30:00Z", "yes"),  # Sunday the 1st of November
        ("schedule", "2027-02-06T17:30:00Z", "yes"),  # Sunday the 7th
        ("schedule", "2027-02-13T17:30:00Z", "no"),
        ("workflow_dispatch", "2026-12-16T03:00:00Z", "yes"),
    ],
)
def test_production_is_optimized_on_the_first_sunday_alone(event: str, now: str, said: str, tmp_path: Path) -> None:
    if subprocess.run([DATE, "--date", now], capture_output=True, check=False).returncode:
        pytest.skip("this date takes no --date")
    assert due(tmp_path, event, now) == said
    assert OPTIMIZE[True]["schedule"] == [{"cron": "30 17 * * 6"}]


def test_only_the_stage_that_is_meant_is_written_to_and_only_by_the_command() -> None:
    job = JOBS["optimize"]
    assert job["environment"] == job["env"]["STAGE"] == "${{ inputs.stage || 'production' }}"
    assert job["if"] == "${{ needs.slot.outputs.due == 'yes' }}"
    assert job["permissions"] == {"contents": "read"}
    *_, step = job["steps"]
    assert step["run"] == '.venv/bin/bulkhead optimize "$STAGE" --yes "$STAGE" --token-env CLOUDFLARE_API_TOKEN'
    assert step["env"] == {"CLOUDFLARE_API_TOKEN": "${{ secrets.CLOUDFLARE_API_TOKEN }}"}
    assert JOBS["slot"]["permissions"] == {}
    assert "environment" not in JOBS["slot"]
