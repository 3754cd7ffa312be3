"""A machine as far as finding programs goes: made-up ones on a PATH of its own, and a cache of its own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bulkhead.engine.finder import Engine, find_engine

PINNED = "3.250.0"
BUILDS = f"""
while [ $# -gt 0 ]; do [ "$1" = -o ] && out=$2; shift; done
echo "{PINNED} built" >> "$COUNT"
printf '#!/bin/sh\\necho v{PINNED}\\n' > "$out"; chmod +x "$out"
"""
_CLOSED = "http://127.0.0.1:9"  # the discard port: a machine without internet, unless a test gives it an archive


class Machine:
    """Has a `pulumi`, a `go` and a `node` that are broken, until a test says otherwise."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.bin = folder / "bin"
        self.bin.mkdir()
        self.cache = folder / "cache"
        self.count = folder / "count"
        self.progress: list[str] = []
        monkeypatch.setenv("PATH", f"{self.bin}{os.pathsep}/usr/bin{os.pathsep}/bin")
        monkeypatch.setenv("BULKHEAD_CACHE", str(self.cache))
        monkeypatch.setenv("BULKHEAD_ENGINE_ARCHIVES", _CLOSED)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.setenv("COUNT", str(self.count))
        for name in ("pulumi", "go", "node"):  # whatever this machine has must not be found behind ours
            self.has(name, "exit 127")

    def has(self, name: str, script: str) -> Path:
        path = self.bin / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return path

    def has_go(self, version: str, builds: str = BUILDS) -> None:
        self.has("go", f'if [ "$1" = env ]; then echo go{version}; exit; fi\n{builds}')

    def lacks(self, monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
        for name in names:
            (self.bin / name).unlink()
        monkeypatch.setenv("PATH", str(self.bin))

    def find(self) -> Engine:
        return find_engine(self.progress.append)

    @property
    def builds(self) -> int:
        return len(self.count.read_text().splitlines()) if self.count.exists() else 0
