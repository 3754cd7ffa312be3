"""A dump loaded again: into a file of SQLite, or into D1 by its import or in batches of its query API."""

from __future__ import annotations

import errno
import hashlib
import math
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from jobs.d1 import fingerprint, pages, schema
from jobs.d1.fingerprint import Fingerprint, Taking
from jobs.d1.manifest import Manifest
from jobs.d1.older import Older
from jobs.d1.packed import Passing, Readable
from jobs.d1.schema import LONGEST, SEQUENCE, SQLITE, Query, Table
from jobs.d1.values import Row, as_text, literal, name

_STEPS: Final = 10_000  # of SQLite's machine in one statement between two looks at the clock; about a millisecond
_OF_THE_MACHINE: Final = {
    sqlite3.SQLITE_FULL: errno.ENOSPC,
    sqlite3.SQLITE_IOERR: errno.EIO,
    sqlite3.SQLITE_CANTOPEN: errno.EACCES,
    sqlite3.SQLITE_NOMEM: errno.ENOMEM,
}
_PAUSE: Final = 1.0  # seconds between two questions about an import
DEFERRED: Final = "PRAGMA defer_foreign_keys=TRUE;"


class LoadFailed(Exception):
    """A dump was not loaded, and nothing of it is left. ``reasons`` say why, all of them."""

    def __init__(self, *reasons: str) -> None:
        self.reasons = reasons
        super().__init__("\n".join(reasons))


class Interrupted(Exception):
    """A load was ended before its end; nothing of it is left."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What is to be said of a load whose values are right. ``orphans``: see there. ``unchecked`` is what a SQLite older
    than D1's does not know, so constraints and indexes were left out."""

    orphans: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()


def statements(dump: Iterable[bytes]) -> Iterator[str]:
    """Yield the statements of a dump, which is given by its lines. Raises LoadFailed where it breaks off."""
    held = bytearray()
    for line in dump:
        held += line
        if len(held) > LONGEST:
            raise LoadFailed("the dump is damaged: it has a statement that is longer than any of a dump")
        if not line.endswith(b";\n"):
            continue
        try:
            text = held.decode()
        except UnicodeDecodeError as error:
            raise LoadFailed("the dump is damaged: it is not UTF-8") from error
        if "\0" in text:
            raise LoadFailed("the dump is damaged: it has a NUL, which no statement has")
        if sqlite3.complete_statement(text):
            yield text
            held.clear()
    if held:
        raise LoadFailed("the dump is cut off within a statement")


def require(manifest: Manifest, source: str) -> None:
    """Raise LoadFailed unless the manifest is of the database ``source``."""
    if manifest.source != source:
        raise LoadFailed(f"the dump is of {manifest.source}, not of {source}")


def verify(dump: Readable, manifest: Manifest, *, source: str, write: Callable[[bytes], object] = len) -> None:
    """Raise LoadFailed unless a dump is the one that the manifest is of, and of the database ``source``. ``write`` is
    given its SQL, unpacked; what it was given is no dump when this raises."""
    require(manifest, source)
    passing = Passing(dump, manifest)
    for line in passing:
        write(line)
    if faults := passing.faults():
        raise LoadFailed(*faults)


def asking(connection: sqlite3.Connection) -> Query:
    """Return what asks a database of SQLite as D1 answers, which replaces what is no UTF-8 in a text."""
    connection.text_factory = lambda content: content.decode(errors="replace")
    connection.create_function("atan2", 2, math.atan2, deterministic=True)  # not every build has it
    return connection.execute


def into_file(
    dump: Readable, manifest: Manifest, file: Path, *, source: str, may_go_on: Callable[[], bool] = lambda: True
) -> Loaded:
    """Load a dump into a new file of SQLite, reading it once, and compare what is in it then with the manifest.

    Raises LoadFailed; Interrupted as soon as it may not go on; OSError where the machine has no room, or the like,
    which is not the dump's fault. Then there is no file.
    """
    require(manifest, source)
    if file.exists():
        raise LoadFailed(f"{file} exists. fix: name a file that does not, because a load writes over nothing")
    passing, loaded = Passing(dump, manifest), Loaded()
    try:
        with closing(sqlite3.connect(file, isolation_level=None)) as connection:
            connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)  # a dump that is none writes to no other file
            connection.set_progress_handler(lambda: not may_go_on(), _STEPS)
            connection.execute("PRAGMA journal_mode = OFF")  # the file is new, so there is nothing to go back to
            connection.execute("BEGIN")
            older = Older(connection)
            run = older.run if sqlite3.sqlite_version_info < SQLITE else connection.execute
            for statement in statements(passing):
                _require_time(file, may_go_on)
                run(statement)
            reasons = passing.faults()
            connection.execute("COMMIT")
            if not reasons:
                loaded, reasons = _compared(connection, older, manifest)
    except LoadFailed as failed:
        reasons = passing.faults() or [*failed.reasons]
    except sqlite3.Error as error:
        file.unlink(missing_ok=True)
        _require_able(error, file)
        reasons = passing.faults() or [f"SQLite {sqlite3.sqlite_version}: {error}"]
    except BaseException:
        file.unlink(missing_ok=True)
        raise
    if reasons:
        file.unlink(missing_ok=True)
        raise LoadFailed(*reasons)
    return loaded


def _require_time(file: Path, may_go_on: Callable[[], bool]) -> None:
    if not may_go_on():
        raise Interrupted(f"{file}: the load was ended before its end")


