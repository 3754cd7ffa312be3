"""Settles a twin (pure): replaces placeholders that would show a false difference by the values that the program
computes.

A program with placeholders does not compute two kinds of redacted values: values that it derives from a secret, and
plain values that the provider's plugin marks as secret. Cloudflare's does so with the text of every binding, because
its schema knows one property for `plain_text` and `secret_text` (`MarkSchemaSecrets` of
pulumi/pulumi-terraform-bridge). A run of the program without any secret computes both.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import replace
from typing import Any

from bulkhead.resources.sentinels import PLACEHOLDER, UNKNOWN_STRING, is_secret
from bulkhead.twin.secrets import Path, suspects
from bulkhead.twin.state import Twin, secrets_by_nature
from bulkhead.twin.suspected import opened


def settled(twin: Twin, plan: Mapping[str, Any]) -> Twin:
    """Return the twin with the values that the program computes from placeholders in its redacted places.

    ``plan`` is the output of `pulumi preview --save-plan --show-secrets` on the twin, from a process without any
    secret. Only redacted values change: a preview has to show every other difference. A value that is a secret by its
    type, name or form stays redacted unless the program marks it as a secret too.
    """
    plans: Mapping[str, Any] = plan.get("resourcePlans") or {}
    resources = [
        _settled(resource, (plans.get(resource["urn"]) or {}).get("goal") or {}) for resource in twin.resources
    ]
    return replace(twin, deployment={**twin.deployment, "resources": resources})


def _settled(resource: Mapping[str, Any], goal: Mapping[str, Any]) -> dict[str, Any]:
    goal_values = {**_updates(goal, "inputDiff"), **_updates(goal, "outputDiff")}
    parts = {part: _part(resource, part, goal_values) for part in ("inputs", "outputs") if part in resource}
    return {**resource, **parts}


def _part(resource: Mapping[str, Any], part: str, goal_values: Mapping[str, Any]) -> Any:
    closed: Set[Path] = {(name,) for name in secrets_by_nature(resource)}
    filled = _filled(resource[part], goal_values, (), closed)
    doubted = {path for path, _ in suspects(opened(filled), PLACEHOLDER)}
    return _filled(resource[part], goal_values, (), closed | doubted) if doubted else filled


def _updates(goal: Mapping[str, Any], diff: str) -> Mapping[str, Any]:
    return (goal.get(diff) or {}).get("updates") or {}


def _filled(value: Any, goal: Any, path: Path, closed: Set[Path]) -> Any:
    """Return ``value`` with the program's ``goal`` in place of its placeholders; at ``closed`` paths only if that is a
    secret."""
    if is_secret(value):
        return goal if _may_stand(goal, path, closed) else value
    if isinstance(value, Mapping) and isinstance(goal, Mapping):
        return {name: _filled(part, goal.get(name), (*path, name), closed) for name, part in value.items()}
    if isinstance(value, list) and isinstance(goal, list) and len(value) == len(goal):
        return [
            # A cloud may return a list in another order.
            _filled(part, other, (*path, index), closed) if _agrees(part, other) else part
            for index, (part, other) in enumerate(zip(value, goal, strict=True))
        ]
    return value


def _may_stand(goal: Any, path: Path, closed: Set[Path]) -> bool:
    if goal is None or UNKNOWN_STRING in str(goal):
        return False
    if is_secret(goal):
        return "plaintext" in goal
    return not any(path[: len(each)] == each or each[: len(path)] == path for each in closed)


def _agrees(value: Any, goal: Any) -> bool:
    """Whether ``goal`` equals ``value`` in everything that is not redacted."""
    if is_secret(value):
        return True
    if isinstance(value, Mapping) and isinstance(goal, Mapping):
        return all(_agrees(value[name], goal[name]) for name in value.keys() & goal.keys())
    if isinstance(value, list) and isinstance(goal, list):
        return len(value) == len(goal) and all(map(_agrees, value, goal))
    return bool(value == goal)
