"""An API that answers what a test lists, one answer for each request: without a network, on a clock that nobody waits
for, or on a port of this machine."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import takewhile

import httpx

from bulkhead.clients.endpoints import CLOUDFLARE, Api
from bulkhead.clients.repeats import Patience
from bulkhead.clients.rest import Rest

TOKEN = "canary-of-a-token"
NOW = 1_800_000_000.0

Answer = httpx.Response | type[httpx.RequestError]


class Answering:
    """``asked`` are the requests, ``slept`` the seconds between them. One request too many fails the test."""

    def __init__(self, *answers: Answer) -> None:
        self.asked: list[httpx.Request] = []
        self.slept: list[float] = []
        self._answers = list(answers)

    def rest(self, api: Api) -> Rest:
        return Rest(api, TOKEN, httpx.MockTransport(self._answer), Patience(self.slept.append, lambda: NOW))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        assert self._answers, f"nobody expected {request.method} {request.url}"
        answer = self._answers.pop(0)
        if isinstance(answer, httpx.Response):
            return answer
        raise answer("as it happens")


def cloudflare(result: object = None, info: object = None) -> httpx.Response:
    body = {"success": True, "errors": [], "messages": [], "result": result}
    return httpx.Response(200, json=body if info is None else {**body, "result_info": info})


def failed(status: int, *codes: int, headers: Iterable[tuple[str, str]] = ()) -> httpx.Response:
    errors = [{"code": code, "message": f"message {code}"} for code in codes]
    return httpx.Response(status, json={"success": False, "errors": errors, "result": None}, headers=dict(headers))


@contextmanager
def listening(*connections: list[bytes | None]) -> Iterator[tuple[Api, list[bytes]]]:
    """Take that many connections, and on each answer so many requests; None hangs up instead."""
    received: list[bytes] = []
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(10)  # a connection that never comes fails the test, and does not hold it

    def serve() -> None:
        with server:  # whoever comes once more is refused
            for answers in connections:
                connection, _ = server.accept()
                with connection, connection.makefile("rb") as lines:
                    for answer in answers:
                        head = b"".join(takewhile(lambda line: line != b"\r\n", lines))
                        length = re.search(rb"content-length: (\d+)", head.lower())
                        received.append(head + lines.read(int(length[1]) if length else 0))
                        if answer is not None:
                            connection.sendall(answer)

    where = CLOUDFLARE.at(f"http://127.0.0.1:{server.getsockname()[1]}")
    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield where, received
    finally:
        thread.join()
