"""What holds a product's data: D1, KV, R2, queues. The rows of all; what is in them has modules of its own."""

from __future__ import annotations

from typing import Final

from bulkhead.localclouds.cloudflare.api import kv, queues, r2
from bulkhead.localclouds.cloudflare.api.call import Route
from bulkhead.localclouds.cloudflare.api.endpoint import Endpoint
from bulkhead.resources import types as t

DATABASES: Final = Endpoint(
    type=t.D1_DATABASE,
    collection="/accounts/{account_id}/d1/database",
    item="/accounts/{account_id}/d1/database/{database_id}",
    change="PUT PATCH",
    id_as="uuid",
    hidden=frozenset({"primaryLocationHint"}),
    filters={"name": "name"},
    page=1000,
    name="name",
    missing=7404,
    invalid=7400,
)
ENDPOINTS: Final = (DATABASES, *kv.ENDPOINTS, *r2.ENDPOINTS, *queues.ENDPOINTS)

# The module of D1 serves its type itself.
ROUTES: Final[tuple[Route, ...]] = (*kv.ROUTES, *r2.ROUTES, *queues.ROUTES)
