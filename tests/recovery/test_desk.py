"""What a restore would do is said before: what is lost, how long it took, what stops it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bulkhead.delivery.journal import Outcome
from bulkhead.delivery.migrations.files import Migration
from bulkhead.model.faults import Refused
from bulkhead.model.product import Database
from bulkhead.model.vault import HELD
from bulkhead.recovery.restore.backups import Backups
from bulkhead.recovery.restore.desk import Desk, Wish
from bulkhead.recovery.restore.plan import Plan
from infra.product import PRODUCT
from tests.support.restoring import SCRATCH, THEN, Restoring, restoring
from tests.support.settings_fixture import make_settings
from tests.support.vaulted import Vaulted

HOUR = timedelta(hours=1)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Restoring]:
    with restoring(tmp_path) as made:
        yield made


@pytest.fixture
def vaulted(tmp_path: Path) -> Vaulted:
    return Vaulted(tmp_path)


@pytest.fixture
def desk(stage: Restoring, vaulted: Vaulted, tmp_path: Path) -> Callable[..., Desk]:
    def made(**changes: Any) -> Desk:
        (tmp_path / "dumps").mkdir(exist_ok=True)
        desk = Desk(
            make_settings("staging"),
            PRODUCT,
            PRODUCT.databases[0],
            (Migration("0001_a.sql", ""), Migration("0002_b.sql", "")),
            stage.database,
            stage.journal(),
            Backups(vaulted.place, "main"),
            stage.switch,
            tmp_path / "dumps",
            stage.said.append,
        )
        return replace(desk, **changes)

    return made


Desks = Callable[..., Desk]


def _carried_out(stage: Restoring, desk: Desk, plan: Plan) -> tuple[Outcome | None, str]:
    with stage.held(desk.journal):
        return desk.restore(plan, desk.journal.begin({"plan": plan.document()})).carry_out()


def test_a_plan_from_a_backup_says_what_is_lost_and_how_old_it_is(
    stage: Restoring, vaulted: Vaulted, desk: Desks
) -> None:
    backup, before = vaulted.put(THEN, migrations=("0001_a.sql",)), stage.content()
    stage.database.write("INSERT INTO members VALUES (4, 'cid'), (5, 'dot');")
    plan = desk().planned(Wish(key=backup.key), backup.at + 5 * HOUR)
    assert plan.losses == ("table members: rows: 3 now, 1 then: 2 are lost, and what was changed since",)
    assert plan.notes == (
        "the backup is of 2026-11-29 02:00 JST, 5 h ago; it was read now and is whole",
        "no restore of main is on record: nobody knows how long it takes",
    )
    assert (stage.switch.told, len(stage.content()["members"])) == ([], len(before["members"]) + 2)


def test_the_digest_is_of_what_is_done_and_not_of_what_is_told(stage: Restoring, vaulted: Vaulted, desk: Desks) -> None:
    backup, other = vaulted.put(THEN), vaulted.put(THEN)
    plan = desk().planned(Wish(key=backup.key), backup.at + HOUR)
    stage.database.write("INSERT INTO members VALUES (4, 'cid');")
    later = desk().planned(Wish(key=backup.key), backup.at + 2 * HOUR)
    assert plan != later
    later.require(plan.digest)
    stage.database.write("INSERT INTO d1_migrations (name) VALUES ('0002_b.sql');")
    with pytest.raises(Refused, match="is not this plan's"):
        desk().planned(Wish(key=backup.key), backup.at + HOUR).require(plan.digest)
    with pytest.raises(Refused, match="is not this plan's"):
        desk().planned(Wish(key=other.key), backup.at + HOUR).require(plan.digest)


def test_a_backup_comes_back_and_is_undone(stage: Restoring, vaulted: Vaulted, desk: Desks) -> None:
    backup, before = vaulted.put(THEN, migrations=("0001_a.sql",)), stage.content()
    plan = desk().planned(Wish(key=backup.key), stage.now)
    assert _carried_out(stage, desk(), plan)[0] is Outcome.DONE
    assert stage.rows() == ["ann"]
    undo = desk().planned(Wish(undo=True), stage.now)
    assert undo.losses[1:] == ("table d1_migrations: rows: 1 now", "table members: rows: 1 now")
    assert any("the last restore of main took" in each for each in undo.notes)
    assert _carried_out(stage, desk(), undo)[0] is Outcome.DONE
    assert stage.content() == before
    assert _carried_out(stage, desk(), desk().planned(Wish(undo=True), stage.now))[0] is Outcome.DONE
    assert stage.rows() == ["ann"]


def test_a_backup_of_which_only_the_held_copy_is_left_comes_back(
    stage: Restoring, vaulted: Vaulted, desk: Desks
) -> None:
    backup = vaulted.put(THEN, migrations=("0001_a.sql",))
    for key in (backup.key, backup.manifest):
        vaulted.s3.there[HELD + key] = vaulted.s3.there.pop(key)
    plan = desk().planned(Wish(key=HELD + backup.key), stage.now)
    assert _carried_out(stage, desk(), plan)[0] is Outcome.DONE
    assert stage.rows() == ["ann"]


def test_a_database_goes_back_to_a_moment(stage: Restoring, desk: Desks) -> None:
    stage.pass_time(HOUR)
    at = f"{stage.now:%Y-%m-%dT%H:%MZ}"
    stage.pass_time(HOUR)
    stage.database.write("DROP TABLE members")
    plan = desk().planned(Wish(at=at), stage.now)
    assert plan.losses[0].startswith("all that was written since ")
    assert _carried_out(stage, desk(), plan)[0] is Outcome.DONE
    assert stage.rows() == ["bob"]


def test_a_moment_before_the_database_was_made_is_refused(stage: Restoring, desk: Desks) -> None:
    with pytest.raises(Refused, match="is before the database was made"):
        desk().planned(Wish(at=f"{stage.now - HOUR:%Y-%m-%dT%H:%MZ}"), stage.now)


def test_an_older_schema_says_before_which_command_brings_traffic_back(
    stage: Restoring, vaulted: Vaulted, desk: Desks
) -> None:
    stage.database.write("INSERT INTO d1_migrations (name) VALUES ('0002_b.sql');")
    backup = vaulted.put(THEN, migrations=("0001_a.sql",))
    plan = desk().planned(Wish(key=backup.key), stage.now)
    assert any("without 0002_b.sql: no traffic returns until they are applied" in each for each in plan.notes)
    assert _carried_out(stage, desk(), plan)[0] is None
    assert stage.switch.on_


def test_a_database_without_its_ledger_is_held_against_the_checkout(
    stage: Restoring, vaulted: Vaulted, desk: Desks
) -> None:
    stage.database.write("DROP TABLE d1_migrations; DROP TABLE members")
    backup = vaulted.put(THEN, migrations=("0001_a.sql",))
    plan = desk().planned(Wish(key=backup.key), stage.now)
    assert plan.migrations == ("0001_a.sql", "0002_b.sql")
    assert "table members: comes back, rows: 1" in plan.losses


@pytest.mark.parametrize(
    ("wish", "says"),
    [
        (Wish(), "nobody restores without a name"),
        (Wish(key="a", at="b"), "more than one is there"),
        (Wish(undo=True), "no restore of main is on record"),
    ],
)
def test_a_wish_that_says_nothing_or_two_things_is_refused(
    wish: Wish, says: str, stage: Restoring, desk: Desks
) -> None:
    with pytest.raises(Refused, match=says):
        desk().planned(wish, stage.now)


def test_without_maintenance_it_says_what_becomes_of_what_is_written(
    stage: Restoring, vaulted: Vaulted, desk: Desks
) -> None:
    plan = desk(maintenance=None).planned(Wish(key=vaulted.put(THEN).key), stage.now)
    assert "nobody waits: what is written meanwhile is lost, and half of it may be seen" in plan.notes
    assert not any("maintenance" in each for each in plan.steps)


def test_a_product_that_calls_a_database_as_the_scratch_is_called_is_refused(desk: Desks) -> None:
    assert desk().scratch == SCRATCH
    taken = replace(PRODUCT, databases=(*PRODUCT.databases, Database("scratch-main")))
    with pytest.raises(Refused, match="call it something else"):
        _ = desk(product=taken).scratch


def test_a_run_is_not_continued_in_a_database_that_was_made_anew_but_can_be_given_up(
    stage: Restoring, vaulted: Vaulted, desk: Desks
) -> None:
    plan = desk().planned(Wish(key=vaulted.put(THEN).key), stage.now)
    with stage.held(journal := desk().journal):
        run = journal.begin({"plan": plan.document()})
        restore = desk(database=replace(stage.database, id="another")).restore(plan, run)
        with pytest.raises(Refused, match=r"is another by now(.|\n)*bulkhead restore staging main --undo gives it up"):
            restore.carry_out()
        assert restore.give_up("a person says so")[0] is Outcome.STOPPED
    assert stage.rows() == ["bob"]


def test_maintenance_that_is_neither_on_nor_off_is_mended_first(desk: Desks) -> None:
    with pytest.raises(Refused, match="was interrupted half-way"):
        desk(is_half=lambda: True).require_free()


def test_a_wish_for_something_else_does_not_continue_a_restore(stage: Restoring, vaulted: Vaulted, desk: Desks) -> None:
    backup, other = vaulted.put(THEN), vaulted.put(THEN).key
    mine, manifest = backup.key, backup.manifest
    plan = desk().planned(Wish(key=manifest), stage.now)
    with stage.held(journal := desk().journal):
        run = journal.begin({"plan": plan.document()})
        for same in (Wish(), Wish(key=mine), Wish(key=manifest), Wish(undo=True)):
            desk().require_same(same, run, plan)
        for another in (Wish(key=other), Wish(at=f"{stage.now - HOUR:%Y-%m-%dT%H:%MZ}"), Wish(key=mine, undo=True)):
            with pytest.raises(Refused, match="has not ended"):
                desk().require_same(another, run, plan)
        with pytest.raises(Refused, match="restores main, and has not ended"):
            desk(store=Database("other")).require_same(Wish(), run, plan)
