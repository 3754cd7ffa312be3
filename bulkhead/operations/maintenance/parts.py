"""What maintenance takes of a stage, and how each is given back: hostnames, addresses, crons, queues.

Cloudflare is asked what there is, and not the program: what was changed by hand in an incident is taken and given back
as it was found. Taking and giving back may be done twice.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Protocol

from bulkhead.clients.refusals import ApiRefused
from bulkhead.clients.rest import Rest
from bulkhead.model.naming import Kind
from bulkhead.model.product import Product
from bulkhead.model.settings import StageSettings
from bulkhead.operations.maintenance.record import Item

_NO_SUCH_WORKER: Final = 10019
_DUPLICATE: Final = 10020
_TRIES: Final = 15  # an uploaded Worker is known to routes a moment later (alchemy-run/distilled#368)


@dataclass(frozen=True)
class Stage:
    """The stage as Cloudflare knows it. ``worker`` is the name of the Worker that answers during maintenance."""

    api: Rest
    settings: StageSettings
    product: Product
    worker: str
    pause: Callable[[float], None] = time.sleep

    @property
    def account(self) -> str:
        return f"/accounts/{self.settings.cloudflare.account_id}"

    @property
    def routes(self) -> str:
        return f"/zones/{self.settings.cloudflare.zone_id}/workers/routes"

    @cached_property
    def scripts(self) -> tuple[str, ...]:
        """The names of the product's Workers."""
        label = self.settings.label(self.product.name)
        return tuple(label.name(Kind.WORKER, worker.name) for worker in self.product.workers)

    @cached_property
    def hostnames(self) -> tuple[str, ...]:
        """The hostnames that lead to the product's Workers, or are said to."""
        led = (host for host, zone in self._domains if zone == self.settings.cloudflare.zone_id)
        return tuple(sorted({*led, *self.product.hostnames(self.settings.cloudflare.hostname).values()}))

    @property
    def elsewhere(self) -> tuple[str, ...]:
        """The hostnames of other zones that lead to the product's Workers, which nothing here is before."""
        return tuple(host for host, zone in self._domains if zone != self.settings.cloudflare.zone_id)

    @cached_property
    def _domains(self) -> list[tuple[str, str]]:
        listed = self.api.every(f"{self.account}/workers/domains")
        return [(each["hostname"], each["zone_id"]) for each in listed if each["service"] in self.scripts]


class Part(Protocol):
    """One kind of what is taken."""

    def found(self, taken: Mapping[str, Item], /) -> Iterator[tuple[str, Item]]:
        """Yield what is there to be taken, by a key that people know it by: nothing where all was ``taken`` before."""

    def take(self, key: str, item: Item) -> None:
        """Take it."""

    def give(self, key: str, item: Item) -> str | None:
        """Give it back; return why not, in words, where it is another one by now."""


@dataclass(frozen=True)
class Hostnames:
    """Requests to the stage's hostnames: a route comes before whatever Worker has the hostname, and before routes that
    are less specific. Routes of the same hostname that are there already, and routes to the product from elsewhere in
    the zone, lead to the maintenance meanwhile."""

    stage: Stage

    def found(self, taken: Mapping[str, Item]) -> Iterator[tuple[str, Item]]:
        there = {route["pattern"]: route.get("script") for route in self._all()}
        ours = {pattern for pattern, script in there.items() if script == self.stage.worker}
        wanted = {f"{hostname}/*" for hostname in self.stage.hostnames}
        for pattern in sorted(wanted - there.keys() | ours - taken.keys()):
            yield pattern, {"there": False, "script": None}
        for pattern in sorted(there.keys() - ours):
            if _hostname(pattern) in self.stage.hostnames or there[pattern] in self.stage.scripts:
                yield pattern, {"there": True, "script": there[pattern]}

    def take(self, key: str, item: Item) -> None:
        for left in reversed(range(_TRIES)):
            try:
                self._lead(key, self.stage.worker)
            except ApiRefused as refused:
                if not left or not refused.has(_NO_SUCH_WORKER):
                    raise
                self.stage.pause(1)
            else:
                return

    def give(self, key: str, item: Item) -> str | None:
        route = self._route(key)
        script = route.get("script") if route else None
        if route and script == self.stage.worker:
            if item["there"]:
                self._lead(key, item["script"])
            else:
                self.stage.api.delete(f"{self.stage.routes}/{route['id']}")
            return None
        if (route is not None, script) == (item["there"], item["script"]):
            return None
        return f"leads to {script or 'no Worker'} by now" if route else "was deleted meanwhile"

    def _lead(self, pattern: str, script: str | None) -> None:
        body = {"pattern": pattern, **({"script": script} if script else {})}
        if (route := self._route(pattern)) is None:
            try:
                route = self.stage.api.post(self.stage.routes, body, repeatable=True) or body
            except ApiRefused as refused:  # perhaps of an attempt whose first answer was lost
                if not refused.has(_DUPLICATE) or (route := self._route(pattern)) is None:
                    raise
        if route.get("script") != script:
            self.stage.api.put(f"{self.stage.routes}/{route['id']}", body)

    def _route(self, pattern: str) -> Mapping[str, Any] | None:
        return next((route for route in self._all() if route["pattern"] == pattern), None)

    def _all(self) -> list[Mapping[str, Any]]:
        return list(self.stage.api.every(self.stage.routes))


