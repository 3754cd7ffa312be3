"""The routes of what holds a product's data: D1, KV, R2, queues. What is in them has modules of its own."""

from __future__ import annotations

from typing import Final

from bulkhead.localclouds.cloudflare.api.asked import Route
from bulkhead.localclouds.cloudflare.api.crud import Endpoint, routes
from bulkhead.localclouds.cloudflare.api.spelling import as_it_is
from bulkhead.resources import types as t

_BUCKETS: Final = "/accounts/{account_id}/r2/buckets"
_JURISDICTION: Final = {"cf-r2-jurisdiction": "jurisdiction"}
_QUEUES: Final = "/accounts/{account_id}/queues"

DATABASES: Final = Endpoint(
    type=t.D1_DATABASE,
    collection="/accounts/{account_id}/d1/database",
    item="/accounts/{account_id}/d1/database/{database_id}",
    change="PUT",
    id_as="uuid",
    hidden=frozenset({"primaryLocationHint"}),
    filters=("name",),
    missing=7404,
)

ENDPOINTS: Final = (
    DATABASES,
    Endpoint(
        type=t.WORKERS_KV_NAMESPACE,
        collection="/accounts/{account_id}/storage/kv/namespaces",
        item="/accounts/{account_id}/storage/kv/namespaces/{namespace_id}",
        change="PUT",
        missing=10013,
    ),
    Endpoint(
        type=t.R2_BUCKET,
        headers=_JURISDICTION,
        collection=_BUCKETS,
        item=f"{_BUCKETS}/{{bucket_name}}",
        id_as="",
        renamed={"location": "locationHint", "storageClass": "storageClass"},
        listed_in="buckets",
        missing=10006,
    ),
    Endpoint(
        type=t.R2_BUCKET_LIFECYCLE,
        headers=_JURISDICTION,
        item=f"{_BUCKETS}/{{bucket_name}}/lifecycle",
        create="PUT",
        id_as="",
        asks=as_it_is,
        answers=as_it_is,
        missing=10006,
    ),
    Endpoint(
        type=t.R2_BUCKET_LOCK,
        headers=_JURISDICTION,
        item=f"{_BUCKETS}/{{bucket_name}}/lock",
        create="PUT",
        id_as="",
        asks=as_it_is,
        answers=as_it_is,
        missing=10006,
    ),
    Endpoint(
        type=t.R2_BUCKET_CORS,
        headers=_JURISDICTION,
        item=f"{_BUCKETS}/{{bucket_name}}/cors",
        create="PUT",
        id_as="",
        asks=as_it_is,
        answers=as_it_is,
        missing=10059,
    ),
    Endpoint(
        type=t.R2_MANAGED_DOMAIN,
        headers=_JURISDICTION,
        item=f"{_BUCKETS}/{{bucket_name}}/domains/managed",
        create="PUT",
        id_as="",
        asks=as_it_is,
        answers=as_it_is,
        missing=10006,
    ),
    Endpoint(
        type=t.QUEUE,
        collection=_QUEUES,
        item=f"{_QUEUES}/{{queue_id}}",
        change="PUT",
        id_as="queue_id",
        missing=11000,
    ),
    Endpoint(
        type=t.QUEUE_CONSUMER,
        collection=f"{_QUEUES}/{{queue_id}}/consumers",
        item=f"{_QUEUES}/{{queue_id}}/consumers/{{consumer_id}}",
        change="PUT",
        id_as="consumer_id",
        missing=11004,
    ),
)

# The module of D1 serves its type itself.
ROUTES: Final[tuple[Route, ...]] = tuple(
    route for endpoint in ENDPOINTS if endpoint is not DATABASES for route in routes(endpoint)
)
