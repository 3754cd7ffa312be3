"""The schema of a database as running code sees it, and what a change of it means for that code (pure)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bulkhead.clients.sql import words


class Kind(StrEnum):
    """What becomes of code that was written for the schema before: it works on (expand), something it may use goes or
    is refused (contract); or rows of tables that were there are touched (data)."""

    EXPAND = "expand"
    CONTRACT = "contract"
    DATA = "data"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a migration does. ``table`` and ``column`` say where; ``lost`` means that their content goes."""

    kind: Kind
    says: str
    table: str
    column: str | None = None
    lost: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """A column; ``hidden`` tells generated ones, ``default`` is SQL."""

    name: str
    affinity: str
    type: str
    required: bool
    default: str | None
    key: int
    hidden: int
    collation: str


@dataclass(frozen=True, slots=True)
class Reference:
    """A foreign key of a table."""

    columns: tuple[str, ...]
    parent: str
    keys: tuple[str, ...]
    on_delete: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table; ``unique`` holds the columns of each constraint, not of indexes of their own. ``form`` is what else a
    table is: STRICT, WITHOUT ROWID, virtual."""

    name: str
    columns: Mapping[str, Column]
    references: frozenset[Reference] = frozenset()
    unique: frozenset[tuple[str, ...]] = frozenset()
    checks: Mapping[tuple[str, ...], int] = field(default_factory=dict)
    form: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Other:
    """A view, a trigger or an index; ``unique`` are the columns of a unique index, without a condition."""

    type: str
    name: str
    table: str
    words: tuple[str, ...]
    unique: tuple[str, ...] = ()
    is_unique: bool = False


Schema = Mapping[str, Table | Other]


def checks_of(sql: str) -> Counter[tuple[str, ...]]:
    """Return the CHECK constraints in the statement that made a table."""
    parts, found = words(sql), Counter[tuple[str, ...]]()
    for place, word in enumerate(parts):
        if word == "check" and parts[place + 1 : place + 2] == ["("]:
            found[tuple(_bracketed(parts, place + 1))] += 1
    return found


def _bracketed(parts: list[str], start: int) -> Iterator[str]:
    depth = 0
    for word in parts[start:]:
        depth += (word == "(") - (word == ")")
        yield word
        if not depth:
            return


def differences(before: Schema, after: Schema) -> Iterator[Finding]:
    """Yield what is different for code that was written for ``before``."""
    for key in before.keys() - after.keys():
        yield from _gone(before[key], before, after)
    for key in after.keys() - before.keys():
        yield from _new(after[key], before, after)
    for key in before.keys() & after.keys():
        was, becomes = before[key], after[key]
        if was is becomes:
            continue
        if isinstance(was, Table) and isinstance(becomes, Table):
            yield from _changed(was, becomes)
        elif isinstance(was, Table) or isinstance(becomes, Table) or was.type != becomes.type:
            yield Finding(Kind.CONTRACT, f"{was.name} becomes something else", was.name)
        elif was.words != becomes.words:
            yield from _replaced(was, becomes, before, after)


def _gone(was: Table | Other, before: Schema, after: Schema) -> Iterator[Finding]:
    if isinstance(was, Table):
        yield Finding(Kind.CONTRACT, f"table {was.name} goes", was.name, lost=True)
    elif was.type == "view":
        yield Finding(Kind.CONTRACT, f"view {was.name} goes", was.name)
    elif was.table not in after or was.table not in before:
        return  # it goes with its table
    elif was.type == "trigger":
        yield Finding(Kind.CONTRACT, f"trigger {was.name} goes, and what it did for {was.table}", was.table)
    elif was.is_unique and was.unique not in _unique(after, was.table):
        message = f"unique index {was.name} goes: an ON CONFLICT that names its columns fails"
        yield Finding(Kind.CONTRACT, message, was.table)
    else:
        yield Finding(Kind.EXPAND, f"index {was.name} goes", was.table)


def _new(becomes: Table | Other, before: Schema, after: Schema) -> Iterator[Finding]:
    if isinstance(becomes, Table):
        yield Finding(Kind.EXPAND, f"table {becomes.name} appears", becomes.name)
        return
    says, kind = f"{becomes.type} {becomes.name} appears", Kind.EXPAND
    table, was = after.get(becomes.table), before.get(becomes.table)
    if isinstance(table, Table) and isinstance(was, Table):
        if becomes.is_unique and not _implied(becomes.unique, _unique(before, becomes.table)):
            fresh = {*becomes.unique} - was.columns.keys()
            kind = Kind.EXPAND if fresh and fresh <= table.columns.keys() else Kind.CONTRACT
            says = f"unique index {becomes.name} appears: rows of {was.name} that are alike are refused"
        elif becomes.type == "trigger" and "raise" in becomes.words:
            kind, says = Kind.CONTRACT, f"trigger {becomes.name} appears, which may refuse what is written"
    yield Finding(kind, says, becomes.table)


def _replaced(was: Other, becomes: Other, before: Schema, after: Schema) -> Iterator[Finding]:
    if was.type == "index":
        yield from _gone(was, before, after)
        yield from _new(becomes, before, after)
    else:
        yield Finding(Kind.CONTRACT, f"{was.type} {was.name} does something else", was.table)


def _unique(schema: Schema, table: str) -> set[tuple[str, ...]]:
    found = schema.get(table)
    own = {each.unique for each in schema.values() if isinstance(each, Other) and each.table == table and each.unique}
    return own | (_keys(found) if isinstance(found, Table) else set())


def _keys(table: Table) -> set[tuple[str, ...]]:
    primary = tuple(sorted(key for key, column in table.columns.items() if column.key))
    return {*table.unique, *([primary] if primary else [])}


def _implied(columns: tuple[str, ...], unique: Iterable[tuple[str, ...]]) -> bool:
    """Whether no two rows can be alike in ``columns``, because they are not in some of them."""
    return any({*each} <= {*columns} for each in unique)


def _changed(was: Table, becomes: Table) -> Iterator[Finding]:
    name = was.name
    old, new = was.columns, becomes.columns
    for key in old.keys() - new.keys():
        yield Finding(Kind.CONTRACT, f"column {name}.{old[key].name} goes", name, old[key].name, lost=True)
    for key in new.keys() - old.keys():
        column = new[key]
        needed = column.required and column.default is None and not column.hidden and not column.key
        more = ", without which no row is taken" if needed else ""
        kind = Kind.CONTRACT if needed else Kind.EXPAND
        yield Finding(kind, f"column {name}.{column.name} appears{more}", name, column.name)
    for key in old.keys() & new.keys():
        yield from (_of_column(name, old[key], new[key], strict="strict" in becomes.form))
    fresh = new.keys() - old.keys()
    for reference in becomes.references - was.references:
        kind = Kind.EXPAND if {*reference.columns} <= fresh else Kind.CONTRACT
        said = f"{name}({', '.join(reference.columns)}) references {reference.parent}, on delete {reference.on_delete}"
        yield Finding(kind, said, name)
    for columns in becomes.unique - was.unique:
        allowed = {*columns} & fresh or _implied(columns, _keys(was))
        kind = Kind.EXPAND if allowed else Kind.CONTRACT
        yield Finding(kind, f"{name}({', '.join(columns)}) becomes unique", name)
    for columns in was.unique - becomes.unique:
        if {*columns} <= new.keys():
            message = f"{name}({', '.join(columns)}) is unique no more: an ON CONFLICT that names it fails"
            yield Finding(Kind.CONTRACT, message, name)
    for check in Counter(becomes.checks) - Counter(was.checks):
        kind = Kind.CONTRACT if {*check} & old.keys() else Kind.EXPAND
        yield Finding(kind, f"{name} is checked: {' '.join(check)}", name)
    if Counter(was.checks) - Counter(becomes.checks):
        yield Finding(Kind.EXPAND, f"{name} is checked less", name)
    for form in becomes.form ^ was.form:
        kind = Kind.EXPAND if form == "strict" and form in was.form else Kind.CONTRACT
        yield Finding(kind, f"{name} is {form}{' no more' if form in was.form else ''}", name)
    if was.references - becomes.references:
        yield Finding(Kind.EXPAND, f"{name} has fewer foreign keys", name)


def _of_column(table: str, was: Column, becomes: Column, *, strict: bool) -> Iterator[Finding]:
    said = f"column {table}.{was.name}"
    if was.affinity != becomes.affinity or (strict and was.type != becomes.type):
        yield Finding(Kind.CONTRACT, f"{said} is {becomes.type or 'of any type'}, not {was.type or 'any'}", table)
    if becomes.required and not was.required:
        yield Finding(Kind.CONTRACT, f"{said} takes no NULL any more", table)
    elif was.required and not becomes.required:
        yield Finding(Kind.EXPAND, f"{said} takes NULL", table)
    if was.default != becomes.default:
        needed = becomes.default is None and becomes.required and not becomes.key
        kind = Kind.CONTRACT if needed else Kind.EXPAND
        yield Finding(kind, f"{said} has the default {becomes.default}, not {was.default}", table)
    if was.key != becomes.key:
        yield Finding(Kind.CONTRACT, f"{said} is another part of the primary key", table)
    if was.collation != becomes.collation:
        yield Finding(Kind.CONTRACT, f"{said} compares as {becomes.collation}, not {was.collation}", table)
    if was.hidden != becomes.hidden:
        yield Finding(Kind.CONTRACT, f"{said} is {'generated' if becomes.hidden else 'generated no more'}", table)
