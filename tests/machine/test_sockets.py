"""The kernel's tables of sockets, read as Linux writes them on x64 and arm64."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from bulkhead.machine import sockets

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
HERE = "0100007F:8B1D"
ELSEWHERE = "077100CB:01BB"  # 203.0.113.7, set aside for documentation: RFC 5737


def row(remote: str, inode: str, local: str = HERE) -> str:
    return f"   0: {local} {remote} 01 00000000:00000000 00:00000000 00000000     0        0 {inode} 2 0000 100 0\n"


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("127.0.0.1", True),
        ("127.8.9.10", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("::1%lo", True),
        ("0.0.0.0", True),  # noqa: S104 - connecting there reaches this machine
        ("::", True),
        ("localhost", True),
        ("staging.localhost", True),
        ("", True),
        ("203.0.113.7", False),
        ("::ffff:203.0.113.7", False),
        ("2001:db8::1", False),
        ("fe80::1%eth0", False),
        ("10.0.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("api.cloudflare.com", False),
        ("localhost.example.com", False),
        ("notlocalhost", False),
        ("127.0.0.1.example.com", False),
    ],
)
def test_what_is_this_machine(host: str, local: bool) -> None:
    assert sockets.is_local(host) is local


@pytest.mark.parametrize(
    ("table", "remote"),
    [
        ("tcp", ELSEWHERE),
        ("udp", ELSEWHERE),
        ("tcp6", "B80D0120000000000000000001000000:01BB"),
        ("udp6", "0000000000000000FFFF0000077100CB:0035"),
    ],
)
def test_a_socket_to_another_machine_is_outward_in_each_table(table: str, remote: str, tmp_path: Path) -> None:
    (tmp_path / "tcp").write_text(HEAD)
    (tmp_path / table).write_text(HEAD + row(remote, "42"))
    assert sockets.outward(tmp_path) == frozenset({(HERE, remote, "42")})


def test_what_listens_or_stays_here_is_not_outward(tmp_path: Path) -> None:
    (tmp_path / "tcp").write_text(HEAD + row("00000000:0000", "1") + row("0100007F:1F90", "2") + row("0908087F:1", "3"))
    six = (f"{'0' * 32}:0000", f"{'0' * 24}01000000:1F90", "0000000000000000FFFF00000100007F:1F90")
    (tmp_path / "tcp6").write_text(HEAD + "".join(row(remote, "4") for remote in six))
    assert sockets.outward(tmp_path) == frozenset()


def test_without_tables_nobody_says_that_nothing_leads_outward(tmp_path: Path) -> None:
    assert sockets.outward(tmp_path) is None


@pytest.mark.skipif(sys.platform != "linux", reason="the tables are Linux's")
def test_a_real_connection_to_this_machine_is_in_the_tables_and_not_outward() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        port = f"{client.getsockname()[1]:04X}"
        assert any(port in line.split()[1] for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
        found = sockets.outward()
        assert found is not None
        assert not any(local.endswith(f":{port}") for local, _, _ in found)
