"""The figures of the checks that need no cloud: what is compared, what is refused, and what has a limit."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from benchmarks import children, offline
from benchmarks.children import Once
from bulkhead.model.failures import Failed
from policies.catalogue import RULES
from policies.rule import Rule


def taking(seconds: dict[str, float]) -> Callable[..., Once]:
    def run(module: str, *command: str) -> Once:
        return Once(seconds[command[0]] + 2.0, {"seconds": seconds[command[0]]})

    return run


def test_each_command_has_a_limit_and_its_imports_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offline, "run", taking({"isolation": 4.0, "bindings": 6.0}))
    figures = offline.measure(lambda _: None)
    kept = {figure.what: figure.kept for figure in figures if figure.unit == "s"}
    assert kept["bulkhead isolation check"] is True
    assert kept["bulkhead bindings check"] is False
    imports = [figure for figure in figures if "imports" in figure.what]
    assert [(figure.value, figure.kept) for figure in imports] == [(2.0, None), (2.0, None)]
    [rules] = [figure for figure in figures if figure.unit == "ms"]
    assert rules.value > 0
    assert rules.limit == 1.0


def test_a_command_that_does_not_end_well_is_not_measured() -> None:
    with pytest.raises(Failed, match="it ended with 2") as failed:
        children.run("benchmarks.command", "bindings", "check", "--no-such-option")
    assert any("--no-such-option" in line for line in failed.value.details)


def test_a_rule_that_speaks_is_not_measured() -> None:
    resource = offline._a_small_resource()
    context = offline._a_context()
    [rule] = [rule for rule in RULES if rule.name == "d1-replication-implicit"]
    assert isinstance(rule, Rule)
    offline._ask([rule], resource, context)
    del resource.props["readReplication"]  # type: ignore[attr-defined]
    with pytest.raises(Failed, match="d1-replication-implicit speaks"):
        offline._ask([rule], resource, context)
