"""The access matrix of a stage (pure), one table for each sort of principal. Its JSON form::

    {"stage", "product",
     "tables": {<key>: [{<column>: text or list of texts, ...}, ...], ...},
     "risks":  [{"shared", "stages", "separatedBy", "notSeparated"}, ...]}

Keys and columns are those of the tables in bulkhead/analysis/access; rows are sorted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from bulkhead.analysis.isolation.shared import Risk

Cell = str | tuple[str, ...]
"""Words for people, or things by their names."""

UNKNOWN_YET = "not known before the stage exists"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows about one sort of principal. ``note`` is what a reader has to know beside them, in whole sentences."""

    key: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Matrix:
    """Every table of one stage, and what the stage shares with others."""

    stage: str
    product: str
    tables: tuple[Table, ...]
    risks: tuple[Risk, ...]


def table(key: str, title: str, columns: Sequence[str], rows: Iterable[tuple[Cell, ...]], note: str = "") -> Table:
    """Return a table with its rows sorted, each once."""
    return Table(key, title, tuple(columns), tuple(sorted(set(rows), key=str)), note)


def as_json(matrix: Matrix) -> dict[str, Any]:
    """Return the JSON form that is described above."""
    return {
        "stage": matrix.stage,
        "product": matrix.product,
        "tables": {
            each.key: [
                {
                    column: list(cell) if isinstance(cell, tuple) else cell
                    for column, cell in zip(each.columns, row, strict=True)
                }
                for row in each.rows
            ]
            for each in matrix.tables
        },
        "risks": [risk.as_json() for risk in matrix.risks],
    }
