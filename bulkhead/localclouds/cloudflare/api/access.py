"""The routes of Access: applications, the policies that they refer to, and service tokens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from bulkhead.localclouds.cloudflare.api.answers import Refusal, Result
from bulkhead.localclouds.cloudflare.api.call import Call, Route
from bulkhead.localclouds.cloudflare.api.crud import Served, routes
from bulkhead.localclouds.cloudflare.api.endpoint import Endpoint
from bulkhead.localclouds.providers.access import ends
from bulkhead.localclouds.providers.checks import at
from bulkhead.localclouds.providers.store import Record
from bulkhead.resources import types as t

_ACCESS: Final = "/accounts/{account_id}/access"
_INVALID: Final = 12130
_REFERRED: Final = ("id", "precedence")
"""What a program says of a policy that an application refers to; the API answers with all of it."""


@dataclass(frozen=True, kw_only=True)
class _ApplicationEndpoint(Endpoint):
    """An application, of whose policies the plugin keeps only what refers to them (its normalizations.go)."""

    def told(self, answer: Mapping[str, Any]) -> dict[str, Any]:
        policies = [{name: policy[name] for name in _REFERRED} for policy in answer.get("policies") or ()]
        return super().told({**answer, "policies": policies or None})


POLICIES: Final = Endpoint(
    type=t.ZERO_TRUST_ACCESS_POLICY,
    collection=f"{_ACCESS}/policies",
    item=f"{_ACCESS}/policies/{{policy_id}}",
    change="PUT",
    always=frozenset({"sessionDuration"}),
    invalid=_INVALID,
)


def _policies_of(call: Call, application: Record) -> dict[str, Any]:
    there = {policy.id: POLICIES.shown(policy) for policy in call.records(POLICIES.type)}
    shown = [
        {**there.get(each["id"], {}), "id": each["id"], "precedence": each.get("precedence", place)}
        for place, each in enumerate(application.outputs.get("policies") or (), start=1)
    ]
    return {"policies": shown} if shown else {}


APPLICATIONS: Final = _ApplicationEndpoint(
    type=t.ZERO_TRUST_ACCESS_APPLICATION,
    collection=f"{_ACCESS}/apps",
    item=f"{_ACCESS}/apps/{{app_id}}",
    change="PUT",
    beside=_policies_of,
    always=frozenset({"appLauncherVisible", "httpOnlyCookieAttribute", "sessionDuration"}),
    invalid=_INVALID,
)
SERVICE_TOKENS: Final = Endpoint(
    type=t.ZERO_TRUST_ACCESS_SERVICE_TOKEN,
    collection=f"{_ACCESS}/service_tokens",
    item=f"{_ACCESS}/service_tokens/{{service_token_id}}",
    change="PUT",
    hidden=frozenset({"clientSecret", "clientSecretVersion", "previousClientSecret", "previousClientSecretExpiresAt"}),
    kept=frozenset({"clientSecretVersion", "duration", "previousClientSecretExpiresAt"}),
    always=frozenset({"clientSecretVersion", "duration"}),
    invalid=_INVALID,
)
ENDPOINTS: Final = (APPLICATIONS, POLICIES, SERVICE_TOKENS)


class _Applications(Served):
    """Applications: their hostnames are in zones of the account."""

    def create(self, call: Call) -> Result:
        self._require_zones(call)
        return super().create(call)

    def update(self, call: Call, *, patches: bool) -> Result:
        self._require_zones(call)
        return super().update(call, patches=patches)

    def _require_zones(self, call: Call) -> None:
        zones = call.credential.tenant.zones.values()
        for place, uri in at(call.json(), "destinations[*].uri"):
            host = str(uri).partition("/")[0]
            if not any(f".{host}".endswith(f".{zone}") for zone in zones):
                message = f"access.api.error.invalid_request: {place}: domain does not belong to zone"
                raise Refusal(400, (_INVALID, message))


class _ServiceTokens(Served):
    """Service tokens: an answer has the secret when there is a new one, and never again."""

    def create(self, call: Call) -> Result:
        made = super().create(call)
        return self._with_secret(call, made, made.value["id"])

    def update(self, call: Call, *, patches: bool) -> Result:
        old = self.find(call)
        return self._told_if_new(call, old, super().update(call, patches=patches))

    def rotate(self, call: Call) -> Result:
        old, said = self.find(call), call.json()
        version = old.outputs["clientSecretVersion"] + 1
        until = said.get("previous_client_secret_expires_at", "1970-01-01T00:00:00Z")
        inputs = {**old.inputs, "clientSecretVersion": version, "previousClientSecretExpiresAt": until}
        self.check(inputs)
        new = call.cloud.resources.update(call.caller, SERVICE_TOKENS.type, old.id, inputs)
        return self._told_if_new(call, old, Result(self.answer(call, new)))

    def refresh(self, call: Call) -> Result:
        """Let a token begin its life anew."""
        old = self.find(call)
        new = replace(old, outputs={**old.outputs, "expiresAt": ends(old.outputs["duration"])})
        call.cloud.resources.store.put(new)
        return Result(self.answer(call, new))

    def _told_if_new(self, call: Call, old: Record, result: Result) -> Result:
        rotated = self.find(call).outputs["clientSecret"] != old.outputs["clientSecret"]
        return self._with_secret(call, result, old.id) if rotated else result

    def _with_secret(self, call: Call, result: Result, id_: str) -> Result:
        secret = next(each.outputs["clientSecret"] for each in call.records(SERVICE_TOKENS.type) if each.id == id_)
        return replace(result, value={**result.value, "client_secret": secret})


def _routes() -> Iterator[Route]:
    tokens = _ServiceTokens(SERVICE_TOKENS)
    yield from routes(APPLICATIONS, _Applications(APPLICATIONS))
    yield from routes(POLICIES)
    yield from routes(SERVICE_TOKENS, tokens)
    yield Route("POST", f"{SERVICE_TOKENS.item}/rotate", tokens.rotate, SERVICE_TOKENS.id_in_path)
    yield Route("POST", f"{SERVICE_TOKENS.item}/refresh", tokens.refresh, SERVICE_TOKENS.id_in_path)


ROUTES: Final[tuple[Route, ...]] = tuple(_routes())
