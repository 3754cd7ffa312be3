"""Lambda's Runtime API, for one invocation: what a function is asked, and what it answers.

It speaks what the Lambda Developer Guide says of it ("Using the Lambda runtime API"), on 127.0.0.1 alone.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final, Self

_ROOT: Final = "/2018-06-01/runtime/"


@dataclass(frozen=True, slots=True)
class Call:
    """An invocation. ``seconds`` is how long it may take."""

    request: str
    arn: str
    event: bytes
    seconds: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What a function answered: JSON. ``error`` is the name of what it failed with, empty if it did not."""

    payload: bytes
    error: str = ""


class RuntimeApi:
    """The API while a function runs. ``begun`` is when it asked for its invocation, None before; ``answer`` is what it
    answered, None until it has."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._changed = threading.Condition()
        self._ended = threading.Event()
        self.begun: float | None = None
        self.answer: Answer | None = None
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="runtime-api")
        self._thread.start()
        self.address = f"127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def wait(self, seconds: float) -> Answer | None:
        """Return the answer as soon as there is one, None after ``seconds``."""
        with self._changed:
            self._changed.wait_for(lambda: self.answer is not None, seconds)
            return self.answer

    def next(self) -> tuple[dict[str, str], bytes] | None:
        """Return the invocation with its headers; to whoever asks again None, once nobody waits any more: Lambda would
        freeze it meanwhile."""
        with self._changed:
            again = self.begun is not None
            self.begun = self.begun or time.monotonic()
        if again:
            self._ended.wait()
            return None
        deadline = int((time.time() + self._call.seconds) * 1000)
        headers = {
            "Lambda-Runtime-Aws-Request-Id": self._call.request,
            "Lambda-Runtime-Deadline-Ms": str(deadline),
            "Lambda-Runtime-Invoked-Function-Arn": self._call.arn,
        }
        return headers, self._call.event

    def take(self, path: str, body: bytes, failed_with: str) -> bool:
        """Take an answer; return whether it is one to this invocation."""
        of_this = f"invocation/{self._call.request}/"
        if path not in {f"{of_this}response", f"{of_this}error", "init/error"}:
            return False
        with self._changed:
            self.answer = self.answer or Answer(body, "" if path.endswith("/response") else failed_with or "Unhandled")
            self._changed.notify_all()
        return True


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A function that is ended while it speaks is no fault of the server's."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def _handler(api: RuntimeApi) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            found = api.next() if self.path == f"{_ROOT}invocation/next" else None
            if found:
                self._send(200, found[1], found[0])
            else:
                self._send(403, b'{"errorType":"InvalidRequest"}')

        def do_POST(self) -> None:
            body = self._body()
            failed_with = self.headers.get("Lambda-Runtime-Function-Error-Type", "")
            taken = self.path.startswith(_ROOT) and api.take(self.path.removeprefix(_ROOT), body, failed_with)
            self._send(202 if taken else 403, json.dumps({"status": "OK" if taken else "no such invocation"}).encode())

        def _body(self) -> bytes:
            """AWS's client sends in chunks."""
            if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
                return self.rfile.read(int(self.headers.get("Content-Length") or 0))
            parts = []
            while size := int(self.rfile.readline().partition(b";")[0], 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)

        def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Nobody reads it."""

    return Handler
