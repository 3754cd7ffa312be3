"""Compares the declared inputs with AWS's (pure): the same value in another form is no drift.

AWS fills in defaults, reorders sets, reformats policies and leaves out a value where a program wrote false. A refresh
that reported those would hide real manual changes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Set
from typing import Any

Properties = Mapping[str, Any]


def reconcile(
    declared: Properties, truth: Properties, *, defaults: Properties, forgotten: Set[str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return inputs and outputs as they are now.

    ``truth`` holds inputs and computed properties as AWS has them; None says that AWS has none of it. A declared input
    keeps its form unless AWS has another value. An input that was not declared appears only when it differs from its
    entry in ``defaults``; without an entry, AWS chose it. ``forgotten`` names properties, nested ones too, that moto
    accepts and does not return, so they cannot be compared.
    """
    inputs = dict(declared)
    for name, now in truth.items():
        expected = declared.get(name, defaults.get(name))
        watched = name in declared or name in defaults
        if watched and not same(_without(expected, forgotten), now):
            inputs[name] = now
    inputs = {name: value for name, value in inputs.items() if value is not None}
    outputs = {name: value for name, value in truth.items() if _canonical(value) is not None}
    return inputs, {**outputs, **inputs}


def same(one: Any, other: Any) -> bool:
    """Whether two values mean the same to AWS."""
    return bool(_canonical(one) == _canonical(other))


def _canonical(value: Any) -> Any:
    """Return JSON text parsed, lists sorted, and everything empty, zero or false as None and left out of objects."""
    if isinstance(value, str) and value[:1] in {"{", "["}:
        try:
            return _canonical(json.loads(value))
        except ValueError:
            return value
    if isinstance(value, Mapping):
        members = {key: _canonical(member) for key, member in value.items()}
        return {key: member for key, member in members.items() if member is not None} or None
    if isinstance(value, list):
        return sorted(map(_canonical, value), key=lambda item: json.dumps(item, sort_keys=True)) or None
    return value or None


def _without(value: Any, names: Set[str]) -> Any:
    if isinstance(value, Mapping):
        return {key: _without(member, names) for key, member in value.items() if key not in names}
    if isinstance(value, list):
        return [_without(item, names) for item in value]
    return value
