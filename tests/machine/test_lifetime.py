"""The life of a rehearsal: what was started is ended, in order, whatever happened in between."""

from __future__ import annotations

import _thread
import json
import os
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent import futures
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from bulkhead.machine import lifetime, rundir
from bulkhead.machine.lifetime import Clock, Life, ended_by_signals, lived, side_by_side
from bulkhead.machine.rundir import RunDir
from bulkhead.model.failures import Failed
from bulkhead.model.faults import Refused

READY = {"pid": 12345, "providers": 1, "stages": {}}


@pytest.fixture(autouse=True)
def own_tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A temporary directory of the test's own, so that no other rehearsal on this machine is touched."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)


class Machine:
    """What happens to processes, written down in order. ``alive`` are those that carry the rehearsal's mark."""

    def __init__(self) -> None:
        self.acts: list[str] = []
        self.alive: set[int] = set()
        self.ready: Mapping[str, Any] = READY
        self.failure: BaseException | None = None

    def start_watchdog(self, run: RunDir) -> Any:
        self.acts.append("watchdog")
        return SimpleNamespace(pid=99, release=lambda: self.acts.append(f"release, directory {run.path.exists()}"))

    def start_clouds(self, run: RunDir, command: list[str]) -> Any:
        self.acts.append(f"clouds of {','.join(command)}")
        if self.failure:
            raise self.failure
        self.alive.add(READY["pid"])  # type: ignore[arg-type]
        run.clouds.write_text(json.dumps(self.ready))
        keep = lambda: self.acts.append("keep")  # noqa: E731
        return SimpleNamespace(ready=self.ready, keep=keep, stop=lambda: self._end("stop"))

    def end_marked(self, mark: str) -> None:
        self._end("end")

    def marked(self, mark: str) -> list[Any]:
        return [SimpleNamespace(pid=pid, name=lambda: "node") for pid in sorted(self.alive)]

    def _end(self, act: str) -> None:
        self.acts.append(act)
        self.alive.clear()


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine()
    for name in ("start_watchdog", "start_clouds", "end_marked", "marked"):
        monkeypatch.setattr(lifetime, name, getattr(machine, name))
    return machine


@contextmanager
def life_of(checkout: Path, *, keep: bool = False) -> Iterator[Life]:
    with lived(checkout, keep=keep, command=["staging"], clock=Clock()) as life:
        yield life


WHOLE = ["watchdog", "end", "clouds of staging", "stop", "end", "release, directory False"]


def test_a_rehearsal_leaves_nothing(machine: Machine, tmp_path: Path) -> None:
    with life_of(tmp_path) as life:
        assert life.clouds == READY
        assert life.run.temporary
        assert life.run.path.exists()
    assert machine.acts == WHOLE
    assert not life.run.path.exists()
    assert not (tmp_path / ".rehearsal").exists()


@pytest.mark.parametrize("error", [ValueError("broken"), KeyboardInterrupt()])
def test_one_that_breaks_leaves_nothing_either(error: BaseException, machine: Machine, tmp_path: Path) -> None:
    def rehearsal() -> Life:
        with life_of(tmp_path) as life:
            life.keep = True  # whoever set this did not know what was to come
            seen.append(life)
            raise error

    seen: list[Life] = []
    with pytest.raises(type(error)):
        rehearsal()
    (life,) = seen
    assert machine.acts == WHOLE
    assert not life.run.path.exists()


def test_clouds_that_do_not_start_leave_nothing(machine: Machine, tmp_path: Path) -> None:
    machine.failure = OSError("no port")
    with pytest.raises(OSError, match="no port"), life_of(tmp_path):
        pytest.fail("there is nothing to rehearse on")
    assert machine.acts == ["watchdog", "end", "clouds of staging", "end", "release, directory False"]
    assert list((tmp_path / "tmp").iterdir()) == []


def test_kept_clouds_that_do_not_start_say_how_to_begin_anew(machine: Machine, tmp_path: Path) -> None:
    machine.failure = Failed("The local clouds ended.", ["file is not a database"])
    with pytest.raises(Failed, match=r"not a database\n.*bulkhead rehearse --stop"), life_of(tmp_path, keep=True):
        pytest.fail("there is nothing to rehearse on")
    with pytest.raises(Failed) as failed, life_of(tmp_path):
        pytest.fail("there is nothing to rehearse on")
    assert "--stop" not in str(failed.value)


def test_what_is_kept_stays_and_is_taken_up_again(machine: Machine, tmp_path: Path) -> None:
    with life_of(tmp_path, keep=True) as life:
        life.keep = True
    assert machine.acts == ["watchdog", "end", "clouds of staging", "keep", "release, directory True"]
    assert life.run.path == rundir.kept_path(tmp_path)
    machine.acts.clear()
    with life_of(tmp_path, keep=True) as again:
        assert (again.keep, again.clouds) == (True, READY)
    assert machine.acts == ["watchdog", "release, directory True"]
    assert machine.alive


def test_what_is_kept_stays_although_the_command_is_interrupted(machine: Machine, tmp_path: Path) -> None:
    def rehearsal() -> None:
        with life_of(tmp_path, keep=True) as life:
            life.keep = True
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rehearsal()
    assert machine.acts == ["watchdog", "end", "clouds of staging", "keep", "release, directory True"]
    assert machine.alive


def test_what_was_to_be_kept_and_did_not_come_up_is_ended_but_its_directory_stays(
    machine: Machine, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="broken"), life_of(tmp_path, keep=True) as life:
        raise ValueError("broken")
    assert machine.acts == ["watchdog", "end", "clouds of staging", "stop", "end", "release, directory True"]
    assert life.run.path.exists()
    assert not machine.alive


