"""The resource types that a rehearsal knows, with the rules and the handler of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Final

from bulkhead.localclouds.providers import aws, cloudflare, github, schema
from bulkhead.localclouds.providers.checks import Check
from bulkhead.localclouds.providers.handler import Recorded
from bulkhead.localclouds.providers.rules import TypeRules
from bulkhead.resources.kind import PROVIDER

HandlerFactory = Callable[[str, TypeRules], Recorded]

TABLES: Final[Mapping[str, Mapping[str, TypeRules]]] = {
    "aws": aws.RULES,
    "cloudflare": cloudflare.RULES,
    "github": github.RULES,
}
PROVIDER_CHECKS: Final[Mapping[str, tuple[Check, ...]]] = {
    "aws": aws.PROVIDER_CHECKS,
    "cloudflare": cloudflare.PROVIDER_CHECKS,
    "github": github.PROVIDER_CHECKS,
}


class NotRehearsed(Exception):
    """No table lists the resource type, so nothing about it could be checked."""

    def __init__(self, token: str) -> None:
        package = package_of(token)
        home = (
            f"bulkhead/localclouds/providers/{package}.py"
            if package in TABLES
            else "bulkhead/localclouds/providers/ (a package of its own)"
        )
        super().__init__(f"{token} is not rehearsed; to rehearse it, add its TypeRules to {home} (see CONTRIBUTING.md)")


def package_of(token: str) -> str:
    """Return the package of a type token; the provider resource of a package belongs to it too."""
    return token.rsplit(":", 1)[1] if token.startswith(PROVIDER) else token.split(":", 1)[0]


def rules_of(token: str) -> TypeRules:
    """Return the rules of a type. Raises NotRehearsed."""
    rules = TABLES.get(package_of(token), {}).get(token)
    if rules is None:
        raise NotRehearsed(token)
    return rules


@cache
def catalogue(package: str) -> schema.Catalogue:
    """Return the input types of all listed types of ``package``."""
    return schema.load(package, TABLES[package])


class Registry:
    """The handler of each type: one that makes it real where ``real`` has one, else its row in the store."""

    def __init__(self, real: Mapping[str, HandlerFactory] | None = None) -> None:
        real = real or {}
        for token in real:
            rules_of(token)  # a handler of a type without rules would never be reached
        self._handlers = {
            token: real.get(token, Recorded)(token, rules)
            for table in TABLES.values()
            for token, rules in table.items()
        }

    def handler(self, token: str) -> Recorded:
        """Return what makes resources of this type. Raises NotRehearsed."""
        if token not in self._handlers:
            raise NotRehearsed(token)
        return self._handlers[token]
