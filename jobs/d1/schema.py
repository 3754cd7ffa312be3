"""What a database is made of, asked in SQL that D1 allows."""

from __future__ import annotations

import hashlib
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from string import ascii_lowercase, ascii_uppercase
from typing import Any, Final

from jobs.d1.values import literal, name

# Answers one statement with its rows, values in the order of their columns. Over D1's API that is its route `raw`;
# parameters are not needed, and the API turns some of them into text.
Query = Callable[[str], Iterable[Sequence[Any]]]

# Of each foreign key: its table, the parent, and which of its columns it names; none means the primary key.
_References = list[tuple[str, str, tuple[str, ...]]]

LONGEST: Final = 100_000  # bytes of a statement; source: D1, "Limits"
SQLITE: Final = (3, 47, 0)  # D1's, which answers nobody who asks it; source: workerd's own, by what it knows
MIGRATIONS: Final = "d1_migrations"  # where wrangler, and so we, note what was applied
SEQUENCE: Final = "sqlite_sequence"
OURS: Final = "substr(name, 1, 4) != '_cf_' AND substr(tbl_name, 1, 4) != '_cf_' AND substr(name, 1, 7) != 'sqlite_'"
_MADE: Final = f"SELECT type, name, tbl_name, hex(sql) FROM sqlite_schema WHERE sql NOT NULL AND {OURS} ORDER BY rowid"
FORMS: Final = "SELECT name, type, wr FROM pragma_table_list WHERE schema = 'main'"
KEYS: Final = (
    'SELECT made.name, key.id, key."table", key."to", key.on_delete'
    " FROM sqlite_schema AS made, pragma_foreign_key_list(made.name) AS key"
    f" WHERE made.type = 'table' AND {OURS} ORDER BY made.name, key.id, key.seq"
)
_ROWIDS: Final = ("rowid", "_rowid_", "oid")
_DERIVED: Final = "fts5vocab"
_INDEXED: Final = "fts5"
_MODULE: Final = re.compile(r"\bUSING\s+[\"'`\[]?(\w+)", re.IGNORECASE)
_CONTENTLESS: Final = re.compile(r"\bcontent\s*=\s*(''|\"\"|,|\))", re.IGNORECASE)
_SMALL: Final = str.maketrans(ascii_uppercase, ascii_lowercase)


class DumpFailed(Exception):
    """A database cannot be dumped; the text says why, and what would help."""


@dataclass(frozen=True, slots=True)
class Key:
    """A column by which pages follow each other. ``collation`` where the key sorts otherwise than the column; saying it
    for every column would keep SQLite from using the key."""

    column: str
    collation: str | None = None

    @property
    def sorted(self) -> str:
        return name(self.column) if self.collation is None else f"{name(self.column)} COLLATE {self.collation}"


@dataclass(frozen=True, slots=True)
class Table:
    """A table with rows of its own. ``columns`` are what an INSERT names: no generated ones, and the rowid where no
    column holds it. ``keys`` is empty where the columns hide every name of the rowid."""

    name: str
    columns: tuple[str, ...]
    keys: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class Made:
    """A table, index, view or trigger, and the SQL that made it."""

    type: str
    name: str
    table: str
    sql: str

    @property
    def statement(self) -> str:
        """The SQL with its end, which a comment must not swallow."""
        ends = (f"{self.sql}{end}" for end in (";", "\n;", "*/;"))
        return next((each for each in ends if sqlite3.complete_statement(each)), f"{self.sql};")


