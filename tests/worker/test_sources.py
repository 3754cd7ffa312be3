"""The sources of the example product agree with what infra/product.py says of it."""

import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from bulkhead.model.product import Worker
from infra.product import PRODUCT

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "worker/src"
NOW = "2030-05-01T09:00:00.000Z"
LATER = "2030-05-01T10:00:00.000Z"


@pytest.mark.parametrize("worker", PRODUCT.workers, ids=lambda worker: worker.name)
def test_each_worker_exports_the_objects_it_owns_and_no_others(worker: Worker) -> None:
    exported = re.findall(r"^export \{ (\w+) \}", (SOURCES / worker.name / "index.ts").read_text(), re.MULTILINE)
    assert tuple(exported) == worker.owns


def test_every_source_folder_is_a_worker_of_the_product() -> None:
    folders = {folder.name for folder in SOURCES.iterdir() if folder.is_dir()} - {"shared"}
    assert folders == {worker.name for worker in PRODUCT.workers}


@pytest.fixture
def database() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute("PRAGMA foreign_keys = ON")  # as D1 has it
    for file in sorted((ROOT / "worker/migrations/main").glob("*.sql")):
        connection.executescript(file.read_text())
    connection.execute("INSERT INTO members (id, email, created_at) VALUES ('m', 'ann@example.com', ?)", (NOW,))
    yield connection
    connection.close()


def _booking(**changes: str) -> tuple[str, dict[str, str]]:
    row = {
        "id": "b",
        "member_id": "m",
        "resource": "pier-1",
        "starts_at": NOW,
        "ends_at": LATER,
        "status": "pending",
        "request_key": "0" * 64,
        "request_digest": "1" * 64,
        "created_at": NOW,
        "updated_at": NOW,
    } | changes
    marks = ", ".join(f":{column}" for column in row)
    return f"INSERT INTO bookings ({', '.join(row)}) VALUES ({marks})", row  # noqa: S608 - columns are named above


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "lost"},
        {"ends_at": NOW},
        {"starts_at": "2030-05-01 09:00"},
        {"created_at": "2030-05-01T09:00:00+09:00"},
        {"member_id": "nobody"},
        {"request_key": "short"},
        {"resource": ""},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_database_refuses_what_would_be_wrong(database: sqlite3.Connection, changes: dict[str, str]) -> None:
    database.execute(*_booking(request_key="a" * 64, id="right"))
    with pytest.raises(sqlite3.IntegrityError):
        database.execute(*_booking(**changes))


def test_one_request_key_leads_to_one_booking(database: sqlite3.Connection) -> None:
    database.execute(*_booking())
    with pytest.raises(sqlite3.IntegrityError, match="request_key"):
        database.execute(*_booking(id="b2"))


def test_member_who_leaves_loses_the_address_and_keeps_the_bookings(database: sqlite3.Connection) -> None:
    database.execute(*_booking())
    database.execute("UPDATE members SET email = NULL, erased_at = ? WHERE id = 'm'", (LATER,))
    assert database.execute("SELECT email FROM members JOIN bookings ON member_id = members.id").fetchall() == [(None,)]
    with pytest.raises(sqlite3.IntegrityError):
        database.execute("UPDATE members SET email = 'ann@example.com' WHERE id = 'm'")


def test_audit_details_are_json(database: sqlite3.Connection) -> None:
    insert = "INSERT INTO audit_logs VALUES ('a', 'booking.created', 'b', 'test', ?, ?, ?)"
    database.execute(insert.replace("'a'", "'good'"), ("{}", NOW, NOW))
    with pytest.raises(sqlite3.IntegrityError):
        database.execute(insert, ("{broken", NOW, NOW))


def test_lock_file_names_no_place_to_download_from() -> None:
    lock = (ROOT / "worker/package-lock.json").read_text()
    assert '"resolved"' not in lock
    assert '"integrity": "sha512-' in lock
