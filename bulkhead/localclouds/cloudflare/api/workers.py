"""The routes of Workers, their deployments, cron triggers and hostnames. Versions have a module of their own.

Source: Cloudflare's API reference, "Workers". A Worker that the API has under ``workers/workers`` is the same that it
has under ``workers/scripts``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from starlette.responses import Response

from bulkhead.localclouds.cloudflare.api.answers import UNKNOWN_CODE, Refusal, Result, not_found, refusal
from bulkhead.localclouds.cloudflare.api.call import Call, Route
from bulkhead.localclouds.cloudflare.api.crud import routes
from bulkhead.localclouds.cloudflare.api.endpoint import Endpoint
from bulkhead.localclouds.cloudflare.api.spelling import to_wire
from bulkhead.localclouds.providers import registry
from bulkhead.localclouds.providers.rules import now
from bulkhead.localclouds.providers.store import Record
from bulkhead.localclouds.providers.worker_state import MADE, find_worker, is_of, live_versions, not_deployed
from bulkhead.resources import types as t
from bulkhead.resources.kind import ResourceType

NO_SCRIPT: Final = 10007
INVALID: Final = 10021
"""The code of an upload that cannot be a version."""
WORKERS: Final = "/accounts/{account_id}/workers/workers"
SCRIPT: Final = "/accounts/{account_id}/workers/scripts/{script_name}"
_DEPLOYMENTS: Final = f"{SCRIPT}/deployments"
_DOMAINS: Final = "/accounts/{account_id}/workers/domains"
_ROUTE_LIST: Final = "/zones/{zone_id}/workers/routes"
DEFERRAL: Final = "code_update_strategy"
"""The member that says how long old code may go on at most; here it ends at once."""


@dataclass(frozen=True, kw_only=True)
class _Schedules(Endpoint):
    """Cron triggers: a request is the bare list of them."""

    def request(self, properties: Mapping[str, Any]) -> Any:
        return super().request(properties)["schedules"]

    def told(self, answer: Mapping[str, Any]) -> dict[str, Any]:
        """The dates of each are the API's own, which an import would take for the program's."""
        return super().told({**answer, "schedules": [{"cron": one["cron"]} for one in answer["schedules"]]})


WORKER: Final = Endpoint(
    type=t.WORKER,
    collection=WORKERS,
    item=f"{WORKERS}/{{worker_id}}",
    change="PUT PATCH",
    queries={"force": "DELETE"},
    always=frozenset({"logpush", "observability", "subdomain", "tags", "tailConsumers"}),
    name="name",
    missing=NO_SCRIPT,
)
DEPLOYMENT: Final = Endpoint(
    type=t.WORKERS_DEPLOYMENT,
    collection=_DEPLOYMENTS,
    item=f"{_DEPLOYMENTS}/{{deployment_id}}",
    queries={"force": "POST"},
)
SCHEDULES: Final = _Schedules(
    type=t.WORKERS_CRON_TRIGGER, item=f"{SCRIPT}/schedules", create="PUT", id_as="", missing=NO_SCRIPT
)
DOMAIN: Final = Endpoint(
    type=t.WORKERS_CUSTOM_DOMAIN,
    collection=_DOMAINS,
    item=f"{_DOMAINS}/{{domain_id}}",
    create="PUT",
    filters={
        "environment": "environment",
        "hostname": "hostname",
        "service": "service",
        "zone_id": "zoneId",
        "zone_name": "zoneName",
    },
)


ROUTE: Final = Endpoint(
    type=t.WORKERS_ROUTE,
    collection=_ROUTE_LIST,
    item=f"{_ROUTE_LIST}/{{route_id}}",
    change="PUT",
    hidden=frozenset({"zoneId"}),
)


ENDPOINTS: Final = (WORKER, DEPLOYMENT, SCHEDULES, DOMAIN, ROUTE)


def worker_of(call: Call) -> Record:
    """Return the Worker that the path names: a script by its name, a Worker also by its id. Raises Refusal when it
    names none."""
    script = call.path.get("script_name")
    found = find_worker(call.cloud.resources.store, call.path["account_id"], script or call.path["worker_id"])
    if found is None or script not in (None, found.outputs["name"]):
        raise Refusal(404, (NO_SCRIPT, "This Worker does not exist on your account."))
    return found


def require_typed(type_: ResourceType, inputs: Mapping[str, Any], code: int = UNKNOWN_CODE) -> None:
    """Raise Refusal with every input that is of another type than the API takes."""
    faults = list(registry.catalogue("cloudflare").faults(type_, inputs))
    if faults:
        raise refusal(faults, code)


def require_sound(type_: ResourceType, inputs: Mapping[str, Any], code: int = UNKNOWN_CODE) -> None:
    """Raise Refusal with everything that the API would find wrong with the inputs alone."""
    require_typed(type_, inputs, code)
    faults = list(registry.rules_of(type_).complaints(inputs))
    if faults:
        raise refusal(faults, code)


def one_by_one(known: Iterable[Route]) -> Iterator[Route]:
    """Yield routes of Workers whose writes wait for each other: a version is made from the one before, and of two at
    once the second would bring back what the first has changed."""
    for route in known:
        yield route if route.method == "GET" else replace(route, serve=partial(_alone, route.serve))


def _alone(serve: Callable[[Call], Result | Response], call: Call) -> Result | Response:
    with call.cloud.resources.store.claim(f"Workers of {call.path['account_id']}"):
        return serve(call)


# Deployments


def deployments_of(call: Call, worker: Record) -> list[Record]:
    """Return what was deployed of a Worker, newest first: its deployments, and the versions that deployed themselves,
    each as the deployment that it is."""
    acts = [
        _own_deployment(record) if record.type == t.WORKER_VERSION else record
        for record in call.cloud.resources.store.all()
        if (record.type == t.WORKERS_DEPLOYMENT and is_of(worker, record, "scriptName"))
        or (record.type == t.WORKER_VERSION and is_of(worker, record, "workerId") and record.inputs.get("deploy"))
    ]
    return acts[::-1]


def deploy(call: Call, worker: Record, body: Mapping[str, Any]) -> Record:
    """Deploy what a body says. Raises Refusal or ApiRefusal."""
    path = {**call.path, "script_name": worker.outputs["name"]}
    inputs = DEPLOYMENT.inputs(path, call.headers, {k: v for k, v in body.items() if k != DEFERRAL})
    require_typed(t.WORKERS_DEPLOYMENT, inputs)
    require_sound(t.WORKERS_DEPLOYMENT, {**inputs, "versions": _with_requests(inputs["versions"])})
    if not (call.flag("force") or inputs.get("force")):
        _refuse_old_secrets(call, worker, inputs)
    return call.cloud.resources.create(call.caller, t.WORKERS_DEPLOYMENT, "", inputs)


def _with_requests(shares: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the shares without one of 0 %, which the API takes for the second version and the plugin does not. Source:
    Workers documentation, "Version overrides"."""
    others = [share for share in shares if share["percentage"] != 0]
    is_pair = len({share["versionId"] for share in shares}) == len(shares) == 2  # noqa: PLR2004 - a pair
    return others if is_pair and len(others) == 1 else shares


