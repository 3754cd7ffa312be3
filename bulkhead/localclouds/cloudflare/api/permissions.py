"""The permission groups that each route of Cloudflare's API accepts; their names are those of
bulkhead/resources/permissions.py."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Final

from bulkhead.localclouds.api.permissions import UNSAID, Accepted, Row, Table
from bulkhead.localclouds.cloudflare.api.permission_rows import sdk, stores, workers, zones
from bulkhead.resources.kind import ResourceType
from bulkhead.resources.permissions import GROUPS, Reach
from bulkhead.resources.token_policies import Target

_PRODUCT: Final = 3  # parts of a path before the product: an account or a zone
_WORD: Final = re.compile(r"(?<!^)([A-Z])")
_OF_ZONES: Final = {group.name for group in GROUPS if group.reach is Reach.ZONE}
TABLE: Final = Table([*stores.ROWS, *workers.ROWS, *zones.ROWS])


def target_of(path: Mapping[str, str], account: str) -> Target:
    """Return what the values in a route's path are about, for a token of ``account``."""
    zone = path.get("zone_id", "")
    return Target(path.get("account_id", account if zone else ""), zone, path.get("bucket_name", ""))


def rows_of(type_: ResourceType) -> Iterator[Row]:
    """Yield the rows of the routes that stand behind a type of resource, as the SDK's docstring of it says."""
    module = _WORD.sub(r"_\1", type_.kind).lower()
    yield from (row for row in TABLE.rows if sdk(module) in row.sources)


def accepted(method: str, path: str) -> Accepted:
    """Return the names of the groups of which one is enough for a request; ``path`` begins behind /client/v4."""
    return TABLE.accepted(method, path)


@cache
def least(method: str, template: str) -> Accepted:
    """Return the groups of which one is enough. Where no source says it, those of the routes beside or above count: a
    token that may do nothing with a product cannot delete there, nor can one with rights on zones only in an account.
    UNSAID where nothing is near, as for ``/accounts``."""
    known = accepted(method, template)
    if known is not UNSAID:
        return known
    parts, reads = template.split("/"), method == "GET"
    for end in range(len(parts), _PRODUCT, -1):
        above = "/".join(parts[:end])
        near = {
            name
            for row in TABLE.rows
            if f"{row.path}/".startswith(f"{above}/")
            for other, groups in row.accepted.items()
            for name in groups or ()
            if (other == "GET") == reads and (reads or name.endswith(" Write"))
            if not (name in _OF_ZONES and template.startswith("/accounts/"))
        }
        if near:
            return frozenset(near)
    return UNSAID
