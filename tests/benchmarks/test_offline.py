"""The figures of the checks that need no cloud: what is compared, what is refused, and what has a limit."""

from __future__ import annotations

import pytest

from benchmarks import offline
from policies.catalogue import RULES
from policies.rule import Rule
from rehearsal.failures import Failed

TAKEN = {"isolation check": 4.0, "bindings check": 6.0}


def test_each_command_has_a_limit_and_its_imports_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offline, "_run", TAKEN.__getitem__)
    monkeypatch.setattr(offline, "_import", lambda modules: 1.0)
    figures = offline.measure(lambda _: None)
    kept = {figure.what: figure.kept for figure in figures if figure.unit == "s"}
    assert kept["bulkhead isolation check"] is True
    assert kept["bulkhead bindings check"] is False
    assert [figure.kept for figure in figures if "imports" in figure.what] == [None, None]
    [rules] = [figure for figure in figures if figure.unit == "ms"]
    assert rules.value > 0
    assert rules.limit == 1.0


def test_a_command_that_finds_something_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Failed, match="isolation chekc did not end well"):
        offline._run("isolation chekc")


def test_a_rule_that_speaks_is_not_measured() -> None:
    seen = offline._a_small_resource()
    world = offline._a_world()
    [rule] = [rule for rule in RULES if rule.name == "d1-replication-implicit"]
    assert isinstance(rule, Rule)
    offline._ask([rule], seen, world)
    del seen.props["readReplication"]  # type: ignore[attr-defined]
    with pytest.raises(Failed, match="d1-replication-implicit speaks"):
        offline._ask([rule], seen, world)