def _require_able(error: sqlite3.Error, file: Path) -> None:
    """Raise what is to be said where SQLite could not go on, and the dump has no part in it."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF  # the rest says where it happened
    if code == sqlite3.SQLITE_INTERRUPT:
        _require_time(file, lambda: False)
    if number := _OF_THE_MACHINE.get(code):
        raise OSError(number, os.strerror(number), str(file)) from error


def _compared(connection: sqlite3.Connection, older: Older, manifest: Manifest) -> tuple[Loaded, list[str]]:
    unchecked, query = tuple(older.unchecked), asking(connection)
    if not unchecked:
        return Loaded(tuple(orphans(query))), differences(query, manifest, partial(_straight, connection))
    tables = {table.name: table for table in schema.read(query).tables if table.name not in older.bare}
    lines = [f"table {each}: not in the dump" for each in {**tables, **older.bare} if each not in manifest.tables]
    for each, expected in manifest.tables.items():
        if table := tables.get(each):
            lines += fingerprint.differences(each, expected, _straight(connection, table), table.columns)
        elif columns := older.bare.get(each):
            lines += fingerprint.differences(each, expected, _read(connection, each, columns), columns)
        elif expected.rows and each != SEQUENCE:
            lines.append(f"table {each}: missing")
    return Loaded(unchecked=unchecked), lines


def orphans(query: Query, refusal: type[Exception] = sqlite3.Error) -> list[str]:
    """Return in which rows break foreign keys, a line for each table and its parent. A database whose fingerprints are
    right had them where it was dumped, or got them because it is of no one moment; D1 refuses to load them.
    ``refusal`` is how the database says that a key can be of no use, because its parent's columns are not unique."""
    lines = list[str]()
    tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND substr(name, 1, 4) != '_cf_' ORDER BY 1"
    for (child,) in list(query(tables)):
        try:
            rows = query(
                f"SELECT parent, count(*) FROM pragma_foreign_key_check({literal(child)}) GROUP BY 1 ORDER BY 1"
            )
            lines += [f"table {child}: {count} rows reference no row of {parent}" for parent, count in rows]
        except refusal as error:
            lines.append(f"table {child}: {error}")
    return lines


def differences(query: Query, manifest: Manifest, take: Callable[[Table], Fingerprint] | None = None) -> list[str]:
    """Read a database that a dump was loaded into, and return in which it is not what the manifest says. ``take`` reads
    a table, where there is a shorter way than the pages that D1 hands out."""
    made, take = schema.read(query), take or partial(_taken, query)
    found = {table.name: (table, take(table)) for table in made.tables}
    lines = ["the schema is another one"] if made.digest != manifest.schema else []
    lines += [f"table {each}: missing" for each in manifest.tables if each not in found]
    lines += [
        f"table {each}: not in the dump" for each in found if each not in manifest.tables and not _left(found[each])
    ]
    for each, (table, taken) in found.items():
        if each in manifest.tables:
            lines += fingerprint.differences(each, manifest.tables[each], taken, table.columns)
    return lines


def _left(found: tuple[Table, Fingerprint]) -> bool:
    """Whether a table is that of the counters, without any: SQLite never drops it again."""
    return found[0].name == schema.SEQUENCE and not found[1].rows


def _taken(query: Query, table: Table) -> Fingerprint:
    return _of(table.columns, pages.rows(query, table, fingerprint.facts(query, table)))


def _straight(connection: sqlite3.Connection, table: Table) -> Fingerprint:
    return _read(connection, table.name, table.columns)


def _read(connection: sqlite3.Connection, table: str, columns: Sequence[str]) -> Fingerprint:
    """Read a table of a file as Python is handed it: its values have their types, so no SQL has to tell them."""
    before, connection.text_factory = connection.text_factory, as_text
    try:
        found = connection.execute(f"SELECT {', '.join(map(name, columns))} FROM {name(table)}")
        return _of(columns, found)
    finally:
        connection.text_factory = before


def _of(columns: Sequence[str], rows: Iterable[Row]) -> Fingerprint:
    taking = Taking(len(columns))
    for _ in taking.of(rows):
        pass
    return taking.taken()


def batches(dump: Iterable[bytes], most: int) -> Iterator[list[str]]:
    """Yield the statements in batches of ``most`` letters, each for one request to D1's query API, which is one
    transaction. Rows that reference each other in a circle have to be in the same; D1 refuses the batch otherwise.
    """
    batch, size = [DEFERRED], 0
    for statement in statements(dump):
        if statement.strip() == DEFERRED:
            continue
        if size and size + len(statement) > most:
            yield batch
            batch, size = [DEFERRED], 0
        batch.append(statement)
        size += len(statement)
    if size:
        yield batch


def by_import(
    file: Path,
    ask: Callable[[Mapping[str, str]], Mapping[str, Any]],
    upload: Callable[[str, Path], object],
    *,
    patience: float,
) -> None:
    """Load a dump by D1's import, which is one transaction. ``ask`` posts to its route and returns the result;
    ``upload`` puts a file to a URL. Raises LoadFailed when D1 refuses, or says nothing for ``patience`` seconds."""
    with file.open("rb") as opened:
        etag = hashlib.file_digest(opened, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    answer = ask({"action": "init", "etag": etag})
    if "upload_url" in answer:
        upload(str(answer["upload_url"]), file)
        answer = ask({"action": "ingest", "etag": etag, "filename": str(answer["filename"])})
    ends = time.monotonic() + patience
    while answer.get("status") == "active":
        if time.monotonic() > ends:
            raise LoadFailed(f"D1 still imports after {patience:.0f} s, and may end later")
        answer = ask({"action": "poll", "current_bookmark": str(answer["at_bookmark"])})
        if answer.get("status") == "active":
            time.sleep(_PAUSE)
    if answer.get("status") != "complete":
        raise LoadFailed(f"D1 refused the import: {answer.get('error') or answer}")
