"""D1 over HTTP: the database by id or name, SQL, import, export, Time Travel. Fast over SQLite, slow over Miniflare."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bulkhead.localclouds.cloudflare.api.signed import md5
from bulkhead.localclouds.cloudflare.local import LocalCloudflare
from tests.support.cloudflare_api import ACCOUNT, Api, open_api
from tests.support.sqlite_stage import SqliteStage

DATABASES = f"/accounts/{ACCOUNT}/d1/database"
BOOKMARK = re.compile(r"[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{32}")
SCHEMA = "CREATE TABLE words (id INTEGER PRIMARY KEY, word TEXT NOT NULL);"


class Clock:
    def __init__(self) -> None:
        self.now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Database:
    """The database "main" of staging, as a client of the API sees it."""

    api: Api
    clock: Clock
    id: str

    @property
    def path(self) -> str:
        return f"{DATABASES}/{self.id}"

    def query(self, sql: str, *params: Any) -> list[dict[str, Any]]:
        body = {"sql": sql, "params": list(params)} if params else {"sql": sql}
        answers: list[dict[str, Any]] = self.api.result("POST", f"{self.path}/query", body)
        return answers

    def rows(self, sql: str, *params: Any) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.query(sql, *params)[-1]["results"]
        return rows

    def refused(self, route: str, body: Any, method: str = "POST") -> tuple[int, int, str]:
        status, answer = self.api.call(method, f"{self.path}/{route}", body)
        assert not answer["success"], answer
        return status, answer["errors"][0]["code"], answer["errors"][0]["message"]

    def polled(self, route: str, **body: Any) -> tuple[int, dict[str, Any]]:
        status, answer = self.api.call("POST", f"{self.path}/{route}", body)
        assert answer["success"], answer
        return status, answer["result"]

    def bookmark(self) -> str:
        return str(self.api.result("GET", f"{self.path}/time_travel/bookmark")["bookmark"])

    def restore(self, bookmark: str) -> dict[str, str]:
        result: dict[str, str] = self.api.result("POST", f"{self.path}/time_travel/restore?bookmark={bookmark}")
        return result

    def import_(self, content: bytes) -> dict[str, Any]:
        etag = md5(content)
        _, begun = self.polled("import", action="init", etag=etag)
        assert self.api.open(begun["upload_url"], "PUT", content).headers["etag"] == f'"{etag}"'
        status, answer = self.polled("import", action="ingest", etag=etag, filename=begun["filename"])
        assert (status, answer["status"], answer["messages"]) == (202, "active", [])
        return self.polled("import", action="poll", current_bookmark=answer["at_bookmark"])[1]

    def export(self, **options: Any) -> dict[str, Any]:
        wanted = {"output_format": "polling", "dump_options": options}
        status, answer = self.polled("export", **wanted)
        assert (status, answer["status"]) == (202, "active")
        return self.polled("export", **wanted, current_bookmark=answer["at_bookmark"])[1]

    def dump(self, **options: Any) -> str:
        return self.api.open(self.export(**options)["result"]["signed_url"]).text


@pytest.fixture
def stage(tmp_path: Path) -> SqliteStage:
    return SqliteStage(tmp_path)


def _database(folder: Path, stage: Any) -> Iterator[Database]:
    clock = Clock()
    api = open_api(folder, stage=lambda _environment: stage, clock=clock)
    yield Database(api, clock, api.result("POST", DATABASES, {"name": "main"})["uuid"])
    api.journal.close()
    api.resources.store.close()


@pytest.fixture
def local(tmp_path: Path, stage: SqliteStage) -> Iterator[Database]:
    """A database over SQLite: for what does not need workerd."""
    yield from _database(tmp_path, stage)


@pytest.fixture(params=["sqlite", pytest.param("miniflare", marks=pytest.mark.slow)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database over each kind of stage."""
    if request.param == "sqlite":
        yield from _database(tmp_path, SqliteStage(tmp_path))
    else:
        yield from _declared(tmp_path, request.getfixturevalue("shared_cloud"))


@pytest.fixture
def real(tmp_path: Path, shared_cloud: LocalCloudflare) -> Iterator[Database]:
    """A database in Miniflare: for what only workerd knows."""
    yield from _declared(tmp_path, shared_cloud)


