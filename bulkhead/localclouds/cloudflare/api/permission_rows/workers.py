"""What the routes of Workers accept: the Workers themselves, their scripts, domains, routes and logs."""

from __future__ import annotations

from typing import Final

from bulkhead.localclouds.api.permissions import UNSAID, Row
from bulkhead.localclouds.cloudflare.api.permission_rows import (
    ACCOUNT,
    OPENAPI,
    REFERENCE,
    ZONE,
    group,
    reading,
    row,
    writing,
)

_SCRIPTS, _WRITE = reading("Workers Scripts"), writing("Workers Scripts")
_TAIL = _WRITE | group("Workers Tail Read")
_READ = _SCRIPTS | group("Workers Tail Read")
_LOGS, _LOGS_WRITE = reading("Workers Observability"), writing("Workers Observability")
_ROUTES, _ROUTES_WRITE = reading("Workers Routes"), writing("Workers Routes")

_WORKERS: Final = f"{ACCOUNT}/workers/workers"
_WORKER: Final = f"{_WORKERS}/{{worker_id}}"
_SCRIPT: Final = f"{ACCOUNT}/workers/scripts/{{script_name}}"
_SERVICE: Final = f"{ACCOUNT}/workers/services/{{service_name}}"
_ENVIRONMENT: Final = f"{_SERVICE}/environments/{{environment_name}}"
_DOMAINS: Final = f"{ACCOUNT}/workers/domains"
_OBJECTS: Final = f"{ACCOUNT}/workers/durable_objects/namespaces"
_OBSERVED: Final = f"{ACCOUNT}/workers/observability"
_ROUTE: Final = f"{ZONE}/workers/routes"

_SILENT: Final = "OpenAPI names no group for it"
_UNDOCUMENTED: Final = "in no reference; wrangler calls it"
_NOT_READ: Final = "the API has it; what OpenAPI says of it was not at hand"

