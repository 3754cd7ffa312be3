"""The files of a folder: in wrangler's order, and refused at once where D1 would not take them."""

from __future__ import annotations

import pytest

from bulkhead.delivery.migrations.files import order
from bulkhead.model.faults import Refused
from tests.support.migrations import Migrations


def test_the_order_is_wranglers_by_leading_number_and_then_by_letters() -> None:
    ordered = [
        "01_B.sql",
        "01_a.sql",
        "1_z.sql",
        "2.sql",
        "9_a/migration.sql",
        "10_a/migration.sql",
        "B.sql",
        "a_1.sql",
    ]
    assert sorted(set(ordered), key=order) == ordered


def test_the_folders_of_drizzle_and_prisma_are_read(migrations: Migrations) -> None:
    migrations.write("20260101_b/migration.sql", "CREATE TABLE b (x);")
    migrations.write("9_a/migration.sql", "CREATE TABLE a (x);")
    migrations.write("9_a/snapshot.json", "{}")
    migrations.write("migration_lock.toml", "")
    migrations.write(".old/migration.sql", "BAD")
    assert migrations.apply() == ["9_a/migration.sql", "20260101_b/migration.sql"]


def test_two_layouts_in_one_folder_are_refused(migrations: Migrations) -> None:
    migrations.write("0001_a.sql", "CREATE TABLE a (x);")
    migrations.write("0002_b/migration.sql", "CREATE TABLE b (x);")
    with pytest.raises(Refused, match="only one kind"):
        migrations.read()


def test_a_folder_without_a_migration_is_refused(migrations: Migrations) -> None:
    with pytest.raises(Refused, match="holds no migration"):
        migrations.read()


def test_every_fault_of_every_file_is_told_at_once(migrations: Migrations) -> None:
    migrations.write("0001_a.sql", b"SELECT '\xff';")
    migrations.write("0002_b.sql", "BEGIN TRANSACTION; CREATE TABLE a (x); COMMIT;")
    migrations.write("0003_c.sql", f"SELECT '{'ä' * 50_000}';")
    migrations.write("0004_d.sql", "SELECT 'a\0';")
    with pytest.raises(Refused) as caught:
        migrations.read()
    told = [(fault.file.rpartition("/")[2], fault.key, fault.message.split(",")[0]) for fault in caught.value.faults]
    assert told == [
        ("0001_a.sql", "", "is not UTF-8 at byte 8; D1 would store other letters than were meant"),
        ("0002_b.sql", "statement 1", "is BEGIN"),
        ("0002_b.sql", "statement 3", "is COMMIT"),
        ("0003_c.sql", "statement 1", "has 100"),
        ("0004_d.sql", "statement 1", "holds a NUL"),
    ]


def test_a_large_file_of_many_statements_is_no_fault(migrations: Migrations) -> None:
    row = "INSERT INTO a VALUES ('a;b');\n"
    migrations.write("0001_a.sql", "CREATE TABLE a (x);\n" + row * 5_000)
    (migration,) = migrations.read()
    assert len(migration.statements) == 5_001


def test_an_insert_that_is_too_long_for_d1_is_applied_as_several_at_once(migrations: Migrations) -> None:
    rows = ", ".join(f"({number}, 'a;(b')" for number in range(20_000))
    migrations.write("0001_a.sql", f"CREATE TABLE a (x PRIMARY KEY, y);\nINSERT INTO a VALUES {rows};")
    (migration,) = migrations.read()
    assert 3 < len(migration.statements) < 10
    assert migrations.apply() == ["0001_a.sql"]
    assert migrations.column("SELECT count(*) FROM a") == [20_000]
