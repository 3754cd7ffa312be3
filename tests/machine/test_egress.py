"""The nets that catch what leaves this machine: each is thrown something, and nothing really leaves."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from bulkhead.machine import egress

ELSEWHERE = "203.0.113.7"  # set aside for documentation: RFC 5737


@pytest.fixture
def audited(tmp_path: Path) -> Iterator[Path]:
    stop = egress.audit(tmp_path, egress.COMMAND)
    yield tmp_path
    stop()


ASKED: list[tuple[str, tuple[Any, ...], str]] = [
    ("socket.connect", (None, (ELSEWHERE, 443)), ELSEWHERE),
    ("socket.connect", (None, ("2001:db8::1", 443, 0, 0)), "2001:db8::1"),
    ("socket.sendto", (None, (ELSEWHERE, 53)), ELSEWHERE),
    ("socket.sendmsg", (None, (ELSEWHERE, 53)), ELSEWHERE),
    ("socket.getaddrinfo", ("api.github.com", 443, 0, 0, 0), "api.github.com"),
    ("socket.getaddrinfo", (b"api.github.com", 443, 0, 0, 0), "api.github.com"),
    ("socket.gethostbyname", ("api.pulumi.com",), "api.pulumi.com"),
]


@pytest.mark.parametrize(("event", "arguments", "target"), ASKED)
def test_each_way_of_python_to_another_machine_is_caught(
    audited: Path, event: str, arguments: tuple[Any, ...], target: str
) -> None:
    sys.audit(event, *arguments)
    assert egress.attempts(audited) == [{"net": "python", "who": "command", "target": target}]


@pytest.mark.parametrize(
    ("event", "arguments"),
    [
        ("socket.connect", (None, ("127.0.0.1", 80))),
        ("socket.connect", (None, "/run/some.sock")),
        ("socket.connect", (None, b"\0abstract")),
        ("socket.sendto", (None, (0, 1))),  # netlink: to the kernel
        ("socket.sendmsg", (None, None)),
        ("socket.getaddrinfo", (None, 80, 0, 0, 0)),
        ("socket.getaddrinfo", ("localhost", 80, 0, 0, 0)),
        ("open", (ELSEWHERE, "r", 0)),
    ],
)
def test_what_stays_here_is_not_written_down(audited: Path, event: str, arguments: tuple[Any, ...]) -> None:
    sys.audit(event, *arguments)
    assert egress.attempts(audited) == []


def test_a_real_socket_is_heard_and_after_the_end_no_longer(audited: Path, tmp_path: Path) -> None:
    """The multicast test address is never routed, so nothing leaves, whatever the machine's network allows."""
    folder = tmp_path / "other"
    folder.mkdir()
    stop = egress.audit(folder, egress.COMMAND)
    for _ in range(2):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as tried, suppress(OSError):
            tried.connect(("233.252.0.7", 9))  # only names the peer of a datagram socket
        stop()
    assert [caught["target"] for caught in egress.attempts(folder)] == ["233.252.0.7"]
    assert len(egress.attempts(audited)) == 2


def test_many_threads_write_whole_lines(audited: Path) -> None:
    def ask() -> None:
        for _ in range(50):
            sys.audit("socket.gethostbyname", "a-name-of-some-length.example")

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(egress.attempts(audited)) == 200


def test_without_a_log_nothing_was_caught_and_every_net_is_torn(tmp_path: Path) -> None:
    assert egress.attempts(tmp_path) == []
    assert egress.torn(tmp_path) == ["python of command", "python of clouds", "proxy of engine"]


@pytest.fixture
def traps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[egress.Traps]:
    """All nets spread, with a look-out that sees what the test wants and does not sleep for long."""
    monkeypatch.setattr(egress, "_EVERY_SECONDS", 0.005)
    monkeypatch.setattr(egress, "marked", lambda mark: [])
    with egress.Traps(tmp_path, "no-such-mark") as traps:
        yield traps


