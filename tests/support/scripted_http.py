"""An HTTP server that answers what a test has written down, and one that stands between a client and another server."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import urlsplit


class Said(NamedTuple):
    """An answer; ``cut`` ends the connection after so many bytes of its body."""

    status: int
    body: bytes
    headers: Mapping[str, str] = {}
    cut: int | None = None


def result(value: Any, **info: Any) -> Said:
    """Return a success of Cloudflare's."""
    return Said(200, json.dumps({"success": True, "result": value, "result_info": info}).encode())


def refusal(status: int, code: int, message: str, **headers: str) -> Said:
    errors = [{"code": code, "message": message}]
    return Said(status, json.dumps({"success": False, "errors": errors, "result": None}).encode(), headers)


class Asked(NamedTuple):
    """A request."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


Answer = Callable[[Asked], "Said | None"]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        said = self.server.answer(Asked(self.command, self.path, dict(self.headers), body))
        if said is None:
            self.close_connection = True
            return
        self.send_response_only(said.status)
        for name, value in said.headers.items():
            self.send_header(name.replace("_", "-"), value)
        if "Content-Length" not in said.headers:
            self.send_header("Content-Length", str(len(said.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(said.body if said.cut is None else said.body[: said.cut])
        if said.cut is not None:
            self.close_connection = True

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _serve  # noqa: N815

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        super().__init__(("127.0.0.1", 0), _Handler)


@contextmanager
def served(answer: Answer) -> Iterator[str]:
    """Serve ``answer``, which returns None to drop the connection; yields the URL."""
    server = _Server(answer)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class Between:
    """Hands requests on to ``target``, but those that ``plan`` says something of: each entry is a test of the request,
    and what becomes of it. An entry is used once."""

    target: str
    plan: list[tuple[Callable[[Asked], bool], str]] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, asked: Asked) -> Said | None:
        with self.lock:
            self.asked.append(asked)
            fault = next((entry for entry in self.plan if entry[0](asked)), None)
            if fault:
                self.plan.remove(fault)
        match fault and fault[1]:
            case "500":
                return Said(500, b"<Error><Code>InternalError</Code><Message>try again</Message></Error>")
            case "503":
                return Said(503, b"<Error><Code>SlowDown</Code><Message>slower</Message></Error>")
            case "dropped":
                return None
            case "answer lost":
                self._handed_on(asked)
                return None
            case "slow":
                time.sleep(0.5)
            case "half":
                said = self._handed_on(asked)
                return said._replace(cut=len(said.body) // 2)
        return self._handed_on(asked)

    def _handed_on(self, asked: Asked) -> Said:
        connection = http.client.HTTPConnection(urlsplit(self.target).netloc, timeout=60)
        try:
            headers = {name: value for name, value in asked.headers.items() if name.lower() != "expect"}
            connection.request(asked.method, asked.path, asked.body, headers)
            answer = connection.getresponse()
            kept = {k: v for k, v in answer.getheaders() if k.lower() not in {"connection", "transfer-encoding"}}
            body = answer.read()
            if asked.method != "HEAD":
                kept = {k: v for k, v in kept.items() if k.lower() != "content-length"}
            return Said(answer.status, body, kept)
        finally:
            connection.close()
