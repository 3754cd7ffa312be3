"""Lets the engine run a policy pack without the Python language host, which a built engine does not have. A pack whose
own Python is missing is refused."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Final

from ruamel.yaml import YAML

from bulkhead.model.faults import Fault, Refused

# Where the engine finds no language host for a pack's runtime, it looks for this on PATH (3.250, `analyzer_plugin.go`).
ANALYZER: Final = "pulumi-analyzer-policy-python"


def install_analyzer(folder: Path) -> Path:
    """Write the program that starts a pack with this Python into ``folder``, and return the folder: it belongs on the
    engine's PATH. The engine passes its own address and the pack's folder, and further arguments if the pack names a
    virtual environment."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / ANALYZER
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -u -m pulumi.policy "$1" "$2"\n')
    program.chmod(0o755)
    return folder


def require_python_of(folder: Path, pack: str) -> None:
    """Raise Refused where a pack, or its virtual environment, is missing: the CLI would wait for that without a message
    (3.250). ``pack`` is a folder, relative to ``folder``."""
    file = f"{pack}/PulumiPolicy.yaml"
    try:
        project = YAML(typ="safe", pure=True).load((folder / file).read_text(encoding="utf-8"))
    except FileNotFoundError:
        fault = Fault("", "does not exist", f"git checkout -- {pack}", file)
        raise Refused("The policies cannot be asked.", [fault]) from None
    options = project["runtime"].get("options", {}) if isinstance(project.get("runtime"), dict) else {}
    python = folder / pack / options["virtualenv"] if "virtualenv" in options else None
    if python is not None and not python.exists():
        message = f"names a virtual environment that is not there: {options['virtualenv']}"
        raise Refused("The policies cannot be asked.", [Fault("runtime", message, "make install", file)])
