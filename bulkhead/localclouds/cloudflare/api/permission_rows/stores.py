"""What the routes of D1, KV, R2 and queues accept."""

from __future__ import annotations

from typing import Final

from bulkhead.localclouds.api.permissions import UNSAID, Row
from bulkhead.localclouds.cloudflare.api.permission_rows import (
    ACCOUNT,
    OPENAPI,
    REFERENCE,
    group,
    reading,
    row,
    writing,
)

_D1, _D1_WRITE = reading("D1"), writing("D1")
_KV, _KV_WRITE = reading("Workers KV Storage"), writing("Workers KV Storage")
_R2, _R2_WRITE = reading("Workers R2 Storage"), writing("Workers R2 Storage")
_QUEUE_WRITE = group("Queues Write", "Workers Scripts Write")
_QUEUE = _QUEUE_WRITE | group("Queues Read", "Workers Scripts Read")

_DATABASES: Final = f"{ACCOUNT}/d1/database"
_DATABASE: Final = f"{_DATABASES}/{{database_id}}"
_NAMESPACES: Final = f"{ACCOUNT}/storage/kv/namespaces"
_NAMESPACE: Final = f"{_NAMESPACES}/{{namespace_id}}"
_BUCKETS: Final = f"{ACCOUNT}/r2/buckets"
_BUCKET: Final = f"{_BUCKETS}/{{bucket_name}}"
_EVENTS: Final = f"{ACCOUNT}/event_notifications/r2/{{bucket_name}}/configuration"
_QUEUES: Final = f"{ACCOUNT}/queues"
_ONE_QUEUE: Final = f"{_QUEUES}/{{queue_id}}"

_R2_PAGE: Final = (
    "developers.cloudflare.com/r2/api/tokens, Permission groups: Write may 'edit bucket configuration, and read,"
    " write, and list objects', Read may 'view bucket configuration, and read and list objects'"
)
_SILENT: Final = "OpenAPI and the API reference name no group for it"
_SILENT_BUCKET: Final = (
    "OpenAPI names no group, only the action com.cloudflare.edge.r2.bucket.read or .write; so the SDK's r2_bucket"
    " names only Workers R2 Storage Write, although it reads buckets as well"
)
_OBJECTS: Final = "the groups for a bucket's items are for the S3 API only (r2/api/tokens)"