def _declared(folder: Path, cloud: LocalCloudflare) -> Iterator[Database]:
    for database in _database(folder, cloud.client):
        cloud.declare(database.api.resources.store.all())
        yield database


def test_a_database_is_found_by_its_name_too(local: Database) -> None:
    for name in (local.id, "main"):
        assert local.api.result("GET", f"{DATABASES}/{name}")["uuid"] == local.id
        changed = local.api.result("PATCH", f"{DATABASES}/{name}", {"read_replication": {"mode": "auto"}})
        assert (changed["name"], changed["read_replication"]) == ("main", {"mode": "auto"})
        answered = local.api.result("POST", f"{DATABASES}/{name}/query", {"sql": "SELECT 1 AS one"})
        assert answered[0]["results"] == [{"one": 1}]
    local.api.result("PUT", f"{DATABASES}/main", {"read_replication": {"mode": "disabled"}})
    local.api.result("DELETE", f"{DATABASES}/main")
    assert local.refused("query", {"sql": "SELECT 1"})[:2] == (404, 7404)


def test_only_the_members_that_are_asked_for_are_shown(local: Database) -> None:
    assert local.api.result("GET", f"{DATABASES}/main?fields=uuid%2Cname") == {"uuid": local.id, "name": "main"}
    assert local.api.refused("GET", f"{DATABASES}/main?fields=uuid,colour") == (400, [7400])


def test_a_database_keeps_its_name(local: Database) -> None:
    assert local.api.refused("PATCH", f"{DATABASES}/main", {"name": "other"}) == (400, [7400])


def test_each_statement_has_its_own_result(database: Database) -> None:
    answers = database.query(
        "CREATE TABLE words (id INTEGER PRIMARY KEY, word TEXT); -- a; comment\n"
        "INSERT INTO words (word) VALUES ('a;b'), ('c'); SELECT * FROM words"
    )
    assert [each["results"] for each in answers] == [[], [], [{"id": 1, "word": "a;b"}, {"id": 2, "word": "c"}]]
    assert all(each["success"] for each in answers)
    meta = answers[1]["meta"]
    assert (meta["changes"], meta["last_row_id"], meta["changed_db"]) == (2, 2, True)
    expected = {
        "duration",
        "changes",
        "last_row_id",
        "changed_db",
        "rows_read",
        "rows_written",
        "size_after",
        "served_by",
    }
    assert meta.keys() >= expected


def test_parameters_are_bound(database: Database) -> None:
    database.query(SCHEMA)
    database.query("INSERT INTO words VALUES (?, ?)", 1, "it's")
    assert database.rows("SELECT word FROM words WHERE id = ?1", 1) == [{"word": "it's"}]


def test_a_batch_runs_each_with_its_parameters(database: Database) -> None:
    insert = "INSERT INTO words (word) VALUES (?)"
    batch = [{"sql": SCHEMA}, {"sql": insert, "params": ["a"]}, {"sql": insert, "params": ["b"]}]
    answers = database.api.result("POST", f"{database.path}/query", {"batch": batch})
    assert [each["meta"]["changes"] for each in answers[1:]] == [1, 1]
    assert database.rows("SELECT word FROM words") == [{"word": "a"}, {"word": "b"}]


def test_a_statement_that_fails_leaves_nothing_of_the_others(database: Database) -> None:
    database.query(SCHEMA)
    status, code, message = database.refused(
        "query", {"sql": "INSERT INTO words (word) VALUES ('a'); INSERT INTO nowhere VALUES (1)"}
    )
    assert (status, code) == (400, 7500)
    assert message == "no such table: nowhere: SQLITE_ERROR"
    assert database.rows("SELECT * FROM words") == []


def test_raw_answers_columns_and_rows(database: Database) -> None:
    (answer,) = database.api.result("POST", f"{database.path}/raw", {"sql": "SELECT 1 AS a, 'x' AS b, 2 AS a"})
    assert answer["results"] == {"columns": ["a", "b", "a"], "rows": [[1, "x", 2]]}


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({}, "sql"),
        ({"sql": 1}, "sql"),
        ({"sql": "SELECT 1", "colour": "blue"}, "colour"),
        ({"sql": "SELECT 1", "params": None}, "params"),
        ({"sql": "SELECT ?", "params": [True]}, "params.0"),
        ({"sql": "SELECT ?", "params": [[1, 256]]}, "params.0"),
        ({"sql": "SELECT ?; SELECT ?", "params": [1]}, "params with multiple statements is not supported"),
        ({"batch": ["SELECT 1"]}, "batch"),
        ({"batch": [{"sql": "SELECT 1"}], "sql": "SELECT 1"}, "sql"),
    ],
)
def test_a_query_that_is_none_is_refused(local: Database, body: Any, why: str) -> None:
    status, code, message = local.refused("query", body)
    assert (status, code) == (400, 7400)
    assert message.startswith("The request is malformed: ")
    assert why in message


