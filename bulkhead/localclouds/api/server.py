"""An HTTP server on a free port of 127.0.0.1, in a thread of its own."""

from __future__ import annotations

import socket
import threading
import time
from typing import Final

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from bulkhead.model.failures import Failed

_PATIENCE: Final = 10.0  # seconds until it must answer
_GRACE: Final = 2  # seconds for requests under way when it ends
_LISTENERS: Final = 128  # as many connections may wait as all stages' resources together open


DROP: Final = "bulkhead.drop"
"""The member of a request's scope that drops its connection, without an answer."""


class ApiServer:
    """Serves one application. Raises Failed when it cannot be started."""

    def __init__(self, app: ASGIApp) -> None:
        # Without the protocol's number, asyncio would not switch Nagle's algorithm off: 44 ms a call instead of 0.4.
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.bind(("127.0.0.1", 0))
        self.url: str = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        config = uvicorn.Config(
            _droppable(app),
            log_config=None,
            access_log=False,
            lifespan="off",
            proxy_headers=False,
            backlog=_LISTENERS,
            timeout_graceful_shutdown=_GRACE,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],), name="api", daemon=True)
        self._thread.start()
        self._wait()

    def stop(self) -> None:
        """End the server; requests under way are given two seconds."""
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()

    def _wait(self) -> None:
        deadline = time.monotonic() + _PATIENCE
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                raise Failed("a local cloud's HTTP server did not start")
            time.sleep(0.005)


def _droppable(app: ASGIApp) -> ASGIApp:
    """Let the application drop a connection: ASGI has no word for it, so this takes uvicorn's own object."""

    async def with_drop(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope[DROP] = send.__self__.transport.abort  # type: ignore[attr-defined] # a method of uvicorn's cycle
        await app(scope, receive, send)

    return with_drop
