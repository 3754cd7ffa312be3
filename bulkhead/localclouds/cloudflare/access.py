"""Which hostnames of a stage have the login of Access before them, and what opens it (pure).

Source: Cloudflare One documentation, "Application paths", "Service tokens", "Application token".
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, Final

from bulkhead.localclouds.providers.checks import at
from bulkhead.localclouds.providers.store import Record
from bulkhead.model.access import covers
from bulkhead.resources import types as t
from bulkhead.resources.durations import seconds

TEAM: Final = "rehearsal"
"""The name of every account's team: its login is at ``<team>.cloudflareaccess.com``."""
Door = dict[str, Any]


def doors(records: Iterable[Record], hostnames: Iterable[str]) -> dict[str, Door]:
    """Return the door before each hostname that an application covers. Who opens it: ``keys`` are service tokens, by
    their client id, as digests of their secrets and the instants at which these end."""
    there = list(records)
    applications = [record for record in there if record.type == t.ZERO_TRUST_ACCESS_APPLICATION]
    found = ((hostname, _application_of(hostname, applications)) for hostname in hostnames)
    return {hostname: _door(application, there) for hostname, application in found if application is not None}


def _application_of(hostname: str, applications: Iterable[Record]) -> Record | None:
    """Return the application of a hostname: the most specific one, if several cover it."""
    covering = [
        (uri.count("*"), application)
        for application in applications
        for _, uri in at(application.outputs, "destinations[*].uri")
        if covers(uri, hostname)
    ]
    return min(covering, key=lambda one: one[0])[1] if covering else None


def _door(application: Record, records: Iterable[Record]) -> Door:
    by_id = {record.id: record for record in records}
    referred = sorted(application.outputs.get("policies") or (), key=lambda each: each.get("precedence", 0))
    policies = [by_id[each["id"]].outputs for each in referred if each["id"] in by_id]
    admitting = [policy for policy in policies if policy["decision"] == "non_identity"]
    return {
        "team": TEAM,
        "aud": application.outputs["aud"],
        "seconds": seconds(application.outputs["sessionDuration"]),
        "says401": bool(application.outputs.get("serviceAuth401Redirect")),
        "bypassed": any(policy["decision"] == "bypass" and _is_for_all(policy) for policy in policies),
        "people": any(policy["decision"] == "allow" for policy in policies),
        "keys": _keys(admitting, [one for one in by_id.values() if one.type == t.ZERO_TRUST_ACCESS_SERVICE_TOKEN]),
    }


def _keys(policies: Iterable[Mapping[str, Any]], tokens: Iterable[Record]) -> dict[str, list[list[str]]]:
    included = [selector for policy in policies for selector in policy["includes"] if not policy.get("requires")]
    named = {selector["serviceToken"]["tokenId"] for selector in included if "serviceToken" in selector}
    every = any("anyValidServiceToken" in selector for selector in included)
    return {
        token.outputs["clientId"]: [[_digest(secret), end] for secret, end in _secrets(token)]
        for token in tokens
        if (every or token.id in named) and token.outputs.get("enabled", True)
    }


def _secrets(token: Record) -> Iterable[tuple[str, str]]:
    """Yield the secrets of a token with their ends: after a rotation the one before is good for a while."""
    outputs = token.outputs
    yield outputs["clientSecret"], outputs["expiresAt"]
    if previous := outputs.get("previousClientSecret"):
        yield previous, min(outputs["previousClientSecretExpiresAt"], outputs["expiresAt"])


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _is_for_all(policy: Mapping[str, Any]) -> bool:
    return not policy.get("requires") and any("everyone" in selector for selector in policy["includes"])
