"""Sees every attempt of a rehearsal to talk to another machine.

Three nets, because no single one catches everything: Python's own audit events (exact, for the command and the clouds,
which are Python), a proxy that leads nowhere (exact, for what the engine asks over HTTP), and a look at the open
connections of every process of the rehearsal several times a second. What Workers try is trapped by Miniflare and asked
of it.
"""

from __future__ import annotations

import json
import os
import socket
import socketserver
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, Final, Self

import psutil

from bulkhead.machine.processes import marked
from bulkhead.machine.sockets import Outward, is_local, outward

LOG_NAME: Final = "egress.jsonl"
_EVERY_SECONDS: Final = 0.25
_PROXIES: Final = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")
COMMAND: Final = "command"
CLOUDS: Final = "clouds"
_ENGINE: Final = "engine"
TRIAL: Final = "trial.bulkhead.invalid"  # a name that cannot exist (RFC 2606), thrown into each net to try it
TRIED: Final = (("python", COMMAND), ("python", CLOUDS), ("proxy", _ENGINE))


def attempts(logs: Path) -> list[dict[str, str]]:
    """Return what was written down: who tried to reach what, and which net caught it."""
    return [caught for caught in _caught(logs) if TRIAL not in caught["target"]]


def torn(logs: Path) -> list[str]:
    """Return the nets that did not catch what was thrown into them when they were spread. Nothing caught by such a
    net means nothing."""
    whole = {(caught["net"], caught["who"]) for caught in _caught(logs) if TRIAL in caught["target"]}
    return [f"{net} of {who}" for net, who in TRIED if (net, who) not in whole]


def audit(logs: Path, who: str) -> Callable[[], None]:
    """Write down each connection this Python process opens to another machine, and each such name it looks up, until
    the function that is returned is called. ``who`` is what the process is to the rehearsal."""

    def note(host: str) -> None:
        _note_unless_local(logs, "python", host, who)

    _hook()
    _listeners.add(note)
    sys.audit("socket.gethostbyname", TRIAL)  # only the event: nobody is asked
    return lambda: _listeners.discard(note)


class Traps:
    """All three nets, for the length of a ``with``."""

    def __init__(self, logs: Path, mark: str) -> None:
        self._logs = logs
        self._mark = mark
        self._stop = threading.Event()
        self._proxy = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _trap(logs))
        self._proxy.daemon_threads = True
        self._threads = [
            threading.Thread(target=self._proxy.serve_forever, args=(_EVERY_SECONDS,), name="egress-proxy"),
            threading.Thread(target=self._look_out, name="egress-look-out"),
        ]
        self.looks = 0

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs in its environment to be led into the trap."""
        host, port = self._proxy.server_address[:2]
        return dict.fromkeys(_PROXIES, f"http://{host!s}:{port}")

    def __enter__(self) -> Self:
        self._stop_audit = audit(self._logs, COMMAND)
        for thread in self._threads:
            thread.start()
        self._try_proxy()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop_audit()
        self._stop.set()
        self._proxy.shutdown()
        for thread in self._threads:
            thread.join()
        self._proxy.server_close()

    def _try_proxy(self) -> None:
        host, port = self._proxy.server_address[:2]
        with suppress(OSError), socket.create_connection((str(host), port), timeout=5) as connection:
            connection.sendall(f"CONNECT {TRIAL}:443 HTTP/1.1\r\n\r\n".encode())
            connection.recv(1)  # by then it is written down

    def _look_out(self) -> None:
        before: Outward = frozenset()
        while not self._stop.wait(_EVERY_SECONDS):
            seen = outward()
            if seen is None or before is None or seen - before:  # whose a socket is does not change
                for host, who in _connected([psutil.Process(), *marked(self._mark)]):
                    _note_unless_local(self._logs, "connections", host, who)
            before = seen
            self.looks += 1


def _connected(processes: Sequence[psutil.Process]) -> Iterator[tuple[str, str]]:
    """Yield each host that one of the processes is connected to, and that process's name."""
    watched = {process.pid: process for process in processes}
    for pid, remote in _connections(processes):
        if remote and pid in watched:
            with suppress(psutil.Error):  # it may have ended since
                yield remote.ip, watched[pid].name()


def _connections(processes: Sequence[psutil.Process]) -> Iterator[tuple[int | None, Any]]:
    """Yield process and remote end of every connection of ``processes``, among others."""
    try:
        # The machine's table, read once: psutil reads all of it again for each process that is asked by itself.
        yield from ((each.pid, each.raddr) for each in psutil.net_connections("inet"))
    except psutil.AccessDenied:  # macOS tells the table to nobody but root
        for process in processes:
            with suppress(psutil.Error):
                yield from ((process.pid, each.raddr) for each in process.net_connections("inet"))


def _host_of(address: Any) -> str:
    """Return the host in a socket's address; "" for a socket that leads to no other machine (a file, the kernel)."""
    return address[0] if isinstance(address, tuple) and isinstance(address[0], str) else ""


def _name_of(host: Any) -> str:
    return host.decode(errors="replace") if isinstance(host, bytes) else str(host or "")


# Which audit event tells of what host: https://docs.python.org/3/library/audit_events.html
_ASKING: Final[Mapping[str, Callable[[tuple[Any, ...]], str]]] = {
    "socket.connect": lambda arguments: _host_of(arguments[1]),
    "socket.sendto": lambda arguments: _host_of(arguments[1]),
    "socket.sendmsg": lambda arguments: _host_of(arguments[1]),
    "socket.getaddrinfo": lambda arguments: _name_of(arguments[0]),
    "socket.gethostbyname": lambda arguments: _name_of(arguments[0]),
}


def _trap(logs: Path) -> Callable[..., socketserver.StreamRequestHandler]:
    class Trap(socketserver.StreamRequestHandler):
        timeout = 5

        def handle(self) -> None:
            with suppress(OSError):
                wanted = self.rfile.readline(2048).decode("latin-1").split()
                _note(logs, "proxy", wanted[1] if len(wanted) > 1 else "something", _ENGINE)
                self.wfile.write(b"HTTP/1.1 403 A rehearsal stays on this machine\r\nContent-Length: 0\r\n\r\n")

    return Trap


_listeners: Final[set[Callable[[str], None]]] = set()


@cache
def _hook() -> None:
    """Let the listeners hear of each host that this process asks for. Once is enough, and more would be for good: an
    audit hook lasts as long as its process, and each makes every event of it slower."""

    def tell(event: str, arguments: tuple[Any, ...]) -> None:
        if _listeners and event in _ASKING:
            for note in tuple(_listeners):
                note(_ASKING[event](arguments))

    sys.addaudithook(tell)


def _caught(logs: Path) -> list[dict[str, str]]:
    log = logs / LOG_NAME
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()] if log.exists() else []


def _note_unless_local(logs: Path, net: str, host: str, who: str) -> None:
    if not is_local(host):
        _note(logs, net, host, who)


def _note(logs: Path, net: str, target: str, who: str) -> None:
    line = json.dumps({"net": net, "target": target, "who": who}) + "\n"
    # One write to a file opened for appending is not torn by another process that does the same.
    descriptor = os.open(logs / LOG_NAME, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, line.encode())
    finally:
        os.close(descriptor)
