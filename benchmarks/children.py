"""Runs one measurement in a fresh process, and times that process from outside."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from bulkhead.model.failures import Failed
from bulkhead.model.project import ROOT

_GRACE: Final = 60.0  # seconds in which a child that is asked to end may remove what it has started
_TAIL: Final = 15


@dataclass(frozen=True, slots=True)
class Once:
    """One run: ``wall`` seconds from its start to its end, and the JSON document it printed."""

    wall: float
    said: Mapping[str, Any]


def run(module: str, *arguments: str) -> Once:
    """Run ``python -m module arguments`` at the root of the checkout and return what it said.

    Raises Failed when it does not end well, or prints no JSON.
    """
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as errors:
        started = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            encoding="utf-8",
        )
        try:
            output, _ = process.communicate()
        except BaseException:  # Ctrl-C, or a request to end that only this process has heard
            _end(process)
            raise
        wall = time.monotonic() - started
        with suppress(ValueError):
            if process.returncode == 0:
                return Once(wall, json.loads(output))
        errors.seek(0)
        last = errors.read().splitlines()[-_TAIL:]
    raise Failed(f"`python -m {module}` could not be measured: it ended with {process.returncode}.", last)


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.communicate(timeout=_GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
