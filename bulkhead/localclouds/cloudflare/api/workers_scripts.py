"""The routes under ``workers/scripts`` and ``workers/services``: how wrangler sees a Worker.

A script here is the Worker of ``workers/workers`` with that name, so what one API makes, the other one shows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from starlette.responses import Response

from bulkhead.localclouds.cloudflare import options
from bulkhead.localclouds.cloudflare.api import forms, workers_forms
from bulkhead.localclouds.cloudflare.api.answers import Page, Refusal, Result
from bulkhead.localclouds.cloudflare.api.call import Call, Route
from bulkhead.localclouds.cloudflare.api.spelling import to_wire
from bulkhead.localclouds.cloudflare.api.workers import (
    INVALID,
    SCRIPT,
    WORKER,
    deployments_of,
    one_by_one,
    require_sound,
    worker_of,
)
from bulkhead.localclouds.cloudflare.api.workers_versions import (
    bindings_shown,
    contents,
    latest_if_live,
    newest,
    number_of,
    numbered,
    resettled,
    upload,
    version_of,
)
from bulkhead.localclouds.providers.store import Record
from bulkhead.localclouds.providers.worker_state import find_worker, live_versions
from bulkhead.resources import types as t

_ACCOUNT_SUBDOMAIN: Final = "/accounts/{account_id}/workers/subdomain"
_SERVICE: Final = "/accounts/{account_id}/workers/services/{script_name}"
_VERSIONS: Final = f"{SCRIPT}/versions"


# Uploads


def _put(call: Call) -> Result:
    """Make the Worker if there is none, and deploy what the form holds."""
    body, settings, keep = workers_forms.read(call)
    resources, name = call.cloud.resources, call.path["script_name"]
    found = find_worker(resources.store, call.path["account_id"], name)
    if found is None:
        require_sound(t.WORKER, inputs := {"accountId": call.path["account_id"], "name": name}, INVALID)
    worker = found or resources.create(call.caller, t.WORKER, "", inputs)
    try:
        version = upload(call, worker, workers_forms.triggered(body, "upload"), deploy=True, keep=keep)
        worker = _set(call, worker, settings)
    except BaseException:
        if found is None:
            resources.delete(call.caller, t.WORKER, worker.id, forced=True)
        raise
    return Result({**_script(call, worker), "deployment_id": version.id, "startup_time_ms": _startup(version)})


def _upload(call: Call) -> Result:
    worker = worker_of(call)
    body, _settings_wait, keep = workers_forms.read(
        call
    )  # the API changes a Worker's settings only with what is deployed
    version = upload(call, worker, workers_forms.triggered(body, "version_upload"), deploy=False, keep=keep)
    return Result(_version(number_of(call, worker, version), version))


def _set(call: Call, worker: Record, settings: Mapping[str, Any]) -> Record:
    """Change settings of a Worker. Raises Refusal."""
    if not settings:
        return worker
    consumers = settings.get("tail_consumers")
    if consumers is not None:
        settings = {**settings, "tail_consumers": _renamed(consumers)}
    said = WORKER.inputs(call.path, call.headers, settings)
    require_sound(t.WORKER, inputs := {**worker.inputs, **said}, INVALID)
    return call.cloud.resources.update(call.caller, t.WORKER, worker.id, inputs)


def _renamed(consumers: Any) -> Any:
    """Return tail consumers in the words of the Worker: a ``service`` is a ``name`` there."""
    if not isinstance(consumers, list):
        return consumers
    names = {"service": "name"}
    return [
        {names.get(key, key): value for key, value in one.items()} if isinstance(one, dict) else one
        for one in consumers
    ]


# What is shown


def _etag(version: Record) -> str:
    digests = (f"{module['name']} {module['contentSha256']}" for module in version.inputs.get("modules", ()))
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()


def _startup(version: Record) -> Any:
    return version.outputs["startupTimeMs"]


def _current(call: Call, worker: Record) -> Record | None:
    """Return the version that answers, or else the newest one."""
    return next(iter(live_versions(call.cloud.resources.store, worker)), None) or newest(call, worker)


def _script(call: Call, worker: Record) -> dict[str, Any]:
    outputs, version = worker.outputs, _current(call, worker)
    deployed = next(iter(deployments_of(call, worker)), version)
    return {
        "id": outputs["name"],
        "tag": worker.id,
        "tags": outputs["tags"],
        "logpush": outputs["logpush"],
        "created_on": outputs["createdOn"],
        "modified_on": deployed.outputs["createdOn"] if deployed else outputs["updatedOn"],
        "last_deployed_from": deployed.outputs["source"] if deployed else "",
        "etag": _etag(version) if version else "",
        "has_assets": bool(version and version.inputs.get("assets")),
        "has_modules": bool(version and version.inputs.get("modules")),
    }


def _version(number: int, version: Record) -> dict[str, Any]:
    outputs = version.outputs
    return {
        "id": version.id,
        "number": number,
        "startup_time_ms": _startup(version),
        "annotations": to_wire(t.WORKER_VERSION, {"annotations": outputs.get("annotations", {})})["annotations"],
        "metadata": {
            "created_on": outputs["createdOn"],
            "modified_on": outputs["createdOn"],
            "author_email": outputs["authorEmail"],
            "source": outputs["source"],
            "has_preview": False,
        },
        "resources": {
            "bindings": _bindings(version),
            "script": {"etag": _etag(version), "handlers": [], "last_deployed_from": outputs["source"]},
            "script_runtime": _runtime(version),
        },
    }


def _runtime(version: Record) -> dict[str, Any]:
    names = ("compatibilityDate", "compatibilityFlags", "limits", "usageModel")
    told = {name: version.outputs[name] for name in names if name in version.outputs}
    return {"compatibility_flags": [], **to_wire(t.WORKER_VERSION, told)}


def _bindings(version: Record) -> list[dict[str, Any]]:
    """Return the bindings in the words of this API, in which a database is an ``id``."""
    return [{**one, "id": one["database_id"]} if one["type"] == "d1" else one for one in bindings_shown(version)]


def _settings_of(worker: Record) -> dict[str, Any]:
    told = {name: worker.outputs[name] for name in ("logpush", "observability", "tags") if name in worker.outputs}
    consumers = [{"service": one["name"]} for one in worker.outputs["tailConsumers"]]
    return {**to_wire(t.WORKER, told), "tail_consumers": consumers}


# The routes


def _show_service(call: Call) -> Result:
    worker = worker_of(call)
    script = _script(call, worker)
    environment = {"environment": "production", "created_on": script["created_on"], "script": script}
    return Result({"id": script["id"], "default_environment": environment})


def _remove(call: Call) -> Result:
    worker = worker_of(call)
    call.cloud.resources.delete(call.caller, t.WORKER, worker.id, forced=call.flag("force"))
    return Result({"id": worker.outputs["name"]})


def _list(call: Call) -> Result:
    return Result([_script(call, worker) for worker in call.records(t.WORKER)])


def _content(call: Call) -> Response:
    """Answer the code itself: a form, and in a header which of its fields is the main module."""
    version = _current(call, worker_of(call))
    if version is None:
        raise Refusal(404, (10007, "This Worker has no version yet."))
    parts = [
        forms.Part(module["name"], module["name"], module["contentType"], content)
        for module, content in contents(call, version)
    ]
    type_, body = forms.write(parts)
    return Response(body, media_type=type_, headers={"cf-entrypoint": version.inputs.get("mainModule", "")})


def _versions(call: Call) -> Result:
    page, info = Page.asked(call.query).of(numbered(call, worker_of(call)))
    return Result({"items": [_version(*each) for each in page]}, info)


def _show_version(call: Call) -> Result:
    worker = worker_of(call)
    version = version_of(call, worker)
    return Result(_version(number_of(call, worker, version), version))


def _settings(call: Call) -> Result:
    worker = worker_of(call)
    version = _current(call, worker)
    if version is None:
        return Result({**_settings_of(worker), "bindings": []})
    return Result({**_settings_of(worker), **_runtime(version), "bindings": _bindings(version)})


def _change_settings(call: Call) -> Result:
    """Deploy the latest version with other settings, all bindings among them, and set those of the Worker."""
    worker, said = worker_of(call), workers_forms.read_settings(call)
    latest = latest_if_live(call, worker, "Setting")
    of_worker: dict[str, Any] = {name: said.pop(name) for name in workers_forms.SETTINGS if name in said}
    if said:
        resettled(call, latest, said)
    _set(call, worker, of_worker)
    return _settings(call)


def _script_settings(call: Call) -> Result:
    return Result(_settings_of(worker_of(call)))


def _change_script_settings(call: Call) -> Result:
    worker, body = worker_of(call), call.json()
    unknown = sorted(body.keys() - {*workers_forms.SETTINGS})
    if unknown:
        raise Refusal(400, (INVALID, f"{', '.join(unknown)}: the local Cloudflare knows no such setting of a Worker"))
    return Result(_settings_of(_set(call, worker, body)))


def _subdomain(call: Call) -> Result:
    return Result(_subdomain_of(worker_of(call)))


def _change_subdomain(call: Call) -> Result:
    worker, body = worker_of(call), call.json()
    if body.get("enabled") is None:
        raise Refusal(400, (INVALID, "enabled: is required"))
    return Result(_subdomain_of(_set(call, worker, {"subdomain": {**_subdomain_of(worker), **body}})))


def _leave_subdomain(call: Call) -> Result:
    off = {"enabled": False, "previews_enabled": False}
    return Result(_subdomain_of(_set(call, worker_of(call), {"subdomain": off})))


def _subdomain_of(worker: Record) -> dict[str, Any]:
    told: dict[str, Any] = to_wire(t.WORKER, {"subdomain": worker.outputs["subdomain"]})["subdomain"]
    return told


def _account_subdomain(_asked: Call) -> Result:
    return Result({"subdomain": options.WORKERS_DEV.partition(".")[0]})


_ROUTES: Final = (
    Route("GET", "/accounts/{account_id}/workers/scripts", _list),
    Route("PUT", SCRIPT, _put, "script_name"),
    Route("GET", SCRIPT, _content, "script_name"),
    Route("DELETE", SCRIPT, _remove, "script_name"),
    Route("GET", f"{SCRIPT}/content/v2", _content, "script_name"),
    Route("POST", _VERSIONS, _upload, "script_name"),
    Route("GET", _VERSIONS, _versions, "script_name"),
    Route("GET", f"{_VERSIONS}/{{version_id}}", _show_version, "script_name"),
    Route("GET", f"{SCRIPT}/settings", _settings, "script_name"),
    Route("PATCH", f"{SCRIPT}/settings", _change_settings, "script_name"),
    Route("GET", f"{SCRIPT}/script-settings", _script_settings, "script_name"),
    Route("PATCH", f"{SCRIPT}/script-settings", _change_script_settings, "script_name"),
    Route("GET", f"{SCRIPT}/subdomain", _subdomain, "script_name"),
    Route("POST", f"{SCRIPT}/subdomain", _change_subdomain, "script_name"),
    Route("DELETE", f"{SCRIPT}/subdomain", _leave_subdomain, "script_name"),
    Route("GET", _SERVICE, _show_service, "script_name"),
    Route("DELETE", _SERVICE, _remove, "script_name"),
    Route("GET", _ACCOUNT_SUBDOMAIN, _account_subdomain),
)
ROUTES: Final[tuple[Route, ...]] = tuple(one_by_one(_ROUTES))
