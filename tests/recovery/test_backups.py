"""A backup is read back before anybody relies on it, and a bad one names the next that is good."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from bulkhead.model.faults import Refused
from bulkhead.recovery.restore.backups import Backups
from bulkhead.recovery.restore.losses import since
from jobs.d1.load import asking
from jobs.vault import Backup
from tests.support.d1_databases import NASTY, made
from tests.support.vaulted import Vaulted

WORDS = ("CREATE TABLE words (word TEXT)", "INSERT INTO words VALUES ('kept')")


@pytest.fixture
def vaulted(tmp_path: Path) -> Vaulted:
    return Vaulted(tmp_path)


@pytest.fixture
def backups(vaulted: Vaulted) -> Backups:
    return Backups(vaulted.place, "main")


def test_a_backup_is_fetched_as_it_was_dumped(vaulted: Vaulted, backups: Backups, tmp_path: Path) -> None:
    kept = backups.fetch(vaulted.put(NASTY).key, tmp_path / "dump.sql")
    assert len((tmp_path / "dump.sql").read_bytes()) == kept.manifest.bytes


def test_a_body_that_breaks_off_is_read_on(vaulted: Vaulted, backups: Backups, tmp_path: Path) -> None:
    key = vaulted.put(NASTY).key
    vaulted.s3.fails = 2
    backups.fetch(key, tmp_path / "dump.sql")
    vaulted.s3.fails = 99
    with pytest.raises(Refused, match="broke off after"):
        backups.fetch(key, tmp_path / "dump.sql")


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("main.sql.gz", "is no key of a backup, such as database/daily/main/backup_staging_main_2"),
        (
            "database/daily/main/backup_production_main_20261130T170000Z.sql.gz",
            "is of production, and this is about staging",
        ),
        ("database/daily/main/backup_staging_main_20261130T170000Z.sql.gz", "or has no manifest, so it was never"),
    ],
)
def test_a_key_of_anything_else_is_refused(key: str, says: str, backups: Backups) -> None:
    with pytest.raises(Refused, match=says):
        backups.named(key)


def test_a_backup_of_another_database_says_how_that_one_is_restored(vaulted: Vaulted, backups: Backups) -> None:
    key = vaulted.put(WORDS, database="other").key
    with pytest.raises(Refused, match=f"bulkhead restore staging other --from {key}"):
        backups.named(key)


def _cut(vaulted: Vaulted, backup: Backup) -> None:
    vaulted.s3.there[backup.key] = vaulted.s3.there[backup.key][:-20]


def _flip(vaulted: Vaulted, backup: Backup) -> None:
    packed = bytearray(vaulted.s3.there[backup.key])
    packed[len(packed) // 2] ^= 1
    vaulted.s3.there[backup.key] = bytes(packed)


def _swap(vaulted: Vaulted, backup: Backup) -> None:
    other = vaulted.put(WORDS, source="harbor/production/main")
    vaulted.s3.there[backup.key] = vaulted.s3.there.pop(other.key)
    vaulted.s3.there[backup.manifest] = vaulted.s3.there.pop(other.manifest)


def _garble(vaulted: Vaulted, backup: Backup) -> None:
    vaulted.s3.there[backup.manifest] = b'{"format": 1}'


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (_cut, "it is cut off"),
        (_flip, "SHA-256"),
        (_swap, "the dump is of harbor/production/main, not of harbor/staging/main"),
        (_garble, "the manifest cannot be used"),
    ],
)
def test_a_bad_backup_names_the_next_good_one(
    spoil: Callable[[Vaulted, Backup], None], says: str, vaulted: Vaulted, backups: Backups, tmp_path: Path
) -> None:
    newest, second, third = (vaulted.put(WORDS) for _ in range(3))
    spoil(vaulted, newest)
    _flip(vaulted, second)
    with pytest.raises(Refused, match=says) as refused:
        backups.fetch(newest.key, tmp_path / "dump.sql")
    assert f"fix: --from {third.key}, which was read now and is good" in str(refused.value)
    spoil(vaulted, third)
    with pytest.raises(Refused, match="none of the others is good"):
        backups.fetch(newest.key, tmp_path / "dump.sql")


def test_what_is_lost_is_counted_table_by_table(vaulted: Vaulted, backups: Backups, tmp_path: Path) -> None:
    then = (
        "CREATE TABLE same (v)",
        "INSERT INTO same VALUES (1)",
        "CREATE TABLE grown (id INTEGER PRIMARY KEY AUTOINCREMENT)",
        "INSERT INTO grown VALUES (1)",
        "CREATE TABLE other (v)",
        "INSERT INTO other VALUES ('a')",
        "CREATE TABLE gone (v)",
    )
    now = (
        *then,
        "INSERT INTO grown VALUES (2), (3)",
        "UPDATE other SET v = 'ab'",
        "DROP TABLE gone",
        "CREATE TABLE fresh (v)",
    )
    manifest = backups.fetch(vaulted.put(then).key, tmp_path / "dump.sql").manifest
    with closing(sqlite3.connect(made(tmp_path / "now.sqlite", now))) as connection:
        lines = [str(each) for each in since(asking(connection), manifest)]
    assert lines == [
        "table fresh: goes, rows: 0",
        "table gone: comes back, rows: 0",
        "table grown: rows: 3 now, 1 then: 2 are lost, and what was changed since",
        "table other: rows: 1 now, 1 then, some with other values",
    ]
