"""The permission groups that each route of Cloudflare's API accepts; their names are those of
bulkhead/resources/permissions.py."""

from __future__ import annotations

from typing import Final

from bulkhead.localclouds.api.permissions import Accepted, Table
from bulkhead.localclouds.cloudflare.api.permission_rows import stores, workers, zones

TABLE: Final = Table([*stores.ROWS, *workers.ROWS, *zones.ROWS])


def accepted(method: str, path: str) -> Accepted:
    """Return the names of the groups of which one is enough for a request; ``path`` begins behind /client/v4."""
    return TABLE.accepted(method, path)
