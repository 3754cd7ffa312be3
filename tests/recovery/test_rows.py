"""`restore rows`: what is missing comes back, what is named comes back, and nothing else is touched."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bulkhead.model.failures import Failed
from bulkhead.model.faults import Refused
from bulkhead.recovery.restore.backups import Backups
from bulkhead.recovery.restore.desk import Desk
from bulkhead.recovery.restore.rows import Rows, Wanted
from infra.product import PRODUCT
from jobs.vault import Backup
from tests.support.restoring import Restoring, restoring
from tests.support.settings_fixture import make_settings
from tests.support.vaulted import Vaulted

THEN = (
    "CREATE TABLE teams (id INTEGER PRIMARY KEY, title TEXT)",
    "CREATE TABLE members (team INTEGER NOT NULL REFERENCES teams (id), nick TEXT, age, PRIMARY KEY (team, nick))",
    "INSERT INTO teams VALUES (1, 'red'), (2, 'blue')",
    "INSERT INTO members VALUES (1, 'ann', 30), (1, 'bob', 31), (2, 'cid', 32)",
    "CREATE TABLE log (what)",
)
NOW = (
    *THEN,
    "CREATE TRIGGER noted AFTER INSERT ON members BEGIN INSERT INTO log VALUES (new.nick); END",
    "DELETE FROM members WHERE nick IN ('bob', 'cid')",
    "UPDATE members SET age = 99 WHERE nick = 'ann'",
)
Making = Callable[..., Rows]


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Restoring]:
    with restoring(tmp_path, NOW) as made:
        yield made


@pytest.fixture
def backup(tmp_path: Path, vaulted: Vaulted) -> Backup:
    return vaulted.put(THEN)


@pytest.fixture
def vaulted(tmp_path: Path) -> Vaulted:
    return Vaulted(tmp_path)


@pytest.fixture
def rows(stage: Restoring, vaulted: Vaulted, backup: Backup, tmp_path: Path) -> Making:
    def made(table: str, *keys: str, replaces: bool = False, key: str = "") -> Rows:
        (tmp_path / "dumps").mkdir(exist_ok=True)
        backups = Backups(vaulted.place, "main")
        desk = Desk(
            make_settings("staging"),
            PRODUCT,
            PRODUCT.databases[0],
            (),
            stage.database,
            stage.journal(),
            backups,
            None,
            tmp_path / "dumps",
            stage.said.append,
        )
        return Rows(desk, Wanted(key or backup.key, table, keys, replaces))

    return made


def _members(stage: Restoring) -> list[tuple[object, ...]]:
    return [tuple(each) for each in stage.database.raw("SELECT team, nick, age FROM members ORDER BY nick")]


def test_missing_rows_of_a_table_are_told_and_added_and_the_others_stay(stage: Restoring, rows: Making) -> None:
    before = stage.content()
    salvage = (wish := rows("members")).planned()
    assert salvage.says() == [
        "table members: rows: 2 are added",
        "rows: 1 are there and stay as they are",
        "triggers act on them: noted",
    ]
    assert stage.content() == before
    bookmark = wish.carry_out(salvage)
    assert _members(stage) == [(1, "ann", 99), (1, "bob", 31), (2, "cid", 32)]
    stage.database.travel(bookmark)
    assert stage.content() == before


def test_only_the_rows_that_are_named_come_back(stage: Restoring, rows: Making) -> None:
    wish = rows("members", '[1, "ann"]', '[2, "cid"]', replaces=True)
    salvage = wish.planned()
    assert salvage.says()[:2] == ["table members: rows: 1 are added", "rows: 1 are there and are overwritten"]
    wish.carry_out(salvage)
    assert _members(stage) == [(1, "ann", 30), (2, "cid", 32)]


def test_the_digest_changes_with_what_comes_back_and_not_with_what_is_there(stage: Restoring, rows: Making) -> None:
    digest = rows("members").planned().digest
    stage.database.write("INSERT INTO members VALUES (1, 'bob', 5);")
    assert rows("members").planned().digest == digest
    assert rows("members", '[1, "bob"]').planned().digest != digest
    assert rows("members", replaces=True).planned().digest != digest


def test_rows_without_those_that_they_reference_are_refused_as_a_whole(stage: Restoring, rows: Making) -> None:
    stage.database.write("DELETE FROM members; DELETE FROM teams WHERE id = 2;")
    wish = rows("members")
    salvage = wish.planned()
    with pytest.raises(Failed) as failed:
        wish.carry_out(salvage)
    assert failed.value.details[-1] == "Rows that they reference come first: their table, by the same command."
    assert _members(stage) == []
    teams = rows("teams")
    teams.carry_out(teams.planned())
    wish.carry_out(wish.planned())
    assert len(_members(stage)) == 3


@pytest.mark.parametrize(
    ("table", "keys", "says"),
    [
        ("nobody", (), "is no table of the backup; those are: teams, log, members"),
        ("log", (), "it has no primary key"),
        ("members", ("1",), 'write a list of JSON, in this order: \\["team", "nick"\\]'),
        (
            "members",
            ('[1, "eve"]', '[9, "x"]'),
            '\\[1, "eve"\\]: is no row of the backup(.|\n)*\\[9, "x"\\]: is no row',
        ),
    ],
)
def test_what_the_backup_has_not_is_refused(table: str, keys: tuple[str, ...], says: str, rows: Making) -> None:
    with pytest.raises(Refused, match=says):
        rows(table, *keys).planned()


def test_a_table_that_is_gone_says_what_makes_it(stage: Restoring, rows: Making) -> None:
    stage.database.write("DROP TABLE members")
    with pytest.raises(Refused, match="bulkhead migrate staging --database main makes it"):
        rows("members").planned()


def test_a_bad_backup_brings_no_row_back(stage: Restoring, rows: Making, vaulted: Vaulted, backup: Backup) -> None:
    vaulted.s3.there[backup.key] = vaulted.s3.there[backup.key][:-9]
    with pytest.raises(Refused, match=r"it is cut off(.|\n)*bulkhead backup staging list"):
        rows("members").planned()
