"""The login before a closed stage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from bulkhead.model.access import covers
from bulkhead.resources import types as t
from bulkhead.resources.durations import seconds
from tests.support.settings_fixture import make_settings
from tests.support.stages import FIRST_PRODUCT, PRODUCTS, SLOTS, STAGES, render_identities, rendered_identities

CLOSED: Mapping[str, Any] = {"access": {"public": False, "emailDomains": ["harbor.example"]}}


@pytest.mark.parametrize("product", PRODUCTS)
@pytest.mark.parametrize("environment", STAGES)
def test_every_hostname_of_a_closed_stage_is_behind_the_application(product: str, environment: str) -> None:
    stage = render_identities(PRODUCTS[product], environment, CLOSED)
    patterns = [each["uri"] for each in stage.one(t.ZERO_TRUST_ACCESS_APPLICATION).inputs["destinations"]]
    hosts = PRODUCTS[product].hostnames(make_settings(environment).cloudflare.hostname).values()
    assert hosts
    assert all(any(covers(pattern, host) for pattern in patterns) for host in hosts)


def test_development_closes_the_stacks_of_pull_requests_too() -> None:
    stage = rendered_identities("first", "development")
    patterns = [each["uri"] for each in stage.one(t.ZERO_TRUST_ACCESS_APPLICATION).inputs["destinations"]]
    for host in ("pr-42.development.harbor.example", "api.pr-42.development.harbor.example"):
        assert any(covers(pattern, host) for pattern in patterns)


def test_a_public_stage_has_no_login_and_no_key() -> None:
    types = {each.type for each in rendered_identities("first", "production").resources}
    assert not {each for each in types if "zeroTrust" in each}


def test_people_log_in_and_pipelines_show_a_key_and_nobody_else_gets_in() -> None:
    stage = render_identities(
        FIRST_PRODUCT, "staging", {"access": {"emails": ["a@other.example"], "emailDomains": ["harbor.example"]}}
    )
    policies = {each.inputs["decision"]: each.inputs for each in stage.of(t.ZERO_TRUST_ACCESS_POLICY)}
    keys = {each.id for each in stage.of(t.ZERO_TRUST_ACCESS_SERVICE_TOKEN)}
    assert policies.keys() == {"allow", "non_identity"}
    assert policies["allow"]["includes"] == [
        {"email": {"email": "a@other.example"}},
        {"emailDomain": {"domain": "harbor.example"}},
    ]
    assert {each["serviceToken"]["tokenId"] for each in policies["non_identity"]["includes"]} == keys
    used = stage.one(t.ZERO_TRUST_ACCESS_APPLICATION).inputs["policies"]
    assert {each["id"] for each in used} == {each.id for each in stage.of(t.ZERO_TRUST_ACCESS_POLICY)}


def test_a_key_ends_with_the_slot_that_it_was_made_in() -> None:
    stage = rendered_identities("first", "staging")
    lives = {each.name: seconds(each.inputs["duration"]) for each in stage.of(t.ZERO_TRUST_ACCESS_SERVICE_TOKEN)}
    assert lives == {
        f"access-key-{slot}": (window.ends - window.begins).total_seconds() for slot, window in SLOTS.windows.items()
    }


def test_a_login_lasts_as_long_as_the_settings_say() -> None:
    stage = render_identities(FIRST_PRODUCT, "staging", {"access": {"sessionHours": 8}})
    for type_ in (t.ZERO_TRUST_ACCESS_APPLICATION, t.ZERO_TRUST_ACCESS_POLICY):
        assert {each.inputs["sessionDuration"] for each in stage.of(type_)} == {"8h"}
