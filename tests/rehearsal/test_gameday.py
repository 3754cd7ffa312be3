"""`bulkhead gameday`: production is lost with its clouds and its state, and comes back elsewhere with its data."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bulkhead.model.settings import read_settings
from bulkhead.rehearsal import gameday
from infra.product import PRODUCT
from tests.support.checkout import work_in
from tests.support.rehearsal_command import started
from tests.support.settings_fixture import write_stage_files


@pytest.mark.slow
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


def test_the_new_place_of_a_checkout_with_secrets_is_in_other_accounts_and_without_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_stage_files(tmp_path)
    file = tmp_path / "Pulumi.production.yaml"
    file.write_text(f"{file.read_text()}  secrets:cloudflareApiToken:\n    secure: {'A' * 44}\n")
    work_in(monkeypatch, tmp_path)
    old = read_settings(file)
    new, chosen = gameday._elsewhere(tmp_path, old, PRODUCT)
    assert (new.region.primary, new.backup.replica_region) == (old.backup.replica_region, old.region.primary)
    assert {new.aws.account_id, new.cloudflare.account_id}.isdisjoint({old.aws.account_id, old.cloudflare.account_id})
    assert not [key for key in chosen if key.startswith("secrets:")]
