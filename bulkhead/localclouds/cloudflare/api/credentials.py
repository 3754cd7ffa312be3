"""Whose token it is, and what it opens: tokens of the seed, and tokens that the API itself has made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from bulkhead.localclouds.api.seed import Seed, Tenant
from bulkhead.localclouds.cloudflare.api.answers import Refusal
from bulkhead.localclouds.providers.rules import now
from bulkhead.localclouds.providers.store import Record, Store
from bulkhead.resources import types as t
from bulkhead.resources.token_policies import Policy, Target, admits, granted, read_policies

CLOUD: Final = "cloudflare"
_SCHEME: Final = "bearer "


@dataclass(frozen=True, slots=True)
class Credential:
    """A token that the cloud knows. ``name`` is what a person calls it; ``account`` is the only account that it
    opens. ``policies`` say what it may do there, None that it may do everything. ``condition`` says from where, None
    from everywhere."""

    id: str
    name: str
    tenant: Tenant
    policies: tuple[Policy, ...] | None = None
    condition: Mapping[str, Any] | None = None

    @property
    def account(self) -> str:
        return self.tenant.account

    def has_one_of(self, groups: frozenset[str], target: Target) -> bool:
        """Whether it has one of these permission groups on a target."""
        return self.policies is None or bool(groups & granted(self.policies, target))


class Credentials:
    """Finds the credential of a request."""

    def __init__(self, seed: Seed, store: Store) -> None:
        self._seed = seed
        self._store = store

    def of(self, header: str | None, address: str) -> Credential:
        """Return the credential that an Authorization header names, for a caller at an address.

        Raises Refusal as the API answers: a header of another form, a token that nobody knows, one that is disabled or
        expired, one that may not be used from there.
        """
        if header is None or not header.lower().startswith(_SCHEME) or not header[len(_SCHEME) :].strip():
            raise Refusal(400, (6003, "Invalid request headers"))
        token = header[len(_SCHEME) :].strip()
        found = next(self._seeded(token), None) or next(self._made(token), None)
        if found is None:
            raise Refusal(401, (1000, "Invalid API Token"))
        if not admits(found.condition, address):  # answered so in jeessy2/ddns-go#1341
            raise Refusal(403, (9109, f"Cannot use the access token from location: {address}"))
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
                given = tenant.policies.get(name)
                id_ = f"{tenant.environment}:{name}"
                yield Credential(id_, name, tenant, None if given is None else read_policies(given))

    def _made(self, token: str) -> Iterator[Credential]:
        for record in self._store.having(t.ACCOUNT_TOKEN, "value", token):
            if is_active(record):
                tenant = next((one for one in self._seed.tenants() if one.environment == record.environment), None)
                if tenant is not None:
                    name, policies = str(record.outputs["name"]), read_policies(record.outputs["policies"])
                    yield Credential(record.id, name, tenant, policies, record.outputs.get("condition"))


def is_active(token: Record) -> bool:
    """Whether a token opens anything today."""
    return status_of(token) == "active" and token.outputs.get("notBefore", "") <= now()


def status_of(token: Record) -> str:
    """Return the status that the API shows of a token."""
    return "expired" if token.outputs.get("expiresOn", "9999") <= now() else str(token.outputs["status"])
