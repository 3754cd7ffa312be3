"""An empty copy of a database's schema in SQLite, in which migrations are run to see what they do (pure).

Only the schema is copied, so statements that read or write rows are compiled and not run: the authorizer tells what
they would touch. SQLite is of the version that D1 has, because what it takes differs from one to the next.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

import apsw

from bulkhead.clients.sql import folded, words
from bulkhead.delivery.migrations.effects import Effect, Step, effect_of
from bulkhead.delivery.migrations.files import Migration
from bulkhead.delivery.migrations.schema import Column, Other, Reference, Schema, Table, checks_of

_ROWS: Final = {"insert", "replace", "update", "delete", "with", "select", "values"}
# SQLite copies one table into another of the same form without naming a column, unless there is a WITH.
_SLOWLY: Final = dict.fromkeys(("insert", "replace"), "WITH bulkhead_nothing AS (SELECT 1) ")
_LEGACY: Final = "legacy_alter_table"
_USUAL: Final = f"PRAGMA {_LEGACY} = OFF"
_TOUCHES: Final = {apsw.SQLITE_INSERT: "insert", apsw.SQLITE_UPDATE: "update", apsw.SQLITE_DELETE: "delete"}
# What workerd's authorizer refuses as well.
_DENIED: Final = {
    apsw.SQLITE_ATTACH,
    apsw.SQLITE_DETACH,
    apsw.SQLITE_TRANSACTION,
    apsw.SQLITE_SAVEPOINT,
    apsw.SQLITE_CREATE_TEMP_TABLE,
    apsw.SQLITE_CREATE_TEMP_INDEX,
    apsw.SQLITE_CREATE_TEMP_TRIGGER,
    apsw.SQLITE_CREATE_TEMP_VIEW,
}
_REFUSED: Final = "D1 allows no transaction, other file or temporary table in a migration"
_OBJECTS: Final = "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE substr(name, 1, 7) != 'sqlite_'"
_COLUMNS: Final = 'SELECT name, type, "notnull", dflt_value, pk, hidden FROM pragma_table_xinfo(?)'
_FOREIGN: Final = 'SELECT id, "table", "from", "to", on_delete FROM pragma_foreign_key_list(?) ORDER BY id, seq'
_INDEXES: Final = 'SELECT name, "unique", origin, partial FROM pragma_index_list(?)'
_INDEXED: Final = "SELECT name FROM pragma_index_info(?) ORDER BY seqno"
_CHILDREN: Final = """SELECT DISTINCT m.name FROM sqlite_schema m, pragma_foreign_key_list(m.name) f
    WHERE m.type = 'table' AND lower(f."table") = ?"""
_FORMS: Final = "SELECT name, type, wr, strict FROM pragma_table_list WHERE schema = 'main'"


class Made(NamedTuple):
    """A table, index, trigger or view, and the statement that made it."""

    type: str
    name: str
    sql: str


class Uncopied(Exception):
    """A schema cannot be made again in SQLite; the text says why."""


class Copy:
    """A database without rows, in memory. ``made`` is what there is in the one that it is a copy of."""

    def __init__(self, made: Iterable[Made] = ()) -> None:
        self._db = apsw.Connection(":memory:")
        self._run("PRAGMA foreign_keys = ON")  # as D1, and what a rename changes depends on it
        self._known: dict[tuple[str, str], Table | Other] = {}
        for each in sorted(made, key=_rank):
            try:
                self._run(each.sql)
            except apsw.Error as error:
                if folded(each.name) not in self._shadows():
                    raise Uncopied(f"{each.type} {each.name}: {error}") from error
        self.schema = self._schema()

    def run(self, migration: Migration) -> Effect:
        """Run a migration and return what it does. One that SQLite refuses changes nothing."""
        before, steps = self.schema, list[Step]()
        self._run("SAVEPOINT migration")
        for number, statement in enumerate(migration.statements, 1):
            step = Step(words(statement))
            try:
                self._take(statement, step)
            except apsw.ConstraintError:
                pass  # of rows, which are not here
            except apsw.Error as error:
                self._run(f"ROLLBACK TO migration; RELEASE migration; {_USUAL}")
                why = _REFUSED if isinstance(error, apsw.AuthError) else error
                return Effect(failure=f"statement {number}: {why}")
            steps.append(step)
        self._run(f"RELEASE migration; {_USUAL}")
        self.schema = self._schema()
        return effect_of(before, steps, self.schema)

    def _take(self, statement: str, step: Step) -> None:
        if step.verb == "pragma":
            if step.words[1:2] == [_LEGACY]:  # of those that D1 takes, the one which decides what a statement does
                self._run(statement)
            return
        if step.dropped is not None:
            step.children = tuple(self._children(step.dropped))

        def authorize(action: int, first: str | None, second: str | None, _db: str | None, within: str | None) -> int:
            if action in _DENIED:
                return apsw.SQLITE_DENY
            table = folded(first or "")
            if within is None and step.copies and not table.startswith("sqlite_"):
                if action == apsw.SQLITE_READ:
                    step.read.setdefault(table, set()).add(folded(second or ""))
                elif action in _TOUCHES and step.verb in _ROWS:
                    step.touched.setdefault(_TOUCHES[action], set()).add(table)
            return apsw.SQLITE_OK

        self._db.authorizer = authorize
        try:
            self._run(f"EXPLAIN {_SLOWLY.get(step.verb, '')}{statement}" if step.verb in _ROWS else statement)
        finally:
            self._db.authorizer = None

    def _children(self, table: str) -> Iterator[tuple[str, Reference, Table]]:
        """Yield what references a table as it is at this moment."""
        for (name,) in self._rows(_CHILDREN, table):
            child = self._table(name, next(sql for (sql,) in self._rows(_SQL_OF, folded(name))), frozenset())
            yield from ((folded(name), each, child) for each in child.references if each.parent == table)

    def _schema(self) -> Schema:
        forms, found = {folded(name): (type_, wr, strict) for name, type_, wr, strict in self._rows(_FORMS)}, {}
        for type_, name, table, sql in [*self._rows(_OBJECTS)]:
            form = forms.get(folded(name), ("", 0, 0))
            if form[0] == "shadow" or sql is None:
                continue
            known = self._known.get((name, sql))
            if known is None:
                known = self._look(type_, name, table, sql, form)
                self._known[name, sql] = known
            found[folded(name)] = known
        return found

    def _look(self, type_: str, name: str, table: str, sql: str, form: tuple[str, int, int]) -> Table | Other:
        if type_ == "table":
            said = {"virtual": form[0] == "virtual", "without rowid": bool(form[1]), "strict": bool(form[2])}
            return self._table(name, sql, frozenset(each for each, holds in said.items() if holds))
        mine = [each for each in self._rows(_INDEXES, table) if each[0] == name] if type_ == "index" else []
        unique = bool(mine and mine[0][1])
        columns = self._indexed(name) if unique and not mine[0][3] else ()
        columns = columns if all(columns) else ()  # an expression has no name
        return Other(type_, name, folded(table), tuple(words(sql)), columns, unique)

    def _table(self, name: str, sql: str, form: frozenset[str]) -> Table:
        plain = "virtual" not in form
        columns = {
            folded(each): Column(each, _affinity(type_), type_.upper(), bool(required), default, key, hidden, collation)
            for each, type_, required, default, key, hidden in self._rows(_COLUMNS, name)
            for collation in [self._db.column_metadata("main", name, each)[1] if plain else "BINARY"]
        }
        unique = {self._indexed(each[0]) for each in self._rows(_INDEXES, name) if each[1] and each[2] != "c"}
        checks = checks_of(sql) if plain else {}
        return Table(name, columns, frozenset(self._references(name)), frozenset(unique), checks, form)

    def _references(self, name: str) -> Iterator[Reference]:
        grouped: dict[int, list[Any]] = {}
        for each in self._rows(_FOREIGN, name):
            grouped.setdefault(each[0], []).append(each)
        for parts in grouped.values():
            keys = tuple(folded(each[3] or "") for each in parts)
            columns = tuple(folded(each[2]) for each in parts)
            yield Reference(columns, folded(parts[0][1]), keys, parts[0][4])

    def _indexed(self, index: str) -> tuple[str, ...]:
        return tuple(sorted(folded(name or "") for (name,) in self._rows(_INDEXED, index)))

    def _shadows(self) -> set[str]:
        return {folded(name) for name, type_, *_ in self._rows(_FORMS) if type_ == "shadow"}

    def _run(self, sql: str) -> None:
        for _ in self._db.execute(sql, can_cache=False):
            pass

    def _rows(self, sql: str, *bound: str) -> list[Any]:
        return list(self._db.execute(sql, bound))


_SQL_OF: Final = "SELECT sql FROM sqlite_schema WHERE type = 'table' AND lower(name) = ?"
_RANKS: Final = ("table", "index", "view", "trigger")


def _rank(made: Made) -> tuple[bool, int]:
    """Virtual tables first: they make tables of their own, which are in the list as well."""
    return (words(made.sql[:100])[1:2] != ["virtual"], _RANKS.index(made.type))


def _affinity(type_: str) -> str:
    """Return what SQLite makes of a declared type. Source: "Datatypes In SQLite", 3.1."""
    upper = type_.upper()
    if "INT" in upper:
        return "integer"
    if any(part in upper for part in ("CHAR", "CLOB", "TEXT")):
        return "text"
    if not upper or "BLOB" in upper:
        return "blob"
    return "real" if any(part in upper for part in ("REAL", "FLOA", "DOUB")) else "numeric"
