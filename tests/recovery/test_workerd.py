"""What D1's own SQLite takes: a database emptied and loaded in one import, checked, taken back, and merged into."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from bulkhead.delivery.journal import Outcome
from bulkhead.localclouds.cloudflare.local import LocalCloudflare
from bulkhead.model.project import ROOT
from bulkhead.recovery.restore.backups import Backups
from bulkhead.recovery.restore.desk import Desk
from bulkhead.recovery.restore.rows import Rows, Wanted
from infra.product import PRODUCT
from jobs.d1.load import LoadFailed
from jobs.d1.wipe import replacing
from tests.support.d1_databases import NASTY, SEARCHED, contents
from tests.support.restoring import restoring
from tests.support.settings_fixture import make_settings
from tests.support.vaulted import Vaulted

pytestmark = pytest.mark.slow

SMALL = ("CREATE TABLE vals (id INTEGER PRIMARY KEY, a)", "INSERT INTO vals VALUES (1, 'other')")
RESTRICTED = (
    "CREATE TABLE a (id INTEGER PRIMARY KEY, b INTEGER NOT NULL REFERENCES b (id) ON DELETE RESTRICT)",
    "CREATE TABLE b (id INTEGER PRIMARY KEY, a INTEGER REFERENCES a (id) ON DELETE RESTRICT)",
    "INSERT INTO b VALUES (1, NULL)",
    "INSERT INTO a VALUES (1, 1)",
    "UPDATE b SET a = 1",
)


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloudflare]:
    folder = tmp_path_factory.mktemp("cloud")
    with LocalCloudflare("staging", folder, ROOT, str(folder)) as running:
        yield running


@pytest.mark.parametrize(
    ("there", "dump"),
    [(SMALL, NASTY), (NASTY, SMALL), (NASTY, NASTY), (RESTRICTED, SEARCHED), (SEARCHED, RESTRICTED)],
    ids=["nasty", "small", "nasty-nasty", "searched", "restricted"],
)
def test_a_backup_takes_the_place_of_what_there_is_and_is_undone(
    there: Sequence[str], dump: Sequence[str], tmp_path: Path, cloud: LocalCloudflare
) -> None:
    with restoring(tmp_path, there, cloud) as stage:
        backup, before = stage.backup(dump), stage.content()
        outcome, reason = stage.run(stage.plan(backup, migrations=()), backup)
        assert outcome is Outcome.DONE, reason
        expected = contents(backup.file.with_name("source.sqlite"))
        assert {table: rows for table, rows in stage.content().items() if table in expected and table} == {
            table: rows for table, rows in expected.items() if table
        }
        assert stage.names() == [stage.database.name]
        entries = next(stage.journal().runs()).entries()
        bookmark = next(each.facts["bookmark"] for each in entries if each.step == "bookmark")
        assert stage.run(stage.plan(bookmark=bookmark, migrations=()))[0] is Outcome.DONE
        assert stage.content() == before


def test_an_import_that_d1_refuses_leaves_the_database_as_it_was(tmp_path: Path, cloud: LocalCloudflare) -> None:
    with restoring(tmp_path, NASTY, cloud) as stage:
        before, backup = stage.content(), stage.backup(SMALL)
        bad = tmp_path / "bad.sql"
        bad.write_bytes(backup.file.read_bytes() + b"INSERT INTO nowhere VALUES (1);\n")
        replacing(stage.database.raw, bad, tmp_path / "whole.sql")
        with pytest.raises(LoadFailed, match="no such table: nowhere"):
            stage.database.load(tmp_path / "whole.sql")
        assert stage.content() == before


def test_rows_are_merged_in_one_import(tmp_path: Path, cloud: LocalCloudflare) -> None:
    vaulted = Vaulted(tmp_path)
    backup = vaulted.put(NASTY)
    with restoring(
        tmp_path / "stage", (*NASTY, "DELETE FROM vals WHERE id % 2", "UPDATE keyed SET v = 0"), cloud
    ) as stage:
        backups = Backups(vaulted.place, "main")
        settings, store = make_settings("staging"), PRODUCT.databases[0]
        desk = Desk(
            settings, PRODUCT, store, (), stage.database, stage.journal(), backups, None, tmp_path, stage.said.append
        )
        for table in ("vals", "keyed"):
            rows = Rows(desk, Wanted(backup.key, table, replaces=table == "keyed"))
            rows.carry_out(rows.planned())
        expected = contents(tmp_path / "vaulted-1.sqlite")
        assert {table: stage.content()[table] for table in ("vals", "keyed")} == {
            table: expected[table] for table in ("vals", "keyed")
        }