@pytest.mark.slow
def test_values_come_as_d1_answers_them(real: Database) -> None:
    values = (
        "SELECT 9007199254740993 AS large, 9e999 AS infinite, x'00ff' AS blob, 'a' || char(0) || 'b' AS zero, NULL AS n"
    )
    assert real.rows(values) == [
        {"large": 9007199254740992, "infinite": None, "blob": [0, 255], "zero": "a\0b", "n": None}
    ]
    assert real.rows("SELECT hex(?) AS hex, typeof(?) AS kind", [1, 171], 1.5) == [{"hex": "01AB", "kind": "real"}]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"sql": "BAD"}, 'near "BAD": syntax error at offset 0: SQLITE_ERROR'),
        ({"sql": f"SELECT '{'x' * 100_000}'"}, "statement too long: SQLITE_TOOBIG"),
        ({"sql": f"SELECT {','.join('?' * 101)}", "params": [1] * 101}, "too many SQL variables"),
        ({"sql": f"CREATE TABLE wide ({','.join(f'c{n}' for n in range(101))})"}, "too many columns on wide"),
        ({"sql": "SELECT zeroblob(2300000)"}, "string or blob too big: SQLITE_TOOBIG"),
        ({"sql": "PRAGMA page_count"}, "not authorized: SQLITE_AUTH"),
        ({"sql": "BEGIN TRANSACTION"}, "instead of the SQL BEGIN TRANSACTION"),
        ({"sql": "-- nothing\n;"}, "No SQL statements detected."),
        ({"sql": "SELECT ?"}, "Wrong number of parameter bindings"),
    ],
)
def test_d1s_limits_hold(real: Database, body: Any, message: str) -> None:
    status, code, said = real.refused("query", body)
    assert (status, code) == (400, 7500)
    assert message in said


def test_a_file_is_imported_as_a_whole(database: Database) -> None:
    many = ["INSERT INTO words (word) VALUES ('it''s; one');"] * 500
    lines = ["PRAGMA defer_foreign_keys=TRUE;", SCHEMA, *many, "-- the end"]
    done = database.import_("\n".join(lines).encode())
    assert (done["success"], done["status"], done["type"]) == (True, "complete", "import")
    assert done["messages"] == ["Processed 502 queries."]
    result = done["result"]
    assert (result["num_queries"], result["meta"]["changes"]) == (502, 500)
    assert result["meta"]["size_after"] > 0
    assert database.rows("SELECT count(*) AS n, max(word) AS word FROM words") == [{"n": 500, "word": "it's; one"}]
    assert result["final_bookmark"] == database.bookmark()
    database.restore(done["at_bookmark"])
    assert database.refused("query", {"sql": "SELECT * FROM words"})[1] == 7500


def test_a_file_with_a_fault_leaves_the_database_as_it_was(database: Database) -> None:
    lines = [SCHEMA, "INSERT INTO words (word) VALUES ('a');", "INSERT INTO nowhere VALUES (1);"]
    done = database.import_("\n".join(lines).encode())
    assert (done["success"], done["status"]) == (False, "error")
    assert done["errors"] == [done["error"]] == ["no such table: nowhere: SQLITE_ERROR"]
    assert database.refused("query", {"sql": "SELECT * FROM words"})[1] == 7500


def test_a_file_that_is_not_the_announced_one_is_not_imported(local: Database) -> None:
    etag = md5(b"SELECT 1")
    _, begun = local.polled("import", action="init", etag=etag)
    ingest = {"action": "ingest", "etag": etag, "filename": begun["filename"]}
    assert local.refused("import", ingest)[:2] == (400, 7400)
    local.api.open(begun["upload_url"], "PUT", b"DELETE FROM words")
    _, answer = local.polled("import", **ingest)
    done = local.polled("import", action="poll", current_bookmark=answer["at_bookmark"])[1]
    assert done["status"] == "error"
    assert "MD5" in done["error"]
    assert "not UTF-8" in local.import_(b"SELECT '\xff'")["error"]


