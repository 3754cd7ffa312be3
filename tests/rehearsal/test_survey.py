"""What the report says of the stages that stand."""

from __future__ import annotations

import json
from pathlib import Path

from bulkhead.rehearsal.survey import survey
from infra.product import PRODUCT
from tests.support.records import BUCKET, DATABASE, ROLE, ROLE_POLICY, TOKEN, VARIABLE, VAULT, VERSION, WORKER
from tests.support.scene import World


def test_each_stage_is_described_with_everything_it_has(tmp_path: Path) -> None:
    world = World(tmp_path)
    reports = survey(world.scene, {"staging": {"up": 3.0, "migrations": 1.0}})
    assert [report.environment for report in reports] == ["development", "staging", "production"]
    staging = reports[1]
    assert (staging.stage, staging.url, staging.seconds) == (
        "staging",
        "http://127.0.0.1:1",
        {"up": 3.0, "migrations": 1.0},
    )
    assert reports[0].seconds == {}
    assert len(staging.resources) == len(world.store.all(environment="staging"))
    lines = {line.type: line for line in reversed(staging.resources)}
    assert (lines[DATABASE].name, lines[DATABASE].treatment) == ("harbor-staging-d1-main", "emulated")
    assert lines[BUCKET].name == "harbor-staging-r2-transcripts"
    assert lines[VAULT].name.startswith("harbor-staging-vault-")
    assert lines[VARIABLE].treatment == "recorded"


def test_each_worker_is_shown_with_what_it_may_touch(tmp_path: Path) -> None:
    staging = survey(World(tmp_path).scene, {})[1]
    assert set(staging.bindings) == {worker.name for worker in PRODUCT.workers}
    for worker in PRODUCT.workers:
        assert sorted(name for name, _, _ in staging.bindings[worker.name]) == list(worker.granted())
    targets = {
        worker: {name: (type_, target) for name, type_, target in bound} for worker, bound in staging.bindings.items()
    }
    assert targets["booking"]["DB"] == ("d1", "id-harbor-staging-d1-main")
    assert targets["booking"]["LEDGER"] == ("durable_object_namespace", "BookingLedger")
    assert targets["booking"]["EVENTS"] == ("queue", "harbor-staging-queue-events")
    assert targets["web"]["SESSIONS"] == ("kv_namespace", "id-harbor-staging-kv-sessions")
    assert targets["web"]["BOOKING"] == ("service", "harbor-staging-worker-booking")
    assert targets["assistant"]["TRANSCRIPTS"] == ("r2_bucket", "harbor-staging-r2-transcripts")


def test_no_secret_is_in_it(tmp_path: Path) -> None:
    world = World(tmp_path)
    staging = survey(world.scene, {})[1]
    assert ("SESSION_KEY", "secret_text", "") in staging.bindings["web"]
    assert not [value for value in world.planted.values() if value in json.dumps([r.bindings for r in (staging,)])]


def test_who_may_change_a_stage_is_read_from_its_clouds(tmp_path: Path) -> None:
    world = World(tmp_path)
    may = {"Statement": [{"Sid": "ReadTwin", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
    trust = {"Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]}
    world.add("staging", ROLE, "reader", name="reader", assumeRolePolicy=json.dumps(trust))
    world.add("staging", ROLE_POLICY, "reader:twin", name="twin", role="reader", policy=json.dumps(may))
    world.add("staging", TOKEN, "token-id", name="writer", value="minted", expiresOn="2031-01-01T00:00:00Z")
    development, staging, _ = survey(world.scene, {})
    tables = {table.key: table.rows for table in staging.access}
    assert tables["roleTrust"] == ((("reader",), ("anybody",), (), "none"),)
    assert tables["roleRights"] == ((("reader",), "may", ("s3:GetObject",), ("*",), (), "ReadTwin"),)
    assert ("writer",) in [row[0] for row in tables["tokens"]]
    assert "minted" not in json.dumps(tables)
    assert {table.key for table in development.access if table.rows} == {"tokens"}


def test_the_newest_version_counts_whether_it_names_its_worker_by_id_or_by_name(tmp_path: Path) -> None:
    world = World(tmp_path)
    first = world.record("staging", VERSION)
    for worker_id, name in (
        (first.inputs["workerId"], "BY_ID"),
        (world.record("staging", WORKER).inputs["name"], "BY_NAME"),
    ):
        newer = {"workerId": worker_id, "bindings": [{"type": "plain_text", "name": name, "text": "x"}]}
        world.add("staging", VERSION, f"version-{name}", **newer)
        assert survey(world.scene, {})[1].bindings["web"] == ((name, "plain_text", ""),)


def test_a_worker_without_a_version_may_touch_nothing_and_a_nameless_resource_shows_its_id(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.forget("staging", VERSION)
    world.add("staging", VAULT, "only-an-id", tags={"name": "no text of its own"})
    staging = survey(world.scene, {})[1]
    assert set(staging.bindings.values()) == {()}
    assert "only-an-id" in [line.name for line in staging.resources]
