"""The routes of an account's tokens, and of the permission groups that they are made of.

Every token here belongs to an account, so `/user/tokens/verify` knows none of them; wrangler tells the two kinds apart
by that answer.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from secrets import token_hex
from typing import Any, Final, cast

from starlette.responses import Response

from bulkhead.localclouds.cloudflare.api.answers import UNKNOWN_CODE, Refusal, Result, not_found, refusal
from bulkhead.localclouds.cloudflare.api.call import Call, Route
from bulkhead.localclouds.cloudflare.api.credentials import Credential, status_of
from bulkhead.localclouds.cloudflare.api.crud import Served, routes
from bulkhead.localclouds.cloudflare.api.endpoint import Endpoint
from bulkhead.localclouds.providers.rules import now
from bulkhead.localclouds.providers.store import Record
from bulkhead.resources import types as t
from bulkhead.resources.permissions import GROUPS, Permission, Reach
from bulkhead.resources.token_policies import Target, granted, reached, zone_in

_TOKENS: Final = "/accounts/{account_id}/tokens"
_TOKEN: Final = f"{_TOKENS}/{{token_id}}"
_NAMES: Final = {group.id: group.name for group in GROUPS}
_SCOPES: Final = {
    Reach.ACCOUNT: "com.cloudflare.api.account",
    Reach.ZONE: "com.cloudflare.api.account.zone",
    Reach.BUCKET: "com.cloudflare.edge.r2.bucket",
}
"""The kinds that a token of an account is made of; the groups of a person are not among them."""
_LISTED: Final = sorted((group for group in GROUPS if group.reach in _SCOPES), key=lambda group: group.id)
_GONE: Final = frozenset({"expired", "revoked (exposed)"})


@dataclass(frozen=True, kw_only=True)
class _TokenEndpoint(Endpoint):
    """A token, whose policies hold their resources as an object in the API and as its JSON in Pulumi."""

    def request(self, properties: Mapping[str, Any]) -> dict[str, Any]:
        body = super().request(properties)
        return {**body, "policies": [_as_object(policy) for policy in body["policies"]]}

    def inputs(self, path: Mapping[str, str], headers: Mapping[str, str], body: Mapping[str, Any]) -> dict[str, Any]:
        policies = body.get("policies")
        if not isinstance(policies, list) or not all(isinstance(policy, dict) for policy in policies):
            raise Refusal(400, (UNKNOWN_CODE, "policies: must be a list of policies"))
        return super().inputs(path, headers, {**body, "policies": [_as_text(policy) for policy in policies]})

    def shown(self, record: Record) -> dict[str, Any]:
        spelt = super().shown(record)
        return {**spelt, "status": status_of(record), "policies": [_answered(each) for each in spelt["policies"]]}

    def told(self, answer: Mapping[str, Any]) -> dict[str, Any]:
        policies = [_as_text({name: policy[name] for name in _SENT}) for policy in answer["policies"]]
        bare = [
            {**each, "permission_groups": [{"id": g["id"]} for g in each["permission_groups"]]} for each in policies
        ]
        return super().told({**answer, "policies": bare})

    def is_over(self, answer: Mapping[str, Any]) -> bool:
        return answer["status"] in _GONE


_SENT: Final = ("effect", "permission_groups", "resources")
"""What the plugin sends of a policy, and all that it reads."""


def _as_object(policy: Mapping[str, Any]) -> dict[str, Any]:
    return {**policy, "resources": json.loads(policy["resources"])}


def _as_text(policy: Mapping[str, Any]) -> dict[str, Any]:
    """Return a policy with its resources as compact JSON in the order in which they came: the plugin compares bytes."""
    text = json.dumps(policy.get("resources"), separators=(",", ":"), ensure_ascii=False)
    return {**policy, "resources": text}


def _answered(policy: Mapping[str, Any]) -> dict[str, Any]:
    """Return a policy as an answer shows it: groups by id, whatever the order was in which they were sent
    (cloudflare/terraform-provider-cloudflare#7094)."""
    ids = sorted(group["id"] for group in policy["permission_groups"])
    groups = [{"id": id_, "name": _NAMES[id_]} if id_ in _NAMES else {"id": id_} for id_ in ids]
    return {**_as_object(policy), "permission_groups": groups}


_ENDPOINT: Final = _TokenEndpoint(
    type=t.ACCOUNT_TOKEN,
    collection=_TOKENS,
    item=_TOKEN,
    change="PUT",
    hidden=frozenset({"value"}),
    missing=UNKNOWN_CODE,
)
ENDPOINTS: Final = (_ENDPOINT,)
_SERVED: Final = Served(_ENDPOINT)


def _made(serve: Callable[[Call], Result | Response]) -> Callable[[Call], Result]:
    """Serve a create: only its answer has the value."""

    def create(call: Call) -> Result:
        _require_grantable(call)
        made = cast(Result, serve(call))
        return replace(made, value={**made.value, "value": _find(call, made.value["id"]).outputs["value"]})

    return create


def _changed(serve: Callable[[Call], Result | Response]) -> Callable[[Call], Result | Response]:
    def update(call: Call) -> Result | Response:
        _require_grantable(call)
        return serve(call)

    return update


def _require_grantable(call: Call) -> None:
    """Refuse policies that the caller cannot give to a token."""
    inputs = _ENDPOINT.inputs(call.path, call.headers, call.json())
    _SERVED.check(inputs)
    _require_listed(inputs["policies"])
    _require_held(call.credential, inputs["policies"])


def _require_listed(policies: Sequence[Mapping[str, Any]]) -> None:
    """Refuse groups that the API does not list for tokens of accounts, such as a person's."""
    known = {group.id for group in _LISTED}
    unknown = [
        f"policies[{number}].permission_groups[{place}].id: {group['id']} is none of the permission groups listed"
        for number, policy in enumerate(policies)
        for place, group in enumerate(policy["permissionGroups"])
        if group["id"] not in known
    ]
    if unknown:
        raise refusal(unknown)


def _require_held(maker: Credential, policies: Sequence[Mapping[str, Any]]) -> None:
    """Refuse to hand on, for a single zone, a permission that the maker does not have there. For accounts, all zones
    and buckets the API does not ask (cloudflare/terraform-provider-cloudflare#7241)."""
    own = maker.policies
    if own is None:
        return
    for policy in policies:
        for key, _ in reached(policy["resources"]) or ():
            zone = zone_in(key)
            if zone is None or policy["effect"] != "allow":
                continue
            held = granted(own, Target(maker.account, zone))
            for group in policy["permissionGroups"]:
                name = _NAMES[group["id"]]
                if name not in held:
                    message = f'Failed common permission check against resources. (Permission group: "{name}")'
                    raise Refusal(400, (1001, message))


def _roll(call: Call) -> Result:
    """Give a token another value; the old one opens nothing from now on."""
    token = _find(call, call.path["token_id"])
    value = token_hex(20)
    call.cloud.resources.store.put(replace(token, outputs={**token.outputs, "value": value, "modifiedOn": now()}))
    return Result(value)


def _verify(call: Call) -> Result:
    """Say that the caller's own token is good; one that is not gets no further than to the door."""
    token = next((each for each in call.records(t.ACCOUNT_TOKEN) if each.id == call.credential.id), None)
    shown = {} if token is None else _ENDPOINT.shown(token)
    limits = {name: shown[name] for name in ("not_before", "expires_on") if name in shown}
    valid = {"code": 10000, "message": "This API Token is valid and active", "type": None}
    return Result({"id": call.credential.id, "status": "active", **limits}, messages=[valid])


def _nobodys(_asked: Call) -> Result:
    raise Refusal(401, (1000, "Invalid API Token"))


def _groups(call: Call) -> Result:
    wanted = {"name": call.query.get("name"), "scope": call.query.get("scope")}
    return Result(list(_asked_for(_LISTED, **wanted)))


def _asked_for(known: Iterable[Permission], name: str | None, scope: str | None) -> Iterator[dict[str, Any]]:
    for group in known:
        if name in (None, group.name) and scope in (None, _SCOPES[group.reach]):
            yield {"id": group.id, "name": group.name, "scopes": [_SCOPES[group.reach]]}


def _find(call: Call, id_: str) -> Record:
    for record in call.records(t.ACCOUNT_TOKEN):
        if record.id == id_:
            return record
    raise not_found(f"{t.ACCOUNT_TOKEN.kind} {id_}", UNKNOWN_CODE)


def _routes() -> Iterator[Route]:
    wrapped = {"POST": _made, "PUT": _changed}
    for route in routes(_ENDPOINT, _SERVED):
        yield replace(route, serve=wrapped[route.method](route.serve)) if route.method in wrapped else route
    yield Route("PUT", f"{_TOKEN}/value", _roll, "token_id")
    yield Route("GET", f"{_TOKENS}/verify", _verify)
    yield Route("GET", f"{_TOKENS}/permission_groups", _groups)
    yield Route("GET", "/user/tokens/verify", _nobodys)


ROUTES: Final[tuple[Route, ...]] = tuple(_routes())