def test_a_file_that_was_uploaded_before_need_not_be_uploaded_again(local: Database) -> None:
    etag = md5(SCHEMA.encode())
    _, begun = local.polled("import", action="init", etag=etag)
    local.api.open(begun["upload_url"], "PUT", SCHEMA.encode())
    status, answer = local.polled("import", action="init", etag=etag)
    assert (status, answer["status"], "upload_url" in answer) == (202, "active", False)
    assert local.rows("SELECT * FROM words") == []


def test_a_signed_url_opens_one_thing_for_an_hour(local: Database) -> None:
    _, begun = local.polled("import", action="init", etag="0" * 32)
    url = begun["upload_url"]
    assert local.api.open(url).status_code == 403
    assert local.api.open(url[:-1], "PUT", b"").status_code == 403
    local.clock.now += 3590
    assert local.api.open(url, "PUT", b"").status_code == 200
    local.clock.now += 20
    assert local.api.open(url, "PUT", b"").status_code == 403
    assert {(call.who, call.status) for call in local.api.journal if call.route == "/signed-files/{name}"} == {
        ("", 403),
        ("deploy", 200),
    }


def test_an_import_keeps_everybody_else_out(local: Database, stage: SqliteStage) -> None:
    bookmark = local.bookmark()
    stage.paused.clear()
    stage.asked.clear()
    importing = threading.Thread(target=local.import_, args=(SCHEMA.encode(),))
    importing.start()
    assert stage.asked.wait(10)
    busy = (400, 7500, "Currently processing a long-running import.")
    assert local.refused("query", {"sql": "SELECT 1"}) == busy
    assert local.refused("raw", {"sql": "SELECT 1"}) == busy
    assert local.refused("export", {"output_format": "polling"}) == busy
    assert local.refused(f"time_travel/restore?bookmark={bookmark}", None) == busy
    assert local.polled("import", action="poll", current_bookmark=bookmark)[1]["status"] == "active"
    stage.paused.set()
    importing.join()
    assert local.rows("SELECT * FROM words") == []


def test_what_is_exported_makes_the_database_again(database: Database) -> None:
    database.query(SCHEMA)
    database.query("INSERT INTO words (word) VALUES ('it''s; one\nline'); CREATE INDEX by_word ON words (word)")
    text = database.dump()
    database.query("DROP TABLE words")
    assert database.import_(text.encode())["status"] == "complete"
    assert database.rows("SELECT * FROM words") == [{"id": 1, "word": "it's; one\nline"}]


def test_an_export_can_leave_out_what_is_not_wanted(database: Database) -> None:
    database.query(SCHEMA)
    database.query("CREATE TABLE other (x); INSERT INTO words (word) VALUES ('w'); INSERT INTO other VALUES (7)")
    assert "INSERT" not in database.dump(no_data=True)
    assert "CREATE" not in database.dump(no_schema=True)
    one = database.dump(tables=["other"])
    assert "other" in one
    assert "words" not in one


def test_one_virtual_table_refuses_the_whole_export(database: Database) -> None:
    database.query(SCHEMA)
    database.query("CREATE VIRTUAL TABLE found USING fts5(word)")
    done = database.export()
    assert (done["success"], done["status"]) == (False, "error")
    assert done["errors"] == ["D1 Export error: cannot export databases with Virtual Tables (fts5)"]
    assert database.rows("SELECT * FROM words") == []


def test_an_export_keeps_everybody_out_until_it_is_done_or_nobody_polls(local: Database) -> None:
    wanted = {"output_format": "polling"}
    busy = (400, 7500, "Currently processing a long-running export.")
    _, answer = local.polled("export", **wanted)
    assert local.refused("query", {"sql": "SELECT 1"}) == busy
    local.clock.now += 11
    assert local.query("SELECT 1")
    _, gone = local.polled("export", **wanted, current_bookmark=answer["at_bookmark"])
    assert (gone["success"], gone["error"]) == (False, "Not currently exporting anything.")
    assert local.export()["status"] == "complete"
    assert local.query("SELECT 1")


