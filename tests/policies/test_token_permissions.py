"""The rule about permissions that nothing needs."""

from __future__ import annotations

from typing import Any

import pytest

from bulkhead.resources import types as t
from bulkhead.resources.permissions import (
    ANALYTICS_READ,
    D1_WRITE,
    KV_WRITE,
    QUEUES_WRITE,
    SCRIPTS_READ,
    SCRIPTS_WRITE,
)
from bulkhead.resources.values import UNKNOWN
from policies.rules.token_permissions import RULES
from tests.support.policy_scene import changed, found, make_context, make_resource
from tests.support.second_product import SECOND_PRODUCT

[RULE] = RULES
HARBOR, CORNER = make_context("staging"), make_context("staging", of=SECOND_PRODUCT)
DNS_WRITE = "4755a26eedb94da69e1066d98aa820be"


def token(name: str, *ids: Any, effect: str = "allow") -> Any:
    policies = [{"effect": effect, "permissionGroups": [{"id": each} for each in ids], "resources": "{}"}]
    return make_resource(t.ACCOUNT_TOKEN, name, name=name, policies=policies)


def test_what_the_product_needs_is_right() -> None:
    deploy = token("harbor-staging-token-deploy-a", D1_WRITE.id, SCRIPTS_WRITE.id)
    assert found(RULE, deploy, context=HARBOR) == []


def test_what_another_permission_opens_anyway_is_one_too_many() -> None:
    [message] = found(RULE, token("harbor-staging-token-deploy-a", QUEUES_WRITE.id), context=HARBOR)
    assert QUEUES_WRITE.name in message


@pytest.mark.parametrize("permission", [KV_WRITE, QUEUES_WRITE])
def test_what_the_product_does_not_have_needs_no_permission(permission: Any) -> None:
    [message] = found(RULE, token("corner-staging-token-deploy-a", permission.id), context=CORNER)
    assert permission.name in message
    assert "AccountToken" in message


def test_a_role_has_no_permission_of_another() -> None:
    assert len(found(RULE, token("harbor-staging-token-rollback-a", D1_WRITE.id), context=HARBOR)) == 1
    assert len(found(RULE, token("harbor-staging-token-deploy-a", SCRIPTS_READ.id), context=HARBOR)) == 1
    assert len(found(RULE, token("harbor-staging-token-preview-a", SCRIPTS_WRITE.id), context=HARBOR)) == 1


def test_a_token_of_another_name_may_be_for_any_role_and_for_what_the_stack_makes() -> None:
    other = token("harbor-staging-token-dns", D1_WRITE.id, ANALYTICS_READ.id, DNS_WRITE)
    [message] = found(RULE, other, context=HARBOR)
    assert "DNS Write" in message
    assert found(RULE, other, make_resource(t.DNS_RECORD, "www"), context=HARBOR) == []


def test_what_is_unknown_silences_nothing() -> None:
    first = token("harbor-staging-token-x", UNKNOWN)
    named = changed(token("x", DNS_WRITE), "name", UNKNOWN)
    assert found(RULE, first, context=HARBOR) == []
    assert len(found(RULE, first, changed(first, "policies", UNKNOWN), named, context=HARBOR)) == 1


def test_what_is_denied_and_what_nobody_knows_is_let_be() -> None:
    assert found(RULE, token("x", DNS_WRITE, effect="deny"), context=HARBOR) == []
    assert found(RULE, token("x", "f" * 32), context=HARBOR) == []


def test_each_permission_is_named_by_itself_and_no_value_is_shown() -> None:
    secret = changed(token("x", DNS_WRITE, "e6d2666161e84845a636613608cee8d5"), "value", "canary-of-a-token")
    messages = found(RULE, secret, context=HARBOR)
    assert len(messages) == 2
    assert "canary" not in str(messages)
