"""The processes of a rehearsal: started in sessions of their own, found by their mark, ended by their id.

Nothing here relies on a list of what was started: a process that lost its parent, or was started by a child, still
carries the mark of its rehearsal in its environment.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Final

import psutil

from bulkhead.machine.environment import MARK, child_environment
from bulkhead.machine.rundir import RunDir
from bulkhead.model.failures import Failed, tail
from bulkhead.model.project import ROOT

# A process that is being ended may start another one meanwhile; more rounds than this is a process that breeds.
_ROUNDS: Final = 5


def marked(mark: str) -> list[psutil.Process]:
    """Return this user's processes that carry ``mark``, never this process or one it was started by."""
    here = psutil.Process()
    spared = {here.pid, *(parent.pid for parent in here.parents())}
    found = []
    for process in psutil.process_iter():
        # A process may vanish while it is looked at, and a setuid one hides its environment even from its user.
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            if process.pid in spared or process.uids().real != os.getuid():
                continue
            if process.environ().get(MARK) == mark:
                found.append(process)
    return found


def end_marked(mark: str, grace: float = 5.0) -> int:
    """End every process that carries ``mark``: asked first, killed after ``grace`` seconds. Return how many there were.

    Raises Failed when some cannot be ended.
    """
    ended: set[int] = set()
    for _ in range(_ROUNDS):
        processes = marked(mark)
        if not processes:
            return len(ended)
        ended.update(process.pid for process in processes)
        _signal(processes, signal.SIGTERM)
        stubborn = _still_running(processes, grace)
        _signal(stubborn, signal.SIGKILL)
        _still_running(stubborn, grace)
    left = [f"{process.pid} {process.name()}" for process in marked(mark)]
    if left:
        raise Failed("Some processes of the rehearsal could not be ended.", left)
    return len(ended)


def _signal(processes: Sequence[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)


def _still_running(processes: Sequence[psutil.Process], grace: float) -> list[psutil.Process]:
    """Wait until all have ended, for ``grace`` seconds at most, and return those that have not.

    Not psutil's own wait: it waits for a zombie too, and in a container nobody may ever collect an orphan's.
    """
    deadline = time.monotonic() + grace
    running = list(processes)
    while (running := [process for process in running if _running(process)]) and time.monotonic() < deadline:
        time.sleep(0.02)
    return running


def _running(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    return False


class Clouds:
    """The local clouds: one process that holds all of them, and what it said when it was ready."""

    def __init__(self, process: subprocess.Popen[bytes], ready: Mapping[str, Any]) -> None:
        self._process = process
        self.ready = ready

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def keep(self) -> None:
        """Let the clouds outlive this process."""
        with contextlib.closing(_pipe(self._process.stdin)) as stdin:
            stdin.write(b"keep\n")
        _pipe(self._process.stdout).close()

    def stop(self, grace: float = 10.0) -> None:
        """End the clouds, and what they started should they not have done it themselves in ``grace`` seconds."""
        _end(self._process, grace)


def start_clouds(run: RunDir, command: Sequence[str], *, timeout: float = 60.0) -> Clouds:
    """Start the clouds process of ``run`` and return when it has said that it is ready. ``command`` is how; the run's
    directory becomes its last argument.

    Raises Failed with the end of its log when it ends, or says nothing for ``timeout`` seconds.
    """
    run.clouds.unlink(missing_ok=True)  # of the process before this one, in a kept directory
    log = run.logs / "clouds.log"
    with log.open("ab") as errors:
        process = subprocess.Popen(
            [*command, str(run.path)],
            cwd=ROOT,
            env=child_environment(home=str(run.home), mark=run.mark),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
        )
    try:
        return Clouds(process, _ready(_first_line(_pipe(process.stdout), timeout), log))
    except BaseException:
        _end(process, grace=5.0)
        raise


def _ready(line: bytes | None, log: Path) -> Mapping[str, Any]:
    if line is None:
        raise Failed("The local clouds were not ready in time.", tail(log), log)
    if not line:
        raise Failed("The local clouds ended before they were ready.", tail(log), log)
    try:
        ready: Mapping[str, Any] = json.loads(line)
    except ValueError:
        raise Failed("The local clouds did not say where they listen.", [repr(line), *tail(log)], log) from None
    return ready


def _first_line(stream: IO[bytes], timeout: float) -> bytes | None:
    """Return the first line, b"" when the stream ended before one came, None when time ran out."""
    deadline = time.monotonic() + timeout
    line = b""
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        while not line.endswith(b"\n"):
            if not selector.select(max(0.0, deadline - time.monotonic())):
                return None
            part = os.read(stream.fileno(), 65536)
            if not part:
                return b""
            line += part
    return line


def _end(process: subprocess.Popen[bytes], grace: float) -> None:
    process.terminate()
    try:
        process.wait(grace)
    except subprocess.TimeoutExpired:
        # Its session is its process group: this reaches Node children too, which SIGKILL of the parent would not.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with contextlib.suppress(BrokenPipeError):
                stream.close()


class Watchdog:
    """A process that outlives this one only to clean up after it: see `bulkhead.machine.watchdog`."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        return self._process.pid

    def release(self) -> None:
        """Tell the watchdog that there is nothing left to do, and wait until it is gone."""
        try:
            self._process.communicate(b"done\n", timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()


def start_watchdog(run: RunDir) -> Watchdog:
    """Start the watchdog of ``run``. It carries no mark, so it does not end itself, and it holds the run's lock."""
    command = (
        sys.executable,
        "-m",
        "bulkhead.machine.watchdog",
        run.mark,
        str(run.path),
        "--parent",
        str(os.getpid()),
    )
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=child_environment(home=str(run.home), mark=None),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        pass_fds=(run.lock,),
    )
    return Watchdog(process)


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise AssertionError("started without the pipe")  # a fault of this file: every caller asks for it
    return stream
