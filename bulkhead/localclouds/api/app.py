"""The way of every call to a local cloud, whichever it is: is a fault planned for it, serve it, write it down.

So no route can forget one of these.
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from bulkhead.localclouds.api.faults import Failing, FaultPlan
from bulkhead.localclouds.api.journal import Entry, Journal
from bulkhead.localclouds.api.server import DROP

# More than the APIs have: what nobody answers is to be written down as such.
METHODS: Final = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Told:
    """What whoever serves a call tells the journal of it: the last members of `Entry`, in its order."""

    who: str = ""
    resource: str = ""
    code: str = ""
    note: str = ""
    members: str = ""


_TOLD: Final = attrgetter(*(field.name for field in fields(Told)))
Serve = Callable[[bytes, Told], Response]
"""Serves a call, of which it is given the body. It answers refusals itself; another exception is a fault of ours."""


def caller_of(request: Request) -> str:
    """Return the address that a request comes from."""
    assert request.client is not None  # noqa: S101 - only a socket without a network has none
    return request.client.host


class Api(ABC):
    """The API of one cloud. Safe to ask from several threads."""

    def __init__(self, cloud: str, journal: Journal, faults: FaultPlan) -> None:
        self._name = cloud
        self._journal = journal
        self._faults = faults

    @abstractmethod
    def failed(self, request: Request, status: int, why: str) -> Response:
        """Return the vendor's form of an answer of which the server is to blame."""

    async def pass_through(self, request: Request, route: str, serve: Serve) -> Response:
        """Return the answer to a call; ``route`` is the path's template, empty if the API has no such route."""
        try:
            body = await request.body()
        except ClientDisconnect:
            return Response(status_code=400)  # nobody gets it
        failing = self._faults.take(request.method, route, request.url.path)
        if failing is Failing.BEFORE:
            self._write_down(request, route, 0, Told(code=str(failing)))
            request.scope[DROP]()
            return Response(status_code=500)  # nobody gets it
        response = await run_in_threadpool(self._served, request, route, serve, body, Told(code=str(failing or "")))
        return self.failed(request, 502, str(failing)) if failing else response

    def _served(self, request: Request, route: str, serve: Serve, body: bytes, told: Told) -> Response:
        try:
            response = serve(body, told)
        except Exception as fault:
            _log.exception("%s %s failed", request.method, route)
            response = self.failed(request, 500, f"a fault of the rehearsal itself: {type(fault).__name__}")
        self._write_down(request, route, response.status_code, told)
        return response

    def _write_down(self, request: Request, route: str, status: int, told: Told) -> None:
        self._journal.add(Entry(self._name, request.method, route, request.url.path, status, *_TOLD(told)))
