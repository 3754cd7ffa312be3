"""What each of Cloudflare's types is asked at least, what must exist before, and what an update changes in place, what
it takes away included. Spelt as a program spells it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bulkhead.resources import types as t
from bulkhead.resources.kind import ResourceType
from bulkhead.resources.permissions import D1_READ

LEAST: Final[Mapping[ResourceType, Mapping[str, Any]]] = {
    t.D1_DATABASE: {"name": "main"},
    t.WORKERS_KV_NAMESPACE: {"title": "sessions"},
    t.R2_BUCKET: {"name": "files"},
    t.R2_BUCKET_LIFECYCLE: {"bucketName": "files"},
    t.R2_BUCKET_LOCK: {"bucketName": "files"},
    t.R2_BUCKET_CORS: {"bucketName": "files"},
    t.R2_MANAGED_DOMAIN: {"bucketName": "files", "enabled": False},
    t.QUEUE: {"queueName": "events"},
    t.QUEUE_CONSUMER: {"queueId": "events-id", "type": "http_pull"},
    t.WORKER: {"name": "shop"},
    t.WORKERS_DEPLOYMENT: {
        "scriptName": "shop",
        "strategy": "percentage",
        "versions": [{"versionId": "version-id", "percentage": 100}],
    },
    t.WORKER_VERSION: {
        "workerId": "shop-id",
        "mainModule": "index.js",
        "compatibilityDate": "2026-07-01",
        "modules": [
            {
                "name": "index.js",
                "contentType": "application/javascript+module",
                "contentFile": "tests/support/hello.js",
            }
        ],
    },
    t.WORKERS_CRON_TRIGGER: {"scriptName": "shop", "schedules": [{"cron": "0 * * * *"}]},
    t.WORKERS_CUSTOM_DOMAIN: {"hostname": "shop.harbor.example", "service": "shop"},
    t.WORKERS_ROUTE: {"pattern": "shop.harbor.example/*", "script": "shop"},
    t.ACCOUNT_TOKEN: {
        "name": "reader",
        "policies": [
            {
                "effect": "allow",
                "permissionGroups": [{"id": D1_READ.id}],
                "resources": '{"com.cloudflare.api.account.22222222222222222222222222222222":"*"}',
            }
        ],
    },
    t.ZERO_TRUST_ACCESS_SERVICE_TOKEN: {"name": "robot"},
    t.ZERO_TRUST_ACCESS_POLICY: {
        "name": "people",
        "decision": "allow",
        "includes": [{"emailDomain": {"domain": "harbor.example"}}, {"email": {"email": "a@other.example"}}],
    },
    t.ZERO_TRUST_ACCESS_APPLICATION: {
        "name": "shop",
        "type": "self_hosted",
        "destinations": [{"type": "public", "uri": "shop.harbor.example"}],
    },
}
BEFORE: Final[Mapping[ResourceType, tuple[ResourceType, ...]]] = {
    t.R2_BUCKET_LIFECYCLE: (t.R2_BUCKET,),
    t.R2_BUCKET_LOCK: (t.R2_BUCKET,),
    t.R2_BUCKET_CORS: (t.R2_BUCKET,),
    t.R2_MANAGED_DOMAIN: (t.R2_BUCKET,),
    t.QUEUE_CONSUMER: (t.QUEUE,),
    t.WORKER_VERSION: (t.WORKER,),
    t.WORKERS_DEPLOYMENT: (t.WORKER, t.WORKER_VERSION),
    t.WORKERS_CRON_TRIGGER: (t.WORKER, t.WORKER_VERSION, t.WORKERS_DEPLOYMENT),
    t.WORKERS_CUSTOM_DOMAIN: (t.WORKER, t.WORKER_VERSION, t.WORKERS_DEPLOYMENT),
    t.WORKERS_ROUTE: (t.WORKER, t.WORKER_VERSION, t.WORKERS_DEPLOYMENT),
}
IDS: Final = {t.QUEUE: {"queueId": "events-id"}, t.WORKER: {"id": "shop-id"}, t.WORKER_VERSION: {"id": "version-id"}}
_RULE: Final[dict[str, Any]] = {"id": "old", "enabled": True, "conditions": {"prefix": ""}}
_EXPIRING: Final = {"deleteObjectsTransition": {"condition": {"type": "Age", "maxAge": 86400}}}
_FROM_US: Final[dict[str, Any]] = {"allowed": {"methods": ["GET"], "origins": ["https://harbor.example"]}}
_LOCKED: Final[dict[str, Any]] = {"id": "evidence", "enabled": True, "condition": {"type": "Indefinite"}}
_TOKEN_FROM_HOME: Final[dict[str, Any]] = {
    "condition": {"requestIp": {"ins": ["192.0.2.0/24"]}},
    "expiresOn": "2027-01-20T00:00:00Z",
}
NEXT: Final = "2127-01-20T00:00:00Z"
_LET_IN: Final[list[Any]] = [{"email": {"email": "a@other.example"}}]
UPDATES: Final[tuple[tuple[ResourceType, Mapping[str, Any], Mapping[str, Any]], ...]] = (
    (t.D1_DATABASE, {"readReplication": {"mode": "disabled"}}, {"readReplication": {"mode": "auto"}}),
    (
        t.D1_DATABASE,
        {"primaryLocationHint": "apac"},
        {"primaryLocationHint": "apac", "readReplication": {"mode": "auto"}},
    ),
    (t.WORKERS_KV_NAMESPACE, {}, {"title": "renamed"}),
    (t.R2_BUCKET, {"location": "apac"}, {"location": "apac", "storageClass": "InfrequentAccess"}),
    (t.R2_BUCKET, {"storageClass": "InfrequentAccess"}, {}),
    (t.R2_BUCKET_LIFECYCLE, {"rules": [_RULE | _EXPIRING]}, {"rules": [_RULE]}),
    (t.R2_BUCKET_LIFECYCLE, {"rules": [_RULE]}, {}),
    (t.R2_BUCKET_LOCK, {"rules": [_LOCKED | {"prefix": "a/"}]}, {"rules": [_LOCKED]}),
    (t.R2_BUCKET_LOCK, {"rules": [_LOCKED]}, {"rules": []}),
    (t.R2_BUCKET_CORS, {"rules": [_FROM_US | {"id": "ours", "maxAgeSeconds": 60}]}, {"rules": [_FROM_US]}),
    (t.R2_BUCKET_CORS, {"rules": [_FROM_US]}, {}),
    (t.R2_MANAGED_DOMAIN, {}, {"enabled": True}),
    (t.QUEUE, {"settings": {"deliveryDelay": 5}}, {"settings": {"messageRetentionPeriod": 60}}),
    (t.QUEUE, {"settings": {"deliveryDelay": 5}}, {"queueName": "renamed"}),
    (t.QUEUE_CONSUMER, {"settings": {"batchSize": 5}, "deadLetterQueue": "events"}, {"settings": {"batchSize": 6}}),
    (t.WORKER, {"tags": ["a"], "logpush": True}, {"name": "renamed"}),
    (t.WORKER, {}, {"observability": {"enabled": True}, "subdomain": {"enabled": True, "previewsEnabled": False}}),
    (t.WORKERS_CRON_TRIGGER, {}, {"schedules": []}),
    (t.ACCOUNT_TOKEN, _TOKEN_FROM_HOME, {"name": "renamed"}),
    (t.ACCOUNT_TOKEN, {}, _TOKEN_FROM_HOME | {"status": "disabled"}),
    (t.ZERO_TRUST_ACCESS_SERVICE_TOKEN, {"duration": "24h"}, {"name": "renamed"}),
    (t.ZERO_TRUST_ACCESS_SERVICE_TOKEN, {}, {"clientSecretVersion": 2, "previousClientSecretExpiresAt": NEXT}),
    (t.ZERO_TRUST_ACCESS_POLICY, {"sessionDuration": "1h"}, {"decision": "deny"}),
    (t.ZERO_TRUST_ACCESS_POLICY, {"requires": _LET_IN}, {"includes": _LET_IN}),
    (t.ZERO_TRUST_ACCESS_APPLICATION, {"sameSiteCookieAttribute": "lax"}, {"sessionDuration": "1h"}),
    (
        t.ZERO_TRUST_ACCESS_APPLICATION,
        {},
        {"destinations": [{"type": "public", "uri": f"{host}.harbor.example"} for host in ("shop", "*.shop")]},
    ),
)
