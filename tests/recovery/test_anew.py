"""A database that is gone is made anew under the same URN; killed anywhere, users wait or everything is as it was."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bulkhead.clients import d1
from bulkhead.delivery.journal import CONTINUE, Outcome
from bulkhead.model.faults import Refused
from bulkhead.recovery.restore.anew import Anew, States, result_of
from bulkhead.recovery.restore.backups import Backups
from bulkhead.recovery.restore.desk import Desk, Wish
from bulkhead.recovery.restore.plan import Plan
from bulkhead.resources import types as t
from infra.product import PRODUCT
from tests.support.cloudflare_api import ACCOUNT
from tests.support.restoring import THEN, Killed, Kills, Restoring, restoring
from tests.support.settings_fixture import make_settings
from tests.support.vaulted import Vaulted

URN = f"urn:pulumi:staging::harbor::bulkhead:data:DataStores${t.D1_DATABASE}::d1-main"
UPLOAD = f"urn:pulumi:staging::harbor::{t.WORKER_VERSION}::booking-version"
LOST, KEPT = "harbor-staging-d1-main", "harbor-staging-d1-main-2"


class Engine:
    """A stack whose state is a document, as far as the engine exports and imports it."""

    def __init__(self, stage: Restoring, id_: str) -> None:
        self._stage = stage
        self.refreshed: list[str] = []
        self.locked = False
        database: dict[str, Any] = {"urn": URN, "type": t.D1_DATABASE, "custom": True, "id": id_, "protect": True}
        database["inputs"] = database["outputs"] = {"accountId": ACCOUNT, "name": LOST}
        bindings = [{"type": "d1", "name": "DB", "databaseId": id_}]
        upload = {"urn": UPLOAD, "type": t.WORKER_VERSION, "custom": True, "id": "v1", "inputs": {"bindings": bindings}}
        self.document: Mapping[str, Any] = {"version": 3, "deployment": {"resources": [database, upload]}}

    @property
    def database(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.document["deployment"]["resources"][0]
        return found

    def export(self) -> Mapping[str, Any]:
        return self.document

    def put(self, exported: Mapping[str, Any]) -> None:
        def write() -> None:
            assert not self.locked
            self.document = exported

        self._stage.kills.around("put", write)

    def cancel(self) -> None:
        self.locked = False

    def refresh(self, urns: Sequence[str]) -> None:
        self.locked = True
        self._stage.kills.around("refresh", lambda: self.refreshed.extend(urns))
        self.locked = False


class Gone:
    """A stage whose database is ``kept``, or gone; each `run` is a process of its own."""

    def __init__(self, stage: Restoring, folder: Path, *, kept: bool = False) -> None:
        self.stage, self.vaulted = stage, Vaulted(folder)
        self.old = stage.database
        self.engine = Engine(stage, self.old.id)
        self.key = self.vaulted.put(THEN, migrations=("0001_a.sql",)).key
        self.name = KEPT if kept else LOST
        self._folder = folder
        if not kept:
            self.old.delete()

    def wish(self) -> Anew:
        (self._folder / "dumps").mkdir(exist_ok=True)
        backups, said = Backups(self.vaulted.place, "main"), self.stage.said.append
        journal, switch, dumps = self.stage.journal(), self.stage.switch, self._folder / "dumps"
        settings, store = make_settings("staging"), PRODUCT.databases[0]
        desk = Desk(settings, PRODUCT, store, (), self.old, journal, backups, switch, dumps, said)
        return Anew(desk, States(self.engine, "staging"), self.name, "apac")

    def plan(self) -> Plan:
        return self.wish().planned(self.key, self.stage.now)

    def run(self, plan: Plan, *, gives_up: bool = False) -> tuple[Outcome, str]:
        wish = self.wish()
        with self.stage.held(wish.desk.journal):
            run = wish.desk.journal.open_run()
            if run is None:
                run = wish.desk.begin(plan)
            else:
                run.note(CONTINUE)
            return wish.give_up(plan, run, "a person says so") if gives_up else wish.carry_out(plan, run)

    def rows(self) -> list[Any]:
        """Return what is in the database that the stage has by its state."""
        made = d1.D1(self.stage.rest, ACCOUNT, str(self.engine.database["id"]), "")
        return [row[0] for row in made.raw("SELECT nick FROM members")]


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Restoring]:
    with restoring(tmp_path) as made:
        yield made


def test_a_database_that_is_gone_comes_back_under_the_same_urn(stage: Restoring, tmp_path: Path) -> None:
    gone = Gone(stage, tmp_path)
    outcome, reason = gone.run(gone.plan())
    assert outcome is Outcome.DONE, reason
    assert gone.rows() == ["ann"]
    assert stage.names() == [LOST]
    database = gone.engine.database
    assert (database["urn"], database["protect"], database["inputs"]["name"]) == (URN, True, LOST)
    assert database["id"] != gone.old.id
    assert gone.engine.refreshed == [URN]
    assert stage.switch.on_


def test_a_database_that_is_kept_stays_as_it_is_beside_the_new_one(stage: Restoring, tmp_path: Path) -> None:
    kept, before = Gone(stage, tmp_path, kept=True), stage.content()
    plan = kept.plan()
    assert any(f"{LOST} stays as it is" in each for each in plan.notes)
    assert kept.run(plan)[0] is Outcome.DONE
    assert (kept.rows(), sorted(stage.names())) == (["ann"], [LOST, KEPT])
    assert stage.content() == before
    assert kept.engine.database["inputs"]["name"] == KEPT


def test_the_uploads_that_are_bound_to_the_one_before_are_known(stage: Restoring, tmp_path: Path) -> None:
    gone = Gone(stage, tmp_path)
    gone.run(gone.plan())
    run = next(stage.journal().runs())
    assert result_of(run) == (gone.engine.database["id"], (UPLOAD,))


def test_a_database_that_is_not_gone_is_not_made_anew_under_its_own_name(stage: Restoring, tmp_path: Path) -> None:
    kept = Gone(stage, tmp_path, kept=True)
    kept.name = LOST
    with pytest.raises(Refused, match=r"is not gone(.|\n)*bulkhead restore staging main --from"):
        kept.plan()


def test_a_name_that_somebody_has_is_refused(stage: Restoring, tmp_path: Path) -> None:
    kept = Gone(stage, tmp_path, kept=True)
    other = d1.create(stage.rest, ACCOUNT, KEPT)
    with pytest.raises(Refused, match=f"is a database already.*{other.id}"):
        kept.plan()


def test_what_an_open_run_has_made_is_not_told_to_be_deleted(stage: Restoring, tmp_path: Path) -> None:
    gone = Gone(stage, tmp_path)
    plan = gone.plan()
    stage.kills = Kills(3)
    with pytest.raises(Killed):
        gone.run(plan)
    stage.kills = Kills()
    with pytest.raises(Refused, match="bulkhead restore anew staging main continues or returns it"):
        gone.plan()


def test_a_state_in_which_an_up_was_cut_off_is_settled_first(stage: Restoring, tmp_path: Path) -> None:
    gone = Gone(stage, tmp_path)
    deployment = {**gone.engine.document["deployment"], "pending_operations": [{"type": "creating"}]}
    gone.engine.document = {"version": 3, "deployment": deployment}
    with pytest.raises(Refused, match="bulkhead settle staging"):
        gone.plan()


def test_a_state_that_does_not_know_the_database_says_how_there_is_one_again(stage: Restoring, tmp_path: Path) -> None:
    gone = Gone(stage, tmp_path)
    assert gone.wish().states.known(LOST) == gone.old.id
    gone.engine.document = {"version": 3, "deployment": {"resources": []}}
    assert gone.wish().states.known(LOST) == ""
    gone.old = replace(gone.old, id="")
    with pytest.raises(Refused, match="bulkhead deploy staging makes an empty one"):
        gone.plan()


def leaves_alone_what_somebody_makes(stage: Restoring, gone: Gone, plan: Plan) -> None:
    theirs = d1.create(stage.rest, ACCOUNT, LOST)
    theirs.write("CREATE TABLE theirs (x);")
    outcome, reason = gone.run(plan)
    assert outcome is Outcome.STOPPED
    assert "somebody else has made a database" in reason
    assert [row[0] for row in theirs.raw("SELECT name FROM sqlite_schema WHERE name = 'theirs'")] == ["theirs"]
    assert (gone.engine.database["id"], stage.switch.on_) == (gone.old.id, False)


def test_a_database_that_somebody_makes_meanwhile_is_left_alone(stage: Restoring, tmp_path: Path) -> None:
    gone = Gone(stage, tmp_path)
    plan = gone.plan()
    leaves_alone_what_somebody_makes(stage, gone, plan)


def test_a_database_that_somebody_makes_while_a_killed_run_lies_there_is_left_alone(
    stage: Restoring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = Gone(stage, tmp_path)
    plan = gone.plan()

    def killed(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(d1, "create", killed)
        with pytest.raises(Killed):
            gone.run(plan)
    leaves_alone_what_somebody_makes(stage, gone, plan)


def test_what_a_backup_does_not_come_to_is_deleted_again(
    stage: Restoring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = Gone(stage, tmp_path)
    plan, load = gone.plan(), d1.D1.load

    def meddled(database: d1.D1, file: Path) -> None:
        load(database, file)
        database.write("INSERT INTO members VALUES (9, 'late');")

    monkeypatch.setattr(d1.D1, "load", meddled)
    outcome, reason = gone.run(plan)
    assert outcome is Outcome.STOPPED
    assert "table members: 2 rows, not 1" in reason
    assert (stage.names(), stage.switch.on_, gone.engine.database["id"]) == ([], False, gone.old.id)


def test_what_the_state_may_know_is_not_given_up(
    stage: Restoring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = Gone(stage, tmp_path)
    plan = gone.plan()

    def killed(_: Mapping[str, Any]) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(gone.engine, "put", killed)
        with pytest.raises(Killed):
            gone.run(plan)
    with pytest.raises(Refused, match="bulkhead restore anew staging main continues it"):
        gone.run(plan, gives_up=True)
    assert gone.run(plan)[0] is Outcome.DONE


def test_what_was_before_it_is_not_brought_back_by_the_undo_of_a_restore(stage: Restoring, tmp_path: Path) -> None:
    kept = Gone(stage, tmp_path, kept=True)
    kept.run(kept.plan())
    with pytest.raises(Refused, match="made main anew: what was before is not in it"):
        kept.wish().desk.planned(Wish(undo=True), stage.now)


def test_an_open_one_is_not_continued_as_a_restore_in_its_place_nor_with_another_name(
    stage: Restoring, tmp_path: Path
) -> None:
    gone = Gone(stage, tmp_path)
    plan, wish = gone.plan(), gone.wish()
    with stage.held(wish.desk.journal):
        run = wish.desk.begin(plan)
        wish.require_same(None, None, run, plan)
        wish.require_same(gone.key, LOST, run, plan)
        wish.require_same(gone.key.replace(".sql.gz", ".json"), LOST, run, plan)
        with pytest.raises(Refused, match="bulkhead restore anew staging main continues it"):
            wish.require_same(gone.key, KEPT, run, plan)
        with pytest.raises(Refused, match="bulkhead restore anew staging main continues it"):
            wish.desk.require_same(Wish(), run, plan)


@pytest.mark.parametrize(
    ("after", "gives_up"),
    [
        pytest.param(after, gives_up, marks=() if (after, gives_up) == (False, False) else pytest.mark.slow)
        for after in (False, True)
        for gives_up in (False, True)
    ],
)
def test_killed_anywhere_it_goes_on_and_until_then_users_wait(after: bool, gives_up: bool, tmp_path: Path) -> None:
    points = itertools.count()
    while not _ends_before(next(points), tmp_path, after=after, gives_up=gives_up):
        pass
    assert next(points) > 10


def _ends_before(point: int, folder: Path, *, after: bool, gives_up: bool) -> bool:
    """Kill one at a point, and go on; return whether it ends before it comes so far."""
    with restoring(folder / str(point)) as stage:
        gone = Gone(stage, folder / str(point))
        plan = gone.plan()
        stage.kills = Kills(point, after)
        try:
            gone.run(plan)
        except Killed:
            pass
        else:
            return True
        where, stage.kills = stage.kills.seen[-1], Kills()
        run = stage.journal().open_run()
        assert run is None or gone.engine.database["id"] == gone.old.id or stage.switch.on_, where
        if run is None and gone.engine.database["id"] != gone.old.id:  # killed after its end was noted
            assert gone.rows() == ["ann"], where
            return False
        if gives_up and run is not None and not any(each.step == "learn" for each in run.entries()):
            assert gone.run(plan, gives_up=True)[0] is Outcome.STOPPED, where
            assert (stage.names(), stage.switch.on_) == ([], False), where
            assert gone.engine.database["id"] == gone.old.id, where
        else:
            assert gone.run(plan)[0] is Outcome.DONE, where
            assert (gone.rows(), stage.names(), stage.switch.on_) == (["ann"], [LOST], True), where
            assert gone.engine.refreshed[-1:] == [URN], where
        assert stage.journal().open_run() is None, where
        return False
