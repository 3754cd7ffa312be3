"""A backup of a database against the slower of its two halves, reading its pages and sending as many bytes, each bare.

The database is a file of SQLite behind the local Cloudflare's HTTP, and S3 one that only writes down what it is sent.
"""

from __future__ import annotations

import json
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, Final

from benchmarks import bare_s3
from benchmarks.children import run
from benchmarks.harness import Benchmark, Ratio, Samples, Way
from benchmarks.stored import BACKUP, VAULT
from bulkhead.localclouds.api.server import ApiServer
from bulkhead.localclouds.cloudflare.api.app import PREFIX
from jobs.d1 import fingerprint, pages, schema
from jobs.d1.load import asking

USUAL: Final = 0.1  # gigabytes
BACKED_UP: Final = "a backup, s"
READ: Final = "its pages read, s"
SENT: Final = "its bytes sent, s"
SLOWER: Final = "the slower of both, s"
MEMORY: Final = "memory of a backup at its most, MB"
PROCESSOR: Final = "processor time of a backup, s"
_ROW: Final = 375  # bytes, with its index
_ROWS: Final = """INSERT INTO bookings WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
SELECT i, 'guest ' || (i * 7919 % 100003), 'guest' || i || '@example.com',
 '2026-11-' || printf('%02d', i % 30 + 1) || 'T' || printf('%02d', i % 24) || ':00:00Z', i % 9 + 1,
 (i % 100000) / 7.0, i % 2, hex(randomblob(100)) || ' it''s a note 日本語', randomblob(16) FROM n"""
_TABLE: Final = """CREATE TABLE bookings (id INTEGER PRIMARY KEY, guest TEXT NOT NULL, email TEXT NOT NULL, starts TEXT,
 party INTEGER, price REAL, paid INTEGER, note TEXT, token BLOB)"""


def fill(file: Path, gigabytes: float) -> None:
    """Make a database of bookings: texts, integers, reals, blobs, an index."""
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute(_TABLE)
        connection.execute("CREATE INDEX bookings_by_start ON bookings (starts)")
        connection.execute(_ROWS, (int(gigabytes * 1e9 / _ROW),))


@contextmanager
def stage(folder: Path, gigabytes: float) -> Iterator[dict[str, Any]]:
    """Yield what `benchmarks.stored` is told of a database, and of an S3 to which it goes."""
    from tests.support.cloudflare_api import ACCOUNT, TOKEN, open_api  # noqa: PLC0415 (imports the SDKs' types)
    from tests.support.sqlite_stage import SqliteStage  # noqa: PLC0415

    with ExitStack() as ending:
        files = SqliteStage(folder)
        api = open_api(folder / "api", stage=lambda _environment: files)
        ending.callback(api.journal.close)
        ending.callback(api.resources.store.close)
        server = ApiServer(api.app)
        ending.callback(server.stop)
        s3 = ending.enter_context(bare_s3.served(folder))
        databases = f"/accounts/{ACCOUNT}/d1/database"
        id_ = api.result("POST", databases, {"name": "main"})["uuid"]
        fill(files.d1_file(id_), gigabytes)
        yield {
            "s3": s3.url,
            "cloudflare": f"{server.url}{PREFIX}",
            "account": ACCOUNT,
            "token": TOKEN,
            "database": id_,
            "folder": str(folder),
            "pages": str(_asked(folder, files.d1_file(id_))),
            "dump": str(s3.file(f"/{VAULT}/{BACKUP.key}")),
        }


def _asked(folder: Path, file: Path) -> Path:
    """Write down the statements by which a backup reads the rows."""
    asked = list[str]()
    with closing(sqlite3.connect(file)) as connection:
        query = asking(connection)

        def noted(sql: str) -> Any:
            asked.append(sql)
            return query(sql)

        for table in schema.read(query).tables:
            for _ in pages.rows(noted, table, fingerprint.facts(query, table)):
                pass
    (folder / "pages.json").write_text(json.dumps(asked))
    return folder / "pages.json"


def done(what: str, told: Mapping[str, Any]) -> dict[str, float]:
    """Have it done in a process of its own; return what that says of itself. Raises Failed."""
    return dict(run("-W", "ignore", "-m", "benchmarks.stored", what, json.dumps(told)).said)


def _ways(gigabytes: float) -> Callable[[], AbstractContextManager[Sequence[Way]]]:
    @contextmanager
    def ways() -> Iterator[Sequence[Way]]:
        with tempfile.TemporaryDirectory() as folder, stage(Path(folder), gigabytes) as told:

            def backed_up() -> Samples:
                took = done("backup", told)
                told["bytes"] = Path(told["dump"]).stat().st_size
                return {BACKED_UP: took["seconds"], PROCESSOR: took["processor"], MEMORY: took["megabytes"]}

            def bare() -> Samples:
                took = {READ: done("read", told)["seconds"], SENT: done("upload", told)["seconds"]}
                return {**took, SLOWER: max(took.values())}

            yield [backed_up, bare]

    return ways


def sized(gigabytes: float) -> Benchmark:
    ratio = Ratio("a backup / the slower of reading and sending", [BACKED_UP], [SLOWER], 4.5)
    return Benchmark(_ways(gigabytes), rounds=3, ratio=ratio, limits={MEMORY: 128}, unit="")


BENCHMARK: Final = sized(USUAL)
