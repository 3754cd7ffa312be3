"""The words of IAM documents (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Grant:
    """One statement that allows, or with ``denies`` forbids, and why it is needed. ``types`` are the resource types of
    the program that cannot be made without it, by Pulumi's token; none where it is not about a resource."""

    sid: str
    reason: str
    actions: Sequence[str]
    resources: Sequence[str]
    conditions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    types: Sequence[str] = ()
    denies: bool = False
    all_but: bool = False
    """Whether ``actions`` are those that are left out."""

    def statement(self) -> dict[str, Any]:
        said: dict[str, Any] = {
            "Sid": self.sid,
            "Effect": "Deny" if self.denies else "Allow",
            "NotAction" if self.all_but else "Action": sorted(self.actions),
            "Resource": list(self.resources),
        }
        return said | (
            {"Condition": {test: dict(keys) for test, keys in self.conditions.items()}} if self.conditions else {}
        )


def document(statements: Iterable[Mapping[str, Any]]) -> Document:
    return {"Version": "2012-10-17", "Statement": [dict(statement) for statement in statements]}


def one_or_all(values: Sequence[str]) -> str | list[str]:
    """Return a single value as IAM gives it back: a list of one would look like a change."""
    return values[0] if len(values) == 1 else [*values]
