"""Versions of a Worker: what an upload says, what is kept of it, and how the two APIs show it.

A module's content is a file, see `uploads`; a row of the store has its digest. A secret's text is in no answer.
"""

from __future__ import annotations

import binascii
import json
import zlib
from base64 import b64decode, b64encode
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Final

from bulkhead.localclouds.cloudflare.api.answers import Page, Refusal, Result, refusal
from bulkhead.localclouds.cloudflare.api.call import Call, Route
from bulkhead.localclouds.cloudflare.api.endpoint import Endpoint
from bulkhead.localclouds.cloudflare.api.spelling import to_wire
from bulkhead.localclouds.cloudflare.api.workers import (
    INVALID,
    WORKERS,
    one_by_one,
    require_sound,
    require_typed,
    worker_of,
)
from bulkhead.localclouds.cloudflare.api.workers_assets import assets_of
from bulkhead.localclouds.providers.handler import ApiRefusal
from bulkhead.localclouds.providers.store import Record
from bulkhead.localclouds.providers.worker_state import is_of, live_versions
from bulkhead.resources import types as t

_NO_VERSION: Final = 10222
_TOO_LARGE: Final = 10027
_LARGEST: Final = 10 * 1024 * 1024  # bytes after compression; source: Workers, "Limits", of a paid plan
_SOURCE_MAP: Final = "application/source-map"  # is no part of the code
_SETTINGS: Final = {"bindings", "compatibility_date", "compatibility_flags", "limits", "placement", "usage_model"}
_VERSIONS: Final = f"{WORKERS}/{{worker_id}}/versions"
VERSION: Final = Endpoint(
    type=t.WORKER_VERSION,
    collection=_VERSIONS,
    item=f"{_VERSIONS}/{{version_id}}",
    queries={"deploy": "POST", "include": "GET"},
    always=frozenset({"usageModel"}),
    hidden=frozenset({"deploy", "include", "modules", "workerId"}),
)


# What is kept


def versions_of(call: Call, worker: Record) -> list[Record]:
    """Return the versions of a Worker, oldest first."""
    return [version for version in call.records(t.WORKER_VERSION) if is_of(worker, version, "workerId")]


def newest(call: Call, worker: Record) -> Record | None:
    """Return the version that was uploaded last, deployed or not."""
    return next(reversed(versions_of(call, worker)), None)


def version_of(call: Call, worker: Record) -> Record:
    """Return the version that the path names. Raises Refusal."""
    wanted = call.path["version_id"]
    for version in versions_of(call, worker):
        if version.id == wanted:
            return version
    raise Refusal(404, (100146, f"Version {wanted} of this Worker was not found."))


def upload(call: Call, worker: Record, body: Mapping[str, Any], *, deploy: bool, keep: Collection[str] = ()) -> Record:
    """Make a version of what a body says, its modules by ``content_base64``. Bindings of the types in ``keep`` stay as
    they were in the version before. Raises Refusal."""
    path, before = {**call.path, "worker_id": worker.id}, newest(call, worker)
    said = {name: value for name, value in body.items() if name not in {"assets", "keep_assets"}}
    inputs = VERSION.inputs(path, call.headers, {**said, "bindings": _asked_for(body)})
    require_typed(t.WORKER_VERSION, inputs, INVALID)
    if any("contentFile" in module for module in inputs.get("modules", ())):
        raise Refusal(400, (INVALID, "content_file: no file of a client can be read here; send content_base64"))
    bindings = list(_inherited(inputs.get("bindings", []), before, keep))
    assets = assets_of(call, body, before)
    inputs |= ({"bindings": bindings} if bindings else {}) | ({"assets": assets} if assets else {})
    require_sound(t.WORKER_VERSION, inputs, INVALID)
    if "modules" in inputs:
        inputs["modules"] = [_kept(call, module) for module in inputs["modules"]]
        _require_small(call, inputs["modules"])
    return make(call, inputs | ({"deploy": True} if deploy else {}))


def make(call: Call, inputs: Mapping[str, Any]) -> Record:
    """Make a version of properties. Raises Refusal: what the runtime says of the code is about the upload."""
    try:
        return call.cloud.resources.create(call.caller, t.WORKER_VERSION, "", inputs)
    except ApiRefusal as refused:
        raise refusal(refused.reasons, INVALID) from None