@dataclass(frozen=True, slots=True)
class Schema:
    """``made`` has the tables parents first; ``tables`` those with rows, in the same order. ``settings`` are SQL that
    brings an index of texts to where it was. ``keyed`` are the indexes that make columns unique which a foreign key
    names: without them, no row of the child can be written."""

    made: tuple[Made, ...]
    tables: tuple[Table, ...]
    rebuilt: tuple[Made, ...] = ()
    settings: tuple[str, ...] = ()
    keyed: frozenset[str] = frozenset()

    def of(self, type_: str) -> list[Made]:
        return [each for each in self.made if each.type == type_]

    def free(self, wanted: str) -> str:
        """Return a name that nothing here has, as near to the ``wanted`` one as can be."""
        taken = {folded(each.name) for each in self.made}
        while folded(wanted) in taken:
            wanted += "_"
        return wanted

    @property
    def digest(self) -> str:
        """A hash of what was made, in whichever order, without what a load by the `sqlite3` command loses: a CR."""
        lines = sorted(f"{each.type}\0{each.name}\0{_bare(each.sql)}\0" for each in self.made)
        return hashlib.sha256("".join(lines).encode(errors="surrogateescape")).hexdigest()


def folded(text: str) -> str:
    """Return a name as SQLite compares it: it tells capitals from small letters beyond ASCII."""
    return text.translate(_SMALL)


def read(query: Query) -> Schema:
    """Return what the database is made of. Raises DumpFailed for what cannot be made again."""
    forms = {folded(each): (type_, bool(wr)) for each, type_, wr in query(FORMS)}
    made = [Made(type_, each, table, _text(each, sql)) for type_, each, table, sql in query(_MADE)]
    made = [each for each in made if each.type != "table" or _form(forms, each.name)[0] != "shadow"]
    keys = [[*rows] for _, rows in groupby(query(KEYS), itemgetter(0, 1))]
    references = [
        (folded(key[0][0]), folded(key[0][2]), tuple(folded(row[3]) for row in key if row[3])) for key in keys
    ]
    ordered = _parents_first(references, [each for each in made if each.type == "table"])
    plain = [each for each in ordered if _form(forms, each.name)[0] != "virtual"]
    tables = [_table(query, each.name, has_rowid=not _form(forms, each.name)[1]) for each in plain]
    indexes, rebuilt, settings = list[Made](), list[Made](), list[str]()
    for each in ordered:
        if _form(forms, each.name)[0] != "virtual":
            continue
        indexes.append(each)
        module = folded((_MODULE.search(each.sql) or ["", ""])[1])
        if module == _DERIVED:
            continue
        _require_rows(each, module)
        settings.extend(_settings(query, each.name))
        if folded(f"{each.name}_content") in forms:
            tables.append(_table(query, each.name, has_rowid=True))
        else:
            rebuilt.append(each)
    if SEQUENCE in forms:
        tables.append(_table(query, SEQUENCE, has_rowid=True))
    others = [each for each in made if each.type != "table"]
    keyed = frozenset(_keyed(query, references))
    return Schema((*plain, *indexes, *others), tuple(tables), tuple(rebuilt), tuple(settings), keyed)


def _form(forms: Mapping[str, tuple[str, bool]], table: str) -> tuple[str, bool]:
    return forms.get(folded(table), ("table", False))


def _require_rows(made: Made, module: str) -> None:
    if module != _INDEXED:
        raise DumpFailed(f"virtual table {made.name}: rows of the module {module or '(unknown)'} cannot be read back")
    if _CONTENTLESS.search(made.sql):
        raise DumpFailed(
            f"virtual table {made.name}: it has no content, so its rows cannot be read back."
            f" fix: give it content='<table>', or drop it before a dump and fill it again after a load"
        )


def _settings(query: Query, index: str) -> Iterator[str]:
    """Yield what sets an index of texts up as it was; its version is the module's own."""
    rows = query(f"SELECT k, v FROM {name(f'{index}_config')} WHERE k != 'version' ORDER BY k")
    for key, value in rows:
        yield f"INSERT INTO {name(index)} ({name(index)}, rank) VALUES ({literal(key)}, {literal(value)});"


def declared(query: Query, table: str) -> Table:
    """Return a table as it was declared: with its primary key, which may be none, and without the rowid."""
    return _declared(query, table)[0]


