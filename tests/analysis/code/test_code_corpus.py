"""What the analysis finds in small Workers, each of which does one thing: all of them in one run of the compiler."""

from __future__ import annotations

import pytest

from bulkhead.analysis.code.reader import Facts, read
from bulkhead.model.product import STAGE_VARIABLES
from tests.analysis.code.snippet import GRANTS, Snippet, product_of, snippets

pytestmark = pytest.mark.slow

CORPUS = snippets()
EVERYTHING = {*STAGE_VARIABLES, *(binding.name for binding in GRANTS)}


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Facts]:
    root = tmp_path_factory.mktemp("corpus")
    for snippet in CORPUS:
        snippet.write(root)
    return read(product_of(CORPUS), root)


@pytest.mark.parametrize("snippet", CORPUS, ids=lambda snippet: snippet.name)
def test_what_a_worker_does_with_its_env_is_found(snippet: Snippet, facts: dict[str, Facts]) -> None:
    found = facts[snippet.name]
    assert {use.binding for use in found.uses} == (EVERYTHING if snippet.uses == {"all"} else snippet.uses)
    needed = {use.binding for use in found.uses if not use.optional}
    assert {use.binding for use in found.uses} - needed == snippet.handles
    assert {loss.into for loss in found.losses} == snippet.lost
    wanted = [sorted(one.members) for one in found.beyond]
    assert wanted == ([] if snippet.beyond is None else [sorted(snippet.beyond)])
    assert bool(found.errors) == snippet.fails, found.errors
    assert found.missing == snippet.missing


def test_a_use_is_found_where_it_stands(facts: dict[str, Facts]) -> None:
    [use] = [use for use in facts["renamed"].uses if use.binding == "DB"]
    line = "function helper(anything: Env) { return anything.DB; }"
    assert str(use.place) == f"renamed/index.ts:3:{line.index('DB') + 1}"


def test_a_loss_is_found_where_it_stands(facts: dict[str, Facts]) -> None:
    [loss] = facts["stringify"].losses
    assert str(loss.place) == "stringify/index.ts:6:23"
