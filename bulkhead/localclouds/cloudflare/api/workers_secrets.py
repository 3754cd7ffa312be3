"""The routes of a script's secrets: each change is a version like the one before, deployed at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from bulkhead.localclouds.cloudflare.api.answers import Refusal, Result
from bulkhead.localclouds.cloudflare.api.call import Call, Route
from bulkhead.localclouds.cloudflare.api.workers import INVALID, SCRIPT, one_by_one, worker_of
from bulkhead.localclouds.cloudflare.api.workers_versions import latest_if_live, newest, remade
from bulkhead.localclouds.providers.store import Record

_SECRETS: Final = f"{SCRIPT}/secrets"
_SECRET: Final = f"{_SECRETS}/{{secret_name}}"
_TYPE: Final = "secret_text"
_BY: Final = {"workers/triggered_by": "secret"}


def _list(call: Call) -> Result:
    version = newest(call, worker_of(call))
    return Result([_shown(name) for name in _names(version)])


def _put(call: Call) -> Result:
    secret = _secret(call.json())
    _change(call, worker_of(call), {secret["name"]: _binding(secret)})
    return Result(_shown(secret["name"]))


def _show(call: Call) -> Result:
    return Result(_shown(_named(call)))


def _remove(call: Call) -> Result:
    _change(call, worker_of(call), {_named(call): None})
    return Result(None)


def _change_many(call: Call) -> Result:
    """A merge patch of all secrets; null takes one away, and is no error for one that is not there."""
    body, worker = call.json(), worker_of(call)
    secrets = body.get("secrets")
    if body.keys() != {"secrets"} or not isinstance(secrets, dict) or not all(map(_may_be_secret, secrets.values())):
        raise Refusal(400, (INVALID, "the body must be {secrets: {NAME: {name, text, type} or null}}"))
    changes = {
        name: value if value is None else _binding(_secret({"name": name, **value})) for name, value in secrets.items()
    }
    if wrong := [name for name, value in secrets.items() if value is not None and value.get("name", name) != name]:
        raise Refusal(400, (INVALID, f"secrets.{wrong[0]}.name: must be {wrong[0]}"))
    _change(call, worker, changes)
    return Result([_shown(name) for name in _names(newest(call, worker))])


def _change(call: Call, worker: Record, changes: Mapping[str, Any]) -> None:
    """Deploy the latest version with changed secrets. Raises Refusal where code would be deployed along with it."""
    latest = latest_if_live(call, worker, "Secret")
    names = {binding["name"] for binding in latest.inputs.get("bindings", ()) if binding["type"] != _TYPE}
    taken = sorted(names & changes.keys())
    if taken:
        raise Refusal(400, (10053, f"Binding name '{taken[0]}' already in use."))
    remade(call, latest, changes, _BY, deploy=True)


def _may_be_secret(value: Any) -> bool:
    return value is None or isinstance(value, dict)


def _secret(said: Mapping[str, Any]) -> Mapping[str, Any]:
    sound = said.keys() == {"name", "text", "type"} and all(isinstance(value, str) for value in said.values())
    if not sound or not said["name"] or said["type"] != _TYPE:
        raise Refusal(400, (INVALID, f"a secret must be {{name, text, type}}, and its type {_TYPE}"))
    return said


def _binding(secret: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": _TYPE, "text": secret["text"]}


def _named(call: Call) -> str:
    name = call.path["secret_name"]
    if name not in _names(newest(call, worker_of(call))):
        raise Refusal(404, (10056, f"Binding {name} not found."))
    return name


def _names(version: Record | None) -> Iterable[str]:
    bindings = version.outputs.get("bindings", ()) if version else ()
    return [binding["name"] for binding in bindings if binding["type"] == _TYPE]


def _shown(name: str) -> dict[str, str]:
    return {"name": name, "type": _TYPE}


_ROUTES: Final = (
    Route("GET", _SECRETS, _list, "script_name"),
    Route("PUT", _SECRETS, _put, "script_name"),
    Route("PATCH", f"{SCRIPT}/secrets-bulk", _change_many, "script_name"),
    Route("GET", _SECRET, _show, "script_name"),
    Route("DELETE", _SECRET, _remove, "script_name"),
)
ROUTES: Final[tuple[Route, ...]] = tuple(one_by_one(_ROUTES))