def _declared(query: Query, table: str) -> tuple[Table, bool, set[str]]:
    """Return a table, whether its key is the rowid, and the names of all its columns."""
    info = list(query(f"SELECT name, type, pk, hidden FROM pragma_table_xinfo({literal(table)}) ORDER BY cid"))
    index = next(iter(query(f"SELECT name FROM pragma_index_list({literal(table)}) WHERE origin = 'pk'")), None)
    # An INTEGER PRIMARY KEY is the rowid, unless it was said DESC; then it has an index like any other key.
    primary = [(column, type_) for column, type_, pk, _ in info if pk]
    is_rowid = index is None and len(primary) == 1 and folded(primary[0][1]) == "integer"
    keys = [Key(primary[0][0])] if is_rowid else list[Key]()
    if index:
        keyed = query(f"SELECT name, coll FROM pragma_index_xinfo({literal(index[0])}) WHERE key ORDER BY seqno")
        keys = [Key(column, _unlike(query, table, column, collation)) for column, collation in list(keyed)]
    stored = tuple(column for column, _, _, hidden in info if not hidden)
    return Table(table, stored, tuple(keys)), is_rowid, {folded(column) for column, *_ in info}


def _table(query: Query, table: str, *, has_rowid: bool) -> Table:
    plain, is_rowid, taken = _declared(query, table)
    if is_rowid or not has_rowid:
        return plain
    free = [each for each in _ROWIDS if each not in taken][:1]
    return Table(table, (*free, *plain.columns), tuple(Key(each) for each in free))


def _unlike(query: Query, table: str, column: str, collation: str) -> str | None:
    """Return the collation of a key unless it is the column's own, which only a comparison tells."""
    text = f"SELECT {name(column)} AS c FROM {name(table)} WHERE 0 UNION ALL SELECT 'a'"
    ((small, blank),) = query(f"SELECT sum(c = 'A'), sum(c = 'a ') FROM ({text})")
    own = "NOCASE" if small else "RTRIM" if blank else "BINARY"
    return None if collation.upper() == own else collation


def _keyed(query: Query, references: _References) -> Iterator[str]:
    """Yield the indexes that stand for the key of a parent, where that is not its primary one."""
    named = {(parent, frozenset(columns)) for _, parent, columns in references if columns}
    if not named:
        return
    some = ", ".join(sorted({literal(parent) for parent, _ in named}))
    made = (
        f"SELECT lower(name) AS parent FROM sqlite_schema WHERE type = 'table' AND {OURS} AND lower(name) IN ({some})"
    )
    primary: dict[str, set[str]] = {}
    for parent, column in query(f"SELECT parent, name FROM ({made}), pragma_table_info(parent) WHERE pk"):
        primary.setdefault(parent, set()).add(folded(column))
    for parent in sorted({parent for parent, columns in named if {*columns} != primary.get(parent)}):
        where = "\"unique\" AND origin = 'c' AND NOT partial"
        yield from (row[0] for row in query(f"SELECT name FROM pragma_index_list({literal(parent)}) WHERE {where}"))


def _parents_first(references: _References, tables: Sequence[Made]) -> list[Made]:
    """Return the tables so that each stands after what it references; in a circle, one has to be first."""
    left = {folded(each.name): each for each in tables}
    parents = {each: {parent for child, parent, _ in references if child == each} for each in left}
    ordered = list[Made]()
    while left:
        free = [each for each in left if not (parents[each] - {each}) & left.keys()] or [next(iter(left))]
        ordered += [left.pop(each) for each in free]
    return ordered


def _text(made: str, sql: str) -> str:
    """Return the SQL that made something; it comes in hex, because JSON would replace what is not UTF-8."""
    try:
        return bytes.fromhex(sql).decode()
    except UnicodeDecodeError as error:
        raise DumpFailed(f"{made}: the SQL that made it is not UTF-8, and no statement can say it again") from error


def _bare(sql: str) -> str:
    return sql.replace("\r", "").rstrip()
