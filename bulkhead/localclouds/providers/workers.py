"""Cloudflare's Workers: the rows of the hand table for Worker, deployment, cron trigger and hostname.

What a version may hold is in `worker_versions.py`. Error code 10007: no such script (as reported by users of the API).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Final

from bulkhead.localclouds.providers import worker_versions
from bulkhead.localclouds.providers.checks import at, at_most_one, between, distinct, known, one_of, shaped, sized
from bulkhead.localclouds.providers.handler import Caller, Properties
from bulkhead.localclouds.providers.rules import (
    ImportId,
    TypeRules,
    Within,
    joined,
    new_hex_id,
    new_uuid,
    now,
)
from bulkhead.localclouds.providers.store import Record, Store
from bulkhead.localclouds.providers.worker_state import (
    binding_workers,
    classes_after,
    find_worker,
    is_of,
    made_by,
    not_deployed,
)
from bulkhead.model.crons import cron_fault
from bulkhead.resources import types as t

# Worker


def _nobody_needs_it(store: Store, record: Record) -> Iterator[str]:
    if record.outputs.get("force"):
        return
    name = record.outputs["name"]
    callers = {
        *binding_workers(store, record.account, "service", "service", name),
        *binding_workers(store, record.account, "durable_object_namespace", "scriptName", name),
        *(
            other.outputs["name"]
            for other in store.all(type_=t.WORKER)
            if other.account == record.account
            for consumer in other.outputs.get("tailConsumers", ())
            if consumer["name"] == name
        ),
    }
    for caller in sorted(callers - {name}):
        yield f"Worker {caller!r} refers to it; delete that one first, or set force"
    for consumer in store.all(type_=t.QUEUE_CONSUMER):
        if consumer.account == record.account and consumer.outputs.get("scriptName") == name:
            yield f"it consumes queue {consumer.outputs['queueId']}; delete that consumer first, or set force"


# WorkersDeployment


def _adds_up(inputs: Properties) -> Iterator[str]:
    shares = [value for _, value in at(inputs, "versions[*].percentage") if isinstance(value, int | float)]
    if known(inputs, "versions") and round(sum(shares), 2) != 100:  # noqa: PLR2004 - per cent
        yield f"versions[*].percentage: must add up to 100, and add up to {sum(shares):g}"


def _versions_are_its_own(_caller: Caller, store: Store, inputs: Properties) -> Iterator[str]:
    worker = find_worker(store, inputs["accountId"], inputs["scriptName"])
    if worker is None:
        yield f"Worker {inputs['scriptName']!r} does not exist [code: 10007]"
        return
    for index, share in enumerate(inputs["versions"]):
        version = store.get(t.WORKER_VERSION, share["versionId"])
        if version is None or not is_of(worker, version, "workerId"):
            yield f"versions[{index}].versionId: Worker {inputs['scriptName']!r} has no such version"


def _versions_agree_on_classes(_caller: Caller, store: Store, inputs: Properties) -> Iterator[str]:
    """Requests are divided only between versions that have the same Durable Objects."""
    versions = [store.get(t.WORKER_VERSION, share["versionId"]) for share in inputs["versions"]]
    classes = {frozenset(classes_after(frozenset(), version.outputs)) for version in versions if version is not None}
    if len(classes) > 1:
        different = sorted(frozenset().union(*classes) - frozenset.intersection(*classes))
        yield (
            f"versions: they differ in the Durable Object classes that they export ({', '.join(different)}); deploy "
            "the one that changes them at 100 % first [code: 100405]"
        )


# Cron triggers, hostnames and routes


def _script_is_deployed(_caller: Caller, store: Store, inputs: Properties) -> Iterator[str]:
    yield from not_deployed(store, inputs["accountId"], inputs.get("scriptName") or inputs["service"])


def _times(inputs: Properties) -> Iterator[str]:
    for place, cron in at(inputs, "schedules[*].cron"):
        if isinstance(cron, str) and (wrong := cron_fault(cron)):
            yield f"{place}: invalid cron string: {wrong} [code: 10100]"


def _hostname_id(_caller: Caller, inputs: Properties) -> str:
    """One hostname, one domain: the API's create is an upsert on it."""
    return hashlib.sha256(inputs["hostname"].encode()).hexdigest()[:32]