def deployment_shown(deployment: Record) -> dict[str, Any]:
    """Return a deployment as an answer shows it."""
    outputs = deployment.outputs
    shown = {name: outputs[name] for name in (*MADE, "strategy", "versions")}
    annotations = outputs.get("annotations", {})
    return {"id": deployment.id, **to_wire(t.WORKERS_DEPLOYMENT, {**shown, "annotations": annotations})}


def _own_deployment(version: Record) -> Record:
    share = {"percentage": 100, "versionId": version.id}
    return replace(version, outputs={**version.outputs, "strategy": "percentage", "versions": [share]})


def _refuse_old_secrets(call: Call, worker: Record, inputs: Mapping[str, Any]) -> None:
    """Refuse to go back behind a change of secrets: whoever rolls back code rarely means to bring an old key back."""
    store = call.cloud.resources.store
    own = [version for version in store.all(type_=t.WORKER_VERSION) if is_of(worker, version, "workerId")]
    ages, by_id = {version.id: age for age, version in enumerate(own)}, {version.id: version for version in own}
    changed: set[str] = set()
    for live in live_versions(store, worker):
        for share in inputs["versions"]:
            version = by_id.get(share["versionId"])
            if version is not None and ages[version.id] < ages[live.id]:
                then, today = _secrets(version), _secrets(live)
                changed |= {name for name in then | today if then.get(name) != today.get(name)}
    if changed:
        names = ", ".join(sorted(changed))
        raise Refusal(400, (10220, f"Cannot deploy an older version. The following secrets have changed: {names}"))


def _secrets(version: Record) -> dict[str, str]:
    bindings = version.outputs.get("bindings", ())
    return {binding["name"]: binding["text"] for binding in bindings if binding["type"] == "secret_text"}


def _deploy(call: Call) -> Result:
    return Result(deployment_shown(deploy(call, worker_of(call), call.json())))


def _deployments(call: Call) -> Result:
    return Result({"deployments": [deployment_shown(each) for each in deployments_of(call, worker_of(call))]})


