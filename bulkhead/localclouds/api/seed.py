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

from bulkhead.localclouds.api.shared import SharedFile, write_whole


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
    """Write the seed, whole or not at all."""
    write_whole(path, json.dumps([asdict(tenant) for tenant in tenants]))


class Seed:
    """The tenants as the file says them now: it may be written after the clouds have started."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._file = SharedFile(path, lambda said: [Tenant(**each) for each in json.loads(said)])
        self._tenants: list[Tenant] = []

    def tenants(self) -> list[Tenant]:
        """Return the tenants; none before there is a file."""
        with self._lock:
            said = self._file.changed()
            if said is not None:
                self._tenants = said
            return self._tenants
