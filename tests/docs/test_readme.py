"""The READMEs name what there is (commands: test_commands.py), say how much is built, the same in both languages."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Final

import pytest
from ruamel.yaml import YAML

ROOT: Final = Path(__file__).resolve().parents[2]
READMES: Final = ("README.md", "README.ja.md")


@pytest.mark.parametrize("name", READMES)
def test_every_make_verb_that_is_named_exists(name: str) -> None:
    verbs = set(re.findall(r"^([a-z]+):.*## ", _text("Makefile"), re.MULTILINE))
    named = set(re.findall(r"`make ([a-z]+)`|^\$ make ([a-z]+)$", _text(name), re.MULTILINE))
    assert {one or other for one, other in named} <= verbs
    assert named


def test_every_proof_is_explained_in_japanese() -> None:
    keys = re.findall(
        r'Proof\(\s*"([a-z-]+)"',
        _text("bulkhead/rehearsal/proofs/__init__.py") + _text("bulkhead/rehearsal/closing.py"),
    )
    table = {key for row in _text("README.ja.md").splitlines() for key in re.findall(r"`([a-z-]+)`", row)}
    assert set(keys) <= table
    assert len(keys) > 10


@pytest.mark.parametrize("name", READMES)
def test_how_much_is_built_is_counted_rightly(name: str) -> None:
    rows = YAML(typ="safe").load(_text("docs/requirements.yaml"))
    states = Counter(row["status"] for row in rows)
    unwritten = sum("not written yet" in row["note"] for row in rows)
    told = {state: (int(number), more) for state, number, more in _STATE.findall(_text(name))}
    assert {state: number for state, (number, _) in told.items()} == states
    assert re.findall(r"\d+", told["document"][1]) == [str(unwritten)]
    before, _, _ = _text(name).partition("| `works` |")
    assert re.findall(r"\b\d{3}\b", before)[-1] == str(len(rows))


def test_both_languages_have_the_same_sections_tables_and_commands() -> None:
    english, japanese = (_shape(_text(name)) for name in READMES)
    assert english
    assert japanese == english


def _shape(text: str) -> list[str]:
    """Return what does not depend on the language: headings by their depth, rows by their cells, commands, diagrams.
    The Japanese README explains the proofs, whose output is in English, in a table of its own."""
    text = re.sub(r"^\| 証明 \|.*?\n\n", "", text, flags=re.MULTILINE | re.DOTALL)
    shape = []
    for line in map(str.strip, text.splitlines()):
        if match := re.match(r"(#+) ", line):
            shape.append(match[1])
        elif line.startswith("|") and line.endswith("|"):
            shape.append(f"{len(re.findall(r' ?[|] ?', line))} cells")
        elif line.startswith(("$ ", "pulumi ")):
            shape.append(re.sub(r"<[^>]*>", "<>", re.sub(r" +# .*", "", line)))
        elif match := re.match(r"- |\d\. |```\w*", line):
            shape.append(match[0])
    return shape


_STATE: Final = re.compile(r"^\| `(\w+)` \| (\d+) \| (.*) \|$", re.MULTILINE)


def _text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")