@dataclass(frozen=True)
class Addresses:
    """The addresses on workers.dev, which no route comes before: they answer nobody meanwhile."""

    stage: Stage

    def found(self, _taken: Mapping[str, Item]) -> Iterator[tuple[str, Item]]:
        for script in self.stage.scripts:
            if (now := self._now(script)) and now.get("enabled"):
                yield script, {"previews_enabled": bool(now.get("previews_enabled"))}

    def take(self, key: str, item: Item) -> None:
        self.stage.api.post(self._path(key), {"enabled": False, "previews_enabled": False}, repeatable=True)

    def give(self, key: str, item: Item) -> str | None:
        now = self._now(key)
        if now is None:
            return "has no such Worker any more"
        if not now.get("enabled"):
            self.stage.api.post(self._path(key), {"enabled": True, **item}, repeatable=True)
        return None

    def _now(self, script: str) -> Mapping[str, Any] | None:
        return self.stage.api.get(self._path(script))

    def _path(self, script: str) -> str:
        return f"{self.stage.account}/workers/scripts/{script}/subdomain"


@dataclass(frozen=True)
class Crons:
    """What Cloudflare runs by the clock."""

    stage: Stage

    def found(self, _taken: Mapping[str, Item]) -> Iterator[tuple[str, Item]]:
        for script in self.stage.scripts:
            if now := self._now(script):
                yield script, {"crons": now}

    def take(self, key: str, item: Item) -> None:
        if self._now(key):
            self.stage.api.put(self._path(key), [])

    def give(self, key: str, item: Item) -> str | None:
        now = self._now(key)
        if now is None:
            return "has no such Worker any more"
        if not now:
            self.stage.api.put(self._path(key), [{"cron": cron} for cron in item["crons"]])
        elif sorted(now) != sorted(item["crons"]):
            return f"runs at {', '.join(now)} by now, and ran at {', '.join(item['crons'])}"
        return None

    def _now(self, script: str) -> list[str] | None:
        answer = self.stage.api.get(self._path(script))
        return None if answer is None else [one["cron"] for one in answer.get("schedules") or ()]

    def _path(self, script: str) -> str:
        return f"{self.stage.account}/workers/scripts/{script}/schedules"


@dataclass(frozen=True)
class Queues:
    """The delivery of messages. Queues go on taking them, and keep them as long as their retention says."""

    stage: Stage

    def found(self, _taken: Mapping[str, Item]) -> Iterator[tuple[str, Item]]:
        label = self.stage.settings.label(self.stage.product.name)
        names = {label.name(Kind.QUEUE, queue.name) for queue in self.stage.product.queues}
        for name in sorted(names & self._all.keys()):
            if not (self._all[name].get("settings") or {}).get("delivery_paused"):
                yield name, {"id": self._all[name]["queue_id"]}

    def take(self, key: str, item: Item) -> None:
        self._deliver(key, item, paused=True)

    def give(self, key: str, item: Item) -> str | None:
        if key not in self._all:
            return "does not exist any more"
        self._deliver(key, item, paused=False)
        return None

    @cached_property
    def _all(self) -> Mapping[str, Mapping[str, Any]]:
        return {queue["queue_name"]: queue for queue in self.stage.api.every(f"{self.stage.account}/queues")}

    def _deliver(self, name: str, item: Item, *, paused: bool) -> None:
        path, body = f"{self.stage.account}/queues/{item['id']}", {"settings": {"delivery_paused": paused}}
        self.stage.api.patch(path, {"queue_name": name, **body}, repeatable=True)


PARTS: Final[Mapping[str, Callable[[Stage], Part]]] = {
    "hostnames": Hostnames,
    "addresses": Addresses,
    "crons": Crons,
    "queues": Queues,
}
"""In the order in which they are taken: visitors first. They are given back the other way round."""


def _hostname(pattern: str) -> str:
    """Return the hostname that a pattern begins with. Routes with a wildcard there are less specific than ours, and may
    be other stages'."""
    return re.sub(r"^https?://", "", pattern).partition("/")[0].removesuffix("*")
