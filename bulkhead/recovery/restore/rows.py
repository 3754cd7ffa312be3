"""Rows that come back from a backup into a table that goes on being used: all that are missing, or some by key."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import Any, Final

from bulkhead.clients.clouds import said_plainly
from bulkhead.model.failures import Failed
from bulkhead.model.faults import Fault, Refused
from bulkhead.operations.backups.opening import loaded
from bulkhead.recovery.restore.desk import Desk
from jobs.d1 import fingerprint, pages, schema
from jobs.d1.load import LoadFailed, asking
from jobs.d1.merge import Merge, Unlike
from jobs.d1.schema import DumpFailed, Schema, Table, folded
from jobs.d1.values import Row, Value

_SUMMARY: Final = "No row was brought back."


@dataclass(frozen=True, slots=True)
class Wanted:
    """``keys`` are as they were typed, all rows where there are none; a row that is there is overwritten if
    ``replaces`` says so, else it stays."""

    backup: str
    table: str
    keys: tuple[str, ...] = ()
    replaces: bool = False


@dataclass(frozen=True, slots=True)
class Salvage:
    """What would be done. Of ``rows`` in the backup, ``there`` are in the table now. ``content`` is the SHA-256 of the
    statements; ``triggers`` are those of the table, which act on it."""

    stage: str
    store: str
    database: str
    id: str
    backup: str
    table: str
    rows: int
    there: int
    replaces: bool
    content: str
    triggers: tuple[str, ...]

    @property
    def digest(self) -> str:
        """The fingerprint of what will be done, which does not depend on what is there."""
        agreed = {name: value for name, value in asdict(self).items() if name != "there"}
        return hashlib.sha256(json.dumps(agreed, sort_keys=True).encode()).hexdigest()

    def require(self, digest: str) -> None:
        """Raise Refused unless this is what was agreed to."""
        if digest != self.digest:
            message = f"is not of what would be done now, {self.digest}"
            raise _refused(f"--apply {digest}", message, "the same command with --plan shows what that is")

    def says(self) -> list[str]:
        """Return what becomes of the rows, in words."""
        missing, fate = self.rows - self.there, "are overwritten" if self.replaces else "stay as they are"
        lines = [f"table {self.table}: rows: {missing:,} are added", f"rows: {self.there:,} are there and {fate}"]
        if self.triggers:
            lines.append(f"triggers act on them: {', '.join(self.triggers)}")
        return lines

    def document(self) -> dict[str, Any]:
        return {"digest": self.digest, **asdict(self)}


class Rows:
    """The rows of one wish, read from its backup."""

    def __init__(self, desk: Desk, wanted: Wanted) -> None:
        self._desk = desk
        self._wanted = wanted
        self._file = desk.folder / "rows.sql"

    def planned(self) -> Salvage:
        """Return what would be done; changes nothing. Raises Refused with every fault at once."""
        desk, wanted = self._desk, self._wanted
        vault, backup = desk.backups.named(wanted.backup)
        desk.say(f"Reading {wanted.backup} ...")
        with (
            said_plainly("S3", "reading the backup"),
            loaded(desk.backups.place, vault, backup, desk.folder) as opened,
            closing(sqlite3.connect(opened.file)) as connection,
        ):
            return self._read(connection)

    def carry_out(self, salvage: Salvage) -> str:
        """Bring the rows back in one transaction; return the bookmark of what was before. Raises Failed where D1
        refuses: then no row was changed."""
        database = self._desk.database
        bookmark = database.bookmark()
        try:
            database.load(self._file)
        except LoadFailed as failed:
            hint = "Rows that they reference come first: their table, by the same command."
            known = [hint] if "FOREIGN KEY" in str(failed) else []
            raise Failed(f"No row of {salvage.table} was brought back.", [*failed.reasons, *known]) from failed
        return bookmark

    def _read(self, connection: sqlite3.Connection) -> Salvage:
        desk, wanted, query = self._desk, self._wanted, asking(connection)
        dumped = self._table(schema.read(query))
        try:
            live = schema.read(desk.database.raw)
        except DumpFailed as failed:
            raise Refused(_SUMMARY, [Fault(desk.database.name, str(failed))]) from failed
        there = next((each for each in live.tables if folded(each.name) == folded(dumped.name)), None)
        if there is None:
            fix = f"bulkhead migrate {desk.stage} --database {desk.store.name} makes it, or restore the whole database"
            raise _refused(dumped.name, f"is no table of {desk.database.name} now", fix)
        try:
            merge = Merge.of(desk.database.raw, there.name, dumped, schema.declared(query, dumped.name).columns)
        except Unlike as unlike:
            fix = f"bulkhead backup {desk.stage} open {wanted.backup} lets you look at them"
            raise Refused(_SUMMARY, [Fault(there.name, each, fix) for each in unlike.reasons]) from unlike
        chosen = _Chosen(query, dumped, merge, _keys(wanted.keys, merge))
        found = merge.there(desk.database.raw, chosen.keys())
        if missing := chosen.unmet:
            fix = "leave it out, or name an older backup"
            raise Refused(_SUMMARY, [Fault(f"--key {each}", "is no row of the backup", fix) for each in missing])
        digest = hashlib.sha256()
        with self._file.open("wb") as sql:
            for statement in merge.sql(live, chosen.rows(), replaces=wanted.replaces):
                line = f"{statement}\n".encode()
                digest.update(line)
                sql.write(line)
        triggers = tuple(each.name for each in live.of("trigger") if folded(each.table) == folded(there.name))
        database = desk.database
        return Salvage(
            desk.stage,
            desk.store.name,
            database.name,
            database.id,
            wanted.backup,
            there.name,
            chosen.count,
            found,
            wanted.replaces,
            digest.hexdigest(),
            triggers,
        )

    def _table(self, made: Schema) -> Table:
        asked = folded(self._wanted.table)
        found = next((each for each in made.tables if folded(each.name) == asked), None)
        if found is None or found.name == schema.SEQUENCE:
            known = ", ".join(each.name for each in made.tables if each.name != schema.SEQUENCE) or "none"
            raise _refused(
                f"--table {self._wanted.table}", f"is no table of the backup; those are: {known}", "name one"
            )
        return found


class _Chosen:
    """The rows of a backup that are wanted; ``unmet`` are keys that it has not, once `keys` has ended."""

    def __init__(self, query: schema.Query, table: Table, merge: Merge, wanted: dict[tuple[str, ...], str]) -> None:
        self._query, self._table, self._merge, self._wanted = query, table, merge, wanted
        self._facts = fingerprint.facts(query, table)
        self.count = 0
        self.unmet: list[str] = []

    def keys(self) -> Iterator[Row]:
        met = set[tuple[str, ...]]()
        self.count = 0
        for key, _ in self._each():
            met.add(_typed(key)) if self._wanted else None
            self.count += 1
            yield key
        self.unmet = [said for key, said in self._wanted.items() if key not in met]

    def rows(self) -> Iterator[Row]:
        return (row for _, row in self._each())

    def _each(self) -> Iterator[tuple[Row, Row]]:
        rows = pages.rows(self._query, self._table, self._facts)
        for key, row in self._merge.keyed(rows):
            if not self._wanted or _typed(key) in self._wanted:
                yield key, row


def _keys(said: Sequence[str], merge: Merge) -> dict[tuple[str, ...], str]:
    """Return the wanted keys as they are compared, by what was typed. One of several columns is a list of JSON."""
    columns = [each.column for each in merge.keys]
    found, faults = dict[tuple[str, ...], str](), list[Fault]()
    for each in said:
        if len(columns) == 1:
            found[(each,)] = each
            continue
        try:
            parts = json.loads(each)
        except ValueError:
            parts = None
        if not isinstance(parts, list) or len(parts) != len(columns):
            fix = f"write a list of JSON, in this order: {json.dumps(columns, ensure_ascii=False)}"
            faults.append(Fault(f"--key {each}", f"the key of a row has {len(columns)} columns", fix))
            continue
        found[tuple("" if part is None else str(part) for part in parts)] = each
    if faults:
        raise Refused(_SUMMARY, faults)
    return found


def _typed(key: Row) -> tuple[str, ...]:
    return tuple(map(_shown, key))


def _shown(value: Value) -> str:
    """Return a value as a person types it; a blob by its hex digits."""
    match value:
        case None:
            return ""
        case bytes():
            return value.hex()
    return str(value)


def _refused(key: str, message: str, fix: str) -> Refused:
    return Refused(_SUMMARY, [Fault(key, message, fix)])
