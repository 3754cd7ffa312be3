"""Lets the engine run a policy pack without the Python language host, which a built engine does not have."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Final

# Where the engine finds no language host for a pack's runtime, it looks for this on PATH (3.250, `analyzer_plugin.go`).
ANALYZER: Final = "pulumi-analyzer-policy-python"


def install_analyzer(folder: Path) -> Path:
    """Write the program that starts a pack with this Python into ``folder``, and return the folder: it belongs on the
    engine's PATH. The engine calls it with its own address and the pack's folder, and with more where the pack names a
    virtual environment."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / ANALYZER
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -u -m pulumi.policy "$1" "$2"\n')
    program.chmod(0o755)
    return folder
