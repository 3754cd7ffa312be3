"""The READMEs name only what there is, and the Japanese one names every proof."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from bulkhead.cli.main import COMMANDS

ROOT: Final = Path(__file__).resolve().parents[2]
READMES: Final = ("README.md", "README.ja.md")


@pytest.mark.parametrize("name", READMES)
def test_every_command_that_is_named_exists(name: str) -> None:
    named = set(re.findall(r"\bbulkhead ([a-z]+)(?= [a-z]| [A-Z]|`| --)", _text(name)))
    assert named, "the pattern no longer finds any"
    assert named <= set(COMMANDS)


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


def _text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")
