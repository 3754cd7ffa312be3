"""A stage goes under maintenance, and comes back as it was.

What is about to be taken is written down first, and then it is taken, or given back, item by item. So a process that is
killed at any moment leaves a record by which the next one goes on.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bulkhead.clients.objects import Objects
from bulkhead.clients.rest import Rest
from bulkhead.clients.visits import Reply, Visitor
from bulkhead.model.faults import Fault, Refused
from bulkhead.model.product import Product
from bulkhead.model.settings import StageSettings
from bulkhead.operations.maintenance.parts import PARTS, Stage
from bulkhead.operations.maintenance.record import Found, Record, Records, State
from bulkhead.operations.maintenance.site import SIGN, remove, upload, worker_of

_ASKED: Final = 60  # times; a route is known everywhere within seconds
_ASKED_EVERY: Final = 1.0  # seconds
_PATIENCE: Final = 10.0
_LOGIN: Final = frozenset({302, 401, 403})  # what Access answers who is not let in


@dataclass(frozen=True, slots=True)
class Status:
    """How the stage is. ``record`` is what was switched last; ``led`` are the hostnames that lead to the maintenance
    by what Cloudflare says. ``loose`` is what a maintenance that is on should have taken and has not, because somebody
    has brought it back meanwhile."""

    record: Record | None
    led: tuple[str, ...]
    loose: tuple[str, ...]

    @property
    def on(self) -> bool:
        """Whether it was switched on, or is on its way between on and off."""
        return self.record is not None and self.record.state is not State.OFF

    @property
    def as_recorded(self) -> bool:
        """Whether Cloudflare has what the record says."""
        if self.record is None or self.record.state is State.OFF:
            return not self.led
        return self.record.state is State.ON and not self.loose


class Maintenance:
    """The maintenance of one stage. ``objects`` is the bucket of the stage's state; ``require`` raises Refused unless
    this process has the stage, and is asked before each change. ``visitor`` asks the hostnames whether it has arrived;
    without one that is not looked at. ``say`` is told each thing that was taken or given back.

    Raises Refused where Cloudflare or the bucket refuses; what was begun is continued by the same call.
    """

    def __init__(
        self,
        api: Rest,
        settings: StageSettings,
        product: Product,
        objects: Objects,
        require: Callable[[], None],
        *,
        visitor: Visitor | None = None,
        say: Callable[[str], None] = lambda _: None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.stage = Stage(api, settings, product, worker_of(settings, product), pause)
        self._records = Records(objects, settings.environment)
        self._objects = objects
        self._require = require
        self._visitor = visitor
        self._say = say

    def is_on(self) -> bool:
        """Whether the stage is under maintenance, or somebody was interrupted on the way into it or out of it."""
        record = self._records.read()
        return record is not None and record.state is not State.OFF

    def status(self) -> Status:
        """Return how the stage is, by the record and by Cloudflare."""
        leading = {
            route["pattern"]
            for route in self.stage.api.every(self.stage.routes)
            if route.get("script") == self.stage.worker
        }
        led = tuple(name for name in self.stage.hostnames if f"{name}/*" in leading)
        record = self._records.read()
        if record is None or record.state is State.OFF:
            return Status(record, led, ())
        loose = (f"{name}: {key}" for name, there in self._there(record.found).items() for key in there)
        return Status(record, led, tuple(loose))

    def on(self, until: datetime, message: str = "", by: str = "") -> str:
        """Put the stage under maintenance, or say anew until when it is; return the pass that lets operators through,
        in place of any that was given before. Returns when every hostname answers with it."""
        self._require()
        before, pass_ = self._records.read(), secrets.token_urlsafe(32)
        goes_on = before is not None and before.state is not State.OFF
        since = before.since if goes_on and before else self._objects.now().earliest
        record = Record(State.BEGINNING, since, until, message, by, self._found(before if goes_on else None))
        self._write(record)
        upload(self.stage, until, message, pass_)
        for name, make in PARTS.items():
            part = make(self.stage)
            for key, item in record.found.get(name, {}).items():
                self._require()
                part.take(key, item)
                self._say(f"{name}: {key}")
        self._write(record.at(State.ON))
        self._await(on=True)
        return pass_

    def off(self) -> list[str]:
        """Give back what was taken; return what is another thing by now and was left so, in words. Returns when no
        hostname answers with the maintenance any more."""
        self._require()
        record = self._records.read()
        if record is None or record.state is State.OFF:
            return []
        self._write(record := record.at(State.ENDING))
        kept = []
        for name, make in reversed(list(PARTS.items())):
            part = make(self.stage)
            for key, item in record.found.get(name, {}).items():
                self._require()
                why = part.give(key, item)
                kept += [f"{name}: {key} {why}"] if why else []
                self._say(f"{name}: {key}")
        self._await(on=False)
        self._require()
        remove(self.stage)
        self._write(record.at(State.OFF))
        return kept

    def _found(self, before: Record | None) -> Found:
        """Return what this maintenance has taken already, and what is there to be taken: that is newer, as crons are
        which a deployment brought meanwhile."""
        taken = before.found if before else {}
        return {name: {**taken.get(name, {}), **there} for name, there in self._there(taken).items()}

    def _there(self, taken: Found) -> Found:
        return {name: dict(make(self.stage).found(taken.get(name, {}))) for name, make in PARTS.items()}

    def _write(self, record: Record) -> None:
        self._require()
        self._records.write(record)

    def _await(self, *, on: bool) -> None:
        """Return when each hostname shows that maintenance has begun, or is over. One that a login stands before shows
        neither."""
        if self._visitor is None:
            return
        waits, asked = list(self.stage.hostnames), 0
        while waits:
            shown = {host: self._shows(host) for host in waits}
            for host, is_on in shown.items():
                if is_on is None:
                    self._say(
                        f"{host}: a login stands before it, or nobody answers; whether it has arrived is not known"
                    )
                elif is_on is on:
                    self._say(f"{host} answers {'with the maintenance' if on else 'by the product'}")
            waits = [host for host, is_on in shown.items() if is_on is (not on)]
            asked += 1
            if waits and asked == _ASKED:
                message = "still answers from before" if on else "still answers with the maintenance"
                again = f"bulkhead maintenance {'on' if on else 'off'} {self.stage.settings.environment}"
                faults = [Fault(host, message, f"{again} looks again") for host in waits]
                raise Refused("It has not arrived everywhere.", faults)
            if waits:
                self.stage.pause(_ASKED_EVERY)

    def _shows(self, host: str) -> bool | None:
        """Return whether a hostname answers with the maintenance, None where nobody can tell."""
        assert self._visitor is not None  # noqa: S101 - the caller has looked
        reply = self._visitor.ask(host, "/", seconds=_PATIENCE)
        if not isinstance(reply, Reply):
            return None
        if SIGN in reply.headers:
            return True
        return None if reply.status in _LOGIN and not self.stage.settings.access.public else False
