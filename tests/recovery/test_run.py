"""A restore ends with the database right and traffic back, or with everything as it was; killed anywhere, too."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bulkhead.clients import d1
from bulkhead.clients.d1 import D1, SqlFailed
from bulkhead.clients.rest import Rest
from bulkhead.delivery.journal import Outcome
from tests.support.d1_databases import NASTY, contents
from tests.support.restoring import Killed, Kills, Restoring, restoring

FAST = 3
"""Every how manieth point is one where the fast tests kill; the slow ones kill at each."""


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Restoring]:
    with restoring(tmp_path) as made:
        yield made


def test_a_backup_comes_back_value_for_value_into_the_same_database(stage: Restoring) -> None:
    dump, id_ = stage.backup(NASTY), stage.database.id
    outcome, reason = stage.run(stage.plan(dump, migrations=()), dump)
    assert outcome is Outcome.DONE, reason
    assert stage.content() == contents(dump.file.with_name("source.sqlite"))
    assert stage.names() == [stage.database.name]
    assert stage.database.id == id_
    assert not stage.switch.on_


def test_a_backup_is_tried_where_the_stage_s_data_lies(stage: Restoring, monkeypatch: pytest.MonkeyPatch) -> None:
    near, made = list[str | None](), d1.create

    def noted(api: Rest, account: str, name: str, hint: str | None = None) -> D1:
        near.append(hint)
        return made(api, account, name, hint)

    monkeypatch.setattr(d1, "create", noted)
    dump = stage.backup(NASTY)
    assert stage.run(stage.plan(dump, migrations=()), dump)[0] is Outcome.DONE
    assert near == ["apac"]


def test_a_database_comes_back_as_it_was_at_a_bookmark(stage: Restoring) -> None:
    bookmark = stage.database.bookmark()
    stage.database.write("UPDATE members SET nick = 'mallory'; CREATE TABLE odd (x);")
    assert stage.run(stage.plan(bookmark=bookmark))[0] is Outcome.DONE
    assert stage.rows() == ["bob"]
    assert not stage.switch.on_


def test_the_bookmark_that_was_noted_undoes_it(stage: Restoring) -> None:
    dump, before = stage.backup(), stage.content()
    stage.run(stage.plan(dump), dump)
    assert stage.rows() == ["ann"]
    run = next(stage.journal().runs())
    bookmark = next(each.facts["bookmark"] for each in run.entries() if each.step == "bookmark")
    assert stage.run(stage.plan(bookmark=bookmark))[0] is Outcome.DONE
    assert stage.content() == before


def test_nobody_can_write_before_the_bookmark_is_noted(stage: Restoring) -> None:
    seen = list[bool]()

    class Watched(D1):
        def bookmark(self, at: object = None) -> str:
            seen.append(stage.switch.on_)
            return super().bookmark()

    dump, real = stage.backup(), stage.database
    stage.run(stage.plan(dump), dump, database=Watched(real.api, real.account, real.id, real.name))
    assert seen == [True]


def test_a_backup_that_d1_does_not_load_leaves_what_serves_untouched(stage: Restoring) -> None:
    dump, before = stage.backup(), stage.content()
    dump.file.write_bytes(dump.file.read_bytes() + b"INSERT INTO nowhere VALUES (1);\n")
    outcome, reason = stage.run(stage.plan(dump), dump)
    assert outcome is Outcome.STOPPED
    assert "nothing was changed" in reason
    assert "no such table: nowhere" in reason
    assert (stage.content(), stage.names(), stage.switch.on_) == (before, [stage.database.name], False)


def test_a_backup_that_is_another_than_its_manifest_says_never_reaches_the_database(stage: Restoring) -> None:
    dump, before = stage.backup(), stage.content()
    dump.file.write_bytes(dump.file.read_bytes().replace(b"'ann'", b"'eve'"))
    outcome, reason = stage.run(stage.plan(dump), dump)
    assert outcome is Outcome.STOPPED
    assert "table members: as many values of the same types and lengths, and not the same values" in reason
    assert stage.content() == before


def test_a_database_that_is_not_right_afterwards_goes_back(stage: Restoring) -> None:
    dump, before = stage.backup(), stage.content()

    class Meddled(D1):
        """Somebody writes while it is restored, whatever maintenance says."""

        def load(self, file: Path) -> None:
            super().load(file)
            self.write("INSERT INTO members VALUES (9, 'late');")

    real = stage.database
    outcome, reason = stage.run(stage.plan(dump), dump, database=Meddled(real.api, real.account, real.id, real.name))
    assert outcome is Outcome.STOPPED
    assert "the database is what it was before: table members: 2 rows, not 1" in reason
    assert (stage.content(), stage.switch.on_) == (before, False)


def test_a_database_that_comes_back_after_a_moment_is_not_taken_for_a_wrong_one(
    stage: Restoring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bulkhead.recovery.restore.waiting._PAUSES", (0.0, 0.0))

    class Slow(D1):
        """Refuses the first two questions after each import."""

        def load(self, file: Path) -> None:
            super().load(file)
            refusals.extend([SqlFailed(["D1 DB reset because its data was replaced."])] * 2)

        def raw(self, sql: str) -> Iterable[Sequence[Any]]:
            if refusals:
                raise refusals.pop()
            return super().raw(sql)

    dump, real, refusals = stage.backup(), stage.database, list[SqlFailed]()
    outcome, reason = stage.run(stage.plan(dump), dump, database=Slow(real.api, real.account, real.id, real.name))
    assert outcome is Outcome.DONE, reason
    assert stage.rows() == ["ann"]


def test_traffic_waits_for_migrations_that_the_running_version_needs(stage: Restoring) -> None:
    dump, plan = stage.backup(), stage.plan(migrations=("0001_a.sql", "0002_b.sql"))
    plan = replace(stage.plan(dump), migrations=plan.migrations)
    outcome, reason = stage.run(plan, dump)
    assert outcome is None
    assert reason.endswith("has not any more: 0002_b.sql")
    assert stage.switch.on_
    assert stage.run(plan, dump)[0] is None
    stage.database.write("CREATE TABLE b (x); INSERT INTO d1_migrations (name) VALUES ('0002_b.sql');")
    assert stage.run(plan, dump)[0] is Outcome.DONE
    assert stage.switch.told == ["on", "off"]
    assert stage.rows("SELECT count(*) FROM b") == [0]


def test_who_waits_for_migrations_can_give_it_up(stage: Restoring) -> None:
    dump, before = stage.backup(), stage.content()
    plan = replace(stage.plan(dump), migrations=("0002_b.sql",))
    stage.run(plan, dump)
    assert stage.run(plan, dump, give_up="it is the wrong backup")[0] is Outcome.STOPPED
    assert (stage.content(), stage.switch.on_) == (before, False)


def test_maintenance_that_was_on_before_stays_on_and_says_so(stage: Restoring) -> None:
    stage.switch.on_ = True
    dump = stage.backup()
    outcome, reason = stage.run(stage.plan(dump), dump)
    assert outcome is Outcome.DONE
    assert reason.endswith("maintenance was on before, and stays: bulkhead maintenance off staging")
    assert stage.switch.on_


def test_maintenance_lasts_twice_as_long_as_the_last_restore_did(stage: Restoring) -> None:
    dump, now = stage.backup(), datetime(2026, 11, 30, tzinfo=UTC)
    stage.run(stage.plan(dump), dump, last=timedelta(hours=1), now=lambda: now)
    assert stage.switch.until == now + timedelta(hours=2)


@pytest.mark.slow
@pytest.mark.parametrize("cause", ["backup", "moment"])
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("gives_up", [False, True])
def test_killed_anywhere_it_goes_on_and_until_then_nobody_meets_half_of_it(
    cause: str, after: bool, gives_up: bool, tmp_path: Path
) -> None:
    assert _survived(1, cause, tmp_path, after=after, gives_up=gives_up) > 7


@pytest.mark.parametrize("gives_up", [False, True])
def test_killed_now_and_then_it_goes_on(gives_up: bool, tmp_path: Path) -> None:
    assert _survived(FAST, "backup", tmp_path, after=gives_up, gives_up=gives_up) > 3


def _survived(every: int, cause: str, folder: Path, *, after: bool, gives_up: bool) -> int:
    """Kill a restore at a point after the other; return at how many it was killed."""
    for number, point in enumerate(itertools.count(step=every)):
        if _ends_before(point, cause, folder, after=after, gives_up=gives_up):
            return number
    raise AssertionError


def _ends_before(point: int, cause: str, folder: Path, *, after: bool, gives_up: bool) -> bool:
    """Kill a restore at a point, and go on; return whether it ends before it comes so far."""
    with restoring(folder / str(point)) as stage:
        dump, bookmark = stage.backup() if cause == "backup" else None, stage.database.bookmark()
        stage.database.write("INSERT INTO members VALUES (3, 'new');")
        plan, before = stage.plan(dump, bookmark), stage.content()
        wanted = ["ann"] if dump else ["bob"]
        stage.kills = Kills(point, after)
        try:
            stage.run(plan, dump)
        except Killed:
            pass
        else:
            return True
        where, stage.kills = stage.kills.seen[-1], Kills()
        assert stage.content() == before or stage.switch.on_ or stage.rows() == wanted, where
        is_open = stage.journal().open_run() is not None
        if is_open or stage.rows() != wanted:
            outcome, _ = stage.run(plan, dump, give_up="a person says so" if gives_up and is_open else "")
            assert stage.rows() == wanted if outcome is Outcome.DONE else stage.content() == before, where
            assert outcome is Outcome.DONE or gives_up, where
        assert stage.journal().open_run() is None, where
        assert (stage.names(), stage.switch.on_) == ([stage.database.name], False), where
        assert ("off", "on") not in itertools.pairwise(stage.switch.told), where
        return False
