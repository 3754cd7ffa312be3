"""Finds Node, on which the local Cloudflare runs."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from infra.faults import Fault, Refused

OLDEST_NODE: Final = 20  # the oldest release line that Miniflare has been run on here


@dataclass(frozen=True, slots=True)
class Node:
    """A Node.js that works: where it is, and its version without a `v`."""

    path: Path
    version: str


def find_node() -> Node:
    """Return the Node.js on PATH. Raises Refused when there is none, or only one that is broken or too old."""
    found = shutil.which("node")
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
    if int(match[2]) < OLDEST_NODE:
        raise _refused(f"({found}) is version {match[1]}, and the local Cloudflare needs {OLDEST_NODE}")
    return Node(Path(found), match[1])


def _refused(seen: str) -> Refused:
    fix = f"install Node.js {OLDEST_NODE} or newer: https://nodejs.org"
    return Refused("The rehearsal needs Node.js.", [Fault("node", seen, fix)])
