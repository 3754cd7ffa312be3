"""What exists in the clouds before anything is made: accounts, zones, repositories, and the tokens a person made.

Whoever starts a rehearsal writes it down; the clouds read it. Nothing else is taken from there: a token that neither
the seed names nor the cloud itself has made opens nothing.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Tenant:
    """One environment's part of the clouds. ``zones`` are names of zones by id; ``tokens`` are, by cloud
    (``cloudflare``, ``github``), the names that a person gave to tokens, by token. ``policies`` are what a token of
    Cloudflare may do, by its name, as Pulumi spells them; one that has none there may do everything. ``repository`` is
    owner/name."""

    environment: str
    account: str
    zones: Mapping[str, str] = field(default_factory=dict)
    repository: str = ""
    tokens: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    policies: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)


def write(path: Path, tenants: list[Tenant]) -> None:
    """Write the seed, whole or not at all; it holds tokens, so that nobody else may read it."""
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    new.touch(mode=0o600)
    new.write_text(json.dumps([asdict(tenant) for tenant in tenants]), encoding="utf-8")
    new.replace(path)


class Seed:
    """The tenants as the file says them now: it may be written after the clouds have started."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._read_at = (0, 0)
        self._tenants: list[Tenant] = []

    def tenants(self) -> list[Tenant]:
        """Return the tenants; none while there is no file."""
        with self._lock:
            try:
                found = self._path.stat()
            except FileNotFoundError:
                return []
            written = (found.st_mtime_ns, found.st_ino)  # two writes may share a tick of the file system's clock
            if written != self._read_at:
                self._tenants = [Tenant(**each) for each in json.loads(self._path.read_bytes())]
                self._read_at = written
            return self._tenants
