"""What it takes to judge 200 migrations of a database, one after another, before any is applied."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Final

from benchmarks.harness import Benchmark, Samples
from bulkhead.delivery.migrations.files import Migration
from bulkhead.delivery.migrations.ledger import Standing
from bulkhead.delivery.migrations.plan import judged
from bulkhead.model.failures import Failed

JUDGED: Final = "200 migrations judged"
_COUNT: Final = 200
_ANEW: Final = """PRAGMA foreign_keys=OFF;
CREATE TABLE new (id INTEGER PRIMARY KEY, name TEXT NOT NULL DEFAULT '', at TEXT{more});
INSERT INTO new (id, name, at) SELECT id, name, at FROM t{table};
DROP TABLE t{table};
ALTER TABLE new RENAME TO t{table};"""


def migrations(count: int = _COUNT) -> Iterator[Migration]:
    """Yield what a database goes through in some years: tables that reference each other, columns, indexes, rows, and
    tables made anew."""
    for number in range(count):
        table = number // 4
        owner = f", owner INTEGER REFERENCES t{table - 1}(id) ON DELETE CASCADE" if table else ""
        text = (
            f"CREATE TABLE t{table} (id INTEGER PRIMARY KEY, name TEXT NOT NULL, at TEXT{owner});",
            f"ALTER TABLE t{table} ADD COLUMN c{number} TEXT; CREATE INDEX i{number} ON t{table} (name, c{number});",
            f"INSERT INTO t{table} (name) VALUES ('a; b'); UPDATE t{table} SET c{number - 1} = upper(name);",  # noqa: S608
            _ANEW.format(table=table, more=f", c{number} TEXT{owner}"),
        )[number % 4]
        yield Migration(f"{number:04}_m.sql", text)


def judge(found: list[Migration]) -> Samples:
    """Return the seconds. Raises Failed when one could not be judged: then it would not have been the same work."""
    started = time.perf_counter()
    planned = list(judged(found, Standing({})))
    seconds = time.perf_counter() - started
    if failed := [f"{each.migration.name}: {each.unjudged}" for each in planned if each.unjudged]:
        raise Failed("migrations that are measured could not be judged", failed)
    return {JUDGED: seconds}


BENCHMARK: Final = Benchmark([lambda: judge(list(migrations()))], rounds=5, limits={JUDGED: 1.0})
