"""A D1 database over its API: back to a moment, another content by an import, made and deleted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from bulkhead.clients import d1
from bulkhead.clients.d1 import D1, SqlFailed
from bulkhead.clients.endpoints import CLOUDFLARE
from bulkhead.clients.refusals import ApiRefused, Uncertain
from bulkhead.clients.repeats import Patience
from bulkhead.clients.rest import Rest
from jobs.d1.load import LoadFailed
from tests.support.cloudflare_api import ACCOUNT, TOKEN, open_api
from tests.support.sqlite_stage import SqliteStage


@pytest.fixture
def database(tmp_path: Path) -> Iterator[D1]:
    stage = SqliteStage(tmp_path)
    api = open_api(tmp_path, stage=lambda _environment: stage)
    with Rest(CLOUDFLARE, TOKEN, api.transport()) as rest:
        yield d1.create(rest, ACCOUNT, "main")
    api.journal.close()
    api.resources.store.close()


def _words(database: D1) -> list[str]:
    return [str(each[0]) for each in database.raw("SELECT word FROM words")]


def _sql(folder: Path, *statements: str) -> Path:
    file = folder / "file.sql"
    file.write_text("".join(f"{each};\n" for each in statements))
    return file


def test_a_file_is_loaded_and_a_bookmark_brings_back_what_was_before(database: D1, tmp_path: Path) -> None:
    database.write("CREATE TABLE words (word TEXT); INSERT INTO words VALUES ('before');")
    bookmark = database.bookmark()
    database.load(_sql(tmp_path, "DELETE FROM words", "INSERT INTO words VALUES ('after')"))
    assert _words(database) == ["after"]
    database.travel(bookmark)
    assert _words(database) == ["before"]


class _Losing(httpx.BaseTransport):
    """Does what it is asked to, and loses the first answers to an ``action`` of an import."""

    def __init__(self, inner: httpx.BaseTransport, action: str, times: int) -> None:
        self._inner, self._action, self._left = inner, f'"{action}"'.encode(), times

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        is_meant = request.url.path.endswith("/import") and self._action in request.read()
        answer = self._inner.handle_request(request)
        if is_meant and self._left:
            self._left -= 1
            raise httpx.ReadError("lost", request=request)
        return answer


@pytest.mark.parametrize("action", ["init", "ingest", "poll"])
def test_an_import_whose_answer_is_lost_is_done_once_more(action: str, database: D1, tmp_path: Path) -> None:
    database.write("CREATE TABLE words (word TEXT);")
    lossy: Any = database.api._client._transport
    with Rest(CLOUDFLARE, TOKEN, _Losing(lossy, action, 1), Patience(sleep=lambda _: None)) as rest:
        there = D1(rest, database.account, database.id, database.name)
        there.load(_sql(tmp_path, "DELETE FROM words", "INSERT INTO words VALUES ('after')"))
    assert _words(database) == ["after"]


def test_an_import_whose_answers_are_all_lost_is_said_to_be_uncertain(database: D1, tmp_path: Path) -> None:
    lossy: Any = database.api._client._transport
    with Rest(CLOUDFLARE, TOKEN, _Losing(lossy, "ingest", 99), Patience(sleep=lambda _: None)) as rest:
        there = D1(rest, database.account, database.id, database.name)
        with pytest.raises(Uncertain):
            there.load(_sql(tmp_path, "CREATE TABLE IF NOT EXISTS words (word TEXT)"))


def test_a_file_that_d1_refuses_changes_nothing(database: D1, tmp_path: Path) -> None:
    database.write("CREATE TABLE words (word TEXT); INSERT INTO words VALUES ('before');")
    with pytest.raises(LoadFailed, match="no such table: nowhere"):
        database.load(_sql(tmp_path, "DELETE FROM words", "INSERT INTO nowhere VALUES (1)"))
    assert _words(database) == ["before"]


def test_a_database_that_was_made_is_found_and_gone_when_it_is_deleted(database: D1) -> None:
    assert d1.find(database.api, ACCOUNT, "main") == database
    assert database.created().tzinfo is not None
    database.delete()
    assert d1.find(database.api, ACCOUNT, "main") is None


def test_what_d1_does_not_take_is_said_in_its_words(database: D1) -> None:
    with pytest.raises(SqlFailed, match="no such table"):
        database.raw("SELECT * FROM nowhere")


@pytest.mark.parametrize(("answers", "is_done"), [([502, 200], True), ([403], False)])
def test_a_file_goes_to_the_address_of_an_upload_without_the_token(
    answers: list[int], is_done: bool, tmp_path: Path
) -> None:
    seen = list[httpx.Request]()

    def serve(request: httpx.Request) -> httpx.Response:
        assert request.read() == b"SELECT 1;\n"
        seen.append(request)
        return httpx.Response(answers[len(seen) - 1])

    address = "https://store.example/upload?signature=abc"
    with Rest(CLOUDFLARE, TOKEN, httpx.MockTransport(serve), Patience(sleep=lambda _: None)) as rest:
        if is_done:
            rest.upload(address, _sql(tmp_path, "SELECT 1"))
        else:
            with pytest.raises(ApiRefused) as refused:
                rest.upload(address, _sql(tmp_path, "SELECT 1"))
            assert "signature" not in str(refused.value)
    assert len(seen) == len(answers)
    assert all("authorization" not in each.headers and each.headers["content-length"] == "10" for each in seen)
