"""What was asked of the local clouds over HTTP: one SQLite row for every call, served or not."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, fields
from operator import attrgetter
from pathlib import Path
from typing import Any, Final, Self

from bulkhead.localclouds.database import open_database


@dataclass(frozen=True, slots=True)
class Entry:
    """One call. ``route`` is the path's template, empty if the cloud has no such route; ``who`` is the name of the
    credential, empty if there was none that the cloud knows; ``resource`` is what the route was asked about; ``code``
    is the vendor's for a refusal, or how the call failed as planned; ``note`` is what the call did, where nothing else
    shows it; ``members`` are the paths of the members of its JSON body, with blanks between them: no value, which may
    be a secret."""

    cloud: str
    method: str
    route: str
    path: str
    status: int
    who: str = ""
    resource: str = ""
    code: str = ""
    note: str = ""
    members: str = ""


_COLUMNS: Final = tuple(field.name for field in fields(Entry))
_VALUES: Final = attrgetter(*_COLUMNS)  # `astuple` would copy them all, which takes a tenth of a call
_SCHEMA: Final = f"CREATE TABLE IF NOT EXISTS calls ({', '.join(f'{name} NOT NULL' for name in _COLUMNS)})"
_INSERT: Final = f"INSERT INTO calls VALUES ({', '.join('?' * len(_COLUMNS))})"  # noqa: S608 - nobody's values
_SELECT: Final = f"SELECT {', '.join(_COLUMNS)} FROM calls ORDER BY rowid"  # noqa: S608


def members_of(body: bytes) -> str:
    """Return the paths of the members of a JSON body, sorted; "" for any other."""
    try:
        found = sorted(set(members_in(json.loads(body)))) if body[:1] in {b"{", b"["} else []
    except (ValueError, RecursionError):
        return ""
    return " ".join(found).encode(errors="replace").decode()  # a name may be half of a surrogate pair


def members_in(value: Any, path: str = "") -> Iterator[str]:
    """Yield the path of each member below a value; the items of a list have one path."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield from members_in(member, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list):
        for member in value:
            yield from members_in(member, f"{path}[]")
    elif path:
        yield path


class Journal:
    """The calls of one rehearsal, oldest first. Safe to use from several threads, and to read from other processes."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._connection = open_database(path, _SCHEMA)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._connection.close()

    def add(self, entry: Entry) -> None:
        with self._lock:
            self._connection.execute(_INSERT, _VALUES(entry))

    def __iter__(self) -> Iterator[Entry]:
        with self._lock:
            rows: list[tuple[Any, ...]] = self._connection.execute(_SELECT).fetchall()
        return (Entry(*row) for row in rows)

    def unknown(self) -> list[Entry]:
        """Return the calls for which a cloud has no route, each method and path once."""
        return list({(call.method, call.path): call for call in self if not call.route}.values())
