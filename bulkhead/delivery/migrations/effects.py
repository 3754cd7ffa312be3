"""What a migration does, told from its statements one by one and from the schema before and after (pure).

SQLite changes most of a table by making it anew: a copy, a drop, a rename. What the drop takes along is seen here. D1
enforces foreign keys whatever a file says, because a PRAGMA has no effect within a transaction, and a drop deletes
every row first: rows that reference them go or lose their reference. A tally counts them within the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from bulkhead.clients.sql import folded, named, quoted
from bulkhead.delivery.migrations.schema import Finding, Kind, Reference, Schema, Table, differences

_TAKING: Final = {"CASCADE", "SET NULL", "SET DEFAULT"}
_DONE: Final = {"insert": "added to", "update": "changed in", "delete": "deleted from"}


@dataclass(frozen=True, slots=True)
class Tally:
    """Rows that must not become fewer between two statements, by their index: ``before`` and ``after`` are SQL that
    counts them. ``table`` is where they are, ``says`` what would take them; ``own`` are those of the rebuilt table."""

    table: str
    says: str
    since: int
    until: int
    before: str
    after: str
    own: bool = False


@dataclass(frozen=True, slots=True)
class Effect:
    """What a migration does. With a ``failure``, nothing: SQLite refused it."""

    findings: tuple[Finding, ...] = ()
    tallies: tuple[Tally, ...] = ()
    failure: str = ""

    @property
    def kinds(self) -> frozenset[Kind]:
        return frozenset(finding.kind for finding in self.findings)


@dataclass(slots=True)
class Step:
    """One statement: its words, the tables that it reads (with the columns) and touches, and what references the table
    that it drops."""

    words: Sequence[str]
    read: dict[str, set[str]] = field(default_factory=dict)
    touched: dict[str, set[str]] = field(default_factory=dict)
    children: tuple[tuple[str, Reference, Table], ...] = ()

    @property
    def verb(self) -> str:
        return next(iter(self.words), "")

    @property
    def copies(self) -> bool:
        """Whether it may move rows: anything but a change of the schema."""
        return self.verb not in {"alter", "drop"} and (self.verb != "create" or self.words[1:2] == ["table"])

    @property
    def dropped(self) -> str | None:
        if [*self.words[:2]] != ["drop", "table"]:
            return None
        return named(self.words[4:] if [*self.words[2:4]] == ["if", "exists"] else self.words[2:])

    @property
    def renamed(self) -> tuple[str, str] | None:
        if [*self.words[:2]] != ["alter", "table"] or [*self.words[-4:-2]] != ["rename", "to"]:
            return None
        return named(self.words[2:]), self.words[-2]

    @property
    def renamed_column(self) -> tuple[str, str, str] | None:
        """The table, the column, and what it is called from now on."""
        if [*self.words[:2]] != ["alter", "table"] or "rename" not in self.words[3:6] or self.renamed:
            return None
        return named(self.words[2:]), self.words[-4], self.words[-2]

    def deletes(self, table: str) -> bool:
        return table in self.touched.get("delete", ())

    def writes(self, table: str) -> bool:
        return any(table in tables for tables in self.touched.values())


def effect_of(before: Schema, steps: Sequence[Step], after: Schema) -> Effect:
    """Return what the steps do, which have led from one schema to the other."""
    history = _History(before, steps)
    findings = [*differences(before, after), *history.moved()]
    tallies = [tally for index, step in enumerate(steps) for tally in _of_children(index, step, steps)]
    for key in sorted(history.dropped & after.keys()):
        was, becomes = before[key], after[key]
        if not isinstance(was, Table) or not isinstance(becomes, Table):
            continue
        lost = list(_uncopied(was, becomes, history.copied.get(key, set())))
        findings += lost or [Finding(Kind.EXPAND, f"table {was.name} is made anew", was.name)]
        if not any(finding.column is None for finding in lost) and key not in history.thinned:
            tallies.append(_of_itself(was.name, len(steps)))
    told = [_as_renamed(each, history, after) for each in findings if not history.is_new_name(each)]
    return Effect(tuple(sorted(told, key=lambda each: (each.table, each.says))), tuple(tallies))


class _History:
    """Which tables that were there before are dropped, copied, renamed, or lose rows, whatever they are called when it
    happens."""

    def __init__(self, before: Schema, steps: Sequence[Step]) -> None:
        self.dropped: set[str] = set()
        self.copied: dict[str, set[str]] = {}
        self.thinned: set[str] = set()
        self.columns: dict[tuple[str, str], str] = {}
        self._touched: dict[tuple[str, str], str] = {}
        origin = {key: key for key, each in before.items() if isinstance(each, Table)}
        for step in steps:
            for table, columns in step.read.items():
                if table in origin and (step.verb == "create" or step.touched):
                    self.copied.setdefault(origin[table], set()).update(columns)
            for how, tables in step.touched.items():
                for key in (origin[table] for table in tables if table in origin):
                    self._touched[key, how] = before[key].name
                    self.thinned |= {key} if how == "delete" else set()
            if step.dropped in origin:
                self.dropped.add(origin.pop(step.dropped))
            elif (rename := step.renamed) and rename[0] in origin:
                origin[rename[1]] = origin.pop(rename[0])
            elif (column := step.renamed_column) and column[0] in origin:
                self.columns[origin[column[0]], column[1]] = column[2]
        self.renamed = {key: name for name, key in origin.items() if name != key}

    def is_new_name(self, finding: Finding) -> bool:
        """Whether a column that seems to appear is one that was there under its old name."""
        names = {new for (table, _), new in self.columns.items() if table == folded(finding.table)}
        return not finding.lost and finding.column is not None and folded(finding.column) in names

    def moved(self) -> Iterator[Finding]:
        for (_, how), name in self._touched.items():
            yield Finding(Kind.DATA, f"rows are {_DONE[how]} {name}", name)


def _uncopied(was: Table, becomes: Table, copied: set[str]) -> Iterator[Finding]:
    kept = {key for key, column in was.columns.items() if key in becomes.columns and not column.hidden}
    if not kept & copied:
        yield Finding(Kind.CONTRACT, f"table {was.name} is made anew without its rows", was.name, lost=True)
        return
    for key in sorted(kept - copied):
        column = was.columns[key].name
        said = f"table {was.name} is made anew without what is in its column {column}"
        yield Finding(Kind.CONTRACT, said, was.name, column, lost=True)


def _as_renamed(finding: Finding, history: _History, after: Schema) -> Finding:
    """What is renamed keeps what is in it; code that calls it by its old name fails all the same."""
    if not finding.lost or not finding.says.endswith(" goes"):
        return finding
    table, what = folded(finding.table), finding.says.removesuffix(" goes")
    new = history.columns.get((table, folded(finding.column))) if finding.column else history.renamed.get(table)
    if new is None:
        return finding
    there = after.get(table if finding.column else new)
    new_one = there.columns.get(new) if finding.column and isinstance(there, Table) else there
    return replace(finding, says=f"{what} is called {new_one.name if new_one else new}", lost=False)


def _of_itself(table: str, end: int) -> Tally:
    count, says = _count(table, ""), f"{table} is made anew, and not all of its rows are copied"
    return Tally(table, says, 0, end, count, count, own=True)


def _of_children(index: int, step: Step, steps: Sequence[Step]) -> Iterator[Tally]:
    for name, reference, child in step.children:
        if reference.on_delete not in _TAKING or name == step.dropped:
            continue
        last = _last_look(name, index, steps)
        if last is None:
            continue
        until, later = last
        verb = "takes its rows" if reference.on_delete == "CASCADE" else "takes its references"
        says = f"{child.name} references {step.dropped} with ON DELETE {reference.on_delete}, so dropping that {verb}"
        where = _kept(reference, child)
        yield Tally(child.name, says, index, until, _count(child.name, where), _count(later, where))


def _last_look(child: str, drop: int, steps: Sequence[Step]) -> tuple[int, str] | None:
    """Return the last moment, and the table's name then, at which its rows must all be there: before a statement copies
    them away, or deletes some on purpose and none puts them back. None when the table itself is dropped, and nobody
    looks into it before."""
    for index in range(drop + 1, len(steps)):
        step = steps[index]
        put_back = any(later.writes(child) and not later.deletes(child) for later in steps[index:])
        if step.deletes(child) and not put_back:
            return index, child
        if child in step.read and step.touched and not step.writes(child):
            return index, child
        if step.dropped == child:
            return None
        if (rename := step.renamed) and rename[0] == child:
            child = rename[1]
    return len(steps), child


def _kept(reference: Reference, child: Table) -> str:
    if reference.on_delete == "CASCADE":
        return ""
    defaults = {each: child.columns[each].default for each in reference.columns}
    value = {each: (defaults[each] or "NULL") if reference.on_delete == "SET DEFAULT" else "NULL" for each in defaults}
    return " WHERE " + " AND ".join(f"{quoted(each)} IS NOT ({value[each]})" for each in reference.columns)


def _count(table: str, where: str) -> str:
    return f"(SELECT count(*) FROM {quoted(table)}{where})"  # noqa: S608 - quoted