@pytest.mark.parametrize("said", ["", "not json", "{}", "[]", "7", json.dumps({"pid": 4711})])
def test_half_of_a_kept_rehearsal_is_ended_before_it_starts_anew(machine: Machine, tmp_path: Path, said: str) -> None:
    run = rundir.kept(tmp_path)
    run.clouds.write_text(said)
    run.close()
    machine.alive.add(555)
    with life_of(tmp_path, keep=True) as life:
        assert life.clouds == READY
        assert machine.acts == ["watchdog", "end", "clouds of staging"]


def test_a_kept_rehearsal_is_ended_and_its_directory_removed(machine: Machine, tmp_path: Path) -> None:
    assert lifetime.stop_kept(tmp_path) is False
    assert machine.acts == []
    run = rundir.kept(tmp_path)
    with pytest.raises(Refused):
        lifetime.stop_kept(tmp_path)  # it is in use
    assert machine.acts == []
    run.close()
    assert lifetime.stop_kept(tmp_path) is True
    assert machine.acts == ["end"]
    assert not rundir.kept_path(tmp_path).exists()


def test_what_a_power_cut_left_is_swept_before_the_next_one(machine: Machine, tmp_path: Path) -> None:
    left = rundir.temporary()
    os.close(left.lock)
    assert lifetime.sweep() == 0  # its owner may only be starting
    os.utime(left.path / "lock", (0, 0))
    with life_of(tmp_path):
        assert not left.path.exists()
    assert machine.acts == ["end", *WHOLE]


def test_traces_are_processes_and_a_temporary_directory(machine: Machine, tmp_path: Path) -> None:
    run = rundir.temporary()
    machine.alive.add(77)
    assert lifetime.traces(run) == ["process 77 node", f"directory {run.path}"]
    machine.alive.clear()
    run.close()
    assert lifetime.traces(run) == []


def test_the_watchdog_is_gone_when_no_such_process_exists() -> None:
    run = rundir.temporary()
    assert not Life(run, {}, os.getpid()).watchdog_gone()
    unused = max(psutil.pids()) + 100_000
    assert Life(run, {}, unused).watchdog_gone()
    run.close()


def test_results_come_by_name_in_the_order_of_the_jobs() -> None:
    both = threading.Barrier(2, timeout=5)  # side by side, or never

    def job(result: int) -> Callable[[], int]:
        def run() -> int:
            both.wait()
            return result

        return run

    results = side_by_side({"staging": job(1), "production": job(2)}, pytest.fail)
    assert list(results.items()) == [("staging", 1), ("production", 2)]
    assert side_by_side({}, pytest.fail) == {}


def test_a_failure_is_raised_when_the_others_have_ended() -> None:
    failed = threading.Event()
    ended: list[str] = []

    def fails() -> None:
        failed.set()
        raise ValueError("earlier")

    def goes_on() -> None:
        assert failed.wait(5)
        ended.append("production")

    def fails_later() -> None:
        assert failed.wait(5)
        raise OSError("later")

    jobs = {"production": goes_on, "staging": fails_later, "development": fails}
    with pytest.raises(OSError, match="later"):  # the first job's of those that failed
        side_by_side(jobs, lambda: pytest.fail("nobody interrupted it"))
    assert ended == ["production"]


def test_an_interruption_abandons_the_jobs_until_they_have_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """The signal arrives without waking the thread that waits; the first abandoning meets a job between two operations,
    and only the third one stops it."""
    waiting, abandoned = threading.Event(), threading.Semaphore(0)
    ended: list[bool] = []

    def wait(*given: Any) -> Any:
        waiting.set()
        return futures.wait(*given)

    def job() -> None:
        assert waiting.wait(5)
        _thread.interrupt_main()
        ended.append(all(abandoned.acquire(timeout=5) for _ in range(3)))

    monkeypatch.setattr(lifetime, "_LOOK_EVERY", 0.005)
    monkeypatch.setattr(lifetime, "wait", wait)
    with pytest.raises(KeyboardInterrupt):
        side_by_side({"staging": job}, abandoned.release)
    assert ended == [True]


def test_an_interruption_between_two_jobs_abandons_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifetime, "_LOOK_EVERY", 0.005)
    abandoned, ended = threading.Event(), threading.Event()

    class Interrupted(ThreadPoolExecutor):
        def submit(self, job: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
            if job is second:
                raise KeyboardInterrupt
            return super().submit(job, *args, **kwargs)

    def first() -> None:
        if abandoned.wait(5):
            ended.set()

    def second() -> None:
        pytest.fail("it was never submitted")

    monkeypatch.setattr(lifetime, "ThreadPoolExecutor", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        side_by_side({"staging": first, "production": second}, abandoned.set)
    assert ended.is_set()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_a_rehearsal_as_ctrl_c_does_and_only_then(number: signal.Signals) -> None:
    before = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGHUP)}
    with pytest.raises(KeyboardInterrupt), ended_by_signals():
        signal.raise_signal(number)
    assert {each: signal.getsignal(each) for each in before} == before


def test_in_another_thread_signals_are_left_alone() -> None:
    seen: list[object] = []

    def look() -> None:
        with ended_by_signals():
            seen.append(signal.getsignal(signal.SIGTERM))

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [before]


def test_a_clock_adds_up_phases_also_those_that_break(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter([10.0, 12.5, 20.0, 21.0, 30.0, 30.25, 100.0])
    monkeypatch.setattr(lifetime, "time", SimpleNamespace(monotonic=lambda: next(now)))
    clock = Clock(started=0.0)
    with clock.phase("up"):
        pass
    with pytest.raises(ValueError, match="broken"), clock.phase("proofs"):
        raise ValueError("broken")
    with clock.phase("up"):
        pass
    assert list(clock.phases.items()) == [("up", 2.75), ("proofs", 1.0)]
    assert clock.seconds == 100.0