def _pattern(inputs: Properties) -> Iterator[str]:
    pattern = inputs.get("pattern")
    if not isinstance(pattern, str) or not known(inputs, "pattern"):
        return
    host, _, path = re.sub(r"^https?://", "", pattern).partition("/")
    if "?" in pattern or "#" in pattern:
        yield "pattern: has a query, which no route can ask for [code: 10022]"
    if not _ROUTE_HOST.fullmatch(host):
        yield f"pattern: {host!r} is no hostname; a wildcard stands at its beginning, or at its end without a path"
    if "*" in path.removesuffix("*"):
        yield "pattern: a wildcard in a path stands at its end"


def _script_exists(_caller: Caller, store: Store, inputs: Properties) -> Iterator[str]:
    """The script of a route may be of any Worker of the zone's account; a route without one lets requests pass."""
    script = inputs.get("script")
    if script and not any(worker.outputs["name"] == script for worker in store.all(type_=t.WORKER)):
        yield "Cannot configure a route for a Worker which does not exist. [code: 10019]"


_ROUTE_HOST: Final = re.compile(r"\*|\*?\.?([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}\*?")
_UNOBSERVED: Final = {"destinations": [], "enabled": False, "headSamplingRate": 1, "persist": True}

TABLE: Final = (
    worker_versions.RULES,
    TypeRules(
        type=t.WORKER,
        identify=new_hex_id,
        account="accountId",
        checks=(
            shaped("name", r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", "1 to 63 lower-case letters, digits, - and _"),
            between("observability.headSamplingRate", 0, 1),
            between("observability.logs.headSamplingRate", 0, 1),
            between("observability.traces.headSamplingRate", 0, 1),
            one_of("observability.traces.propagationPolicy", "authenticated", "accept"),
            distinct("tags[*]"),
        ),
        releases=(_nobody_needs_it,),
        defaults={
            "logpush": False,
            "observability": {
                "enabled": False,
                "headSamplingRate": 1,
                "logs": {**_UNOBSERVED, "invocationLogs": True},
                "traces": _UNOBSERVED,
            },
            "tags": [],
            "tailConsumers": [],
            "subdomain": {"enabled": False, "previewsEnabled": False},
        },
        computed=lambda _caller, _id, _inputs: {"createdOn": now(), "updatedOn": now()},
        import_id=ImportId("accountId", "id"),
    ),
    TypeRules(
        type=t.WORKERS_DEPLOYMENT,
        identify=new_uuid,
        account="accountId",
        checks=(
            one_of("strategy", "percentage"),
            sized("versions", 1, 2),
            between("versions[*].percentage", 0.01, 100),  # the provider refuses 0 %
            distinct("versions[*].versionId"),
            _adds_up,
        ),
        admissions=(_versions_are_its_own, _versions_agree_on_classes),
        computed=lambda caller, _id, _inputs: made_by(caller),
        import_id=ImportId("accountId", "scriptName", "id"),
        within=Within(t.WORKER, {"scriptName": "name"}),
    ),
    TypeRules(
        type=t.WORKERS_CRON_TRIGGER,
        identify=joined("scriptName"),
        account="accountId",
        checks=(
            _times,
            distinct("schedules[*].cron"),
        ),
        admissions=(_script_is_deployed,),
        import_id=ImportId("accountId", "scriptName"),
        within=Within(t.WORKER, {"scriptName": "name"}),
    ),
    TypeRules(
        type=t.WORKERS_CUSTOM_DOMAIN,
        identify=_hostname_id,
        account="accountId",
        checks=(
            shaped("hostname", r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}", "a full hostname without wildcards"),
            at_most_one("", "zoneId", "zoneName"),
        ),
        admissions=(_script_is_deployed,),
        defaults={"environment": "production"},
        computed=lambda caller, _id, inputs: {"certId": new_uuid(caller, inputs)},
        import_id=ImportId("accountId", "id"),
        taken=100116,  # without `override_existing_origin`, which the provider's plugin cannot send
    ),
    TypeRules(
        type=t.WORKERS_ROUTE,
        identify=new_hex_id,
        account="zoneId",
        checks=(_pattern,),
        admissions=(_script_exists,),
        import_id=ImportId("zoneId", "id"),
        taken=10020,
    ),
)
