"""IAM policy documents and their statements (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Grant:
    """One statement and the reason for it: it allows, or forbids if ``denies``. ``types`` are Pulumi's tokens of the
    resources that cannot be made without it; empty if it is not about a resource."""

    sid: str
    reason: str
    actions: Sequence[str]
    resources: Sequence[str]
    conditions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    types: Sequence[str] = ()
    denies: bool = False
    all_but: bool = False
    """Whether the statement is about every action except ``actions`` (NotAction)."""

    def statement(self) -> dict[str, Any]:
        statement: dict[str, Any] = {
            "Sid": self.sid,
            "Effect": "Deny" if self.denies else "Allow",
            "NotAction" if self.all_but else "Action": sorted(self.actions),
            "Resource": list(self.resources),
        }
        return statement | (
            {"Condition": {test: dict(keys) for test, keys in self.conditions.items()}} if self.conditions else {}
        )


def document(statements: Iterable[Mapping[str, Any]]) -> Document:
    return {"Version": "2012-10-17", "Statement": [dict(statement) for statement in statements]}


def one_or_all(values: Sequence[str]) -> str | list[str]:
    """Return the only value, or all as a list. IAM returns a list of one as text, so a list would look like a
    change."""
    return values[0] if len(values) == 1 else [*values]


def called(alias: str) -> Mapping[str, Mapping[str, str]]:
    """Return the condition on a key's name: its id is made up by AWS."""
    return {"ForAnyValue:StringEquals": {"kms:ResourceAliases": alias}}


def called_by_s3(alias: str, region: str) -> Mapping[str, Mapping[str, str]]:
    """Return the condition on a key's name with which only S3 may use it: what else it encrypts stays closed."""
    return {**called(alias), "StringEquals": {"kms:ViaService": f"s3.{region}.amazonaws.com"}}
