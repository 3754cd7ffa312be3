"""By what a table is recognised: how many values of which type, their bytes, the largest integers, and a checksum.

The checksum is of the values as they were read, whatever their order. The rest is also asked of the database in SQL, by
another road, so what the reading leaves out or changes shows.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from jobs.d1.schema import Query, Table
from jobs.d1.values import LONG, Row, as_bytes, name

TYPES: Final = ("integer", "real", "text", "blob")
_AT_ONCE: Final = 30  # columns of a query; an expression of SQLite at D1 is at most a hundred deep
_BESIDE: Final = 24  # bytes of a value in a page beside its content
_MODULUS: Final = 2**256


@dataclass(frozen=True, slots=True)
class Column:
    """How many values of each of TYPES a column has, the bytes of texts and blobs, and the outermost integers."""

    types: tuple[int, int, int, int]
    bytes: int
    least: int | None
    most: int | None


@dataclass(frozen=True, slots=True)
class Facts:
    """What a database says of a table. ``width`` is the bytes of all its rows in pages, ``widest`` of the largest."""

    rows: int
    columns: tuple[Column, ...]
    width: int
    widest: int


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Of a table, as it was read; ``checksum`` is the sum of its rows' hashes."""

    rows: int
    columns: tuple[Column, ...]
    checksum: str


def facts(query: Query, table: Table) -> Facts:
    """Ask the database about a table, without reading it."""
    columns, count, width, widest = list[Column](), 0, 0, 0
    for start in range(0, len(table.columns), _AT_ONCE):
        some = table.columns[start : start + _AT_ONCE]
        names = [f"v{number}" for number in range(len(some))]
        wide = "+".join(_width(each) for each in names)
        asked = ", ".join(["count(*)", f"coalesce(sum({wide}),0)", f"coalesce(max({wide}),0)", *map(_told, names)])
        inner = ", ".join(f"{name(column)} AS {alias}" for column, alias in zip(some, names, strict=True))
        ((count, all_, largest, *told),) = query(f"SELECT {asked} FROM (SELECT {inner} FROM {name(table.name)})")
        columns += map(_column, told)
        width, widest = width + int(all_), widest + int(largest)
    return Facts(int(count), tuple(columns), width, widest)


def _width(value: str) -> str:
    return f"{_BESIDE}+CASE WHEN typeof({value}) IN ('text','blob') THEN min(2*{_size(value)},{2 * LONG}) ELSE 0 END"


def _size(value: str) -> str:
    return f"length(CAST({value} AS BLOB))"


def _told(value: str) -> str:
    counts = "||' '||".join(f"coalesce(sum(typeof({value})='{each}'),0)" for each in TYPES)
    size = f"coalesce(sum(CASE WHEN typeof({value}) IN ('text','blob') THEN {_size(value)} END),0)"
    least, most = (
        f"coalesce({each}(CASE typeof({value}) WHEN 'integer' THEN {value} END),'')" for each in ("min", "max")
    )
    return f"{counts}||' '||{size}||' '||{least}||' '||{most}"


def _column(told: str) -> Column:
    *counts, size, least, most = told.split(" ")
    integers, reals, texts, blobs = map(int, counts)
    return Column(
        (integers, reals, texts, blobs), int(size), int(least) if least else None, int(most) if most else None
    )


@dataclass(slots=True)
class _Seen:
    types: dict[type, int] = field(default_factory=lambda: dict.fromkeys((int, float, str, bytes, type(None)), 0))
    bytes: int = 0
    least: int | None = None
    most: int | None = None

    def column(self) -> Column:
        counts = self.types
        return Column((counts[int], counts[float], counts[str], counts[bytes]), self.bytes, self.least, self.most)


def _integer(value: int, seen: _Seen, parts: list[bytes]) -> None:
    if seen.least is None or value < seen.least:
        seen.least = value
    if seen.most is None or value > seen.most:
        seen.most = value
    parts.append(b"i%d;" % value)


def _real(value: float, _seen: _Seen, parts: list[bytes]) -> None:
    parts.append(b"r" + struct.pack(">d", value))


def _text(value: str, seen: _Seen, parts: list[bytes]) -> None:
    content = as_bytes(value)
    seen.bytes += len(content)
    parts += (b"t%d:" % len(content), content)


def _blob(value: bytes, seen: _Seen, parts: list[bytes]) -> None:
    seen.bytes += len(value)
    parts += (b"b%d:" % len(value), value)


# What a value is hashed as. A table has a million of them, so each type has its own.
_CANONICAL: Final[Mapping[type, Callable[[Any, _Seen, list[bytes]], None]]] = {
    int: _integer,
    float: _real,
    str: _text,
    bytes: _blob,
    type(None): lambda _value, _seen, parts: parts.append(b"n"),
}


class Taking:
    """Takes the fingerprint of rows that pass by."""

    def __init__(self, columns: int) -> None:
        self._columns = [_Seen() for _ in range(columns)]
        self._rows = 0
        self._sum = 0

    def of(self, rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            parts = list[bytes]()
            for value, seen in zip(row, self._columns, strict=True):
                kind = type(value)
                seen.types[kind] += 1
                _CANONICAL[kind](value, seen, parts)
            self._rows += 1
            self._sum += int.from_bytes(hashlib.sha256(b"".join(parts)).digest())
            yield row

    def taken(self) -> Fingerprint:
        columns = tuple(each.column() for each in self._columns)
        return Fingerprint(self._rows, columns, f"{self._sum % _MODULUS:064x}")


def differences(table: str, expected: Fingerprint, found: Fingerprint, columns: Sequence[str]) -> list[str]:
    """Return in which a table is another one, a line each; nothing that is in it is told."""
    if expected.rows != found.rows:
        return [f"table {table}: {found.rows} rows, not {expected.rows}"]
    if len(expected.columns) != len(found.columns):
        return [f"table {table}: {len(found.columns)} columns, not {len(expected.columns)}"]
    pairs = zip(columns, expected.columns, found.columns, strict=True)
    lines = [f"table {table}, column {column}: {_unlike(old, new)}" for column, old, new in pairs if old != new]
    if not lines and expected.checksum != found.checksum:
        return [f"table {table}: as many values of the same types and lengths, and not the same values"]
    return lines


def _unlike(expected: Column, found: Column) -> str:
    if expected.types != found.types:
        pairs = zip(TYPES, expected.types, found.types, strict=True)
        return "; ".join(f"{new} of the type {type_}, not {old}" for type_, old, new in pairs if old != new)
    if expected.bytes != found.bytes:
        return f"{found.bytes} bytes of text and blobs, not {expected.bytes}"
    return "other integers"
