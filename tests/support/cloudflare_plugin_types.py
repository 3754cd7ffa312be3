"""The models of Cloudflare's plugin: one row for each type that the program makes.

Source: model.go, schema.go and resource.go of each service in terraform-provider-cloudflare v5.22.0. ``exports`` and
``deploy`` of a version are younger: cloudflare-go's workers/betaworkerversion.go and Pulumi's input types have them.
"""

from __future__ import annotations

from typing import Final

from bulkhead.resources import types as t
from tests.support.cloudflare_plugin import Resource
from tests.support.cloudflare_plugin_wire import BYTES, OTHERS_TOO, OWN_ONLY, VALUE, Attribute, Model

_PATH: Final = Attribute(tag="path")
_REQUIRED: Final = Attribute(tag="required")
_OPTIONAL: Final = Attribute()
_EITHER: Final = Attribute(tag="computed_optional")
_COMPUTED: Final = Attribute(tag="computed")
_KEPT: Final = Attribute(tag="computed", kept=True)
_JURISDICTION: Final = Attribute(tag="computed_optional", json="", refreshed=False, default="default")
_IN_JURISDICTION: Final = {"cf-r2-jurisdiction": "jurisdiction"}
_ACCOUNT: Final = "/accounts/{account_id}"
_BUCKET: Final = f"{_ACCOUNT}/r2/buckets/{{bucket_name}}"


def _renamed(json: str, tag: str = "optional") -> Attribute:
    return Attribute(tag=tag, json=json)


def _object(of: Model, json: str | None = None, tag: str = "optional") -> Attribute:
    return Attribute(tag=tag, json=json, of=of)


def _list(of: Model, json: str | None = None, tag: str = "optional") -> Attribute:
    return Attribute(tag=tag, json=json, of=of, many=True)


def _defaulted(value: object) -> Attribute:
    return Attribute(tag="computed_optional", default=value)


def _side_of_bucket(part: str, more: Model, *, reads: bool = True, deletes: bool = False) -> Resource:
    return Resource(
        attributes={"account_id": _PATH, "bucket_name": _PATH, "jurisdiction": _JURISDICTION, **more},
        item=f"{_BUCKET}/{part}",
        create="PUT",
        reads=reads,
        deletes=deletes,
        headers=_IN_JURISDICTION,
    )


_EXPIRY: Final = {"max_age": _renamed("maxAge"), "type": _REQUIRED, "date": _OPTIONAL}
_LIFECYCLE_RULE: Final = {
    "id": _REQUIRED,
    "enabled": _REQUIRED,
    "conditions": _object({"prefix": _REQUIRED}, tag="required"),
    "abort_multipart_uploads_transition": _object({"condition": _object(_EXPIRY)}, "abortMultipartUploadsTransition"),
    "delete_objects_transition": _object({"condition": _object(_EXPIRY)}, "deleteObjectsTransition"),
    "storage_class_transitions": _list(
        {"condition": _object(_EXPIRY), "storage_class": _renamed("storageClass")}, "storageClassTransitions"
    ),
}
_LOCK_RULE: Final = {
    "id": _REQUIRED,
    "enabled": _REQUIRED,
    "prefix": _OPTIONAL,
    "condition": _object({"max_age_seconds": _renamed("maxAgeSeconds"), "type": _REQUIRED, "date": _OPTIONAL}),
}
_CORS_RULE: Final = {
    "allowed": _object({"methods": _REQUIRED, "origins": _REQUIRED, "headers": _OPTIONAL}, tag="required"),
    "id": _OPTIONAL,
    "expose_headers": _renamed("exposeHeaders"),
    "max_age_seconds": _renamed("maxAgeSeconds"),
}
_CONSUMER_SETTINGS: Final = dict.fromkeys(
    ("batch_size", "max_concurrency", "max_retries", "max_wait_time_ms", "retry_delay", "visibility_timeout_ms"),
    _EITHER,
)
_SAMPLED: Final = {
    "destinations": _defaulted([]),
    "enabled": _defaulted(False),
    "head_sampling_rate": _defaulted(1),
    "persist": _defaulted(True),
}
_LOGS: Final = {**_SAMPLED, "invocation_logs": _defaulted(True)}
_TRACES: Final = {**_SAMPLED, "propagation_policy": Attribute(tag="computed_optional", kept=True)}
_OBSERVABILITY: Final = {
    "enabled": _defaulted(False),
    "head_sampling_rate": _defaulted(1),
    "logs": Attribute(tag="computed_optional", of=_LOGS, default={}),
    "traces": Attribute(tag="computed_optional", of=_TRACES, default={}),
}
_BINDING: Final = {
    **dict.fromkeys(("name", "type"), _REQUIRED),
    **dict.fromkeys(("database_id", "class_name", "namespace_id", "script_name"), _EITHER),
    "text": Attribute(remembered=True),
    **dict.fromkeys(("id", "queue_name", "bucket_name", "jurisdiction", "dataset", "service"), _OPTIONAL),
    **dict.fromkeys(("entrypoint", "environment", "index_name", "store_id", "secret_name"), _OPTIONAL),
    "json": Attribute(raw=VALUE),
}
_WHO: Final = {
    "email": _object({"email": _REQUIRED}),
    "email_domain": _object({"domain": _REQUIRED}),
    "service_token": _object({"token_id": _REQUIRED}),
}

