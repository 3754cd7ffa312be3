"""Cloudflare's stores and queues: the rows of the hand table. The Workers are in `workers.py`.

Sources: SDK docstrings, the Terraform provider's source (v5.22), developers.cloudflare.com, and the issues named.
Codes: cloudflare/workers-sdk (D1 7502, KV 10014); alchemy-run/distilled, which types what the API answered (R2 10004,
queues 11004, 11005, 11009); crowdsecurity/cs-cloudflare-worker-bouncer#52 (KV 10052); R2's documentation.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from ipaddress import ip_network
from secrets import token_hex
from typing import Final

from bulkhead.localclouds.providers import access, workers
from bulkhead.localclouds.providers.checks import (
    Check,
    at,
    between,
    by_kind,
    distinct,
    exactly_one,
    json_text,
    known,
    one_of,
    shaped,
    sized,
)
from bulkhead.localclouds.providers.handler import Caller, Properties
from bulkhead.localclouds.providers.rules import (
    Compute,
    ImportId,
    Release,
    TypeRules,
    Within,
    compute_nothing,
    joined,
    new_hex_id,
    new_uuid,
    now,
)
from bulkhead.localclouds.providers.store import Record, Store
from bulkhead.localclouds.providers.worker_state import binding_workers, not_deployed
from bulkhead.resources import types as t
from bulkhead.resources.kind import ResourceType
from bulkhead.resources.token_policies import is_resource, reached

_CONDITION: Final = {"Age": ("maxAge", ""), "Date": ("date", "")}
_JURISDICTIONS: Final = ("default", "eu", "fedramp", "us")


_INSTANT: Final = (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "an instant of UTC such as 2027-02-09T00:00:00Z")


def _expires_later(inputs: Properties) -> Iterator[str]:
    if known(inputs, "expiresOn", "notBefore") and inputs["expiresOn"] <= inputs["notBefore"]:
        yield "expiresOn: must be after notBefore"


def _addresses_readable(inputs: Properties) -> Iterator[str]:
    for name in ("ins", "notIns"):
        for place, block in at(inputs, f"condition.requestIp.{name}[*]"):
            try:
                ip_network(block, strict=False)
            except ValueError:
                yield f"{place}: must be an address or a block of addresses such as 203.0.113.0/24"


def _policies_name_something(inputs: Properties) -> Iterator[str]:
    for place, text in at(inputs, "policies[*].resources"):
        try:
            keys = reached(text)
        except ValueError:
            continue  # no JSON, which is said elsewhere
        if keys == []:
            yield f"{place}: names nothing that the token may be used on"
        for key, _ in keys or ():
            if not is_resource(key):
                yield f"{place}: {key} is no account, zone, bucket or user"


def _bucket_exists(_caller: Caller, store: Store, inputs: Properties) -> Iterator[str]:
    """The side resources of a bucket must repeat its jurisdiction, or the API answers that there is no such bucket."""
    wanted = (inputs["accountId"], inputs["bucketName"], inputs.get("jurisdiction", "default"))
    buckets = store.all(type_=t.R2_BUCKET)
    if not any(wanted == (b.account, b.outputs["name"], b.outputs["jurisdiction"]) for b in buckets):
        yield f"bucket {inputs['bucketName']!r} does not exist in jurisdiction {wanted[2]} [code: 10006]"


def _queue_exists(_caller: Caller, store: Store, inputs: Properties) -> Iterator[str]:
    queues = [queue for queue in store.all(type_=t.QUEUE) if queue.account == inputs["accountId"]]
    if inputs["queueId"] not in {queue.id for queue in queues}:
        yield f"queue {inputs['queueId']} does not exist [code: 11000]"
    dead_letters = inputs.get("deadLetterQueue")
    if dead_letters is not None and dead_letters not in {queue.outputs["queueName"] for queue in queues}:
        yield f"dead letter queue {dead_letters!r} does not exist [code: 11000]"


def _consumer_is_deployed(_caller: Caller, store: Store, inputs: Properties) -> Iterator[str]:
    if inputs["type"] == "worker" and "scriptName" in inputs:
        yield from not_deployed(store, inputs["accountId"], inputs["scriptName"])


def _no_replication_at_birth(_caller: Caller, _store: Store, inputs: Properties) -> Iterator[str]:
    if inputs.get("readReplication", {}).get("mode", "disabled") != "disabled":
        yield (
            "readReplication.mode: a database is created with replication disabled; switch it to auto in a second "
            "update (cloudflare/terraform-provider-cloudflare#6508)"
        )


def _unbound(binding: str, key: str, code: int, own_key: str | None = None) -> Release:
    """Refuse to delete what a deployed Worker is bound to (KV: "namespace has associated scripts")."""

    def release(store: Store, record: Record) -> Iterator[str]:
        wanted = record.outputs[own_key] if own_key else record.id
        for worker in binding_workers(store, record.account, binding, key, wanted):
            yield f"Worker {worker!r} is bound to it [code: {code}]"

    release.__name__ = f"unbound: {binding}"
    return release


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _side_of_bucket(type_: ResourceType, *checks: Check, computed: Compute = compute_nothing) -> TypeRules:
    """A setting of a bucket: there is one of each, and the API takes it by PUT."""
    return TypeRules(
        type=type_,
        identify=joined("bucketName"),
        account="accountId",
        checks=(one_of("jurisdiction", *_JURISDICTIONS), *checks),
        admissions=(_bucket_exists,),
        computed=computed,
        defaults={"jurisdiction": "default"},
        within=Within(t.R2_BUCKET, {"bucketName": "name"}),
    )


_TABLE: Final = (
    TypeRules(
        type=t.D1_DATABASE,
        identify=new_uuid,
        account="accountId",
        taken=7502,
        checks=(
            shaped("name", r".+", "a name"),
            one_of("jurisdiction", "eu", "fedramp", "us"),
            one_of("primaryLocationHint", "wnam", "enam", "weur", "eeur", "apac", "oc"),
            one_of("readReplication.mode", "auto", "disabled"),
        ),
        admissions=(_no_replication_at_birth,),
        defaults={"readReplication": {"mode": "disabled"}},
        computed=lambda _caller, id_, _inputs: {
            "uuid": id_,
            "createdAt": now(),
            "fileSize": 12288,
            "numTables": 0,
            "version": "production",
        },
        import_id=ImportId("accountId", "id"),
        # The provider's model of it, in v5.22: optional, no_refresh.
        unread=frozenset({"primaryLocationHint"}),
    ),
    TypeRules(
        type=t.WORKERS_KV_NAMESPACE,
        identify=new_hex_id,
        account="accountId",
        taken=10014,
        checks=(one_of("jurisdiction", "eu", "fedramp", "us"), shaped("title", r".{1,512}", "1 to 512 characters")),
        releases=(_unbound("kv_namespace", "namespaceId", 10052),),
        computed=lambda _caller, _id, _inputs: {"supportsUrlEncoding": True},
        import_id=ImportId("accountId", "id"),
    ),
    TypeRules(
        type=t.R2_BUCKET,
        identify=joined("name"),
        account="accountId",
        taken=10004,
        checks=(
            shaped("name", r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", "3 to 63 lower-case letters, digits and hyphens"),
            one_of("jurisdiction", *_JURISDICTIONS),
            one_of("location", "apac", "eeur", "enam", "weur", "wnam", "oc"),
            one_of("storageClass", "Standard", "InfrequentAccess"),
        ),
        defaults={"jurisdiction": "default", "storageClass": "Standard"},
        computed=lambda _caller, _id, _inputs: {"creationDate": now()},
        import_id=ImportId("accountId", "name", "jurisdiction"),
    ),
    _side_of_bucket(
        t.R2_BUCKET_LIFECYCLE,
        distinct("rules[*].id"),
        by_kind("rules[*].abortMultipartUploadsTransition.condition", "type", {"Age": _CONDITION["Age"]}),
        by_kind("rules[*].deleteObjectsTransition.condition", "type", _CONDITION),
        by_kind("rules[*].storageClassTransitions[*].condition", "type", _CONDITION),
        one_of("rules[*].storageClassTransitions[*].storageClass", "InfrequentAccess"),
    ),
    _side_of_bucket(
        t.R2_BUCKET_LOCK,
        distinct("rules[*].id"),
        by_kind(
            "rules[*].condition",
            "type",
            {"Age": ("maxAgeSeconds", ""), "Date": ("date", ""), "Indefinite": ("", "")},
        ),
    ),
    _side_of_bucket(
        t.R2_BUCKET_CORS,
        distinct("rules[*].id"),
        one_of("rules[*].allowed.methods[*]", "GET", "PUT", "POST", "DELETE", "HEAD"),
        shaped("rules[*].allowed.origins[*]", r"\*|https?://[^/]+", "* or scheme://host without a path"),
    ),
    _side_of_bucket(
        t.R2_MANAGED_DOMAIN,
        computed=lambda _caller, id_, _inputs: {"bucketId": id_, "domain": f"pub-{_digest(id_)}.r2.dev"},
    ),
    TypeRules(
        type=t.QUEUE,
        identify=new_hex_id,
        account="accountId",
        taken=11009,
        checks=(
            shaped(
                "queueName", r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", "1 to 63 lower-case letters, digits and hyphens"
            ),
            between("settings.deliveryDelay", 0, 86_400),
            between("settings.messageRetentionPeriod", 60, 1_209_600),
        ),
        releases=(_unbound("queue", "queueName", 11005, own_key="queueName"),),
        defaults={
            "settings": {"deliveryDelay": 0, "deliveryPaused": False, "messageRetentionPeriod": 345_600},
        },
        computed=lambda _caller, id_, _inputs: {
            "queueId": id_,
            "createdOn": now(),
            "modifiedOn": now(),
            "consumers": [],
            "producers": [],
            "consumersTotalCount": 0,
            "producersTotalCount": 0,
        },
        import_id=ImportId("accountId", "id"),
    ),
    TypeRules(
        type=t.QUEUE_CONSUMER,
        identify=new_hex_id,
        account="accountId",
        taken=11004,
        checks=(
            by_kind(
                "",
                "type",
                {
                    "worker": ("accountId queueId scriptName", "deadLetterQueue settings"),
                    "http_pull": ("accountId queueId", "deadLetterQueue settings"),
                    "notification": ("accountId queueId settings", ""),
                },
            ),
            between("settings.batchSize", 1, 100),
            between("settings.maxRetries", 0, 100),
            between("settings.maxWaitTimeMs", 0, 60_000),
            between("settings.maxConcurrency", 1, 250),
            between("settings.retryDelay", 0, 86_400),
        ),
        admissions=(_queue_exists, _consumer_is_deployed),
        computed=lambda _caller, id_, _inputs: {"consumerId": id_, "createdOn": now()},
        import_id=ImportId("accountId", "queueId", "id"),
        within=Within(t.QUEUE, {"queueId": "queueId"}),
    ),
    TypeRules(
        type=t.ACCOUNT_TOKEN,
        identify=new_hex_id,
        account="accountId",
        checks=(
            sized("policies", 1, 300),
            one_of("policies[*].effect", "allow", "deny"),
            sized("policies[*].permissionGroups", 1, 1000),
            shaped(
                "policies[*].permissionGroups[*].id", r"[0-9a-f]{32}", "the id of a permission group, 32 hex digits"
            ),
            json_text("policies[*].resources"),
            _policies_name_something,
            _addresses_readable,
            one_of("status", "active", "disabled", "expired"),
            shaped("expiresOn", *_INSTANT),
            shaped("notBefore", *_INSTANT),
            _expires_later,
        ),
        defaults={"status": "active"},
        # The API returns the value only when the token is made; only the state keeps it.
        computed=lambda _caller, _id, _inputs: {"value": token_hex(20), "issuedOn": now(), "modifiedOn": now()},
        import_id=ImportId("accountId", "id"),
    ),
)

RULES: Final[Mapping[str, TypeRules]] = {rules.type: rules for rules in (*_TABLE, *access.TABLE, *workers.TABLE)}

PROVIDER_CHECKS: Final[tuple[Check, ...]] = (exactly_one("", "apiToken", "apiKey", "apiUserServiceKey"),)
