"""The routes of what hangs on a Worker: who refers to it, its Durable Objects, whoever follows its logs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any, Final

from bulkhead.localclouds.cloudflare.api.answers import UNKNOWN_CODE, Page, Refusal, Result, not_found
from bulkhead.localclouds.cloudflare.api.call import Call, Route
from bulkhead.localclouds.cloudflare.api.workers import SCRIPT, worker_of
from bulkhead.localclouds.cloudflare.inventory import durable_classes
from bulkhead.localclouds.providers.worker_state import binding_workers, live_versions
from bulkhead.resources import types as t

_NAMESPACES: Final = "/accounts/{account_id}/workers/durable_objects/namespaces"
_TAILS: Final = f"{SCRIPT}/tails"


def _references(call: Call) -> Result:
    """Answer which Workers would break without this one, by a call or by its objects."""
    store, worker = call.cloud.resources.store, worker_of(call)
    name = worker.outputs["name"]
    callers = binding_workers(store, worker.account, "service", "service", name)
    users = binding_workers(store, worker.account, "durable_object_namespace", "scriptName", name)
    incoming = [{"service": caller, "environment": "production"} for caller in callers if caller != name]
    objects = {
        (user, f"{name}_{binding['className']}")
        for user in users
        if user != name
        for version in live_versions(store, next(one for one in call.records(t.WORKER) if one.outputs["name"] == user))
        for binding in version.outputs.get("bindings", ())
        if binding.get("scriptName") == name and binding["type"] == "durable_object_namespace"
    }
    names = [{"service": user, "durable_object_namespace_name": namespace} for user, namespace in sorted(objects)]
    return Result({"services": {"incoming": incoming}, "durable_objects": names})


def _namespaces(call: Call) -> Result:
    return Result(*Page.asked(call.query).of(list(_classes(call))))


def _objects(call: Call) -> Result:
    """Answer the objects of a class that stored something; the others are nowhere on disk."""
    for namespace in _classes(call):
        if namespace["id"] == call.path["namespace_id"]:
            stage = call.cloud.stage(call.caller.environment)
            found = stage.durable_objects(namespace["script"], namespace["class"])
            return Result([{"id": each.id, "hasStoredData": bool(each.tables or each.stored)} for each in found])
    raise not_found(f"namespace {call.path['namespace_id']}", UNKNOWN_CODE)


def _classes(call: Call) -> Iterator[dict[str, Any]]:
    for worker in call.records(t.WORKER):
        script = worker.outputs["name"]
        for version in live_versions(call.cloud.resources.store, worker)[:1]:  # two have the same classes
            for class_name, sqlite in durable_classes(version).items():
                name = f"{script}_{class_name}"
                yield {
                    "id": hashlib.sha256(f"{worker.account} {name}".encode()).hexdigest()[:32],
                    "name": name,
                    "script": script,
                    "class": class_name,
                    "use_sqlite": sqlite,
                }


def _consumed(call: Call) -> Result:
    """Answer the Workers whose logs this one is sent."""
    return Result(
        [
            {"producer": {"service": worker.outputs["name"], "environment": "production"}}
            for worker in call.records(t.WORKER)
            if call.path["script_name"] in {one["name"] for one in worker.outputs["tailConsumers"]}
        ]
    )


def _tails(call: Call) -> Result:
    worker_of(call)
    return Result([])


def _no_tail(call: Call) -> Result:
    worker_of(call)
    raise Refusal(400, (10021, "the local Cloudflare does not tail Workers; what one writes is in the rehearsal's log"))


def _end_tail(call: Call) -> Result:
    worker_of(call)
    raise not_found(f"tail {call.path['id']}", UNKNOWN_CODE)


ROUTES: Final[tuple[Route, ...]] = (
    Route("GET", f"{SCRIPT}/references", _references, "script_name"),
    Route("GET", _NAMESPACES, _namespaces),
    Route("GET", f"{_NAMESPACES}/{{namespace_id}}/objects", _objects, "namespace_id"),
    Route("GET", "/accounts/{account_id}/workers/tails/by-consumer/{script_name}", _consumed, "script_name"),
    Route("GET", _TAILS, _tails, "script_name"),
    Route("POST", _TAILS, _no_tail, "script_name"),
    Route("DELETE", f"{_TAILS}/{{id}}", _end_tail, "script_name"),
)
