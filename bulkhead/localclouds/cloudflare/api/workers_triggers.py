"""Which hostnames lead to a Worker: as wrangler says it, all of them at once, and as routes of a zone say it.

Source: wrangler's ``triggers/publish-routes.ts``; kentcdodds/kody#1015: custom domains that a call
leaves out are taken away.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from bulkhead.localclouds.cloudflare import zone_routes
from bulkhead.localclouds.cloudflare.api.answers import UNKNOWN_CODE, Refusal, Result, not_found
from bulkhead.localclouds.cloudflare.api.call import Call, Route
from bulkhead.localclouds.cloudflare.api.crud import Served, routes
from bulkhead.localclouds.cloudflare.api.workers import (
    DOMAIN,
    ROUTE,
    SCRIPT,
    attach,
    domain_inputs,
    leads_elsewhere,
    one_by_one,
    worker_of,
)
from bulkhead.localclouds.providers.store import Record
from bulkhead.resources import types as t

_ORIGIN: Final = {"hostname", "zone_id", "zone_name", "enabled", "previews_enabled"}
_OVERRIDES: Final = {"override_scope", "override_existing_origin", "override_existing_dns_record"}
_RECORD: Final = "/accounts/{account_id}/workers/domains/records/{domain_id}"


def _compare(call: Call) -> Result:
    """Say what the origins of a body would change."""
    worker, origins = worker_of(call), _origins(call.json_list())
    known = {domain.outputs["hostname"]: domain for domain in _domains(call)}
    name = worker.outputs["name"]
    updated = [
        {**DOMAIN.shown(domain), "modified": domain.outputs["service"] != name}
        for hostname in origins
        if (domain := known.get(hostname)) is not None
    ]
    left_out = _left_out(call, name, origins) if call.flag("replace_state") else ()
    return Result(
        {
            "added": [{"hostname": hostname, "service": name} for hostname in origins if hostname not in known],
            "removed": [DOMAIN.shown(domain) for domain in left_out],
            "updated": updated,
            "conflicting": [],  # no record of the DNS is known here
        }
    )


def _publish(call: Call) -> Result:
    """Let the hostnames of a body lead to the Worker, and with ``override_scope`` no others."""
    worker, body = worker_of(call), call.json()
    if unknown := sorted(body.keys() - {"origins", *_OVERRIDES}):
        raise _refused(f"{', '.join(unknown)}: the local Cloudflare knows no such member here")
    name, origins = worker.outputs["name"], _origins(body.get("origins"))
    override = body.get("override_existing_origin") is True
    taken = [
        domain
        for domain in _domains(call)
        if domain.outputs["hostname"] in origins and domain.outputs["service"] != name
    ]
    if taken and not override:
        raise leads_elsewhere(taken)
    wanted = [
        domain_inputs(call, {"hostname": hostname, "service": name, **zone}) for hostname, zone in origins.items()
    ]
    made = [attach(call, inputs, override=override) for inputs in wanted]
    if body.get("override_scope") is True:
        for domain in _left_out(call, name, origins):
            call.cloud.resources.delete(call.caller, domain.type, domain.id)
    return Result([DOMAIN.shown(domain) for domain in made])


def _show(call: Call) -> Result:
    for domain in _domains(call):
        if domain.id == call.path["domain_id"]:
            return Result(DOMAIN.shown(domain))
    raise not_found(f"domain {call.path['domain_id']}", UNKNOWN_CODE)


def _domains(call: Call) -> list[Record]:
    return call.records(t.WORKERS_CUSTOM_DOMAIN)


def _left_out(call: Call, name: str, origins: Mapping[str, Any]) -> Iterator[Record]:
    for domain in _domains(call):
        if domain.outputs["service"] == name and domain.outputs["hostname"] not in origins:
            yield domain


def _origins(given: Any) -> dict[str, dict[str, str]]:
    """Return the zone that each hostname of a list names, if it names one. Raises Refusal."""
    if not isinstance(given, list) or not all(isinstance(one, dict) and "hostname" in one for one in given):
        raise _refused("origins: must be a list of {hostname, zone_id or zone_name}")
    for index, one in enumerate(given):
        if unknown := sorted(one.keys() - _ORIGIN):
            raise _refused(f"origins[{index}]: {', '.join(unknown)}: the local Cloudflare knows no such member here")
        if one.get("enabled", True) is not True or one.get("previews_enabled", False) is not False:
            raise _refused(f"origins[{index}]: a custom domain here leads to what is deployed, and to no preview")
    return {
        str(one["hostname"]): {name: one[name] for name in ("zone_id", "zone_name") if one.get(name) is not None}
        for one in given
    }


def _refused(why: str) -> Refusal:
    return Refusal(400, (UNKNOWN_CODE, why))


def _no_routes(call: Call) -> Result:
    """A Worker that wants no routes has none; the others are made in their zone, one by one."""
    worker_of(call)
    if not call.json_list():
        return Result([])
    raise _refused(
        "the local Cloudflare takes routes at /zones/{zone_id}/workers/routes only; use a custom domain "
        "(custom_domain: true) instead"
    )


class _ZoneRoutes(Served):
    """Routes of a zone: of its own hostnames, as issue cloudflare/wrangler-legacy#920 has the refusal."""

    def create(self, call: Call) -> Result:
        _require_in_zone(call)
        return super().create(call)

    def update(self, call: Call, *, patches: bool) -> Result:
        _require_in_zone(call)
        return super().update(call, patches=patches)


def _require_in_zone(call: Call) -> None:
    pattern, zone = call.json().get("pattern"), call.credential.tenant.zones[call.path["zone_id"]]
    host = zone_routes.parsed(pattern).host if isinstance(pattern, str) else zone
    if host != "*" and not re.fullmatch(rf"(.*[.*])?{re.escape(zone)}", host):
        raise Refusal(400, (10022, f"Route pattern must include zone name: {pattern}"))


_OF_SCRIPTS: Final = (
    Route("POST", f"{SCRIPT}/domains/changeset", _compare, "script_name"),
    Route("PUT", f"{SCRIPT}/domains/records", _publish, "script_name"),
    Route("PUT", f"{SCRIPT}/routes", _no_routes, "script_name"),
    Route("GET", _RECORD, _show, "domain_id"),
)
ROUTES: Final[tuple[Route, ...]] = (*one_by_one(_OF_SCRIPTS), *routes(ROUTE, _ZoneRoutes(ROUTE)))
