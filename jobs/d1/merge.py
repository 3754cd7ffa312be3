"""Some rows of a dump into a table that goes on being used: missing ones are added, others stay or are overwritten.

The rows are written beside the table first, as they are, so that the database itself says which are there, by the
table's own key and its collations, in the transaction that changes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from jobs.d1.dump import Scratch, inserts
from jobs.d1.load import DEFERRED
from jobs.d1.schema import Key, Query, Schema, Table, declared, folded
from jobs.d1.values import Row, literal, name

_BESIDE: Final = "_bulkhead_rows"
_AT_ONCE: Final = 500  # keys of a query
_ROOM: Final = 60_000  # letters of one


class Unlike(Exception):
    """A table cannot take rows of the dump's; ``reasons`` say why, all of them."""

    def __init__(self, *reasons: str) -> None:
        self.reasons = reasons
        super().__init__("; ".join(reasons))


@dataclass(frozen=True, slots=True)
class Merge:
    """What of a table's rows goes from ``dumped`` into ``live``: ``columns`` as the dump calls them, by their place in
    its rows, and ``keys`` by which a row is the same one."""

    live: Table
    columns: tuple[tuple[int, str], ...]
    keys: tuple[Key, ...]

    @classmethod
    def of(cls, query: Query, live: str, dumped: Table, columns: Sequence[str]) -> Merge:
        """``live`` is a table of the database that ``query`` asks; of the dump's, ``columns`` are those that were
        declared. Raises Unlike where the live table has not all of them, or no key that they know."""
        table = declared(query, live)
        there = {folded(each) for each in table.columns}
        places = {folded(each): (dumped.columns.index(each), each) for each in columns}
        reasons = [f"column {said} is not there any more" for each, (_, said) in places.items() if each not in there]
        unknown = [each.column for each in table.keys if folded(each.column) not in places]
        reasons += [f"its key has the column {each} now, which the backup does not know" for each in unknown]
        if not table.keys:
            reasons.append("it has no primary key, so nobody can say which of its rows are missing")
        if reasons:
            raise Unlike(*reasons)
        return cls(table, tuple(places.values()), table.keys)

    def keyed(self, rows: Iterable[Row]) -> Iterator[tuple[Row, Row]]:
        """Yield each row of the dump after its key."""
        places = {folded(column): place for place, column in self.columns}
        own = [places[folded(each.column)] for each in self.keys]
        yield from ((tuple(row[place] for place in own), row) for row in rows)

    def there(self, query: Query, keys: Iterable[Row]) -> int:
        """Return how many rows of these keys the live table has."""
        found, batch, size = 0, list[str](), 0
        for key in keys:
            text = f"({','.join(map(literal, key))})"
            if batch and (len(batch) == _AT_ONCE or size + len(text) > _ROOM):
                found, batch, size = found + self._count(query, batch), [], 0
            batch.append(text)
            size += len(text)
        return found + (self._count(query, batch) if batch else 0)

    def _count(self, query: Query, keys: Sequence[str]) -> int:
        columns = ", ".join(each.sorted for each in self.keys)
        asked = f"SELECT count(*) FROM {name(self.live.name)} WHERE ({columns}) IN (VALUES {','.join(keys)})"
        ((count,),) = query(asked)
        return int(count)

    def sql(self, made: Schema, rows: Iterable[Row], *, replaces: bool) -> Iterator[str]:
        """Yield the statements of one transaction in a database that is made so."""
        table, beside = name(self.live.name), made.free(_BESIDE)
        names = {folded(column): f"c{number}" for number, (_, column) in enumerate(self.columns)}
        scratch = Scratch(made)
        yield DEFERRED
        yield f"CREATE TABLE {beside} ({', '.join(names.values())});"
        parts = (tuple(row[place] for place, _ in self.columns) for row in rows)
        yield from inserts(Table(beside, tuple(names.values()), ()), parts, scratch)
        same = " AND ".join(f"{table}.{each.sorted} IS s.{names[folded(each.column)]}" for each in self.keys)
        keyed = {folded(each.column) for each in self.keys}
        sets = [
            f"{name(column)}=s.{names[folded(column)]}" for _, column in self.columns if folded(column) not in keyed
        ]
        if replaces and sets:
            yield f"UPDATE {table} SET {', '.join(sets)} FROM {beside} AS s WHERE {same};"
        columns = ", ".join(name(column) for _, column in self.columns)
        missing = f"NOT EXISTS (SELECT 1 FROM {table} WHERE {same})"
        yield f"INSERT INTO {table} ({columns}) SELECT {', '.join(names.values())} FROM {beside} AS s WHERE {missing};"
        yield from scratch.dropped()
        yield f"DROP TABLE {beside};"
