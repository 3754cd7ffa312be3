"""The routes of KV namespaces."""

from __future__ import annotations

from typing import Final

from bulkhead.localclouds.cloudflare.api.call import Call, Route
from bulkhead.localclouds.cloudflare.api.crud import Served, routes
from bulkhead.localclouds.cloudflare.api.endpoint import Endpoint
from bulkhead.localclouds.providers.store import Record
from bulkhead.resources import types as t

_NAMESPACES: Final = "/accounts/{account_id}/storage/kv/namespaces"
NAMESPACE: Final = f"{_NAMESPACES}/{{namespace_id}}"
_MISSING_TITLE: Final = 10019

_NAMESPACE: Final = Endpoint(
    type=t.WORKERS_KV_NAMESPACE,
    collection=_NAMESPACES,
    item=NAMESPACE,
    change="PUT",
    orders={"id": "id", "title": "title"},
    missing=10013,
    invalid=_MISSING_TITLE,
)
ENDPOINTS: Final = (_NAMESPACE,)
_SERVED: Final = Served(_NAMESPACE)


def namespace_of(call: Call) -> Record:
    """Return the namespace that the path names. Raises Refusal."""
    return _SERVED.find(call)


ROUTES: Final[tuple[Route, ...]] = tuple(route for endpoint in ENDPOINTS for route in routes(endpoint))
