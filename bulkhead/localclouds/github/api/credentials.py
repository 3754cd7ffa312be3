"""Whose token it is: a person's, which the seed names, or an app's, which the API's own cloud has made."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain
from typing import Final

from bulkhead.localclouds.api.seed import Seed
from bulkhead.localclouds.github.api.call import Credential, Refusal
from bulkhead.localclouds.github.api.cloud import GitHub

CLOUD: Final = "github"
_SCHEMES: Final = ("bearer", "token")


class Credentials:
    """Finds the credential of a request."""

    def __init__(self, seed: Seed, cloud: GitHub) -> None:
        self._seed = seed
        self._cloud = cloud

    def of(self, header: str | None) -> Credential:
        """Return the credential that an Authorization header names. Raises Refusal as the API answers."""
        scheme, _, token = (header or "").partition(" ")
        if not token.strip():
            raise Refusal(401, "Requires authentication")
        found = next(chain(self._seeded(token.strip()), self._made(token.strip())), None)
        if found is None or scheme.lower() not in _SCHEMES:
            raise Refusal(401, "Bad credentials")
        return found

    def install(
        self, environment: str, owner: str, repository: str, app: str, permissions: Iterable[str]
    ) -> tuple[str, Credential]:
        """Make a token of an app's installation in one repository, as a run of a pipeline gets one."""
        token = f"ghs_{secrets.token_hex(18)}"
        who = Credential(app, f"{app}[bot]", environment, owner, frozenset(permissions), app, frozenset({repository}))
        facts = {"name": who.name, "environment": environment, "app": app, "permissions": sorted(who.permissions or ())}
        self._cloud.put("token", owner, repository, _digest(token), {**facts, "owner": owner, "repository": repository})
        return token, who

    def _seeded(self, token: str) -> Iterator[Credential]:
        """A person made these for one repository, with everything that README.md asks for. They act as its owner."""
        for tenant in self._seed.tenants():
            name = tenant.tokens.get(CLOUD, {}).get(token)
            if name is not None:
                owner, _, repository = tenant.repository.partition("/")
                yield Credential(name, owner, tenant.environment, owner, None, repositories=frozenset({repository}))

    def _made(self, token: str) -> Iterator[Credential]:
        digest = _digest(token)
        for facts in self._cloud.every("token", key=digest):
            app, owner = facts["app"], facts["owner"]
            held = frozenset(facts["permissions"])
            who = Credential(facts["name"], f"{app}[bot]", facts["environment"], owner, held, app)
            yield replace(who, repositories=frozenset({facts["repository"]}))


def _digest(token: str) -> str:
    """Only this of a token is kept."""
    return hashlib.sha256(token.encode()).hexdigest()