RESOURCES: Final = {
    t.D1_DATABASE: Resource(
        attributes={
            "account_id": _PATH,
            "uuid": _KEPT,
            "name": _REQUIRED,
            "jurisdiction": _OPTIONAL,
            "primary_location_hint": Attribute(refreshed=False),
            "read_replication": _object({"mode": _REQUIRED}),
            **dict.fromkeys(("created_at", "file_size", "num_tables", "version"), _COMPUTED),
        },
        collection=f"{_ACCOUNT}/d1/database",
        item=f"{_ACCOUNT}/d1/database/{{uuid}}",
        imported=("account_id", "uuid"),
    ),
    t.WORKERS_KV_NAMESPACE: Resource(
        attributes={"account_id": _PATH, "id": _KEPT, "title": _REQUIRED, "supports_url_encoding": _COMPUTED},
        collection=f"{_ACCOUNT}/storage/kv/namespaces",
        item=f"{_ACCOUNT}/storage/kv/namespaces/{{id}}",
        imported=("account_id", "id"),
    ),
    t.R2_BUCKET: Resource(
        attributes={
            "account_id": _PATH,
            "name": _REQUIRED,
            "location": Attribute(tag="computed_optional", json="locationHint", told="location", stays=True),
            "storage_class": Attribute(
                tag="computed_optional", json="storageClass", told="storage_class", default="Standard"
            ),
            "creation_date": _KEPT,
            "jurisdiction": _JURISDICTION,
        },
        collection=f"{_ACCOUNT}/r2/buckets",
        item=f"{_ACCOUNT}/r2/buckets/{{name}}",
        update="PATCH",
        headers=_IN_JURISDICTION,
        told_by_header={"cf-r2-storage-class": "storage_class"},
        imported=("account_id", "name", "jurisdiction"),
    ),
    t.R2_BUCKET_LIFECYCLE: _side_of_bucket("lifecycle", {"rules": _list(_LIFECYCLE_RULE)}),
    t.R2_BUCKET_LOCK: _side_of_bucket("lock", {"rules": _list(_LOCK_RULE)}),
    t.R2_BUCKET_CORS: _side_of_bucket("cors", {"rules": _list(_CORS_RULE)}, deletes=True),
    t.R2_MANAGED_DOMAIN: _side_of_bucket(
        "domains/managed",
        {"enabled": _REQUIRED, "bucket_id": _renamed("bucketId", "computed"), "domain": _COMPUTED},
        reads=False,
    ),
    t.QUEUE: Resource(
        attributes={
            "account_id": _PATH,
            "queue_id": _KEPT,
            "queue_name": _REQUIRED,
            "settings": _object(
                dict.fromkeys(("delivery_delay", "delivery_paused", "message_retention_period"), _EITHER),
                tag="computed_optional",
            ),
            **dict.fromkeys(("created_on", "modified_on", "consumers", "producers"), _COMPUTED),
            **dict.fromkeys(("consumers_total_count", "producers_total_count"), _COMPUTED),
        },
        collection=f"{_ACCOUNT}/queues",
        item=f"{_ACCOUNT}/queues/{{queue_id}}",
        imported=("account_id", "queue_id"),
    ),
    t.QUEUE_CONSUMER: Resource(
        attributes={
            "account_id": _PATH,
            "queue_id": _PATH,
            "consumer_id": _KEPT,
            "type": _REQUIRED,
            "dead_letter_queue": Attribute(refreshed=False),
            "script_name": Attribute(tag="computed_optional", told="script", overwritten=True, kept=True),
            "settings": Attribute(tag="computed_optional", of=_CONSUMER_SETTINGS, kept=True),
            "created_on": _KEPT,
            "queue_name": _KEPT,
        },
        collection=f"{_ACCOUNT}/queues/{{queue_id}}/consumers",
        item=f"{_ACCOUNT}/queues/{{queue_id}}/consumers/{{consumer_id}}",
    ),
    t.WORKER: Resource(
        attributes={
            "account_id": _PATH,
            "id": _KEPT,
            "name": _REQUIRED,
            "logpush": _defaulted(False),
            "tags": Attribute(tag="computed_optional", default=[], unordered=True),
            "observability": Attribute(tag="computed_optional", of=_OBSERVABILITY, default={}),
            "subdomain": Attribute(
                tag="computed_optional",
                of={"enabled": _defaulted(False), "previews_enabled": _defaulted(False)},
                default={},
            ),
            "tail_consumers": Attribute(
                tag="computed_optional", of={"name": _REQUIRED}, many=True, unordered=True, default=[]
            ),
            **dict.fromkeys(("created_on", "deployed_on"), _KEPT),
            **dict.fromkeys(("updated_on", "references"), _COMPUTED),
        },
        collection=f"{_ACCOUNT}/workers/workers",
        item=f"{_ACCOUNT}/workers/workers/{{id}}",
        imported=("account_id", "id"),
    ),
    t.WORKER_VERSION: Resource(
        attributes={
            "account_id": _PATH,
            "worker_id": _PATH,
            "id": _KEPT,
            **dict.fromkeys(("compatibility_date", "main_module", "migrations", "containers", "placement"), _OPTIONAL),
            "usage_model": _defaulted("standard"),
            "compatibility_flags": Attribute(tag="computed_optional", unordered=True),
            "annotations": _object(
                {
                    "workers_message": _renamed("workers/message"),
                    "workers_tag": _renamed("workers/tag"),
                    "workers_triggered_by": _renamed("workers/triggered_by", "computed"),
                },
                tag="computed_optional",
            ),
            "limits": _object({"cpu_ms": _OPTIONAL, "subrequests": _OPTIONAL}, tag="computed_optional"),
            "modules": Attribute(
                of={"name": _REQUIRED, "content_type": _REQUIRED, "content_base64": _OPTIONAL},
                many=True,
                by_name=OWN_ONLY,
            ),
            "bindings": Attribute(of=_BINDING, many=True, by_name=OTHERS_TOO),
            "exports": _OPTIONAL,
            "deploy": Attribute(json="", refreshed=False),
            **dict.fromkeys(("created_on", "migration_tag", "number", "source", "startup_time_ms", "urls"), _COMPUTED),
        },
        collection=f"{_ACCOUNT}/workers/workers/{{worker_id}}/versions",
        create_query="deploy",
        item=f"{_ACCOUNT}/workers/workers/{{worker_id}}/versions/{{id}}",
        read_query="?include=modules",
        update="",
        deletes=False,
        imported=("account_id", "worker_id", "id"),
    ),
    t.WORKERS_DEPLOYMENT: Resource(
        attributes={
            "account_id": _PATH,
            "script_name": _PATH,
            "id": _KEPT,
            "strategy": _REQUIRED,
            "versions": _list({"percentage": _REQUIRED, "version_id": _REQUIRED}, tag="required"),
            "annotations": _object(
                {
                    "workers_message": _renamed("workers/message"),
                    "workers_triggered_by": _renamed("workers/triggered_by", "computed"),
                },
                tag="computed_optional",
            ),
            **dict.fromkeys(("author_email", "created_on", "source"), _COMPUTED),
        },
        collection=f"{_ACCOUNT}/workers/scripts/{{script_name}}/deployments",
        item=f"{_ACCOUNT}/workers/scripts/{{script_name}}/deployments/{{id}}",
        update="",
        deletes=False,
        imported=("account_id", "script_name", "id"),
    ),
    t.WORKERS_CRON_TRIGGER: Resource(
        attributes={
            "account_id": _PATH,
            "script_name": _PATH,
            "schedules": Attribute(
                tag="required",
                refreshed=False,
                of={"cron": _REQUIRED, "created_on": _COMPUTED, "modified_on": _COMPUTED},
                many=True,
            ),
        },
        item=f"{_ACCOUNT}/workers/scripts/{{script_name}}/schedules",
        create="PUT",
        bare="schedules",
        deletes=False,
        imported=("account_id", "script_name"),
    ),
    t.WORKERS_CUSTOM_DOMAIN: Resource(
        attributes={
            "account_id": _PATH,
            "id": _KEPT,
            "hostname": _REQUIRED,
            "service": _REQUIRED,
            **dict.fromkeys(("environment", "zone_id", "zone_name"), _EITHER),
            "cert_id": _COMPUTED,
        },
        collection=f"{_ACCOUNT}/workers/domains",
        create="PUT",
        item=f"{_ACCOUNT}/workers/domains/{{id}}",
        update="",
        imported=("account_id", "id"),
    ),
    t.WORKERS_ROUTE: Resource(
        attributes={"zone_id": _PATH, "id": _KEPT, "pattern": _REQUIRED, "script": Attribute()},
        collection="/zones/{zone_id}/workers/routes",
        item="/zones/{zone_id}/workers/routes/{id}",
        update="PUT",
        imported=("zone_id", "id"),
    ),
    t.ACCOUNT_TOKEN: Resource(
        attributes={
            "account_id": _PATH,
            "id": _KEPT,
            "name": _REQUIRED,
            "policies": _list(
                {
                    "effect": _REQUIRED,
                    "permission_groups": Attribute(tag="required", of={"id": _REQUIRED}, many=True, unordered=True),
                    "resources": Attribute(tag="required", raw=BYTES),
                },
                tag="required",
            ),
            **dict.fromkeys(("expires_on", "not_before"), _OPTIONAL),
            "condition": _object({"request_ip": _object({"in": _OPTIONAL, "not_in": _OPTIONAL})}),
            "status": _EITHER,
            **dict.fromkeys(("issued_on", "last_used_on", "modified_on"), _COMPUTED),
            "value": Attribute(tag="computed", kept=True, refreshed=False),
        },
        collection=f"{_ACCOUNT}/tokens",
        item=f"{_ACCOUNT}/tokens/{{id}}",
        nulls=False,
        imported=("account_id", "id"),
    ),
    t.ZERO_TRUST_ACCESS_SERVICE_TOKEN: Resource(
        attributes={
            "account_id": _PATH,
            "id": _KEPT,
            "name": _REQUIRED,
            "previous_client_secret_expires_at": Attribute(refreshed=False),
            "client_secret_version": Attribute(tag="computed_optional", refreshed=False, default=1),
            "duration": _defaulted("8760h"),
            "client_id": _KEPT,
            "client_secret": Attribute(tag="computed", kept=True, refreshed=False),
            "expires_at": _COMPUTED,
        },
        collection=f"{_ACCOUNT}/access/service_tokens",
        item=f"{_ACCOUNT}/access/service_tokens/{{id}}",  # nobody imports one: its secret was told once
    ),
    t.ZERO_TRUST_ACCESS_POLICY: Resource(
        attributes={
            "account_id": _PATH,
            "id": _KEPT,
            **dict.fromkeys(("decision", "name"), _REQUIRED),
            **dict.fromkeys(("approval_required", "isolation_required", "purpose_justification_required"), _OPTIONAL),
            "session_duration": _defaulted("24h"),
            **dict.fromkeys(
                ("exclude", "include", "require"),
                Attribute(tag="computed_optional", of=_WHO, many=True, unordered=True),
            ),
        },
        collection=f"{_ACCOUNT}/access/policies",
        item=f"{_ACCOUNT}/access/policies/{{id}}",
        imported=("account_id", "id"),
    ),
    t.ZERO_TRUST_ACCESS_APPLICATION: Resource(
        attributes={
            "account_id": _PATH,
            "id": _KEPT,
            **dict.fromkeys(("domain", "name", "type"), _EITHER),
            **dict.fromkeys(("same_site_cookie_attribute", "service_auth_401_redirect"), _OPTIONAL),
            **dict.fromkeys(("app_launcher_visible", "http_only_cookie_attribute"), _defaulted(True)),
            "session_duration": _defaulted("24h"),
            "self_hosted_domains": Attribute(tag="computed_optional", unordered=True),
            "destinations": _list({"type": _defaulted("public"), "uri": _OPTIONAL}, tag="computed_optional"),
            # What an answer shows of a policy beyond these is dropped again: normalizations.go.
            "policies": _list({"id": _OPTIONAL, "precedence": _EITHER}),
            "aud": _COMPUTED,
        },
        collection=f"{_ACCOUNT}/access/apps",
        item=f"{_ACCOUNT}/access/apps/{{id}}",
        imported=("account_id", "id"),
    ),
}
