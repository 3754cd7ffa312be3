"""What Cloudflare says of a token: what it refuses, what it tells once, what makes it another token."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bulkhead.localclouds.providers import planning, registry
from bulkhead.localclouds.providers.handler import Caller
from bulkhead.localclouds.providers.resources import Resources

TOKEN = "cloudflare:index/accountToken:AccountToken"
ACCOUNT = "0123456789abcdef0123456789abcdef"
GROUP = "e086da7e2179491d91ee5f35b3ca210a"
POLICY = {
    "effect": "allow",
    "permissionGroups": [{"id": GROUP}],
    "resources": json.dumps({f"com.cloudflare.api.account.{ACCOUNT}": "*"}),
}
GOOD: dict[str, Any] = {
    "accountId": ACCOUNT,
    "name": "harbor-staging-token-deploy-a",
    "policies": [POLICY],
    "notBefore": "2026-11-21T00:00:00Z",
    "expiresOn": "2027-02-09T00:00:00Z",
}


def test_the_good_inputs_are_good() -> None:
    assert planning.check(TOKEN, GOOD)[1] == []


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"policies": []}, "policies: must have from 1 to 300 items"),
        ({"policies": None}, "policies: required property is missing"),
        ({"policies": [{**POLICY, "effect": "Allow"}]}, "policies[0].effect: must be one of allow, deny"),
        (
            {"policies": [{**POLICY, "permissionGroups": []}]},
            "policies[0].permissionGroups: must have from 1 to 1000 items",
        ),
        (
            {"policies": [POLICY, {**POLICY, "permissionGroups": [{"id": "Workers Scripts Write"}]}]},
            "policies[1].permissionGroups[0].id: must be the id of a permission group, 32 hex digits",
        ),
        ({"policies": [{**POLICY, "resources": "all"}]}, "policies[0].resources: is not valid JSON"),
        ({"status": "on"}, "status: must be one of active, disabled, expired"),
        ({"expiresOn": "2027-02-09"}, "expiresOn: must be an instant of UTC such as 2027-02-09T00:00:00Z"),
        ({"notBefore": "tomorrow"}, "notBefore: must be an instant of UTC such as 2027-02-09T00:00:00Z"),
        ({"expiresOn": "2026-11-21T00:00:00Z"}, "expiresOn: must be after notBefore"),
    ],
)
def test_one_bad_field_is_one_fault(change: dict[str, Any], fault: str) -> None:
    inputs = {name: value for name, value in {**GOOD, **change}.items() if value is not None}
    assert fault in planning.check(TOKEN, inputs)[1]


def test_its_value_is_told_once_is_its_own_and_is_secret(resources: Resources, caller: Caller) -> None:
    one = resources.create(caller, TOKEN, "urn:a", GOOD)
    other = resources.create(caller, TOKEN, "urn:b", {**GOOD, "name": "harbor-staging-token-deploy-b"})
    assert len(one.outputs["value"]) == 40
    assert one.outputs["value"] != other.outputs["value"]
    assert registry.rules_of(TOKEN).secrets(one.outputs) == {("value",)}
    assert registry.rules_of(TOKEN).secrets(one.inputs) == set()


def test_a_change_keeps_the_token_and_its_value(resources: Resources, caller: Caller) -> None:
    made = resources.create(caller, TOKEN, "urn:a", GOOD)
    later = {**GOOD, "expiresOn": "2027-02-10T00:00:00Z"}
    (difference,) = planning.diff(TOKEN, GOOD, later)
    assert not difference.forces_new
    changed = resources.update(caller, TOKEN, made.id, later)
    assert (changed.id, changed.outputs["value"]) == (made.id, made.outputs["value"])
    assert changed.outputs["expiresOn"] == "2027-02-10T00:00:00Z"


def test_another_account_s_token_is_another_token() -> None:
    (difference,) = planning.diff(TOKEN, GOOD, {**GOOD, "accountId": "f" * 32})
    assert difference.forces_new
