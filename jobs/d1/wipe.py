"""What empties a database, so that a dump can be loaded into the very one that there is, in the same transaction."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from jobs.d1.load import DEFERRED
from jobs.d1.schema import FORMS, OURS, Query, folded
from jobs.d1.values import name

_ALL: Final = f"SELECT type, name FROM sqlite_schema WHERE type IN ('trigger', 'view', 'table') AND {OURS}"
_ORDER: Final = ("trigger", "view", "virtual", "table")


def drops(query: Query) -> list[str]:
    """Return the statements that drop everything but what is D1's own. While foreign keys are deferred, it does not
    matter which table goes first, and RESTRICT is not looked at (SQLite, "PRAGMA defer_foreign_keys")."""
    forms: dict[str, str] = {folded(each): type_ for each, type_, _ in query(FORMS)}
    found = [(forms.get(folded(each), str(type_)), str(each)) for type_, each in query(_ALL)]
    kinds = {"trigger": "TRIGGER", "view": "VIEW"}
    ordered = sorted((each for each in found if each[0] in _ORDER), key=lambda each: _ORDER.index(each[0]))
    return [f"DROP {kinds.get(type_, 'TABLE')} {name(each)};" for type_, each in ordered]


def replacing(query: Query, dump: Path, file: Path) -> None:
    """Write a file of SQL that puts what a dump holds in the place of what a database has."""
    with file.open("wb") as whole, dump.open("rb") as sql:
        whole.write("\n".join([DEFERRED, *drops(query), ""]).encode())
        shutil.copyfileobj(sql, whole)
