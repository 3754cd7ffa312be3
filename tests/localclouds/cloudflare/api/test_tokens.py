"""Tokens over HTTP: who may make which, what they open, and what is said of them."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bulkhead.localclouds.api.seed import Tenant
from bulkhead.localclouds.cloudflare.api import tokens
from bulkhead.localclouds.providers.cloudflare_remote import CloudflareRemote
from bulkhead.localclouds.providers.handler import Caller
from bulkhead.resources.permissions import (
    ACCOUNT_TOKENS_WRITE,
    API_TOKENS_WRITE,
    D1_READ,
    D1_WRITE,
    DNS_READ,
    KV_READ,
    QUEUES_WRITE,
    Permission,
)
from tests.support.cloudflare_api import ACCOUNT, OTHER_ACCOUNT, TOKEN, ZONE, Api, open_api

TOKENS = f"/accounts/{ACCOUNT}/tokens"
DATABASES = f"/accounts/{ACCOUNT}/d1/database"
WHOLE_ACCOUNT = {f"com.cloudflare.api.account.{ACCOUNT}": "*"}
ONE_ZONE = {f"com.cloudflare.api.account.zone.{ZONE}": "*"}
NEXT_CENTURY = "2126-01-01T00:00:00Z"


def policy(*groups: Permission, on: Any = WHOLE_ACCOUNT, effect: str = "allow") -> dict[str, Any]:
    return {"effect": effect, "permission_groups": [{"id": group.id} for group in groups], "resources": on}


def body(*policies: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": "narrow", "policies": list(policies), **more}


def value_of(api: Api, *policies: dict[str, Any], **more: Any) -> str:
    return str(api.result("POST", TOKENS, body(*policies, **more))["value"])


def test_the_life_of_a_token(api: Api) -> None:
    made = api.result("POST", TOKENS, body(policy(D1_READ), not_before="2026-01-01T00:00:00Z", expires_on=NEXT_CENTURY))
    value = made.pop("value")
    item = f"{TOKENS}/{made['id']}"
    assert made["status"] == "active"
    assert made["policies"] == [{**policy(D1_READ), "permission_groups": [{"id": D1_READ.id, "name": "D1 Read"}]}]
    assert api.result("GET", item) == made
    assert api.result("GET", TOKENS) == [made]
    changed = api.result("PUT", item, body(policy(D1_WRITE), expires_on=NEXT_CENTURY))
    assert "value" not in changed
    assert api.call("POST", DATABASES, {"name": "main"}, token=value)[0] == 200
    api.result("DELETE", item)
    assert api.refused("GET", item)[0] == 404
    assert api.refused("GET", DATABASES, token=value) == (401, [1000])


def test_a_rolled_token_has_another_value(api: Api) -> None:
    made = api.result("POST", TOKENS, body(policy(D1_READ)))
    rolled = api.result("PUT", f"{TOKENS}/{made['id']}/value", {})
    assert api.refused("GET", DATABASES, token=made["value"]) == (401, [1000])
    assert api.call("GET", DATABASES, token=rolled)[0] == 200
    assert api.refused("PUT", f"{TOKENS}/{'0' * 32}/value", {})[0] == 404


def test_resources_are_answered_byte_for_byte_and_groups_by_id(api: Api) -> None:
    on = {"com.cloudflare.edge.r2.bucket.b_default_b": "*", "com.cloudflare.edge.r2.bucket.a_default_a": "*"}
    groups = sorted((D1_WRITE, KV_READ, QUEUES_WRITE), key=lambda group: group.id, reverse=True)
    made = api.result("POST", TOKENS, body(policy(*groups, on=on)))
    answer = api.answer("GET", f"{TOKENS}/{made['id']}")
    assert json.dumps(on, separators=(",", ":")) in answer.text
    ids = [group["id"] for group in answer.json()["result"]["policies"][0]["permission_groups"]]
    assert ids == sorted(ids)
    assert set(ids) == {group.id for group in groups}


def test_an_expired_token_says_so_and_opens_nothing(api: Api) -> None:
    made = api.result("POST", TOKENS, body(policy(D1_READ), expires_on="2026-01-02T00:00:00Z"))
    assert api.result("GET", f"{TOKENS}/{made['id']}")["status"] == "expired"
    assert api.refused("GET", DATABASES, token=made["value"]) == (401, [1000])


@pytest.mark.parametrize("on", [{}, {"everything": "*"}])
def test_a_policy_that_names_nothing_is_refused(api: Api, on: dict[str, Any]) -> None:
    assert api.refused("POST", TOKENS, body(policy(D1_READ, on=on)))[0] == 400
    assert api.result("GET", TOKENS) == []


@pytest.mark.parametrize("given", [{"name": "x"}, {"name": "x", "policies": "all"}, {"name": "x", "policies": ["all"]}])
def test_a_token_without_policies_is_refused(api: Api, given: dict[str, Any]) -> None:
    assert api.refused("POST", TOKENS, given)[0] == 400
    assert api.result("GET", TOKENS) == []


@pytest.mark.parametrize(
    ("policies", "status"),
    [
        ([policy(D1_READ)], 200),
        ([policy(D1_READ, on={"com.cloudflare.api.account.*": "*"})], 200),
        ([policy(D1_READ, on={f"com.cloudflare.api.account.{OTHER_ACCOUNT}": "*"})], 403),
        ([policy(D1_READ, on=ONE_ZONE)], 403),
        ([policy(KV_READ)], 403),
        ([policy(D1_READ), policy(D1_READ, effect="deny")], 403),
        ([policy(D1_READ, D1_WRITE), policy(D1_WRITE, effect="deny")], 200),
    ],
)
def test_a_token_opens_what_its_policies_name(api: Api, policies: list[dict[str, Any]], status: int) -> None:
    assert api.call("GET", DATABASES, token=value_of(api, *policies))[0] == status


@pytest.mark.parametrize(
    ("limits", "opens"),
    [
        ({"in": ["127.0.0.0/8"]}, True),
        ({"in": ["203.0.113.0/24", "127.0.0.1"]}, True),
        ({"not_in": ["203.0.113.0/24"]}, True),
        ({"in": []}, True),
        ({"in": ["203.0.113.0/24"]}, False),
        ({"in": ["2001:db8::/32"]}, False),
        ({"not_in": ["127.0.0.1/32"]}, False),
        ({"in": ["127.0.0.0/8"], "not_in": ["127.0.0.1"]}, False),
    ],
)
def test_a_token_opens_nothing_from_an_address_that_its_condition_leaves_out(
    api: Api, limits: dict[str, Any], opens: bool
) -> None:
    made = api.result("POST", TOKENS, body(policy(D1_READ), condition={"request_ip": limits}))
    assert made["condition"] == {"request_ip": limits}
    if opens:
        assert api.call("GET", DATABASES, token=made["value"])[0] == 200
    else:
        assert api.refused("GET", DATABASES, token=made["value"]) == (403, [9109])


def test_a_condition_that_is_no_address_is_refused_where_it_stands(api: Api) -> None:
    status, answer = api.call("POST", TOKENS, body(policy(D1_READ), condition={"request_ip": {"not_in": ["office"]}}))
    assert status == 400
    assert answer["errors"][0]["message"].startswith("condition.request_ip.not_in[0]: must be an address")


@pytest.mark.parametrize("group", [{"id": "0" * 32}, {"id": API_TOKENS_WRITE.id}, {"id": "D1 Read"}, {}, "D1 Read"])
def test_a_group_that_no_token_of_an_account_can_have_is_refused_also_in_a_change(api: Api, group: Any) -> None:
    doubtful = {**policy(D1_READ), "permission_groups": [{"id": D1_READ.id}, group]}
    assert api.refused("POST", TOKENS, body(doubtful))[0] == 400
    made = api.result("POST", TOKENS, body(policy(D1_READ)))
    status, answer = api.call("PUT", f"{TOKENS}/{made['id']}", body(doubtful))
    assert status == 400
    assert "policies[0].permission_groups[1]" in answer["errors"][0]["message"]
    assert api.result("GET", f"{TOKENS}/{made['id']}") == {name: made[name] for name in made if name != "value"}


def test_the_rights_of_a_token_end_with_its_account(api: Api) -> None:
    value = value_of(api, policy(D1_READ, on={"com.cloudflare.api.account.*": "*"}))
    assert api.refused("GET", f"/accounts/{OTHER_ACCOUNT}/d1/database", token=value) == (403, [10000])


def test_a_token_that_is_good_is_told_so_by_its_account_alone(api: Api) -> None:
    value = value_of(api, policy(D1_READ), expires_on=NEXT_CENTURY)
    status, answer = api.call("GET", f"{TOKENS}/verify", token=value)
    assert status == 200
    assert answer["messages"][0]["message"] == "This API Token is valid and active"
    assert (answer["result"]["status"], answer["result"]["expires_on"]) == ("active", NEXT_CENTURY)
    assert api.refused("GET", "/user/tokens/verify", token=value) == (401, [1000])
    assert api.refused("GET", f"{TOKENS}/verify", token="nobody's") == (401, [1000])


def test_the_permission_groups_are_those_of_accounts_zones_and_buckets(api: Api) -> None:
    groups = api.result("GET", f"{TOKENS}/permission_groups")
    assert {scope for group in groups for scope in group["scopes"]} == {
        "com.cloudflare.api.account",
        "com.cloudflare.api.account.zone",
        "com.cloudflare.edge.r2.bucket",
    }
    zones = api.result("GET", f"{TOKENS}/permission_groups?name=Logs%20Read&scope=com.cloudflare.api.account.zone")
    assert [group["name"] for group in zones] == ["Logs Read"]
    assert zones[0] in groups


@pytest.fixture
def maker(tmp_path: Path) -> Any:
    """The API of a tenant whose token may make tokens and nothing else."""

    def opened(*groups_on_the_zone: Permission) -> Api:
        given = [
            (WHOLE_ACCOUNT, (ACCOUNT_TOKENS_WRITE,)),
            *([(ONE_ZONE, groups_on_the_zone)] if groups_on_the_zone else []),
        ]
        policies = [
            {"effect": "allow", "permissionGroups": [{"id": group.id} for group in groups], "resources": json.dumps(on)}
            for on, groups in given
        ]
        names = {"cloudflare": {"staging-token": "maker"}}
        return open_api(tmp_path, Tenant("staging", ACCOUNT, {ZONE: "example.com"}, "", names, {"maker": policies}))

    return opened


def test_who_may_make_tokens_may_hand_on_what_it_does_not_have(maker: Any) -> None:
    api = maker()
    assert api.refused("GET", DATABASES) == (403, [10000])
    assert api.call("GET", DATABASES, token=value_of(api, policy(D1_READ)))[0] == 200


def test_a_permission_on_a_single_zone_is_handed_on_only_by_who_has_it_there(maker: Any) -> None:
    api = maker()
    assert api.refused("POST", TOKENS, body(policy(DNS_READ, on=ONE_ZONE))) == (400, [1001])
    nested = {f"com.cloudflare.api.account.{ACCOUNT}": {"com.cloudflare.api.account.zone.*": "*"}}
    made = api.result("POST", TOKENS, body(policy(DNS_READ, on=nested)))
    assert api.refused("PUT", f"{TOKENS}/{made['id']}", body(policy(DNS_READ, on=ONE_ZONE))) == (400, [1001])


def test_a_maker_with_the_permission_on_the_zone_hands_it_on(maker: Any) -> None:
    assert value_of(maker(DNS_READ), policy(DNS_READ, on=ONE_ZONE))


def test_the_engine_s_state_keeps_the_value_that_only_the_create_tells(api: Api) -> None:
    def request(method: str, path: str, sent: Any, **_: Any) -> Any:
        return api.answer(method, path, sent)

    [endpoint] = tokens.ENDPOINTS
    client: Any = SimpleNamespace(request=request)
    remote, caller = CloudflareRemote(endpoint, lambda _: client), Caller("staging", "cloudflare", {"apiToken": TOKEN})
    inputs = {
        "accountId": ACCOUNT,
        "name": "narrow",
        "policies": [
            {
                "effect": "allow",
                "permissionGroups": [{"id": D1_READ.id}],
                "resources": json.dumps(WHOLE_ACCOUNT, separators=(",", ":")),
            }
        ],
    }
    made = remote.create(caller, inputs)
    assert len(made.outputs["value"]) == 40
    assert made.outputs["policies"] == inputs["policies"]
    wanted = {**inputs, "expiresOn": NEXT_CENTURY}
    later = remote.update(caller, made.id, made.outputs, wanted)
    found = remote.read(caller, made.id, later.outputs, wanted)
    assert found is not None
    assert (later.outputs["value"], found.outputs["value"]) == (made.outputs["value"],) * 2
    assert found.inputs == wanted
    adopted = remote.read(caller, f"{ACCOUNT}/{made.id}", {}, {})
    assert adopted is not None
    assert "value" not in adopted.outputs
    assert adopted.inputs == wanted
    remote.update(caller, made.id, found.outputs, {**inputs, "expiresOn": "2026-01-02T00:00:00Z"})
    assert remote.read(caller, made.id, found.outputs, found.inputs) is None, "an expired one counts as gone"
