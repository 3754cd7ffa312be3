"""Whose token it is, and what it opens: tokens of the seed, and tokens that the API itself has made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from bulkhead.localclouds.api.seed import Seed, Tenant
from bulkhead.localclouds.cloudflare.api.answers import Refusal
from bulkhead.localclouds.providers.store import Record, Store
from bulkhead.resources import types as t
from bulkhead.resources.permissions import GROUPS

CLOUD: Final = "cloudflare"
_SCHEME: Final = "bearer "
_NAMES: Final = {permission.id: permission.name for permission in GROUPS}


@dataclass(frozen=True, slots=True)
class Credential:
    """A token that the cloud knows. ``name`` is what a person calls it; ``account`` is the only account that it
    opens. ``groups`` are the names of its permission groups, None for a token that may do everything there."""

    id: str
    name: str
    tenant: Tenant
    groups: frozenset[str] | None = None

    @property
    def account(self) -> str:
        return self.tenant.account


class Credentials:
    """Finds the credential of a request."""

    def __init__(self, seed: Seed, store: Store) -> None:
        self._seed = seed
        self._store = store

    def of(self, header: str | None) -> Credential:
        """Return the credential that an Authorization header names.

        Raises Refusal as the API answers: a header of another form, a token that nobody knows, one that is disabled or
        expired.
        """
        if header is None or not header.lower().startswith(_SCHEME) or not header[len(_SCHEME) :].strip():
            raise Refusal(400, (6003, "Invalid request headers"))
        token = header[len(_SCHEME) :].strip()
        found = next(self._seeded(token), None) or next(self._made(token), None)
        if found is None:
            raise Refusal(401, (1000, "Invalid API Token"))
        return found

    def with_id(self, account: str, id_: str) -> tuple[Credential, str] | None:
        """Return the credential of an account that has this id, and its token, None if there is none."""
        seeded = (token for tenant in self._seed.tenants() for token in tenant.tokens.get(CLOUD, {}))
        made = (str(record.outputs["value"]) for record in self._store.all(type_=t.ACCOUNT_TOKEN))
        for token in (*seeded, *made):
            for credential in (*self._seeded(token), *self._made(token)):
                if (credential.account, credential.id) == (account, id_):
                    return credential, token
        return None

    def _seeded(self, token: str) -> Iterator[Credential]:
        for tenant in self._seed.tenants():
            name = tenant.tokens.get(CLOUD, {}).get(token)
            if name is not None:
                yield Credential(f"{tenant.environment}:{name}", name, tenant)

    def _made(self, token: str) -> Iterator[Credential]:
        for record in self._store.all(type_=t.ACCOUNT_TOKEN):
            if record.outputs["value"] == token and is_active(record):
                tenant = next((one for one in self._seed.tenants() if one.environment == record.environment), None)
                if tenant is not None:
                    yield Credential(record.id, str(record.outputs["name"]), tenant, groups_of(record))


def is_active(token: Record) -> bool:
    """Whether a token opens anything today."""
    today = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    outputs = token.outputs
    begun = outputs.get("notBefore", "") <= today
    return bool(outputs["status"] == "active" and begun and today < outputs.get("expiresOn", "9999"))


def groups_of(token: Record) -> frozenset[str]:
    """Return the names of the permission groups that a token was given; a denial takes its groups away everywhere."""
    granted: dict[str, set[str]] = {"allow": set(), "deny": set()}
    for policy in token.outputs["policies"]:
        granted[policy["effect"]] |= {_NAMES.get(group["id"], group["id"]) for group in policy["permissionGroups"]}
    return frozenset(granted["allow"] - granted["deny"])