ROWS: Final[tuple[Row, ...]] = (
    row(_WORKERS, "worker", "get_workers", GET=_READ, POST=_WRITE),
    row(_WORKER, "worker", "get_worker", GET=_READ, PUT=_WRITE, DELETE=_WRITE),
    row(_WORKER, PATCH=UNSAID, note=_SILENT),
    row(f"{_WORKER}/versions", "worker_version", "get_worker_versions", GET=_READ, POST=_WRITE),
    row(f"{_WORKER}/versions/{{version_id}}", "worker_version", "get_worker_version", GET=_READ),
    row(f"{_WORKER}/versions/{{version_id}}", DELETE=UNSAID, note=_SILENT),
    row(f"{_WORKER}/versions/latest", PATCH=UNSAID, note=_SILENT),
    row(f"{ACCOUNT}/workers/scripts", "workers_script", "get_workers_scripts", GET=_READ),
    row(f"{ACCOUNT}/workers/scripts-search", GET=_READ),
    row(_SCRIPT, "workers_script", "get_workers_script", GET=_READ, PUT=_WRITE),
    row(_SCRIPT, "workers_script", source=REFERENCE, DELETE=_WRITE),
    row(f"{_SCRIPT}/content", PUT=_WRITE),
    row(f"{_SCRIPT}/content/v2", GET=_READ),
    row(f"{_SCRIPT}/settings", GET=_READ, PATCH=_WRITE),
    row(f"{_SCRIPT}/script-settings", GET=_READ, PATCH=_WRITE),
    row(f"{_SCRIPT}/secrets", GET=_READ, PUT=_WRITE),
    row(f"{_SCRIPT}/secrets/{{secret_name}}", GET=UNSAID, note=_SILENT),
    row(f"{_SCRIPT}/secrets/{{secret_name}}", DELETE=_WRITE),
    row(f"{_SCRIPT}/secrets-bulk", PATCH=UNSAID, note=_SILENT),
    row(f"{_SCRIPT}/schedules", "workers_cron_trigger", "get_workers_cron_trigger", source=(), GET=_SCRIPTS),
    row(f"{_SCRIPT}/schedules", "workers_cron_trigger", PUT=_WRITE),
    row(f"{_SCRIPT}/deployments", "workers_deployment", "get_workers_deployments", GET=_READ, POST=_WRITE),
    row(
        f"{_SCRIPT}/deployments/{{deployment_id}}",
        "workers_deployment",
        "get_workers_deployment",
        GET=_READ,
        DELETE=_WRITE,
    ),
    row(f"{_SCRIPT}/versions", GET=_READ, POST=_WRITE),
    row(f"{_SCRIPT}/versions/{{version_id}}", GET=_READ),
    row(
        f"{_SCRIPT}/subdomain",
        "workers_script_subdomain",
        "get_workers_script_subdomain",
        GET=_READ,
        POST=_WRITE,
        DELETE=_WRITE,
    ),
    row(f"{_SCRIPT}/tails", GET=UNSAID, note=_NOT_READ),
    row(f"{_SCRIPT}/tails", POST=_TAIL),
    row(f"{_SCRIPT}/tails/{{id}}", DELETE=_TAIL),
    row(f"{_SCRIPT}/assets-upload-session", POST=_WRITE),
    row(
        f"{ACCOUNT}/workers/assets/upload",
        POST=UNSAID,
        note=f"{_SILENT}; its credential is the token that the upload session answers, not an API token",
    ),
    row(_SERVICE, source=(OPENAPI, REFERENCE), GET=UNSAID, DELETE=UNSAID, note=_UNDOCUMENTED),
    row(_ENVIRONMENT, source=(OPENAPI, REFERENCE), GET=UNSAID, note=_UNDOCUMENTED),
    row(f"{_SCRIPT}/references", source=(OPENAPI, REFERENCE), GET=UNSAID, note=_UNDOCUMENTED),
    row(
        f"{ACCOUNT}/workers/tails/by-consumer/{{script_name}}",
        source=(OPENAPI, REFERENCE),
        GET=UNSAID,
        note=_UNDOCUMENTED,
    ),
    row(f"{_ENVIRONMENT}/content", GET=_READ),
    row(f"{_ENVIRONMENT}/content", PUT=UNSAID, note=_NOT_READ),
    row(f"{_ENVIRONMENT}/settings", GET=_READ),
    row(f"{_ENVIRONMENT}/settings", PATCH=UNSAID, note=_SILENT),
    row(_DOMAINS, "workers_custom_domain", "get_workers_custom_domains", GET=_SCRIPTS, PUT=_WRITE),
    row(
        f"{_DOMAINS}/{{domain_id}}",
        "workers_custom_domain",
        "get_workers_custom_domain",
        GET=_SCRIPTS,
        DELETE=_WRITE,
    ),
    row(f"{_SCRIPT}/domains/changeset", source=(OPENAPI, REFERENCE), POST=UNSAID, note=_UNDOCUMENTED),
    row(f"{_SCRIPT}/domains/records", source=(OPENAPI, REFERENCE), PUT=UNSAID, note=_UNDOCUMENTED),
    row(f"{_DOMAINS}/records/{{domain_id}}", source=(OPENAPI, REFERENCE), GET=UNSAID, note=_UNDOCUMENTED),
    row(
        f"{_SCRIPT}/routes",
        source="cloudflare/workers-sdk, packages/deploy-helpers/src/triggers/publish-routes.ts",
        PUT=_ROUTES_WRITE,
        note="wrangler says that it takes them on all zones, and asks each zone where the token has not",
    ),
    row(f"{ACCOUNT}/workers/subdomain", GET=_SCRIPTS, PUT=_WRITE, DELETE=_WRITE),
    row(_OBJECTS, GET=_SCRIPTS),
    row(f"{_OBJECTS}/{{id}}/objects", GET=_SCRIPTS),
    row(f"{_OBSERVED}/destinations", GET=_LOGS, POST=_LOGS_WRITE),
    row(f"{_OBSERVED}/destinations/{{slug}}", PATCH=_LOGS_WRITE),
    row(f"{_OBSERVED}/destinations/{{slug}}", DELETE=UNSAID, note=_NOT_READ),
    row(f"{_OBSERVED}/metricsexport", GET=_LOGS, POST=_LOGS_WRITE),
    row(f"{_OBSERVED}/queries", GET=_LOGS, POST=_LOGS_WRITE),
    row(f"{_OBSERVED}/queries/{{queryId}}", GET=_LOGS, PATCH=_LOGS_WRITE),
    row(f"{_OBSERVED}/shared/query/{{id}}", GET=_LOGS),
    row(f"{_OBSERVED}/telemetry/keys", source=REFERENCE, POST=_LOGS_WRITE),
    row(f"{_OBSERVED}/telemetry/query", source=REFERENCE, POST=_LOGS_WRITE),
    row(f"{_OBSERVED}/telemetry/values", POST=UNSAID, note=_NOT_READ),
    row(f"{_OBSERVED}/telemetry/live-tail", POST=_LOGS_WRITE),
    row(f"{_OBSERVED}/telemetry/live-tail/heartbeat", POST=_LOGS_WRITE),
    row(_ROUTE, "workers_route", "get_workers_routes", GET=_ROUTES, POST=_ROUTES_WRITE),
    row(
        f"{_ROUTE}/{{route_id}}",
        "workers_route",
        "get_workers_route",
        GET=_ROUTES,
        PUT=_ROUTES_WRITE,
        DELETE=_ROUTES_WRITE,
    ),
)
