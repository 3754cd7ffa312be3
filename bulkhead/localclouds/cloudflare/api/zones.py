"""The routes of accounts and zones: what a token sees of both, and the purge of a zone's cache."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from bulkhead.localclouds.cloudflare.api.answers import UNKNOWN_CODE, Page, Refusal, Result
from bulkhead.localclouds.cloudflare.api.call import Call, Route
from bulkhead.localclouds.cloudflare.api.credentials import Credential

_ACCOUNT: Final = "/accounts/{account_id}"
_ZONE: Final = "/zones/{zone_id}"
_EVERYTHING: Final = "purge_everything"
_MOST_PURGED: Final = 100  # Cloudflare Cache documentation, "Purge cache", limits: items of one call
_ZONE_PAGE: Final = 20


def _account(credential: Credential) -> dict[str, Any]:
    return {"id": credential.account, "name": credential.tenant.environment, "type": "standard"}


def _zone(credential: Credential, id_: str) -> dict[str, Any]:
    account = {name: value for name, value in _account(credential).items() if name != "type"}
    name = credential.tenant.zones[id_]
    return {"id": id_, "name": name, "status": "active", "type": "full", "paused": False, "account": account}


def _accounts(call: Call) -> Result:
    """A token sees the account that it belongs to."""
    account = _account(call.credential)
    return _listed(call, [account] if call.query.get("name", account["name"]) == account["name"] else [])


def _zones(call: Call) -> Result:
    zones = [_zone(call.credential, id_) for id_ in call.credential.tenant.zones]
    for member, value in call.query.items():
        if member not in _LOOKS and member not in {"page", "per_page"}:
            raise Refusal(400, (UNKNOWN_CODE, f"{member}: the local Cloudflare does not look for zones by it"))
        look = _LOOKS.get(member)
        zones = [zone for zone in zones if look is None or look(zone) == value]
    return _listed(call, zones)


_LOOKS: Final[Mapping[str, Callable[[Mapping[str, Any]], Any]]] = {
    "name": lambda zone: zone["name"],
    "status": lambda zone: zone["status"],
    "account.id": lambda zone: zone["account"]["id"],
    "account.name": lambda zone: zone["account"]["name"],
}


def _listed(call: Call, items: list[dict[str, Any]]) -> Result:
    shown, info = Page.asked(call.query, _ZONE_PAGE).of(items)
    return Result(shown, info)


def _of_a_person(_asked: Call) -> Result:
    """Every token of the local Cloudflare belongs to its account, and an account is no person."""
    raise Refusal(403, (9109, "Unauthorized to access requested resource"))


def _memberships(_asked: Call) -> Result:
    raise Refusal(403, (10000, "Authentication error"))


def _purge(call: Call) -> Result:
    """Purge a zone's cache. Nothing is cached here, so that the journal's note is all that is left of it."""
    body, zone = call.json(), call.path["zone_id"]
    faults = list(_faults_of_purge(body, call.credential.tenant.zones[zone]))
    if faults:
        raise Refusal(400, *((UNKNOWN_CODE, fault) for fault in faults))
    return Result({"id": zone}, note=json.dumps(body, sort_keys=True))


def _faults_of_purge(body: Mapping[str, Any], zone: str) -> Iterator[str]:
    kinds = {**_HOSTS, _EVERYTHING: None}
    if len(body) != 1 or not body.keys() <= kinds.keys():
        yield f"a purge says one of {', '.join(sorted(kinds))}, and nothing else"
        return
    ((kind, wanted),) = body.items()
    if kind == _EVERYTHING:
        if wanted is not True:
            yield f"{kind}: must be true"
    elif not isinstance(wanted, list) or not 0 < len(wanted) <= _MOST_PURGED:
        yield f"{kind}: must be a list of 1 to {_MOST_PURGED} items"
    else:
        for index, item in enumerate(wanted):
            host = _host(kind, item)
            if host is None:
                yield f"{kind}[{index}]: is not of the form that {kind} have"
            elif host and host != zone and not host.endswith(f".{zone}"):
                yield f"{kind}[{index}]: {host} is not in the zone {zone}"


_HOSTS: Final[Mapping[str, Callable[[str], str]]] = {
    "files": lambda url: urlsplit(url).hostname or "",
    "hosts": lambda host: host,
    "prefixes": lambda prefix: prefix.partition("/")[0],
    "tags": lambda _tag: "",
}
"""The hostname that an item of a purge is about; a tag is about none."""


def _host(kind: str, item: Any) -> str | None:
    """Return the hostname that an item is about, "" for a tag, None for no item of this kind."""
    text = item.get("url") if kind == "files" and isinstance(item, dict) else item
    if not isinstance(text, str) or not text:
        return None
    try:
        return _HOSTS[kind](text) if kind == "tags" else _HOSTS[kind](text) or None
    except ValueError:  # a URL with half an IPv6 address
        return None


def _zone_asked(call: Call) -> Result:
    return Result(_zone(call.credential, call.path["zone_id"]))


def _account_asked(call: Call) -> Result:
    return Result(_account(call.credential))


ROUTES: Final[tuple[Route, ...]] = (
    Route("GET", "/accounts", _accounts),
    Route("GET", _ACCOUNT, _account_asked, "account_id"),
    Route("GET", "/memberships", _memberships),
    Route("GET", "/user", _of_a_person),
    Route("GET", "/zones", _zones),
    Route("GET", _ZONE, _zone_asked, "zone_id"),
    Route("POST", f"{_ZONE}/purge_cache", _purge, "zone_id"),
)
