"""Cloudflare Access: the rows of the hand table for applications, policies and service tokens.

Sources: the provider's source (v5.22), Cloudflare One documentation ("Application paths", "Service tokens"), and what
people report of the API: 11010 (an application of that hostname exists), 12130 (invalid request).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from typing import Any, Final

from bulkhead.localclouds.providers.checks import Check, at, between, distinct, one_of, shaped, sized
from bulkhead.localclouds.providers.handler import Caller, Properties
from bulkhead.localclouds.providers.rules import ImportId, TypeRules, new_uuid
from bulkhead.localclouds.providers.store import Record, Store
from bulkhead.localclouds.providers.wire import UNKNOWN
from bulkhead.model.instants import instant
from bulkhead.resources import types as t
from bulkhead.resources.durations import seconds

_LABEL: Final = r"[a-z0-9*](?:[a-z0-9*-]{0,61}[a-z0-9*])?"
_HOSTNAME: Final = (
    rf"{_LABEL}(?:\.{_LABEL})+",
    "a hostname in lower case, with or without wildcards; paths are not rehearsed",
)
_DURATION: Final = "a duration such as 24h or 2h45m"
_WHO: Final = ("email", "emailDomain", "everyone", "anyValidServiceToken", "serviceToken")
"""The selectors that are rehearsed; the others ask somebody else: an identity provider, a list, a device."""


def _lasts(path: str, *words: str) -> Check:
    def check(inputs: Properties) -> Iterator[str]:
        for place, value in at(inputs, path):
            if value not in words and seconds(value) is None:
                yield f"{place}: must be {_DURATION}"

    check.__name__ = f"lasts: {path}"
    return check


def _of_an_account(inputs: Properties) -> Iterator[str]:
    if "zoneId" in inputs:
        yield "zoneId: what is in a zone is not rehearsed; give the account"
    elif "accountId" not in inputs:
        yield "accountId: required property is missing"


def _rehearsed_only(inputs: Properties) -> Iterator[str]:
    for name in ("domain", "selfHostedDomains", "corsHeaders", "readServiceTokensFromHeader", "optionsPreflightBypass"):
        if inputs.get(name):
            yield f"{name}: is not rehearsed"
    for place, policy in at(inputs, "policies[*]"):
        if "id" not in policy:
            yield f"{place}.id: a policy of the application's own is not rehearsed; refer to one"


def _known_selectors(inputs: Properties) -> Iterator[str]:
    for side in ("includes", "requires", "excludes"):
        for place, selector in at(inputs, f"{side}[*]"):
            if len(selector) != 1 or not selector.keys() <= set(_WHO):
                yield f"{place}: must have one of {', '.join(_WHO)}; others are not rehearsed"


def _version_and_end_together(inputs: Properties) -> Iterator[str]:
    version, end = inputs.get("clientSecretVersion", 1), "previousClientSecretExpiresAt"
    if version not in (1, UNKNOWN) and end not in inputs:
        yield f"clientSecretVersion: needs {end}, when the secret before ends"
    elif end in inputs and "clientSecretVersion" not in inputs:
        yield f"{end}: needs clientSecretVersion"


def _hostnames_free(_caller: Caller, store: Store, inputs: Properties) -> Iterator[str]:
    wanted = {value for _, value in at(inputs, "destinations[*].uri")}
    for other in store.all(type_=t.ZERO_TRUST_ACCESS_APPLICATION, account=inputs["accountId"]):
        for uri in sorted(wanted & {value for _, value in at(other.inputs, "destinations[*].uri")}):
            yield f"access.api.error.application_already_exists: {uri} [code: 11010]"


def _policies_exist(_caller: Caller, store: Store, inputs: Properties) -> Iterator[str]:
    there = {one.id for one in store.all(type_=t.ZERO_TRUST_ACCESS_POLICY, account=inputs["accountId"])}
    for place, id_ in at(inputs, "policies[*].id"):
        if id_ not in there:
            yield f"{place}: the account has no such policy [code: 12130]"


def _tokens_exist(_caller: Caller, store: Store, inputs: Properties) -> Iterator[str]:
    there = {one.id for one in store.all(type_=t.ZERO_TRUST_ACCESS_SERVICE_TOKEN, account=inputs["accountId"])}
    for side in ("includes", "requires", "excludes"):
        for place, id_ in at(inputs, f"{side}[*].serviceToken.tokenId"):
            if id_ not in there:
                yield f"{place}: the account has no such service token [code: 12130]"


def _no_application_has_it(store: Store, record: Record) -> Iterator[str]:
    for other in store.all(type_=t.ZERO_TRUST_ACCESS_APPLICATION, account=record.account):
        if record.id in {id_ for _, id_ in at(other.inputs, "policies[*].id")}:
            yield f"application {other.inputs.get('name')!r} refers to it"


def _no_policy_has_it(store: Store, record: Record) -> Iterator[str]:
    for other in store.all(type_=t.ZERO_TRUST_ACCESS_POLICY, account=record.account):
        sides = ("includes", "requires", "excludes")
        if record.id in {id_ for side in sides for _, id_ in at(other.inputs, f"{side}[*].serviceToken.tokenId")}:
            yield f"policy {other.inputs['name']!r} refers to it"


def ends(duration: str) -> str:
    """Return when a token ends that is made now."""
    life = timedelta(days=36_500) if duration == "forever" else timedelta(seconds=seconds(duration) or 0)
    return instant(datetime.now(UTC) + life)


def hostnames(inputs: Properties) -> dict[str, Any]:
    """Return what the API computes of an application's destinations."""
    uris = [uri for _, uri in at(inputs, "destinations[*].uri")]
    return {"domain": uris[0], "selfHostedDomains": uris} if uris else {}


