"""The figures of the checks that need no cloud: what is compared, what is refused, and what has a limit."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks import offline
from benchmarks.children import Once
from benchmarks.harness import measure
from bulkhead.model.failures import Failed
from policies.catalogue import RULES
from policies.rule import Rule


def test_each_command_has_a_limit_and_its_imports_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    def timed(code: str, before: str) -> Once:
        seconds = 4.0 if "isolation" in code else 6.0
        return Once(seconds + 2.0, 1.0, {"seconds": seconds})

    monkeypatch.setattr(offline, "timed", timed)
    figures = {figure.what: figure for figure in measure("offline", offline.BENCHMARK)}
    assert figures["bulkhead isolation check"].kept is True
    assert figures["bulkhead bindings check"].kept is False
    imports = [figure for what, figure in figures.items() if "imports" in what]
    assert [(figure.value, figure.kept) for figure in imports] == [(2.0, None), (2.0, None)]
    rules = figures[offline.RULES_ASKED]
    assert rules.value > 0
    assert rules.limit == 0.001


def test_a_command_that_does_not_end_well_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(offline.IMPORTS, "bindings check --no-such-option", ("bulkhead.cli.bindings",))
    with pytest.raises(Failed, match="it ended with 2") as failed:
        offline.waited("bindings check --no-such-option")
    assert any("--no-such-option" in line for line in failed.value.details)


def test_a_rule_that_speaks_is_not_measured() -> None:
    context, resource = offline.scene()
    [rule] = [rule for rule in RULES if rule.name == "d1-replication-implicit"]
    assert isinstance(rule, Rule)
    offline.ask([rule], context, resource)
    broken = {name: value for name, value in resource.props.items() if name != "readReplication"}
    with pytest.raises(Failed, match="d1-replication-implicit speaks"):
        offline.ask([rule], context, replace(resource, props=broken))
