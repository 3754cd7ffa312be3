"""Finds Node, which reads the Workers' code and runs the local Cloudflare: this checkout's own, or the one on PATH.

`make install` brings one of its own into tools/node only where the one on PATH is too old.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bulkhead.model.faults import Fault, Refused
from bulkhead.model.project import ROOT

OWN: Final = ROOT / "tools" / "node" / "node_modules" / ".bin" / "node"


@dataclass(frozen=True, slots=True)
class Node:
    """A Node.js that works: where it is, and its version without a `v`."""

    path: Path
    version: str


def oldest_node() -> int:
    """Return the oldest release line that will do, which is Miniflare's to say."""
    package = json.loads((ROOT / "worker" / "package.json").read_text(encoding="utf-8"))
    return int(package["engines"]["node"].removeprefix(">="))


def find_node() -> Node:
    """Return a Node.js. Raises Refused when there is none, or only one that is broken or too old."""
    found = str(OWN) if OWN.exists() else shutil.which("node")
    if found is None:
        raise _refused("is not on PATH")
    try:
        answer = subprocess.run(
            [found, "--version"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=True
        )
    except (OSError, subprocess.SubprocessError):
        raise _refused(f"({found}) does not run") from None
    match = re.fullmatch(r"v((\d+)\.\d+\.\d+\S*)", answer.stdout.strip())
    if match is None:
        raise _refused(f"({found}) does not tell its version")
    if int(match[2]) < oldest_node():
        raise _refused(f"({found}) is version {match[1]}, and Miniflare needs {oldest_node()}")
    return Node(Path(found), match[1])


def _refused(seen: str) -> Refused:
    needed = f"install Node {oldest_node()} or newer: https://nodejs.org"
    fix = f"make install, which brings one where there is an npm; or {needed}"
    return Refused("Node.js is needed.", [Fault("node", seen, fix)])
