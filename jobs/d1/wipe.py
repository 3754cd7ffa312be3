"""What empties a database, so that a dump can be loaded into the very one that there is, in the same transaction."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final

from jobs.d1.load import DEFERRED
from jobs.d1.schema import FORMS, KEYS, OURS, Query, folded
from jobs.d1.values import name

_ALL: Final = f"SELECT type, name FROM sqlite_schema WHERE type IN ('trigger', 'view', 'table') AND {OURS}"
_ACTS: Final = ("CASCADE", "SET NULL", "SET DEFAULT")
_Key = tuple[str, str, bool]  # a child, its parent, and whether the child's rows follow those that are deleted
_ORDER: Final = ("trigger", "view", "virtual")


def drops(query: Query) -> list[str]:
    """Return the statements that drop everything but what is D1's own. While foreign keys are deferred, RESTRICT is not
    looked at (SQLite, "PRAGMA defer_foreign_keys")."""
    forms: dict[str, str] = {folded(each): type_ for each, type_, _ in query(FORMS)}
    found = [(forms.get(folded(each), str(type_)), str(each)) for type_, each in query(_ALL)]
    kinds = {"trigger": "TRIGGER", "view": "VIEW"}
    last = _children_first(query, [each for type_, each in found if type_ == "table"])
    first = sorted((each for each in found if each[0] in _ORDER), key=lambda each: _ORDER.index(each[0]))
    ordered = [*first, *(("table", each) for each in last)]
    return [f"DROP {kinds.get(type_, 'TABLE')} {name(each)};" for type_, each in ordered]


def _children_first(query: Query, tables: Sequence[str]) -> list[str]:
    """Return the tables in an order in which they can be dropped. DROP deletes the rows of a table that others
    reference, and what those keys say follows, ON DELETE CASCADE; SQLite refuses that where it comes to a table of
    which a parent is dropped. What nothing references goes without a look at its rows."""
    left = {folded(each): each for each in tables}
    keys = [(folded(child), folded(parent), acts in _ACTS) for child, _, parent, _, acts in query(KEYS)]
    ordered = list[str]()
    while left:
        can = _droppable(keys, left)
        parents = {parent for child, parent, _ in keys if child in left and child != parent}
        free = next((each for each in can if each not in parents), None)
        # In a circle, one has to be first: that after which the most can go.
        chosen = free or max(can or left, key=lambda each: len(_droppable(keys, left.keys() - {each})))
        ordered.append(left.pop(chosen))
    return ordered


def _droppable(keys: Sequence[_Key], left: Collection[str]) -> list[str]:
    cut = {child for child, parent, _ in keys if parent not in left}
    return [each for each in left if not cut & _followed(each, keys, left)]


def _followed(table: str, keys: Sequence[_Key], left: Collection[str]) -> set[str]:
    """Return which tables lose or change rows when those of a table are deleted."""
    found, last = set[str](), {table}
    while last:
        last = {child for child, parent, acts in keys if acts and parent in last and child in left} - found
        found |= last
    return found


def replacing(query: Query, dump: Path, file: Path) -> None:
    """Write a file of SQL that puts what a dump holds in the place of what a database has."""
    with file.open("wb") as whole, dump.open("rb") as sql:
        whole.write("\n".join([DEFERRED, *drops(query), ""]).encode())
        shutil.copyfileobj(sql, whole)
