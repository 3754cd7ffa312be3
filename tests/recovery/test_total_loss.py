"""A lost stage comes back elsewhere: in its order, from the newest good copies, and once however often it is killed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bulkhead.clients.d1 import D1
from bulkhead.model import bindings
from bulkhead.model.failures import Failed
from bulkhead.model.faults import Refused
from bulkhead.model.product import Database, Product, Worker
from bulkhead.recovery.total.choosing import newest_good, plan_of
from bulkhead.recovery.total.into import read_new_place
from bulkhead.recovery.total.plan import Copy, Mirrored, Plan, ordered_databases
from bulkhead.recovery.total.record import Done, Record
from bulkhead.recovery.total.report import Measured
from bulkhead.recovery.total.run import Recovery
from infra.product import PRODUCT
from tests.support.restoring import THEN, Killed, Kills, Restoring, restoring
from tests.support.settings_fixture import make_settings, own_config
from tests.support.vaulted import FIRST, Vaulted

LOST = FIRST + timedelta(hours=1)
FOREIGN = (*THEN, "INSERT INTO members VALUES (7, 'somebody')")


class Mirrors:
    """A bucket of which there is no mirror."""

    def newest(self, _at: datetime) -> None:
        return None


def no_mirror(_bucket: str) -> Any:
    return Mirrors()


@dataclass
class Elsewhere:
    """The new place, where whatever is asked may be the last thing of a process."""

    there: Restoring
    kills: Kills = field(default_factory=Kills)
    unwell: list[str] = field(default_factory=list)
    migrated: list[str] = field(default_factory=list)

    def _done(self, name: str) -> str:
        return str(self.kills.around(name, lambda: name))

    def bootstrap(self) -> str:
        return self._done("bootstrap")

    def identities(self) -> str:
        return self._done("identities")

    def up(self, *, reachable: bool) -> str:
        return self._done("reachable" if reachable else "hidden")

    @contextmanager
    def database(self, name: str) -> Iterator[D1]:
        assert name == "main"
        yield self.there.database

    def migrate(self, _database: D1, name: str) -> str:
        return self._done(f"migrate {name}")

    def objects(self, bucket: str) -> str:
        return self._done(f"bucket {bucket}")

    def serve(self) -> str:
        return self._done("serve")

    def ill(self) -> list[str]:
        self._done("probes")
        return self.unwell


@pytest.fixture
def vaulted(tmp_path: Path) -> Vaulted:
    return Vaulted(tmp_path)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Elsewhere]:
    folder = tmp_path / "new"
    folder.mkdir()
    with restoring(folder, ()) as there:
        yield Elsewhere(there)


@pytest.fixture
def record(tmp_path: Path) -> Record:
    return Record(tmp_path / "recovery" / "staging.json")


def planned(vaulted: Vaulted, **changes: Any) -> Plan:
    plan = plan_of(vaulted.place, make_settings("staging"), no_mirror, LOST, lambda _: None)
    return replace(plan, **changes)


def recover(vaulted: Vaulted, place: Elsewhere, record: Record, plan: Plan | None = None) -> list[str]:
    """Begin or continue a recovery; return what was said."""
    said = list[str]()
    begun = record.plan()
    if begun is None:
        begun = plan or planned(vaulted)
        record.begin(begun)
    Recovery(begun, vaulted.place, place, record, said.append).carry_out()
    return said


def test_the_stage_is_reachable_only_when_its_data_is_there(vaulted: Vaulted, place: Elsewhere, record: Record) -> None:
    vaulted.put(THEN)
    recover(vaulted, place, record, planned(vaulted, mirrors=(Mirrored("transcripts", FIRST, 3),)))
    assert place.kills.seen == [
        "bootstrap",
        "identities",
        "hidden",
        "migrate main",
        "bucket transcripts",
        "reachable",
        "serve",
        "probes",
    ]
    assert place.there.rows() == ["ann"]


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("at", range(7))
def test_killed_anywhere_it_goes_on_and_loads_nothing_twice(
    vaulted: Vaulted, place: Elsewhere, record: Record, at: int, *, after: bool
) -> None:
    vaulted.put(THEN)
    place.kills = Kills(at, after)
    with pytest.raises(Killed):
        recover(vaulted, place, record)
    place.kills = Kills()
    recover(vaulted, place, record)
    assert place.there.rows() == ["ann"]
    assert place.kills.seen[-1] == "probes"
    imports = [each for each in place.there.kills.seen if each == "POST import"]
    assert imports.count("POST import") <= 3  # init, ingest and one poll: one import


def test_without_its_record_it_comes_to_the_same(vaulted: Vaulted, place: Elsewhere, record: Record) -> None:
    vaulted.put(THEN)
    recover(vaulted, place, record)
    record.file.unlink()
    said = recover(vaulted, place, record)
    assert any("was loaded before" in line for line in said)
    assert place.there.rows() == ["ann"]


def test_data_that_is_there_already_is_never_written_over(vaulted: Vaulted, record: Record, tmp_path: Path) -> None:
    vaulted.put(FOREIGN)
    folder = tmp_path / "used"
    folder.mkdir()
    with restoring(folder, THEN) as there, pytest.raises(Refused, match="holds data that is not that of"):
        recover(vaulted, Elsewhere(there), record)
    assert "database main" not in record.done()


def test_the_newest_backup_is_named_and_skipped_where_it_is_bad(
    vaulted: Vaulted, place: Elsewhere, record: Record
) -> None:
    bad, good = vaulted.put(FOREIGN), vaulted.put(THEN)
    packed = bytearray(vaulted.s3.there[bad.key])
    packed[len(packed) // 2] ^= 1
    vaulted.s3.there[bad.key] = bytes(packed)
    plan = planned(vaulted)
    (copy,) = plan.copies
    assert copy.key == good.key
    assert [each.startswith(f"{bad.key}: ") for each in copy.skipped] == [True]
    assert any(bad.key in line for line in plan.told("Asia/Tokyo"))
    recover(vaulted, place, record, plan)
    assert place.there.rows() == ["ann"]


def test_what_was_copied_after_the_loss_is_not_taken(vaulted: Vaulted) -> None:
    after, before = vaulted.put(FOREIGN), vaulted.put(THEN)
    found = newest_good(vaulted.place, "main", after.at - timedelta(seconds=1))
    assert isinstance(found, Copy)
    assert found.key == before.key


def test_a_database_without_any_good_backup_stops_the_plan(vaulted: Vaulted) -> None:
    with pytest.raises(Refused, match="has no backup"):
        planned(vaulted)


def test_another_stages_backup_is_no_good(vaulted: Vaulted) -> None:
    vaulted.put(THEN, source="harbor/production/main")
    with pytest.raises(Refused, match="harbor/production/main"):
        planned(vaulted)


def test_what_no_copy_has_is_said(vaulted: Vaulted) -> None:
    vaulted.put(THEN)
    gone = planned(vaulted).gone
    assert any(each.startswith("bucket transcripts") for each in gone)
    assert any("Durable Object class" in each for each in gone)


def test_what_a_person_brings_back_is_named_with_its_command(vaulted: Vaulted) -> None:
    vaulted.put(THEN)
    told = planned(vaulted).told("Asia/Tokyo")
    assert any("secret cloudflareApiToken: bulkhead secrets set staging" in each for each in told)
    new = make_settings("staging", {"backup": {"kv": ["sessions"]}})
    plan = plan_of(vaulted.place, new, no_mirror, LOST, lambda _: None)
    assert any(each.startswith("KV namespace sessions: its copy") for each in plan.by_hand)


def test_a_stage_that_is_not_well_is_not_recovered(vaulted: Vaulted, place: Elsewhere, record: Record) -> None:
    vaulted.put(THEN)
    place.unwell = ["web answers 500"]
    with pytest.raises(Failed, match="not well"):
        recover(vaulted, place, record)
    place.unwell = []
    assert recover(vaulted, place, record)[-1].startswith("probes: every Worker")


def test_a_plan_is_read_as_it_was_written(vaulted: Vaulted, record: Record) -> None:
    vaulted.put(THEN)
    plan = planned(vaulted, mirrors=(Mirrored("transcripts", FIRST, 3),))
    record.begin(plan)
    assert record.plan() == plan


@pytest.mark.parametrize("text", ["", "[]", '{"plan": 1, "done": []}', '{"plan": {}, "done": []}'])
def test_a_damaged_record_is_no_plan(record: Record, text: str) -> None:
    record.file.parent.mkdir()
    record.file.write_text(text)
    with pytest.raises(Refused, match="cannot go on"):
        record.plan()


def test_a_plan_that_somebody_changed_is_not_carried_out(vaulted: Vaulted, record: Record) -> None:
    vaulted.put(THEN)
    record.begin(planned(vaulted))
    said = json.loads(record.file.read_text())
    said["plan"]["copies"][0]["key"] = "database/daily/main/backup_staging_main_20200101T000000Z.sql.gz"
    record.file.write_text(json.dumps(said))
    with pytest.raises(Refused, match="was changed"):
        record.plan()


def took(plan: Plan, step: str, seconds: float) -> Done:
    return Done(step, plan.lost_at, plan.lost_at + timedelta(seconds=seconds), "")


def test_both_goals_are_measured_from_the_loss(vaulted: Vaulted) -> None:
    at = vaulted.put(THEN).at
    plan = planned(vaulted, lost_at=at + timedelta(minutes=90), rpo_goal=60, rto_goal=240)
    done = [took(plan, "stage", 20), took(plan, "database main", 30), took(plan, "probes", 3600 * 5)]
    measured = Measured(plan, done)
    assert (measured.rpo_minutes, measured.rto_minutes) == (90, 300)
    assert measured.missed == [
        "RTO: 300.0 minutes, and the goal is 240",
        "RPO: 90.0 minutes are lost, and the goal is 60",
    ]
    assert [each.step for each in Measured(plan, done[:2]).slowest] == ["database main", "stage"]


@pytest.mark.parametrize(("apart", "missed"), [(360, True), (None, True), (60, False)])
def test_a_goal_that_was_met_by_luck_is_still_missed(vaulted: Vaulted, apart: int | None, *, missed: bool) -> None:
    at = vaulted.put(THEN).at
    plan = planned(vaulted, lost_at=at + timedelta(minutes=1), rpo_goal=60, rto_goal=240, apart=apart)
    assert bool(Measured(plan, [took(plan, "stage", 1)]).missed) is missed


def test_databases_come_back_in_the_order_of_their_workers() -> None:
    databases = tuple(Database(each) for each in ("alone", "community", "cards"))
    workers = (
        Worker("front", "front.js"),
        Worker("deck", "deck.js", (bindings.D1("DB", "community"), bindings.D1("CARDS", "cards"))),
        Worker("auth", "auth.js", (bindings.D1("DB", "cards"),)),
    )
    product = Product("harbor", workers, databases=databases)
    settings = make_settings("production", {"dr": {"recoveryOrder": ["auth", "front", "deck"]}})
    assert [each.name for each in ordered_databases(settings, product)] == ["cards", "community", "alone"]
    assert [each.name for each in ordered_databases(make_settings("production"), product)] == [
        "community",
        "cards",
        "alone",
    ]


OLD = make_settings("production")
ELSEWHERE = {
    "bulkhead:cloudflare": {"accountId": "0badc0de" * 4, "zoneId": "5afe5afe" * 4, "hostname": "acme-hotels.com"},
    "bulkhead:aws": {"accountId": "424242424242", "profile": "elsewhere"},
    "bulkhead:region": {"primary": "ap-northeast-3", "d1": "apac", "r2": "apac"},
    "bulkhead:backup": {"replicaRegion": "ap-northeast-1"},
}


def write(folder: Path, changes: Mapping[str, Any]) -> Path:
    file = folder / "Pulumi.elsewhere.yaml"
    file.write_text(json.dumps({"config": {**own_config("production"), **changes}}))
    return file


def test_another_account_and_region_are_a_new_place(tmp_path: Path) -> None:
    found = read_new_place(write(tmp_path, ELSEWHERE), OLD, PRODUCT)
    assert (found.environment, found.aws.account_id, found.region.primary) == (
        "production",
        "424242424242",
        "ap-northeast-3",
    )


def test_the_lost_place_is_no_new_place(tmp_path: Path) -> None:
    with pytest.raises(Refused) as refused:
        read_new_place(write(tmp_path, {}), OLD, PRODUCT)
    assert {each.key for each in refused.value.faults} == {
        "bulkhead:cloudflare.accountId",
        "bulkhead:aws.accountId, bulkhead:region.primary",
    }


@pytest.mark.parametrize("stage", ["staging", "development"])
def test_settings_of_another_stage_are_refused(tmp_path: Path, stage: str) -> None:
    with pytest.raises(Refused, match="stage"):
        read_new_place(write(tmp_path, {**ELSEWHERE, "bulkhead:stage": stage}), OLD, PRODUCT)


def test_examples_are_no_place_for_a_real_recovery(tmp_path: Path) -> None:
    example = {**ELSEWHERE, "bulkhead:github": {"owner": "harbor-inc", "repository": "harbor"}}
    with pytest.raises(Refused, match="example"):
        read_new_place(write(tmp_path, example), OLD, PRODUCT, examples=False)


def test_secrets_of_the_lost_place_are_refused(tmp_path: Path) -> None:
    file = write(tmp_path, {**ELSEWHERE, "secrets:cloudflareApiToken": {"secure": "A" * 44}})
    file.write_text(json.dumps({**json.loads(file.read_text()), "secretsprovider": "awskms://alias/old"}))
    with pytest.raises(Refused) as refused:
        read_new_place(file, OLD, PRODUCT)
    assert [each.key for each in refused.value.faults] == ["secretsprovider", "secrets:cloudflareApiToken"]


def test_another_product_is_refused(tmp_path: Path) -> None:
    other = {**ELSEWHERE, "bulkhead:product": "tests.support.second_product:UNBUILT"}
    with pytest.raises(Refused, match="bulkhead:product"):
        read_new_place(write(tmp_path, other), OLD, PRODUCT)