def remade(
    call: Call, old: Record, changes: Mapping[str, Any], annotations: Mapping[str, str], *, deploy: bool = False
) -> Record:
    """Make a version that differs from ``old`` in its bindings: ``changes`` are bindings by name, None to remove one.
    Annotations are its own, spelt as the API does. Raises Refusal."""
    kept: list[Mapping[str, Any]] = [
        binding for binding in old.inputs.get("bindings", ()) if binding["name"] not in changes
    ]
    new = [{"name": name, **change} for name, change in changes.items() if change is not None]
    body = {"bindings": _asked_for({"bindings": new}), "annotations": annotations}
    said = VERSION.inputs({**call.path, "worker_id": ""}, {}, body)
    same = {name: value for name, value in old.inputs.items() if name not in {"deploy", "annotations"}}
    inputs = {**same, "annotations": said["annotations"], "bindings": [*kept, *said["bindings"]]}
    _require_sound_again(inputs)
    return make(call, inputs | ({"deploy": True} if deploy else {}))


def resettled(call: Call, old: Record, settings: Mapping[str, Any]) -> Record:
    """Deploy a version that differs from ``old`` in its settings; bindings are all that it has then. Raises Refusal."""
    body = {**settings, **({"bindings": _asked_for(settings)} if "bindings" in settings else {})}
    if unknown := sorted(body.keys() - _SETTINGS):
        raise Refusal(400, (INVALID, f"{', '.join(unknown)}: the local Cloudflare changes no such setting"))
    said = VERSION.inputs({**call.path, "worker_id": ""}, {}, body)
    require_typed(t.WORKER_VERSION, {**old.inputs, **said, "workerId": old.inputs["workerId"]}, INVALID)
    if "bindings" in said:
        said["bindings"] = list(_inherited(said["bindings"], old, ()))
    same = {name: value for name, value in old.inputs.items() if name not in {"deploy", "annotations"}}
    inputs = {**same, **said, "workerId": old.inputs["workerId"]}
    _require_sound_again(inputs)
    return make(call, {**inputs, "deploy": True})


def latest_if_live(call: Call, worker: Record, what: str) -> Record:
    """Return the latest version, for a change of ``what`` that is deployed. Raises Refusal where code would be deployed
    with it."""
    latest, live = newest(call, worker), live_versions(call.cloud.resources.store, worker)
    if latest is None:
        raise Refusal(404, (10007, "This Worker has no version yet."))
    if [version.id for version in live] != [latest.id]:
        raise Refusal(
            400,
            (
                10215,
                f"{what} edit failed. You attempted to modify a {what.lower()}, but the latest version of your Worker "
                "isn't currently deployed.",
            ),
        )
    return latest


def contents(call: Call, version: Record) -> Iterator[tuple[Mapping[str, str], bytes]]:
    """Yield the modules of a version, each with its content."""
    for module in version.inputs.get("modules", ()):
        yield module, call.uploads.content(module["contentSha256"])


def _require_sound_again(inputs: Mapping[str, Any]) -> None:
    """Raise Refusal for what is wrong with a version whose modules were sound when they were uploaded."""
    modules = [{**module, "contentBase64": ""} for module in inputs.get("modules", ())]
    require_sound(t.WORKER_VERSION, {**inputs, **({"modules": modules} if modules else {})}, INVALID)


def _kept(call: Call, module: Mapping[str, str]) -> dict[str, str]:
    try:
        content = b64decode(module["contentBase64"], validate=True)
    except binascii.Error:
        raise Refusal(400, (INVALID, f"module {module['name']}: content_base64 is no base64")) from None
    digest = call.uploads.keep(content)
    if module.get("contentSha256", digest) != digest:
        raise Refusal(400, (INVALID, f"module {module['name']}: its content has another content_sha256"))
    return {"name": module["name"], "contentType": module["contentType"], "contentSha256": digest}


def _require_small(call: Call, modules: Iterable[Mapping[str, str]]) -> None:
    code = (one for one in modules if one["contentType"] != _SOURCE_MAP)
    size = sum(len(zlib.compress(call.uploads.content(one["contentSha256"]))) for one in code)
    if size > _LARGEST:
        raise Refusal(
            413, (_TOO_LARGE, f"the Worker has {size} bytes after compression, and at most {_LARGEST} are taken")
        )


def _asked_for(body: Mapping[str, Any]) -> Any:
    """Return the bindings of a body in the words of the properties; what is no list of them is left to the check."""
    bindings = body.get("bindings")
    if not isinstance(bindings, list):
        return bindings
    return [_in_words(binding) if isinstance(binding, dict) else binding for binding in bindings]


def _in_words(binding: Mapping[str, Any]) -> dict[str, Any]:
    """D1's ``id`` is an older word for ``database_id``: it is answered where it was used. A JSON value is a text in a
    property."""
    said = dict(binding)
    if said.get("type") == "d1" and "id" in said:
        said.setdefault("database_id", said["id"])
    if said.get("type") == "json" and not isinstance(said.get("json", ""), str):
        said["json"] = json.dumps(said["json"])
    return said


