"""`bulkhead gameday`: production is lost with its clouds and its state, and comes back elsewhere with its data."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.rehearsal_command import started

pytestmark = pytest.mark.slow


def test_a_lost_production_comes_back_elsewhere_with_the_minutes_measured(tmp_path: Path) -> None:
    with started(tmp_path, "--json", verb="gameday") as command:
        code = command.finished()
        assert code == 0, command.errors
        day = json.loads(command.output)
        assert [each["step"] for each in day["steps"]] == [
            "state",
            "identities",
            "stage",
            "database main",
            "bucket transcripts",
            "hostnames",
            "probes",
        ]
        assert day["stores"] == 2
        assert 0 < day["rpo_minutes"] < day["rto_minutes"] < day["goals"]["rto_minutes"] == 240
        assert len(day["slowest"]) == 2
        assert [each for each in day["missed"] if each.startswith("RPO: up to 360 minutes")]
        assert any("Durable Object class" in each for each in day["lost"])
        assert command.left() == []
