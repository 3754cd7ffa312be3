"""Access matrices as a page for people (pure): `bulkhead access --markdown`, docs/access.md."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from bulkhead.analysis.access.matrix import Cell, Matrix, Table
from bulkhead.analysis.isolation.shared import Risk

_SPECIAL: Final = re.compile(r"([\\|*_<>\[\]`])")
_INTRODUCTION: Final = """\
# Who may do what

Written by `bulkhead access --write` from what the programs would tell the engine for each stage, so it says what would
be deployed and not what somebody meant. Things are called by the names they have in their clouds; where a cloud makes
the name up, `<stage/Type/name>` stands for it. What administrators of the accounts may do is not the programs' to say.
"""


def page(matrices: Sequence[Matrix]) -> str:
    """Return the access of several stages as one document of Markdown."""
    return "\n".join([_INTRODUCTION, *(line for matrix in matrices for line in _stage(matrix))])


def _stage(matrix: Matrix) -> Iterator[str]:
    yield f"## {matrix.stage}\n"
    for table in matrix.tables:
        yield from _table(table)
    yield "### What the stage shares\n"
    if not matrix.risks:
        yield "Nothing: no account, zone, repository or role is used by another stage.\n"
    for risk in matrix.risks:
        yield from _risk(risk)


def _table(table: Table) -> Iterator[str]:
    yield f"### {table.title}\n"
    if not table.rows:
        yield "Nothing.\n"
        return
    used = [number for number in range(len(table.columns)) if any(row[number] for row in table.rows)]
    yield f"| {' | '.join(table.columns[number] for number in used)} |"
    yield f"|{'---|' * len(used)}"
    for row in table.rows:
        yield f"| {' | '.join(_cell(row[number]) for number in used)} |"
    yield f"\n{table.note}\n" if table.note else ""


def _risk(risk: Risk) -> Iterator[str]:
    yield f"**{risk.shared}** ({', '.join(risk.stages)}).\n"
    yield f"- What separates them: {risk.separated_by}"
    yield f"- What does not: {risk.not_separated}\n"


def _cell(cell: Cell) -> str:
    if isinstance(cell, str):
        return _SPECIAL.sub(r"\\\1", cell)
    return ", ".join(f"`{each.replace('|', chr(92) + '|')}`" for each in cell)
