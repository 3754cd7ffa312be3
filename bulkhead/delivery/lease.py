"""The right to change a stage, which one process has at a time: an object that its holder has to renew.

A holder that dies cannot give it back, so it ends by itself; on the same machine its process is looked for, and nobody
has to wait. S3 decides who of several is next: each replaces the very object that it has read.
"""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from bulkhead.clients.objects import Objects, Stored, Taken, Unreachable
from bulkhead.delivery.documents import FORMAT, parsed, unreadable
from bulkhead.machine.owner import Owner
from bulkhead.model.faults import Fault, Refused

GIVEN_BACK: Final = "it was given back"
"""Why a stage can be had whose last process ended in order."""
LENGTH: Final = 90.0  # seconds
_AGAIN: Final = 2.0  # seconds until a renewal that had no answer is tried again


class Lost(Refused):
    """Another process has gone on in place of this one: it must not do anything more."""


@dataclass(frozen=True, slots=True)
class Tenure:
    """Who has the stage, since when and until when; ``until`` has passed, or ``released`` is true, when nobody has."""

    owner: Owner
    since: datetime
    until: datetime
    released: bool = False

    def ended(self, now: datetime) -> str | None:
        """Return why nobody has the stage any more, None while somebody has it."""
        if self.released:
            return GIVEN_BACK
        if now >= self.until:
            return f"{self.owner} has not renewed it since {self.until:%H:%M:%S} UTC"
        return f"{self.owner} is gone" if self.owner.is_gone() else None


class Living(Exception):
    """Somebody else has the stage."""

    def __init__(self, tenure: Tenure) -> None:
        super().__init__(str(tenure.owner))
        self.tenure = tenure


class Lease:
    """The lease at ``key``, for the process ``owner``; ``length`` is in seconds."""

    def __init__(self, objects: Objects, key: str, owner: Owner, length: float = LENGTH) -> None:
        self._objects = objects
        self._key = key
        self._owner = owner
        self._length = timedelta(seconds=length)
        self._lock = threading.RLock()
        self._tag: str | None = None  # of the object as this process wrote it; None while it has no lease
        self._since = self._until = datetime.min
        self._nonce = ""

    def tenure(self) -> tuple[Tenure, datetime] | None:
        """Return who has the stage, and the time at which that was asked; None when nobody ever had it."""
        there = self._objects.read(self._key)
        return None if there is None else (_read(self._key, there), there.at)

    @contextmanager
    def held(self) -> Iterator[str]:
        """Have the stage, and renew that until the end; yields why it could be had. Raises Living."""
        why = self.take()
        stop = threading.Event()
        renewing = threading.Thread(target=self._renew_until, args=(stop,), name="lease", daemon=True)
        renewing.start()
        try:
            yield why
        finally:
            stop.set()
            renewing.join(self._length.total_seconds())
            with suppress(Refused, Taken):  # then it ends by itself
                self._release()

    def require(self) -> None:
        """Return when what is begun now ends before the lease does; renews it where it has to. Raises Lost, or
        Unreachable when nobody can tell."""
        with self._lock:
            if self._tag is None:
                raise self._lost()
            if self._until - self._objects.now().latest < self._length / 3:
                self.renew()

    def take(self) -> str:
        """Have the stage, without renewing that; return why it could be had. Raises Living."""
        with self._lock:
            if self._tag is not None:
                raise RuntimeError("this process has the lease already")
            self._nonce = secrets.token_hex(8)
            while True:
                there = self._objects.read(self._key)
                why = "nobody had it before" if there is None else self._free(there)
                self._since = self._objects.now().earliest
                with suppress(Taken):  # by another that wants it as well: look who has it now
                    self._write(None if there is None else there.tag)
                    return why

    def _free(self, there: Stored) -> str:
        tenure = _read(self._key, there)
        why = tenure.ended(there.at)
        if why is None:
            raise Living(tenure)
        return why

    def _renew_until(self, stop: threading.Event) -> None:
        wait = self._length.total_seconds() / 3
        pause = wait
        while not stop.wait(pause):
            try:
                self.renew()
                pause = wait
            except Lost:
                return
            except Refused:  # `require` says so, should it last
                pause = min(wait, _AGAIN)

    def renew(self) -> None:
        """Have the stage for the whole length again. Raises Lost, or Unreachable when nobody can tell."""
        with self._lock:
            if self._tag is None:
                raise self._lost()
            try:
                self._write(self._tag)
            except Taken:
                # An earlier renewal may have been done although no answer came.
                there = self._objects.read(self._key)
                if there is None or parsed(self._key, there.body).get("nonce") != self._nonce:
                    self._tag = None
                    raise self._lost() from None
                self._write(there.tag)

    def _write(self, tag: str | None, *, released: bool = False) -> None:
        until = self._objects.now().earliest + self._length
        document = {
            "format": FORMAT,
            "owner": self._owner.document(),
            "since": self._since.isoformat(),
            "until": until.isoformat(),
            "released": released,
            "nonce": self._nonce,
        }
        body = json.dumps(document, indent=1).encode()
        self._tag = self._objects.add(self._key, body) if tag is None else self._objects.replace(self._key, body, tag)
        self._until = until

    def _release(self) -> None:
        with self._lock:
            if self._tag is not None:
                self._write(self._tag, released=True)
                self._tag = None

    def _lost(self) -> Lost:
        by = "another process"
        with suppress(Unreachable):
            found = self.tenure()
            by = str(found[0].owner) if found else by
        fix = "end this one; what it has begun is continued there"
        return Lost("This process does not have the stage any more.", [Fault(self._key, f"{by} has it now", fix)])


def _read(key: str, there: Stored) -> Tenure:
    document = parsed(key, there.body)
    try:
        return Tenure(
            Owner.read(document["owner"]),
            datetime.fromisoformat(document["since"]),
            datetime.fromisoformat(document["until"]),
            bool(document["released"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise unreadable(key) from error