TABLE: Final = (
    TypeRules(
        type=t.ZERO_TRUST_ACCESS_APPLICATION,
        identify=new_uuid,
        account="accountId",
        checks=(
            _of_an_account,
            _rehearsed_only,
            one_of("type", "self_hosted"),
            sized("destinations", 1, 50),
            one_of("destinations[*].type", "public"),
            shaped("destinations[*].uri", *_HOSTNAME),
            distinct("destinations[*].uri"),
            distinct("policies[*].precedence"),
            between("policies[*].precedence", 1, 1000),
            _lasts("sessionDuration"),
            one_of("sameSiteCookieAttribute", "none", "lax", "strict"),
        ),
        admissions=(_hostnames_free, _policies_exist),
        defaults={"appLauncherVisible": True, "httpOnlyCookieAttribute": True, "sessionDuration": "24h"},
        computed=lambda _caller, _id, inputs: {"aud": token_hex(32), **hostnames(inputs)},
        import_id=ImportId("within", "accountId", "id"),
    ),
    TypeRules(
        type=t.ZERO_TRUST_ACCESS_POLICY,
        identify=new_uuid,
        account="accountId",
        checks=(
            one_of("decision", "allow", "deny", "non_identity", "bypass"),
            sized("includes", 1, 1000),
            _known_selectors,
            _lasts("sessionDuration"),
        ),
        admissions=(_tokens_exist,),
        releases=(_no_application_has_it,),
        defaults={"sessionDuration": "24h"},
        import_id=ImportId("accountId", "id"),
    ),
    TypeRules(
        type=t.ZERO_TRUST_ACCESS_SERVICE_TOKEN,
        identify=new_uuid,
        account="accountId",
        checks=(_of_an_account, _lasts("duration", "forever"), _version_and_end_together),
        releases=(_no_policy_has_it,),
        defaults={"duration": "8760h", "clientSecretVersion": 1},
        # The secret is told when it is made and when it is changed; only the state keeps it.
        computed=lambda _caller, _id, inputs: {
            "clientId": f"{token_hex(16)}.access",
            "clientSecret": token_hex(32),
            "expiresAt": ends(inputs.get("duration", "8760h")),
        },
        import_id=ImportId("within", "accountId", "id"),
        unread=frozenset({"clientSecretVersion", "previousClientSecretExpiresAt"}),
    ),
)
