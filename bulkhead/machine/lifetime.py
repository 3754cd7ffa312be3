"""The life of a rehearsal: what is started is ended, whatever happens in between."""

from __future__ import annotations

import contextlib
import json
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, Final, TypeVar

import psutil

from bulkhead.machine import rundir
from bulkhead.machine.processes import Clouds, end_marked, marked, start_clouds, start_watchdog
from bulkhead.machine.rundir import RunDir
from bulkhead.model.failures import Failed

T = TypeVar("T")
# A signal that arrives just before a thread begins to wait does not wake it (Python's locks check for signals first and
# sleep afterwards), so nothing here waits longer than this before it looks again.
_LOOK_EVERY: Final = 0.2  # seconds


@dataclass
class Clock:
    """Wall-clock seconds of each phase, in the order in which they began."""

    started: float = field(default_factory=time.monotonic)
    phases: dict[str, float] = field(default_factory=dict)

    @contextlib.contextmanager
    def phase(self, name: str) -> Iterator[None]:
        begun = time.monotonic()
        try:
            yield
        finally:
            self.phases[name] = round(self.phases.get(name, 0.0) + time.monotonic() - begun, 2)

    @property
    def seconds(self) -> float:
        return round(time.monotonic() - self.started, 2)


@dataclass
class Life:
    """One rehearsal's directory and clouds. ``clouds`` is what the clouds process said when it was ready; setting
    ``keep`` lets the clouds of a kept directory outlive the command, however it ends: the local AWS is in their memory
    alone, and whoever goes on without them makes it a second time."""

    run: RunDir
    clouds: Mapping[str, Any]
    watchdog: int
    keep: bool = False

    def watchdog_gone(self) -> bool:
        return not psutil.pid_exists(self.watchdog)


@contextlib.contextmanager
def lived(checkout: Path, *, keep: bool, command: Sequence[str], clock: Clock) -> Iterator[Life]:
    """Start the clouds in a run directory and end everything afterwards: the processes by their mark, a temporary
    directory, the lock. A kept directory whose clouds still run is taken up where it was left. ``command`` starts the
    clouds of a run directory, which becomes its last argument."""
    sweep()
    run = rundir.kept(checkout) if keep else rundir.temporary()
    watchdog = start_watchdog(run)
    try:
        standing = _still_running(run) if keep else None
        if standing is not None:
            yield Life(run, standing, watchdog.pid, keep=True)
            return
        end_marked(run.mark)  # half of a kept rehearsal may have survived the other half
        with clock.phase("local clouds"):
            clouds = _started(run, command)
        life = Life(run, clouds.ready, watchdog.pid)
        try:
            yield life
        finally:
            if life.keep and keep:
                clouds.keep()
            else:
                clouds.stop()
    finally:
        if not (keep and _still_running(run)):
            end_marked(run.mark)
        run.close()
        watchdog.release()


def _started(run: RunDir, command: Sequence[str]) -> Clouds:
    try:
        return start_clouds(run, command)
    except Failed as failed:
        if run.temporary:
            raise
        anew = f"If what is kept in {run.path} is damaged, remove it with: bulkhead rehearse --stop"
        raise Failed(failed.summary, [*failed.details, anew], failed.log) from None


def stop_kept(checkout: Path) -> bool:
    """End what ``--keep`` left running and remove its directory; return whether there was anything."""
    if not rundir.kept_path(checkout).exists():
        return False
    run = rundir.kept(checkout)
    try:
        end_marked(run.mark)
        rundir.remove(run.path)
    finally:
        run.close()
    return True


def sweep() -> int:
    """Remove what rehearsals left that ended without their watchdog, after a power cut for example."""
    swept = 0
    for run in rundir.abandoned():
        end_marked(run.mark)
        run.close()
        swept += 1
    return swept


def side_by_side(jobs: Mapping[str, Callable[[], T]], abandon: Callable[[], None]) -> dict[str, T]:
    """Run the jobs in threads and return their results by name.

    When one fails the others still come to their end, and then the failure is raised; of several, the first job's. When
    this thread itself is interrupted, ``abandon`` is called, again and again until the jobs have ended.
    """
    with ThreadPoolExecutor(max_workers=max(1, len(jobs))) as pool:
        futures: dict[str, Future[T]] = {}
        try:
            for name, job in jobs.items():  # may be interrupted too, when the first jobs are running already
                futures[name] = pool.submit(job)
            while wait(futures.values(), _LOOK_EVERY).not_done:
                pass
        except BaseException:
            abandon()
            while wait(futures.values(), _LOOK_EVERY).not_done:
                abandon()  # a job that was between two operations has begun the next one
            raise
    return {name: future.result() for name, future in futures.items()}


@contextlib.contextmanager
def ended_by_signals() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end the rehearsal as Ctrl-C does: with everything cleaned up."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def traces(run: RunDir) -> list[str]:
    """Return what is left of a rehearsal that has ended: processes, directory, lock."""
    left = [f"process {process.pid} {process.name()}" for process in marked(run.mark)]
    if run.temporary and run.path.exists():
        left.append(f"directory {run.path}")
    return left


def _still_running(run: RunDir) -> Mapping[str, Any] | None:
    """Return what the clouds of a kept directory said when they were ready, if they are still there."""
    try:
        said: dict[str, Any] = json.loads(run.clouds.read_text(encoding="utf-8"))
        alive = said["pid"] in {process.pid for process in marked(run.mark)}
    except (FileNotFoundError, ValueError, KeyError, TypeError, psutil.Error):
        return None
    return said if alive else None