@pytest.mark.parametrize(
    ("route", "body", "why"),
    [
        ("import", {"action": "begin"}, "action"),
        ("import", {"action": "init"}, "etag"),
        ("import", {"action": "poll", "current_bookmark": "b", "etag": "e"}, "etag"),
        ("export", {"output_format": "file"}, "output_format"),
        ("export", {"output_format": "polling", "dump_options": {"compatibility": "d1"}}, "compatibility"),
        ("export", {"output_format": "polling", "dump_options": {"tables": [1]}}, "tables"),
        ("time_travel/restore", None, "bookmark"),
    ],
)
def test_a_request_that_is_none_is_refused(local: Database, route: str, body: Any, why: str) -> None:
    status, code, message = local.refused(route, body)
    assert (status, code) == (400, 7400)
    assert why in message


def test_a_database_goes_back_to_a_bookmark_and_forth_again(database: Database) -> None:
    database.query(SCHEMA)
    database.query("CREATE VIRTUAL TABLE found USING fts5(word); INSERT INTO words (word) VALUES ('before')")
    before = database.bookmark()
    assert BOOKMARK.fullmatch(before)
    assert database.bookmark() == before
    database.query("DROP TABLE found; UPDATE words SET word = 'after'")
    after = database.bookmark()
    assert after > before
    done = database.restore(before)
    assert (done["previous_bookmark"], done["message"]) == (after, "Database restored")
    assert done["bookmark"] > after
    assert database.rows("SELECT word, (SELECT count(*) FROM found) AS n FROM words") == [{"word": "before", "n": 0}]
    database.query("INSERT INTO words (word) VALUES ('later')")
    database.restore(after)
    assert database.rows("SELECT word FROM words") == [{"word": "after"}]


def test_only_a_bookmark_that_was_asked_for_can_be_restored(local: Database) -> None:
    local.query(SCHEMA)
    local.bookmark()
    for query in ("bookmark=00000001-00000000-00000000-" + "0" * 32, "timestamp=2026-09-01T00:00:00Z"):
        status, code, message = local.refused(f"time_travel/restore?{query}", None)
        assert (status, code) == (400, 1000)
        assert "the local Cloudflare kept" in message or "the local Cloudflare keeps no history" in message
    assert local.refused("time_travel/bookmark?timestamp=2026-09-01T00:00:00Z", None, "GET")[0] == 400


def test_a_moment_is_known_when_the_database_was_the_same_before_it_and_after_it(local: Database) -> None:
    local.query(SCHEMA)
    first = local.bookmark()
    local.clock.now += 600
    assert local.bookmark() == first
    asked = f"time_travel/bookmark?timestamp={_spelt(local.clock.now - 300)}"
    local.query("INSERT INTO words (word) VALUES ('later')")
    local.clock.now += 600
    assert local.bookmark() != first
    assert local.api.result("GET", f"{local.path}/{asked}")["bookmark"] == first
    local.refused(f"time_travel/bookmark?timestamp={_spelt(local.clock.now - 300)}", None, "GET")
    local.api.result("POST", f"{local.path}/time_travel/restore?timestamp={_spelt(local.clock.now - 900)}")
    assert local.rows("SELECT * FROM words") == []


def _spelt(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.parametrize("timestamp", ["yesterday", "2026-09-01T00:00:00", "2036-09-01T00:00:00Z"])
def test_a_moment_without_a_zone_or_still_to_come_is_none(timestamp: str, local: Database) -> None:
    status, code, _ = local.refused(f"time_travel/bookmark?timestamp={timestamp}", None, "GET")
    assert (status, code) == (400, 7400)


def test_a_bookmark_is_kept_for_thirty_days(local: Database) -> None:
    local.query(SCHEMA)
    old = local.bookmark()
    local.clock.now += 30 * 86400 - 10
    local.restore(old)
    local.clock.now += 20
    assert local.refused(f"time_travel/restore?bookmark={old}", None)[0] == 400


def test_ten_restores_in_ten_minutes_are_the_most(local: Database) -> None:
    bookmark = local.bookmark()
    for _ in range(10):
        local.restore(bookmark)
    assert local.refused(f"time_travel/restore?bookmark={bookmark}", None)[0] == 429
    local.clock.now += 601
    local.restore(bookmark)
