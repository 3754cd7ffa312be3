"""What a token's policies open: a group counts only on what its policy names."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bulkhead.resources.permissions import D1_READ, DNS_READ, OBJECTS_READ, Permission
from bulkhead.resources.token_policies import Target, bucket_key, granted, names_in, read_policies

A, B, ZONE = "a" * 32, "b" * 32, "c" * 32
HERE, ON_ZONE = Target(A), Target(A, ZONE)
IN_BUCKET = Target(A, bucket="files")
NOWHERE = Target()


def policies(group: Permission, resources: Any, effect: str = "allow") -> tuple[Any, ...]:
    written = {
        "effect": effect,
        "permissionGroups": [{"id": group.id}, {"id": "f" * 32}],
        "resources": json.dumps(resources),
    }
    return read_policies([written])


def account(id_: str) -> str:
    return f"com.cloudflare.api.account.{id_}"


def zone(id_: str) -> str:
    return f"com.cloudflare.api.account.zone.{id_}"


@pytest.mark.parametrize(
    ("group", "resources", "target", "opens"),
    [
        (D1_READ, {account(A): "*"}, HERE, True),
        (D1_READ, {account("*"): "*"}, HERE, True),
        (D1_READ, {account(B): "*"}, HERE, False),
        (D1_READ, {zone(ZONE): "*"}, HERE, False),
        (D1_READ, {account(B): "*", account(A): "*"}, HERE, True),
        (D1_READ, {account(A): "*"}, NOWHERE, True),
        (DNS_READ, {zone(ZONE): "*"}, ON_ZONE, True),
        (DNS_READ, {zone("*"): "*"}, ON_ZONE, True),
        (DNS_READ, {zone("d" * 32): "*"}, ON_ZONE, False),
        (DNS_READ, {account(A): "*"}, ON_ZONE, False),
        (DNS_READ, {account(A): {zone("*"): "*"}}, ON_ZONE, True),
        (DNS_READ, {account(B): {zone("*"): "*"}}, ON_ZONE, False),
        (DNS_READ, {zone(ZONE): "*"}, HERE, False),
        (DNS_READ, {zone(ZONE): "*"}, NOWHERE, True),
        (OBJECTS_READ, {bucket_key(A, "files"): "*"}, IN_BUCKET, True),
        (OBJECTS_READ, {bucket_key(A, "files", "eu"): "*"}, IN_BUCKET, False),
        (OBJECTS_READ, {bucket_key(A, "files", "eu"): "*"}, Target(A, bucket="files", jurisdiction="eu"), True),
        (OBJECTS_READ, {bucket_key(A, "others"): "*"}, IN_BUCKET, False),
        (OBJECTS_READ, {bucket_key(B, "files"): "*"}, IN_BUCKET, False),
        (OBJECTS_READ, {"com.cloudflare.edge.r2.bucket.*": "*"}, IN_BUCKET, True),
        (OBJECTS_READ, {bucket_key(A, "files"): "*"}, HERE, False),
        (OBJECTS_READ, {account(A): "*"}, IN_BUCKET, False),
        (D1_READ, {"everything": "*"}, HERE, False),
    ],
)
def test_a_group_counts_on_what_its_policy_names(
    group: Permission, resources: Any, target: Target, opens: bool
) -> None:
    assert granted(policies(group, resources), target) == ({group.name} if opens else set())


def test_a_denial_takes_a_group_away_where_it_is_said_and_only_there() -> None:
    both = policies(D1_READ, {account("*"): "*"}) + policies(D1_READ, {account(A): "*"}, "deny")
    assert granted(both, HERE) == set()
    assert granted(both, Target(B)) == {"D1 Read"}
    assert names_in(both) == {"D1 Read"}
