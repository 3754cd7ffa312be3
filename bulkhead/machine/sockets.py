"""Which sockets of this machine lead to another one, as the kernel's own tables say.

The tables do not tell whose a socket is. To find that out, every open file of every process has to be looked at, which
takes most of what a look-out for connections needs.
"""

from __future__ import annotations

import ipaddress
import struct
from functools import cache
from pathlib import Path
from typing import Final

_TABLES: Final = ("tcp", "tcp6", "udp", "udp6")
_LOCAL, _REMOTE, _INODE = 1, 2, 9  # columns: proc_net_tcp.rst of Linux

Outward = frozenset[tuple[str, str, str]] | None
"""What distinguishes each socket that leads to another machine: both of its ends, and its number. None where the
kernel has no tables, as on macOS."""


def outward(folder: Path = Path("/proc/net")) -> Outward:
    """Return the sockets that lead to another machine now."""
    rows = [row.split() for name in _TABLES for row in _rows(folder / name)]
    if not rows and not (folder / _TABLES[0]).exists():
        return None
    return frozenset(
        (row[_LOCAL], row[_REMOTE], row[_INODE]) for row in rows if not _is_here(row[_REMOTE].partition(":")[0])
    )


def is_local(host: str) -> bool:
    """Say whether ``host`` is this machine."""
    if host in ("localhost", "") or host.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback or (mapped or address).is_unspecified


def _rows(table: Path) -> list[str]:
    """Return the lines of a table without its head; a machine without IPv6 has none of that."""
    try:
        return table.read_text(encoding="ascii").splitlines()[1:]
    except FileNotFoundError:
        return []


@cache
def _is_here(address: str) -> bool:
    """Say whether an address is this machine; the kernel writes it as numbers of 32 bits, each in the machine's own
    order of bytes."""
    form = f"{len(address) // 8}I"
    numbers = struct.unpack(f">{form}", bytes.fromhex(address))
    return is_local(str(ipaddress.ip_address(struct.pack(f"={form}", *numbers))))
