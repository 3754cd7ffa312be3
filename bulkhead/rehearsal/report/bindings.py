"""What each Worker may touch, in every stage side by side (pure)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, TypeVar

from bulkhead.rehearsal.evidence import StageReport

_Item = TypeVar("_Item")
Matrix = dict[str, dict[tuple[str, str], list[str | None]]]
"""By Worker and by (name, type) of a binding: what it points at in each stage, None where it is not bound."""

VARIABLE_TYPES: Final = frozenset({"plain_text", "json"})
SECRET_TYPES: Final = frozenset({"secret_text", "secret_key"})


def matrix(stages: tuple[StageReport, ...], *, variables: bool) -> Matrix:
    """Return the bindings that are variables, or all the others. The page may leave the machine that it was made on, so
    no value of a secret is in it."""
    bindings: Matrix = {}
    for worker in _in_order(name for stage in stages for name in stage.bindings):
        per_stage = [{(name, type_): target for name, type_, target in s.bindings.get(worker, ())} for s in stages]
        keys = _in_order(key for bound in per_stage for key in bound if (key[1] in VARIABLE_TYPES) is variables)
        if keys:
            bindings[worker] = {key: [_shown(key[1], bound.get(key)) for bound in per_stage] for key in keys}
    return bindings


def _shown(type_: str, target: str | None) -> str | None:
    return "" if target is not None and type_ in SECRET_TYPES else target


def granted(stage: StageReport) -> set[tuple[str, str, str]]:
    """Return worker, name and type of every binding."""
    return {(worker, name, type_) for worker, bound in stage.bindings.items() for name, type_, _ in bound}


def differences(stages: tuple[StageReport, ...]) -> list[tuple[str, str, str, str]]:
    """Return worker, name, type and environment of every binding that this environment lacks and another one has."""
    grants = {stage.environment: granted(stage) for stage in stages}
    everywhere = set[tuple[str, str, str]]().union(*grants.values())
    return [(*binding, environment) for environment, has in grants.items() for binding in sorted(everywhere - has)]


def _in_order(items: Iterable[_Item]) -> list[_Item]:
    return list(dict.fromkeys(items))