def asked_of(traps: egress.Traps, request: bytes) -> bytes:
    """Send ``request`` to the proxy and return what it answers."""
    address = traps.environment["HTTPS_PROXY"].removeprefix("http://")
    host, _, port = address.partition(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        return connection.makefile("rb").read()


@pytest.mark.usefixtures("traps")
def test_spread_nets_have_caught_their_own_trials(tmp_path: Path) -> None:
    assert egress.torn(tmp_path) == ["python of clouds"]  # the clouds are another process
    egress.audit(tmp_path, egress.CLOUDS)()
    assert egress.torn(tmp_path) == []
    assert egress.attempts(tmp_path) == []


@pytest.mark.parametrize(
    ("request_", "target"),
    [
        (b"CONNECT api.pulumi.com:443 HTTP/1.1\r\nHost: api.pulumi.com\r\n\r\n", "api.pulumi.com:443"),
        (b"GET http://example.com/x HTTP/1.1\r\n\r\n", "http://example.com/x"),
        (b"\x16\x03\x01\n", "something"),
    ],
)
def test_the_proxy_leads_nowhere_and_writes_down_who_asked(
    traps: egress.Traps, tmp_path: Path, request_: bytes, target: str
) -> None:
    assert asked_of(traps, request_).startswith(b"HTTP/1.1 403 ")
    assert egress.attempts(tmp_path) == [{"net": "proxy", "who": "engine", "target": target}]


def test_all_spellings_of_a_proxy_lead_into_the_trap(traps: egress.Traps) -> None:
    assert set(traps.environment) == {"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"}
    (address,) = set(traps.environment.values())
    assert address.startswith("http://127.0.0.1:")


class Process:
    """A process with one connection; without a name it has ended in the meantime."""

    def __init__(self, pid: int, ip: str | None, name: str | None = "node") -> None:
        self.pid = pid
        self._ip = ip
        self._name = name

    def name(self) -> str:
        if self._name is None:
            raise psutil.NoSuchProcess(self.pid)
        return self._name

    def connection(self, kind: str) -> Any:
        assert kind == "inet"
        return SimpleNamespace(pid=self.pid, raddr=SimpleNamespace(ip=self._ip) if self._ip else ())

    def net_connections(self, kind: str) -> list[Any]:
        self.name()
        return [self.connection(kind)]


OURS = [Process(11, ELSEWHERE, None), Process(12, "127.0.0.1"), Process(13, None), Process(14, ELSEWHERE)]
NOT_OURS = Process(15, "198.51.100.9")


def table(kind: str) -> list[Any]:
    """The whole machine's connections, as Linux tells them; who owns some of them is hidden."""
    hidden = SimpleNamespace(pid=None, raddr=SimpleNamespace(ip="198.51.100.8"))
    return [hidden, *(process.connection(kind) for process in (*OURS, NOT_OURS))]


def no_table(kind: str) -> list[Any]:
    raise psutil.AccessDenied


def looked(condition: Callable[[], object]) -> bool:
    for _ in range(400):
        if condition():
            return True
        threading.Event().wait(0.005)
    return False


@pytest.mark.parametrize("machine", [table, no_table], ids=["root", "macos"])
def test_the_look_out_sees_connections_of_its_own_processes_also_when_one_has_ended(
    machine: Callable[[str], list[Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(egress, "_EVERY_SECONDS", 0.005)
    monkeypatch.setattr(egress, "marked", lambda mark: OURS)
    monkeypatch.setattr(psutil, "net_connections", machine)
    monkeypatch.setattr(egress, "outward", lambda: None)
    with egress.Traps(tmp_path, "mark") as traps:
        assert looked(lambda: traps.looks >= 2)
    seen = [caught for caught in egress.attempts(tmp_path) if caught["net"] == "connections"]
    assert seen[0] == {"net": "connections", "who": "node", "target": ELSEWHERE}
    assert {caught["target"] for caught in seen} == {ELSEWHERE}


def test_the_look_out_asks_whose_a_socket_is_once_and_again_when_there_is_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = 0

    def counted(kind: str) -> list[Any]:
        nonlocal asked
        asked += 1
        return table(kind)

    sockets = {("here:1", "there:1", "7")}
    monkeypatch.setattr(egress, "_EVERY_SECONDS", 0.005)
    monkeypatch.setattr(egress, "marked", lambda mark: OURS)
    monkeypatch.setattr(psutil, "net_connections", counted)
    monkeypatch.setattr(egress, "outward", lambda: frozenset(sockets))
    with egress.Traps(tmp_path, "mark") as traps:
        assert looked(lambda: traps.looks >= 5)
        assert asked == 1
        sockets.add(("here:1", "there:1", "8"))
        assert looked(lambda: asked == 2)
        sockets.clear()
        looks = traps.looks
        assert looked(lambda: traps.looks >= looks + 5)
        assert asked == 2


def test_when_the_nets_are_drawn_in_nothing_of_them_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(egress, "_EVERY_SECONDS", 0.005)
    monkeypatch.setattr(egress, "marked", lambda mark: [])
    with egress.Traps(tmp_path, "mark") as traps:
        assert {"egress-proxy", "egress-look-out"} <= {thread.name for thread in threading.enumerate()}
    assert not {"egress-proxy", "egress-look-out"} & {thread.name for thread in threading.enumerate()}
    with pytest.raises(ConnectionRefusedError):
        asked_of(traps, b"")
    before = egress.attempts(tmp_path)
    sys.audit("socket.gethostbyname", "late.example")
    assert egress.attempts(tmp_path) == before