ROWS: Final[tuple[Row, ...]] = (
    row(_DATABASES, "d1_database", "get_d1_databases", GET=_D1, POST=_D1_WRITE),
    row(_DATABASE, "d1_database", "get_d1_database", GET=_D1, PATCH=_D1_WRITE, DELETE=_D1_WRITE),
    row(_DATABASE, "d1_database", source=REFERENCE, PUT=_D1_WRITE),
    row(f"{_DATABASE}/query", source=REFERENCE, POST=_D1, note="D1 Read is enough, although SQL may write"),
    row(f"{_DATABASE}/raw", source=REFERENCE, POST=_D1, note="D1 Read is enough, although SQL may write"),
    row(f"{_DATABASE}/export", source=(OPENAPI, REFERENCE), POST=UNSAID, note=_SILENT),
    row(f"{_DATABASE}/import", source=(OPENAPI, REFERENCE), POST=UNSAID, note=_SILENT),
    row(f"{_DATABASE}/time_travel/bookmark", GET=_D1),
    row(f"{_DATABASE}/time_travel/restore", POST=UNSAID, note="OpenAPI names no group for it"),
    row(_NAMESPACES, "workers_kv_namespace", "get_workers_kv_namespaces", GET=_KV, POST=_KV_WRITE),
    row(
        _NAMESPACE,
        "workers_kv_namespace",
        "get_workers_kv_namespace",
        GET=_KV,
        PUT=_KV_WRITE,
        DELETE=_KV_WRITE,
    ),
    row(f"{_NAMESPACE}/keys", GET=_KV),
    row(f"{_NAMESPACE}/metadata/{{key_name}}", GET=_KV),
    row(
        f"{_NAMESPACE}/values/{{key_name}}",
        "workers_kv",
        "get_workers_kv",
        GET=_KV,
        PUT=_KV_WRITE,
        DELETE=_KV_WRITE,
    ),
    row(f"{_NAMESPACE}/bulk", PUT=_KV_WRITE, DELETE=_KV_WRITE),
    row(f"{_NAMESPACE}/bulk/delete", POST=_KV_WRITE),
    row(f"{_NAMESPACE}/bulk/get", POST=_KV),
    row(_BUCKETS, GET=_R2),
    row(_BUCKETS, "r2_bucket", POST=_R2_WRITE),
    row(_BUCKET, source=_R2_PAGE, GET=_R2, PATCH=_R2_WRITE, note=_SILENT_BUCKET),
    row(_BUCKET, "r2_bucket", DELETE=_R2_WRITE),
    row(f"{_BUCKET}/cors", source=_R2_PAGE, GET=_R2, PUT=_R2_WRITE, DELETE=_R2_WRITE, note=_SILENT),
    row(f"{_BUCKET}/lifecycle", source=_R2_PAGE, GET=_R2, PUT=_R2_WRITE, note=_SILENT),
    row(f"{_BUCKET}/lock", source=_R2_PAGE, GET=_R2, PUT=_R2_WRITE, note=_SILENT),
    row(f"{_BUCKET}/domains/managed", source=_R2_PAGE, GET=_R2, PUT=_R2_WRITE, note=_SILENT_BUCKET),
    row(f"{_BUCKET}/domains/custom", source=_R2_PAGE, GET=_R2, POST=_R2_WRITE, note=_SILENT_BUCKET),
    row(
        f"{_BUCKET}/domains/custom/{{domain}}",
        "r2_custom_domain",
        "get_r2_custom_domain",
        GET=_R2,
        DELETE=_R2_WRITE,
    ),
    row(f"{_BUCKET}/domains/custom/{{domain}}", source=_R2_PAGE, PUT=_R2_WRITE, note=_SILENT_BUCKET),
    row(f"{_BUCKET}/sippy", source=_R2_PAGE, GET=_R2, PUT=_R2_WRITE, note=_SILENT),
    row(f"{_BUCKET}/sippy", DELETE=_R2_WRITE),
    row(f"{_BUCKET}/objects", source=_R2_PAGE, GET=_R2, note=_OBJECTS),
    row(f"{_BUCKET}/objects", DELETE=_R2_WRITE, note=_OBJECTS),
    row(f"{_BUCKET}/objects/{{object_key:path}}", source=_R2_PAGE, GET=_R2, PUT=_R2_WRITE, note=_OBJECTS),
    row(f"{_BUCKET}/objects/{{object_key:path}}", DELETE=_R2_WRITE, note=_OBJECTS),
    row(f"{ACCOUNT}/r2/temp-access-credentials", POST=UNSAID, note="OpenAPI names no group for it"),
    row(_EVENTS, "r2_bucket_event_notification", GET=_R2),
    row(
        f"{_EVENTS}/queues/{{queue_id}}",
        "r2_bucket_event_notification",
        "get_r2_bucket_event_notification",
        GET=_R2,
        PUT=_R2_WRITE,
        DELETE=_R2_WRITE,
    ),
    row(_QUEUES, "queue", "get_queues", GET=_QUEUE, POST=_QUEUE_WRITE),
    row(
        _ONE_QUEUE,
        "queue",
        "get_queue",
        GET=_QUEUE,
        PUT=_QUEUE_WRITE,
        PATCH=_QUEUE_WRITE,
    ),
    row(_ONE_QUEUE, "queue", source=REFERENCE, DELETE=_QUEUE_WRITE),
    row(f"{_ONE_QUEUE}/consumers", "queue_consumer", "get_queue_consumers", GET=_QUEUE, POST=_QUEUE_WRITE),
    row(
        f"{_ONE_QUEUE}/consumers/{{consumer_id}}",
        "queue_consumer",
        "get_queue_consumer",
        GET=_QUEUE,
        PUT=_QUEUE_WRITE,
        DELETE=_QUEUE_WRITE,
    ),
    row(f"{_ONE_QUEUE}/messages", POST=_QUEUE_WRITE),
    row(f"{_ONE_QUEUE}/messages/batch", POST=_QUEUE_WRITE),
    row(f"{_ONE_QUEUE}/messages/pull", POST=_QUEUE_WRITE),
    row(f"{_ONE_QUEUE}/messages/ack", POST=_QUEUE_WRITE),
    row(
        f"{_ONE_QUEUE}/metrics",
        source="cloudflare 5.9 (the official client) has it, and names no group",
        GET=UNSAID,
        note="what OpenAPI says of it was not at hand",
    ),
    row(f"{_ONE_QUEUE}/purge", GET=_QUEUE, POST=_QUEUE_WRITE),
)
