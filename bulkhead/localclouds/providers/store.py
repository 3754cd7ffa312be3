"""The local clouds' memory: one SQLite row for every resource that exists."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bulkhead.localclouds.database import open_database

_SCHEMA = """
CREATE TABLE IF NOT EXISTS resources (
    type TEXT NOT NULL, id TEXT NOT NULL, environment TEXT NOT NULL, account TEXT NOT NULL, urn TEXT NOT NULL,
    inputs TEXT NOT NULL, outputs TEXT NOT NULL,
    PRIMARY KEY (type, id)
) STRICT
"""
# An update keeps the row's order: `all` returns the oldest first, and the newest deployment is live.
_PUT = """
INSERT INTO resources VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (type, id) DO UPDATE SET
    environment = excluded.environment, account = excluded.account, urn = excluded.urn,
    inputs = excluded.inputs, outputs = excluded.outputs
"""


@dataclass(frozen=True, slots=True)
class Record:
    """One resource as its cloud knows it. ``type`` is Pulumi's token, ``id`` the provider's id, ``environment`` the
    stack that made it, ``account`` the account or repository owner it lives in; property names are camelCase."""

    type: str
    id: str
    environment: str
    account: str
    urn: str
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]


class Store:
    """Records of all stages in one file. Safe to use from several threads and, for reading, several processes."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        self._claims: dict[str, threading.RLock] = {}
        self._connection = open_database(path, _SCHEMA)

    def close(self) -> None:
        self._connection.close()

    @contextmanager
    def claim(self, name: str) -> Iterator[None]:
        """Lock ``name`` for one thread, so that of two parallel creates of one name the second is refused."""
        with self._lock:
            lock = self._claims.setdefault(name, threading.RLock())
        with lock:
            yield

    def put(self, record: Record) -> None:
        """Write ``record``, replacing what has the same type and id."""
        row = (
            record.type,
            record.id,
            record.environment,
            record.account,
            record.urn,
            json.dumps(record.inputs, sort_keys=True),
            json.dumps(record.outputs, sort_keys=True),
        )
        with self._lock:
            self._connection.execute(_PUT, row)

    def note(self, type_: str, id_: str, urn: str) -> None:
        """Note which resource of a program made this one."""
        with self._lock:
            self._connection.execute("UPDATE resources SET urn = ? WHERE type = ? AND id = ?", (urn, type_, id_))

    def get(self, type_: str, id_: str) -> Record | None:
        """Return the resource, or None when its cloud has none of this type and id."""
        with self._lock:
            row = self._connection.execute("SELECT * FROM resources WHERE type = ? AND id = ?", (type_, id_)).fetchone()
        return None if row is None else _record(row)

    def remove(self, type_: str, id_: str) -> None:
        with self._lock:
            self._connection.execute("DELETE FROM resources WHERE type = ? AND id = ?", (type_, id_))

    def all(
        self, *, environment: str | None = None, type_: str | None = None, account: str | None = None
    ) -> list[Record]:
        """Return the records, oldest first, of one environment, one type and one account where given."""
        wanted = {"environment": environment, "type": type_, "account": account}
        given = {name: value for name, value in wanted.items() if value is not None}
        return self._select(" AND ".join(f"{name} = ?" for name in given) or "TRUE", *given.values())

    def having(self, type_: str, output: str, value: str) -> list[Record]:
        """Return the records of a type one of whose outputs is this text, oldest first."""
        return self._select("type = ? AND json_extract(outputs, '$.' || ?) = ?", type_, output, value)

    def _select(self, condition: str, *values: str) -> list[Record]:
        query = f"SELECT * FROM resources WHERE {condition} ORDER BY rowid"  # noqa: S608 - the values are not in it
        with self._lock:
            rows = self._connection.execute(query, values).fetchall()
        return [_record(row) for row in rows]


def _record(row: tuple[Any, ...]) -> Record:
    type_, id_, environment, account, urn, inputs, outputs = row
    return Record(type_, id_, environment, account, urn, json.loads(inputs), json.loads(outputs))
