"""What a job is told by whoever deploys it (pure): one variable of the environment, in which no secret is."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final
from zoneinfo import ZoneInfo

from jobs.folders import Tier

VARIABLE: Final = "BULKHEAD_JOB"
CLOUDFLARE: Final = "https://api.cloudflare.com/client/v4"


class Misconfigured(Exception):
    """What a job was told cannot be used; the text names every fault with its key."""


@dataclass(frozen=True, slots=True)
class Store:
    """A database, bucket or namespace: ``name`` is what the cloud calls it, ``id`` its id where it has one."""

    name: str = ""
    id: str = ""


@dataclass(frozen=True, slots=True)
class Config:
    """``account`` is Cloudflare's, ``vault`` the bucket of the backups and ``vault_key`` the ARN of its key, ``state``
    the bucket of the stage's state, ``token_parameter`` the SSM parameter that holds Cloudflare's token. ``lives``
    are the days for which a copy of each tier is kept, of those that the stage has; ``locks`` the days for which it is
    locked, empty where nothing is. ``location`` is near where databases are made. Stores are by the product's own
    names."""

    task: str
    product: str
    stage: str
    environment: str
    timezone: str
    account: str
    vault: str
    vault_key: str
    state: str
    token_parameter: str
    lives: Mapping[str, int]
    locks: Mapping[str, int]
    cloudflare: str = CLOUDFLARE
    release: str = ""
    location: str = ""
    databases: Mapping[str, Store] = field(default_factory=dict)
    buckets: Mapping[str, Store] = field(default_factory=dict)
    namespaces: Mapping[str, Store] = field(default_factory=dict)
    objects: Mapping[str, Any] = field(default_factory=dict)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)


# Of each kind of store, the members that must say something.
_STORES: Final = {"databases": ("name", "id"), "buckets": ("name",), "namespaces": ("id",)}
_DAYS: Final = ("lives", "locks")
_OPTIONAL: Final = ("cloudflare", "location", "release")


def parsed(text: str | None) -> Config:
    """Return what the variable says. Raises Misconfigured."""
    if not text:
        raise Misconfigured(f"{VARIABLE} is not set. fix: deploy the stage again, which sets it")
    try:
        said = json.loads(text)
    except ValueError as error:
        raise Misconfigured(f"{VARIABLE} is no JSON: {error}") from None
    if not isinstance(said, dict):
        raise Misconfigured(f"{VARIABLE} is no object of JSON")
    if faults := [*_faults(said)]:
        raise Misconfigured(f"{VARIABLE}: " + "; ".join(faults) + ". fix: deploy the stage again, which writes it")
    stores = {kind: {name: Store(**one) for name, one in said.get(kind, {}).items()} for kind in _STORES}
    return Config(**{**said, **stores})


def _faults(said: Mapping[str, Any]) -> Iterator[str]:
    known = {each.name for each in fields(Config)}
    yield from (f"{key}: is not known" for key in said if key not in known)
    for key in sorted(known - {*_STORES, *_DAYS, "objects"}):
        if key not in said:
            if key not in _OPTIONAL:
                yield f"{key}: is missing"
        elif not isinstance(said[key], str) or not said[key]:
            yield f"{key}: is no text, or empty"
    if isinstance(zone := said.get("timezone"), str) and zone and not _is_zone(zone):
        yield "timezone: no time zone has this name"
    for key in _DAYS:
        yield from _faults_of_days(key, said.get(key))
    for kind, needed in _STORES.items():
        yield from _faults_of_stores(kind, needed, said.get(kind, {}))
    if not isinstance(said.get("objects", {}), dict):
        yield "objects: is no object"


def _faults_of_stores(kind: str, needed: tuple[str, ...], stores: Any) -> Iterator[str]:
    if not isinstance(stores, dict):
        yield f"{kind}: is no object"
        return
    known = {each.name for each in fields(Store)}
    for name, one in stores.items():
        if not isinstance(one, dict):
            yield f"{kind}.{name}: is no object"
            continue
        yield from (f"{kind}.{name}.{key}: is not known" for key in one if key not in known)
        for key in known & {*needed, *one}:
            if not isinstance(one.get(key), str) or not one[key]:
                yield f"{kind}.{name}.{key}: is no text, or empty"


def _faults_of_days(kind: str, days: Any) -> Iterator[str]:
    if not isinstance(days, dict):
        yield f"{kind}: is missing, or no object"
        return
    for tier, count in days.items():
        if tier not in set(Tier):
            yield f"{kind}.{tier}: is no tier, which are {', '.join(Tier)}"
        elif type(count) is not int or count < 1:
            yield f"{kind}.{tier}: is no number of days"


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True
