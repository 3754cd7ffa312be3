"""The required versions of the engine and of Go, and the version of an installed program."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Final

from bulkhead.engine.environment import QUIET
from bulkhead.model.project import ROOT

Version = tuple[int, int, int]

# This folder pins the engine's version, in go.mod, and the hashes of its archives.
SOURCE: Final = ROOT / "tools" / "engine"
_VERSION: Final = re.compile(r"v?(\d+)\.(\d+)(?:\.(\d+))?(?:[-+].*)?")
_PATIENCE: Final = 30.0  # seconds for a command that only prints its version


def pinned_engine() -> Version:
    """Return the version of the engine that is fetched or built where there is none."""
    return _in_go_mod(r"^\s+github\.com/pulumi/pulumi/pkg/v3 (v\S+)")


def needed_go() -> Version:
    """Return the oldest Go that builds it."""
    return _in_go_mod(r"^go (\S+)$")


def version_of(program: Path, *question: str) -> Version | None:
    """Ask a program for its version; None when it does not answer with one."""
    environment = {**os.environ, **QUIET, "GOTOOLCHAIN": "local"}
    try:
        answer = subprocess.run(
            [program, *(question or ("version",))],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PATIENCE,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return _parsed(answer.stdout.strip().removeprefix("go"))


def text_of(version: Version) -> str:
    """Return a version as it is written, without a `v`."""
    return ".".join(map(str, version))


def _in_go_mod(pattern: str) -> Version:
    match = re.search(pattern, (SOURCE / "go.mod").read_text(encoding="utf-8"), re.MULTILINE)
    version = match and _parsed(match[1])
    if not version:
        raise AssertionError(f"tools/engine/go.mod has no version at {pattern}")  # a fault of the repository
    return version


def _parsed(text: str) -> Version | None:
    match = _VERSION.fullmatch(text)
    return (int(match[1]), int(match[2]), int(match[3] or 0)) if match else None