def _deployment(call: Call) -> Result:
    wanted = call.path["deployment_id"]
    for each in deployments_of(call, worker_of(call)):
        if each.id == wanted:
            return Result(deployment_shown(each))
    raise not_found(f"deployment {wanted}")


# Cron triggers


def _schedule(call: Call) -> Result:
    worker = worker_of(call)
    known = _trigger_of(call, worker)
    before = {one["cron"]: one for one in (known.outputs["schedules"] if known else ())}
    path = {**call.path, "script_name": worker.outputs["name"]}
    inputs = SCHEDULES.inputs(path, call.headers, {"schedules": call.json_list()})
    require_sound(t.WORKERS_CRON_TRIGGER, inputs)
    today = now()
    inputs["schedules"] = [
        before.get(one["cron"]) or {"cron": one["cron"], "createdOn": today, "modifiedOn": today}
        for one in inputs["schedules"]
    ]
    if known is None:
        call.cloud.resources.create(call.caller, t.WORKERS_CRON_TRIGGER, "", inputs)
    else:
        call.cloud.resources.update(call.caller, t.WORKERS_CRON_TRIGGER, known.id, inputs)
    return _schedules(call)


def _schedules(call: Call) -> Result:
    known = _trigger_of(call, worker_of(call))
    return Result(SCHEDULES.shown(known) if known else {"schedules": []})


def _trigger_of(call: Call, worker: Record) -> Record | None:
    return next((one for one in call.records(t.WORKERS_CRON_TRIGGER) if is_of(worker, one, "scriptName")), None)


# Hostnames


def _attach(call: Call) -> Result:
    body = dict(call.json())
    override = body.pop("override_existing_origin", None) is True
    return Result(DOMAIN.shown(attach(call, domain_inputs(call, body), override=override)))


def domain_inputs(call: Call, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the properties of the hostname that a body asks for. Raises Refusal."""
    inputs = DOMAIN.inputs(call.path, call.headers, body)
    require_sound(t.WORKERS_CUSTOM_DOMAIN, inputs)
    return {**inputs, "zoneId": _zone_of(call, inputs)}


def attach(call: Call, inputs: Mapping[str, Any], *, override: bool = False) -> Record:
    """Let a hostname lead to one Worker, with ``override`` although it leads to another one of the account. Raises
    Refusal or ApiRefusal."""
    resources, caller = call.cloud.resources, call.caller
    for record in call.records(t.WORKERS_CUSTOM_DOMAIN):
        if record.outputs["hostname"] == inputs["hostname"] and record.environment == caller.environment:
            faults = list(not_deployed(resources.store, record.account, inputs["service"]))
            if faults:
                raise refusal(faults)
            if record.outputs["service"] != inputs["service"] and not override:
                raise leads_elsewhere([record])
            return resources.update(caller, record.type, record.id, inputs)
    return resources.create(caller, t.WORKERS_CUSTOM_DOMAIN, "", inputs)


def leads_elsewhere(domains: Iterable[Record]) -> Refusal:
    """Return the refusal of hostnames that other Workers have. Source: alchemy-run/alchemy-async#1384."""
    held = ", ".join(f"{domain.outputs['hostname']} leads to {domain.outputs['service']}" for domain in domains)
    return Refusal(409, (100116, f"{held}; override_existing_origin would change that"))


def _zone_of(call: Call, inputs: Mapping[str, Any]) -> str:
    """Return the id of the account's zone that a hostname is in, which a request need not name. Raises Refusal."""
    for id_, name in call.credential.tenant.zones.items():
        wanted = inputs.get("zoneId", id_), inputs.get("zoneName", name)
        if wanted == (id_, name) and f".{inputs['hostname']}".endswith(f".{name}"):
            return id_
    raise Refusal(
        400, (UNKNOWN_CODE, f"{inputs['hostname']} is not in a zone of this account, or not in the one named")
    )


_ROUTES: Final = (
    *routes(WORKER),
    Route("POST", _DEPLOYMENTS, _deploy, "script_name"),
    Route("GET", _DEPLOYMENTS, _deployments, "script_name"),
    Route("GET", DEPLOYMENT.item, _deployment, "script_name"),
    Route("PUT", SCHEDULES.item, _schedule, "script_name"),
    Route("GET", SCHEDULES.item, _schedules, "script_name"),
    *(route for route in routes(DOMAIN) if route.method != "PUT"),
    Route("PUT", _DOMAINS, _attach),
)
ROUTES: Final[tuple[Route, ...]] = tuple(one_by_one(_ROUTES))