def _inherited(
    bindings: list[dict[str, Any]], before: Record | None, keep: Collection[str]
) -> Iterator[dict[str, Any]]:
    """Yield the bindings, for one that is inherited that of the version before, and those that are kept. Raises
    Refusal."""
    known = {binding["name"]: binding for binding in (before.inputs.get("bindings", ()) if before else ())}
    for binding in bindings:
        if binding["type"] != "inherit":
            yield binding
        elif (name := binding.get("oldName", binding["name"])) in known and "versionId" not in binding:
            yield {**known[name], "name": binding["name"]}
        else:
            why = "the version before has no such binding" if before else "there is no version before"
            raise Refusal(400, (10057, f"inherit binding '{binding['name']}' is invalid: {why}"))
    said = {binding["name"] for binding in bindings}
    yield from (old for name, old in known.items() if old["type"] in keep and name not in said)


# What is shown


def bindings_shown(version: Record) -> list[dict[str, Any]]:
    """Return the bindings of a version as an answer shows them."""
    spelt = to_wire(t.WORKER_VERSION, {"bindings": version.outputs.get("bindings", [])})["bindings"]
    return [_shown(binding) for binding in spelt]


def numbered(call: Call, worker: Record) -> list[tuple[int, Record]]:
    """Return the versions of a Worker with their numbers, newest first."""
    return list(enumerate(versions_of(call, worker), 1))[::-1]


def number_of(call: Call, worker: Record, version: Record) -> int:
    """Return how many versions the Worker had when this one had been made."""
    return next(number for number, each in numbered(call, worker) if each.id == version.id)


def shown(call: Call, number: int, version: Record) -> dict[str, Any]:
    """Return a version as ``workers/workers`` shows it: what nobody asked for would be a change to the plugin."""
    modules = {"modules": list(_modules(call, version))} if call.query.get("include") == "modules" else {}
    bindings = {"bindings": bindings_shown(version)} if "bindings" in version.outputs else {}
    told = VERSION.shown(version)
    assets = {"assets": {"config": told["assets"]["config"]}} if "assets" in told else {}
    return {**told, **assets, **bindings, "number": number, "urls": [], **modules}


def _shown(binding: dict[str, Any]) -> dict[str, Any]:
    if binding["type"] == "secret_text":
        return {name: value for name, value in binding.items() if name != "text"}
    return {**binding, "json": json.loads(binding["json"])} if binding["type"] == "json" else binding


def _modules(call: Call, version: Record) -> Iterator[dict[str, str]]:
    for module, content in contents(call, version):
        yield {
            "name": module["name"],
            "content_type": module["contentType"],
            "content_base64": b64encode(content).decode(),
        }


# The routes


def _upload(call: Call) -> Result:
    worker = worker_of(call)
    version = upload(call, worker, call.json(), deploy=call.flag("deploy"))
    return Result(shown(call, number_of(call, worker, version), version))


def _list(call: Call) -> Result:
    page, info = Page.asked(call.query).of(numbered(call, worker_of(call)))
    return Result([shown(call, *each) for each in page], info)


def _show(call: Call) -> Result:
    worker = worker_of(call)
    version = version_of(call, worker)
    return Result(shown(call, number_of(call, worker, version), version))


def _change_latest(call: Call) -> Result:
    """A merge patch of the environment makes a version; nothing is deployed."""
    worker, body = worker_of(call), call.json()
    latest = newest(call, worker)
    if latest is None:
        raise Refusal(404, (_NO_VERSION, "This Worker has no version yet."))
    if not body.keys() <= {"env", "annotations"}:
        raise Refusal(400, (INVALID, "the local Cloudflare changes only env and annotations of the latest version"))
    changes = body.get("env", {})
    if not isinstance(changes, dict) or not all(isinstance(one, dict | None) for one in changes.values()):
        raise Refusal(400, (INVALID, "env must be {NAME: {type, ...} or null}"))
    if wrong := [name for name, change in changes.items() if change is not None and change.get("name", name) != name]:
        raise Refusal(400, (INVALID, f"env.{wrong[0]}.name: must be {wrong[0]}"))
    version = remade(call, latest, changes, body.get("annotations") or {})
    return Result(shown(call, number_of(call, worker, version), version))


_ROUTES: Final = (
    Route("POST", _VERSIONS, _upload, "worker_id"),
    Route("GET", _VERSIONS, _list, "worker_id"),
    Route("PATCH", f"{_VERSIONS}/latest", _change_latest, "worker_id"),
    Route("GET", VERSION.item, _show, "worker_id"),
)
ROUTES: Final[tuple[Route, ...]] = tuple(one_by_one(_ROUTES))
