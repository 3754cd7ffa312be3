"""`bulkhead rehearse` as a person starts it: a process of its own, with a temporary directory of its own to watch."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from bulkhead.engine import state
from bulkhead.machine.environment import MARK

ROOT: Final = Path(__file__).resolve().parents[2]
_PATIENCE: Final = 480.0  # seconds; nothing is timed, this only keeps a hanging test from hanging the suite


@dataclass(frozen=True)
class Command:
    """A running command. ``home`` is its TMPDIR; what it prints goes to files there."""

    process: subprocess.Popen[bytes]
    home: Path

    @property
    def output(self) -> str:
        return (self.home / "stdout").read_text(encoding="utf-8")

    @property
    def errors(self) -> str:
        return (self.home / "stderr").read_text(encoding="utf-8")

    def finished(self) -> int:
        """Wait for its end and return the exit code."""
        return self.process.wait(_PATIENCE)

    def until_it_has_made(self, stack: str, resources: int, run: Path | None = None) -> None:
        """Wait until the engine has written down that many resources of ``stack``: it is in the middle of its `up`.
        ``run`` is the rehearsal's directory where that is not in its temporary one."""

        def made() -> bool:
            assert self.process.poll() is None, f"ended too early:\n{self.output}{self.errors}"
            files = (run or self.home).glob(f"**/state/.pulumi/stacks/*/{stack}.json")
            return any(len(state.resources(path.read_text(encoding="utf-8"))) >= resources for path in files)

        _wait(made, f"{stack} never had {resources} resources")

    def type_ctrl_c(self) -> None:
        """Send what a terminal sends: SIGINT to the whole foreground process group."""
        os.killpg(self.process.pid, signal.SIGINT)

    def left(self) -> list[str]:
        """Return what there is of it on this machine: processes with its mark, and its directories."""
        return [*(f"process {p.pid} {p.name()}" for p in _marked(self.home)), *map(str, self._directories())]

    def until_nothing_is_left(self) -> None:
        _wait(lambda: not self.left(), f"left: {self.left()}")

    def _directories(self) -> list[Path]:
        return [path for path in self.home.iterdir() if path.is_dir()]


@contextlib.contextmanager
def started(
    home: Path, *options: str, module: str = "bulkhead.cli.main", verb: str = "rehearse", **environment: str
) -> Iterator[Command]:
    """Start ``bulkhead rehearse OPTIONS``, or another ``verb``; it is killed at the end should it still run. ``module``
    is what `bulkhead` is."""
    home.mkdir(exist_ok=True)
    with (home / "stdout").open("wb") as stdout, (home / "stderr").open("wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", module, verb, *options],
            cwd=ROOT,
            env={**os.environ, "TMPDIR": str(home), **environment},
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )
    command = Command(process, home)
    try:
        yield command
    finally:
        process.kill()
        process.wait()


def _marked(home: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            if process.environ().get(MARK, "").startswith(str(home)):
                found.append(process)
    return found


def _wait(until: Callable[[], bool], complaint: str) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not until():
        assert time.monotonic() < deadline, complaint
        time.sleep(0.1)
