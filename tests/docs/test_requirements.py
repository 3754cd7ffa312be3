"""docs/requirements.yaml: every requirement is listed, and none claims more than a file and a proof can show."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
LIST = ROOT / "docs" / "requirements.yaml"
SYSTEMS = {
    "ENV": 13, "DEP": 15, "QLT": 12, "REL": 12, "SEC": 11, "BAK": 15, "DRP": 6, "MON": 15, "ALR": 22,
    "LOG": 11, "AUD": 8, "STG": 9, "CST": 9, "CAP": 15, "CCH": 10, "INC": 9, "SLA": 8, "DOC": 11,
}  # fmt: skip
FIELDS = ["id", "requirement", "status", "where", "proof", "note"]
CLAIMS = {"works", "partial"}
STATUSES = CLAIMS | {"missing", "application", "document"}
UNWRITTEN = "not written yet"

Row = dict[str, Any]


def rows() -> list[Row]:
    loaded = YAML(typ="safe").load(LIST.read_text(encoding="utf-8"))
    assert isinstance(loaded, list)
    return loaded


def faults_of(row: Row) -> Iterator[str]:
    """Yield what is wrong with one row; a row that claims nothing it cannot show yields nothing."""
    if list(row) != FIELDS:
        yield f"has the fields {list(row)}, not {FIELDS}"
        return
    if row["status"] not in STATUSES:
        yield f"status {row['status']!r} is none of {sorted(STATUSES)}"
    if not (isinstance(row["requirement"], str) and row["requirement"].strip() and isinstance(row["note"], str)):
        yield "requirement and note are texts, and the requirement is not empty"
    if not all(isinstance(row[field], list) for field in ("where", "proof")):
        yield "where and proof are lists"
        return
    yield from (f"where: there is no {place!r}" for place in row["where"] if not is_in_repository(place))
    yield from (f"proof: there is no {proof!r}" for proof in row["proof"] if not exists(proof))
    yield from unsupported(row)


def unsupported(row: Row) -> Iterator[str]:
    """Yield what the row's status needs and does not have, or has and must not have."""
    status, where, proof, note = row["status"], row["where"], row["proof"], row["note"].strip()
    if status in CLAIMS and not (where and proof):
        yield f"{status} needs where and proof"
    if status == "partial" and not note:
        yield "partial needs a note that says what is missing"
    if status == "application" and not note:
        yield "application needs a note that says why"
    if status in {"missing", "application"} and (where or proof):
        yield f"{status} must claim neither where nor proof"
    if status == "document" and bool(where) == (UNWRITTEN in note):
        yield f"document names the document in where, or says {UNWRITTEN!r} in note, and never both"


def is_in_repository(place: str) -> bool:
    path = (ROOT / place).resolve()
    return path != ROOT and path.is_relative_to(ROOT) and path.exists()


def exists(proof: str) -> bool:
    kind, separator, key = proof.partition(":")
    if kind == "rehearsal" and separator:
        return key in rehearsal_keys()
    path, _, name = proof.partition("::")
    return path.startswith("tests/") and name in names_of_tests(path)


@cache
def names_of_tests(path: str) -> frozenset[str]:
    """Return the tests of a file, those of a class as ``TestClass::test_name``; read, not imported."""
    file = ROOT / path
    if not file.is_file():
        return frozenset()
    return frozenset(_tests(ast.parse(file.read_text(encoding="utf-8")).body))


def _tests(body: list[ast.stmt]) -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            yield node.name
        elif isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
            yield from (f"{node.name}::{name}" for name in _tests(node.body))


@cache
def rehearsal_keys() -> frozenset[str]:
    """Return the keys of what a rehearsal proves while the stages stand; imported only when a row names one."""
    try:
        proofs = importlib.import_module("bulkhead.rehearsal.proofs")
    except ModuleNotFoundError as missing:
        if missing.name != "bulkhead.rehearsal.proofs":
            raise
        return frozenset()
    return frozenset(proof.key for proof in proofs.PROOFS)


def test_every_requirement_of_the_18_systems_is_listed_once_and_in_order() -> None:
    assert len(SYSTEMS) == 18
    expected = [f"{system}-{number}" for system, count in SYSTEMS.items() for number in range(1, count + 1)]
    assert len(expected) == 211
    assert [row["id"] for row in rows()] == expected


def test_no_row_claims_what_it_cannot_show() -> None:
    faults = [f"{row.get('id')}: {fault}" for row in rows() for fault in faults_of(row)]
    assert not faults, "\n" + "\n".join(faults)


def test_one_block_per_requirement_so_that_it_can_be_edited_by_hand() -> None:
    text = LIST.read_text(encoding="utf-8")
    for block in text.split("\n\n"):
        assert block.startswith("#") or re.match(r"- id: [A-Z]{3}-[0-9]+\n", block), block
        assert block.count("- id: ") <= 1, block


MISSING: Row = {
    "id": "ENV-1", "requirement": "Run three.", "status": "missing", "where": [], "proof": [], "note": "",
}  # fmt: skip
HERE = "tests/docs/test_requirements.py"
WORKS: Row = {
    **MISSING,
    "status": "works",
    "where": [HERE],
    "proof": [f"{HERE}::test_row_that_is_in_order_has_no_fault"],
}
PARTIAL: Row = {**WORKS, "status": "partial", "note": "the rest"}


@pytest.mark.parametrize(
    "row",
    [
        MISSING,
        WORKS,
        PARTIAL,
        {**MISSING, "status": "application", "note": "belongs to the product"},
        {**MISSING, "status": "document", "note": UNWRITTEN},
        {**MISSING, "status": "document", "where": ["docs/requirements.yaml"]},
    ],
)
def test_row_that_is_in_order_has_no_fault(row: Row) -> None:
    assert list(faults_of(row)) == []


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ({**MISSING, "status": "done"}, "status 'done'"),
        ({**MISSING, "extra": 1}, "has the fields"),
        ({**MISSING, "requirement": " "}, "requirement and note are texts"),
        ({**MISSING, "where": HERE}, "where and proof are lists"),
        ({**MISSING, "where": [HERE]}, "must claim neither"),
        ({**MISSING, "status": "works"}, "needs where and proof"),
        ({**WORKS, "proof": []}, "needs where and proof"),
        ({**WORKS, "where": ["infra/nowhere.py"]}, "there is no 'infra/nowhere.py'"),
        ({**WORKS, "where": ["../outside"]}, "there is no '../outside'"),
        ({**WORKS, "where": ["."]}, "there is no '.'"),
        ({**WORKS, "proof": [f"{HERE}::test_nothing"]}, "there is no"),
        ({**WORKS, "proof": [f"{HERE}::faults_of"]}, "there is no"),
        ({**WORKS, "proof": ["tests/docs/test_nowhere.py::test_it"]}, "there is no"),
        ({**WORKS, "proof": [HERE]}, "there is no"),
        ({**PARTIAL, "note": " "}, "says what is missing"),
        ({**MISSING, "status": "application"}, "says why"),
        ({**MISSING, "status": "document"}, "names the document"),
        ({**MISSING, "status": "document", "where": [HERE], "note": UNWRITTEN}, "never both"),
    ],
)
def test_row_that_claims_too_much_is_found(row: Row, fault: str) -> None:
    assert any(fault in found for found in faults_of(row))


def test_rehearsal_proof_is_known_by_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.rehearsal_keys", lambda: frozenset({"answers"}), raising=True)
    assert exists("rehearsal:answers")
    assert not exists("rehearsal:answer")
