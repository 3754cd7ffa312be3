"""The rows of the permissions of Cloudflare's API, and how they are written."""

from __future__ import annotations

from typing import Final

from bulkhead.localclouds.api.permissions import Accepted, Row

ACCOUNT: Final = "/accounts/{account_id}"
ZONE: Final = "/zones/{zone_id}"
OPENAPI: Final = "cloudflare/api-schemas c92b9b0 (2026-07-27), openapi.json: x-api-token-group"
REFERENCE: Final = "developers.cloudflare.com/api, the method's page: Accepted Permissions (at least one required)"


def sdk(module: str) -> str:
    """Return the source that a module of the Pulumi SDK is: its docstring lists what all routes behind it accept."""
    return f"pulumi_cloudflare.{module}: Accepted Permissions"


def group(*names: str) -> frozenset[str]:
    return frozenset(names)


def reading(name: str) -> frozenset[str]:
    """Return the groups of a pair that may read: the one that may write is one of them."""
    return frozenset({f"{name} Read", f"{name} Write"})


def writing(name: str) -> frozenset[str]:
    return frozenset({f"{name} Write"})


def row(path: str, *modules: str, source: str | tuple[str, ...] = OPENAPI, note: str = "", **accepted: Accepted) -> Row:
    """Return a row; ``modules`` are those of the Pulumi SDK whose docstrings say the same."""
    read = (source,) if isinstance(source, str) else source
    return Row(path, accepted, (*read, *map(sdk, modules)), note)
