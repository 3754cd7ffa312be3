"""An index of texts (FTS5) over another table: it may have fewer rows than that, and `rebuild` would give it all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from jobs.d1.schema import Made, Query
from jobs.d1.values import literal, name

_PAGE: Final = 4_000  # rows of an answer, and of a statement: 20 digits each, below the 100 KB of D1
_OPTION: Final = r"\b{}\s*=\s*(?:'((?:[^']|'')*)'|\"((?:[^\"]|\"\")*)\"|([^\s,)'\"]+))"
_CONTENT: Final = re.compile(_OPTION.format("content"), re.IGNORECASE)
_ROWID: Final = re.compile(_OPTION.format("content_rowid"), re.IGNORECASE)


def filled(query: Query, index: Made) -> Iterator[str]:
    """Yield what fills an index from its table as it was filled: all of it, without the rows that were not in it.

    An index that keeps no sizes (``columnsize=0``) does not tell which rows it has, and is filled with all."""
    own = name(index.name)
    yield f"INSERT INTO {own} ({own}) VALUES ('rebuild');"
    content = _option(_CONTENT, index.sql)
    sizes = f"{index.name}_docsize"
    known = query(f"SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = {literal(sizes)}")
    if content is None or not next(iter(known))[0]:
        return
    rowid = name(_option(_ROWID, index.sql) or "rowid")
    columns = ", ".join(name(row[0]) for row in query(f"SELECT name FROM pragma_table_info({literal(index.name)})"))
    missing = f"FROM {name(content)} WHERE {rowid} NOT IN (SELECT id FROM {name(sizes)})"
    after = ""
    while ids := [
        str(row[0])
        for row in query(f"SELECT CAST({rowid} AS TEXT) {missing}{after} ORDER BY {rowid} LIMIT {_PAGE}")
        if row[0] is not None
    ]:
        among = f"FROM {name(content)} WHERE {rowid} IN ({', '.join(ids)})"
        yield f"INSERT INTO {own} ({own}, rowid, {columns}) SELECT 'delete', {rowid}, {columns} {among};"
        after = f" AND {rowid} > {ids[-1]}"


def _option(option: re.Pattern[str], sql: str) -> str | None:
    found = option.search(sql)
    if found is None:
        return None
    quoted, named, bare = found.groups()
    return quoted.replace("''", "'") if quoted is not None else named.replace('""', '"') if named is not None else bare
