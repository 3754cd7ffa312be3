"""Dumps over Cloudflare's API, and back: fast over SQLite, slow over Miniflare and with wrangler."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bulkhead.localclouds.api.server import ApiServer
from bulkhead.localclouds.cloudflare.api.app import PREFIX
from bulkhead.localclouds.cloudflare.local import LocalCloudflare
from bulkhead.model.project import ROOT
from jobs.d1 import pages
from jobs.d1.dump import dump
from jobs.d1.load import LoadFailed, batches, by_import, differences, into_file, orphans
from jobs.d1.manifest import Manifest
from tests.localclouds.cloudflare.wrangler import Wrangler
from tests.support.cloudflare_api import ACCOUNT, TOKEN, Api, open_api
from tests.support.d1_databases import NASTY, SEARCHED, SOURCE, contents, dumped, generated, made
from tests.support.sqlite_stage import SqliteStage

COUNTED = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12000)"
MANY = ("CREATE TABLE many (a, b)", f"INSERT INTO many {COUNTED} SELECT i % 2, NULL FROM n")
FAMILY = (
    "CREATE TABLE child (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES parent (id))",
    "CREATE TABLE parent (id INTEGER PRIMARY KEY)",
    f"INSERT INTO parent {COUNTED} SELECT i FROM n",
    f"INSERT INTO child {COUNTED} SELECT i, i FROM n",
)
DATABASES = f"/accounts/{ACCOUNT}/d1/database"


@dataclass
class Database:
    """A D1 database as a client of the API sees it."""

    api: Api
    stage: Any
    id: str

    def ask(self, sql: str) -> list[Sequence[Any]]:
        return self.together([sql])[-1]

    def together(self, statements: Sequence[str]) -> list[list[Sequence[Any]]]:
        return [answer["results"]["rows"] for answer in self.run(statements)]

    def run(self, statements: Sequence[str]) -> list[Any]:
        batch = {"batch": [{"sql": each} for each in statements]}
        answers: list[Any] = self.api.result("POST", f"{DATABASES}/{self.id}/raw", batch)
        return answers

    def bookmark(self) -> str:
        return str(self.api.result("GET", f"{DATABASES}/{self.id}/time_travel/bookmark")["bookmark"])

    def transfer(self, body: Mapping[str, str]) -> Any:
        return self.api.call("POST", f"{DATABASES}/{self.id}/import", dict(body))[1]["result"]

    def upload(self, url: str, file: Path) -> None:
        assert self.api.open(url, "PUT", file.read_bytes()).status_code == 200

    def dump(self) -> tuple[bytes, Manifest]:
        written = io.BytesIO()
        manifest = dump(self.ask, written.write, source=SOURCE, bookmark=self.bookmark)
        return written.getvalue(), manifest

    @property
    def file(self) -> Path:
        found: Path = self.stage.d1_file(self.id)
        return found


@dataclass
class Place:
    """Where databases are made."""

    api: Api
    stage: Any
    running: LocalCloudflare | None = None

    def database(self, name: str, statements: Sequence[str] = ()) -> Database:
        id_ = self.api.result("POST", DATABASES, {"name": name})["uuid"]
        if self.running:
            self.running.declare(self.api.resources.store.all())
        found = Database(self.api, self.stage, id_)
        found.run(statements or ["SELECT 1"])
        return found


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloudflare]:
    folder = tmp_path_factory.mktemp("cloud")
    with LocalCloudflare("staging", folder, ROOT, str(folder)) as running:
        yield running


@pytest.fixture(params=["sqlite", pytest.param("miniflare", marks=pytest.mark.slow)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    running = request.getfixturevalue("cloud") if request.param == "miniflare" else None
    stage = running.client if running else SqliteStage(tmp_path)
    api = open_api(tmp_path, stage=lambda _environment: stage)
    yield Place(api, stage, running)
    api.journal.close()
    api.resources.store.close()


@pytest.mark.parametrize("statements", [NASTY, SEARCHED, MANY], ids=["nasty", "searched", "many"])
def test_a_database_goes_out_of_d1_and_into_d1_again(statements: Sequence[str], place: Place, tmp_path: Path) -> None:
    source, target = place.database("main", statements), place.database("back")
    sql, manifest = source.dump()
    assert manifest.is_consistent
    into_file(io.BytesIO(sql), manifest, tmp_path / "back.sqlite", source=SOURCE)
    (tmp_path / "dump.sql").write_bytes(sql)
    by_import(tmp_path / "dump.sql", target.transfer, target.upload, patience=60)
    assert differences(target.ask, manifest) == []
    _, other = target.dump()
    assert (other.tables, other.schema) == (manifest.tables, manifest.schema)
    if statements is NASTY:
        assert contents(target.file) == contents(source.file) == contents(tmp_path / "back.sqlite")


def test_a_file_of_sqlite_goes_into_d1_in_batches(nasty: Path, place: Place) -> None:
    sql, manifest = dumped(nasty)
    target = place.database("main")
    sizes = []
    for batch in batches(io.BytesIO(sql), 400_000):
        sizes.append(sum(map(len, batch)))
        target.run(batch)
    assert len(sizes) > 3
    assert max(sizes) < 500_000
    assert differences(target.ask, manifest) == []


def test_parents_are_there_before_the_batches_of_their_children(place: Place, tmp_path: Path) -> None:
    sql, manifest = dumped(made(tmp_path / "family.sqlite", FAMILY))
    target = place.database("main")
    found = list(batches(io.BytesIO(sql), 20_000))
    assert len(found) > 3
    for batch in found:
        target.run(batch)
    assert differences(target.ask, manifest) == []


def test_an_import_that_d1_refuses_leaves_nothing_and_is_said_in_its_words(place: Place, tmp_path: Path) -> None:
    target = place.database("main")
    (tmp_path / "dump.sql").write_text("CREATE TABLE words (word);\nINSERT INTO nowhere VALUES (1);\n")
    with pytest.raises(LoadFailed, match="no such table: nowhere"):
        by_import(tmp_path / "dump.sql", target.transfer, target.upload, patience=60)
    assert target.ask("SELECT count(*) FROM sqlite_schema WHERE name = 'words'")[0][0] == 0


def test_a_small_database_is_read_in_one_batch_of_d1(place: Place, tmp_path: Path) -> None:
    source = place.database("main", generated(7))
    written = io.BytesIO()
    manifest = dump(source.ask, written.write, source=SOURCE, together=source.together)
    assert manifest.at_once
    assert written.getvalue() == source.dump()[0]


def test_rows_without_their_parents_are_told_of_by_d1(place: Place) -> None:
    # A parent whose key is not unique is the one fault that D1 lets in with its foreign keys on.
    parts = ("CREATE TABLE p (id)", "CREATE TABLE c (p REFERENCES p (id))", "CREATE TABLE e (v)")
    target = place.database("main", parts)
    assert orphans(target.ask, AssertionError)[0].startswith("table c: ")


@pytest.mark.parametrize("seed", range(100, 106))
def test_a_database_made_by_chance_goes_out_of_d1_and_into_d1_again(
    seed: int, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "MOST", 50)
    source, target = place.database("main", generated(seed)), place.database("back")
    sql, manifest = source.dump()
    (tmp_path / "dump.sql").write_bytes(sql)
    by_import(tmp_path / "dump.sql", target.transfer, target.upload, patience=60)
    assert differences(target.ask, manifest) == []
    assert contents(target.file) == contents(source.file)


@pytest.mark.slow
def test_wrangler_loads_a_dump(nasty: Path, tmp_path: Path, cloud: LocalCloudflare) -> None:
    sql, manifest = dumped(nasty)
    api = open_api(tmp_path, stage=lambda _environment: cloud.client)
    server = ApiServer(api.app)
    wrangler = Wrangler(tmp_path / "wrangler", f"{server.url}{PREFIX}", ACCOUNT, TOKEN)
    target = Place(api, cloud.client, cloud).database("main")
    binding = {"binding": "DB", "database_name": "main", "database_id": target.id}
    wrangler.configure("shop", d1_databases=[binding])
    wrangler.write("dump.sql", sql.decode())
    wrangler.done("d1", "execute", "main", "--remote", "--yes", "--file", "dump.sql")
    assert differences(target.ask, manifest) == []
    assert contents(target.file) == contents(nasty)
    server.stop()
    api.journal.close()
    api.resources.store.close()
