"""Runs one measurement in a fresh Python, and times that process from outside."""

from __future__ import annotations

import json
import resource
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
# What the code prints is for people; the document is the last that is written, and alone on standard output.
_TIMED: Final = """
import contextlib, json, sys, time
{before}
started = time.monotonic()
with contextlib.redirect_stdout(sys.stderr):
{code}
print(json.dumps({{"seconds": time.monotonic() - started}}))
"""


@dataclass(frozen=True, slots=True)
class Once:
    """One process: ``wall`` seconds from start to end, ``processor`` seconds, and the JSON document it printed."""

    wall: float
    processor: float
    said: Mapping[str, Any]


def timed(code: str, before: str = "") -> Once:
    """Run ``before``, then ``code``; the document's ``seconds`` are those of ``code`` alone. Raises Failed as `run`."""
    indented = "\n".join(f"    {line}" for line in code.splitlines())
    return run("-W", "ignore", "-c", _TIMED.format(before=before, code=indented))


def run(*arguments: str) -> Once:
    """Run Python with ``arguments`` at the root of the checkout and return what it said.

    Raises Failed when it does not end well, or prints no JSON.
    """
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as errors:
        started, used = time.monotonic(), _used()
        process = subprocess.Popen(
            [sys.executable, *arguments],
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
        wall, processor = time.monotonic() - started, _used() - used
        with suppress(ValueError):
            if process.returncode == 0:
                return Once(wall, processor, json.loads(output))
        errors.seek(0)
        last = errors.read().splitlines()[-_TAIL:]
    called = " ".join(arguments).strip().splitlines()[0]
    raise Failed(f"`python {called}` could not be measured: it ended with {process.returncode}.", last)


def _used() -> float:
    """Return the processor seconds of all processes that this one has started and that have ended."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ended.ru_utime + ended.ru_stime


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.communicate(timeout=_GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
