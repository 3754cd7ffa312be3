"""Processes of a rehearsal: started, found by their mark, ended, and cleaned up after whatever happens."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from bulkhead.machine import rundir
from bulkhead.machine.environment import MARK
from bulkhead.machine.processes import end_marked, marked, start_clouds, start_watchdog
from bulkhead.model.failures import Failed

pytestmark = pytest.mark.slow  # real processes, really killed
ROOT = Path(__file__).resolve().parents[2]
SLEEPER = "import time; time.sleep(120)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(120)"


@pytest.fixture(autouse=True)
def own_tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A temporary directory of the test's own, so that no other rehearsal on this machine is touched."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)


@pytest.fixture
def run() -> Iterator[rundir.RunDir]:
    run = rundir.temporary()
    yield run
    end_marked(run.mark)
    if run.path.exists():
        run.close()


@contextlib.contextmanager
def process(code: str, mark: str | None) -> Iterator[subprocess.Popen[str]]:
    environment = {**os.environ, MARK: mark} if mark else dict(os.environ)
    started = subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True)
    try:
        yield started
    finally:
        started.kill()
        started.communicate()


def gone(pid: int) -> bool:
    """A zombie is gone as well: whether anybody collects an orphan's is the machine's affair."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def eventually(condition: Callable[[], bool], seconds: float = 15.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_only_what_carries_the_mark_is_found_and_ended(run: rundir.RunDir) -> None:
    with (
        process(SLEEPER, run.mark) as ours,
        process(SLEEPER, f"{run.mark}-other") as other,
        process(SLEEPER, None) as free,
    ):
        assert eventually(lambda: [p.pid for p in marked(run.mark)] == [ours.pid])
        assert end_marked(run.mark) == 1
        assert ours.wait(5) is not None
        assert other.poll() is None
        assert free.poll() is None


def test_what_does_not_listen_is_killed(run: rundir.RunDir) -> None:
    with process(STUBBORN, run.mark) as stubborn:
        assert stubborn.stdout is not None
        stubborn.stdout.readline()
        end_marked(run.mark, grace=0.2)
        assert gone(stubborn.pid)


def test_a_marked_caller_spares_itself_and_those_above_it(run: rundir.RunDir) -> None:
    code = f"from bulkhead.machine.processes import end_marked; print(end_marked({run.mark!r}))"
    shell = ["sh", "-c", f'"{sys.executable}" -c "{code}"; echo alive']
    environment = {**os.environ, MARK: run.mark}
    answer = subprocess.run(shell, env=environment, capture_output=True, text=True, check=True, cwd=ROOT)
    assert answer.stdout.split() == ["0", "alive"]


def clouds_program(body: str) -> list[str]:
    return [sys.executable, "-c", textwrap.dedent(body)]


def test_clouds_are_ready_when_they_say_so(run: rundir.RunDir) -> None:
    clouds = start_clouds(
        run, clouds_program('print("{\\"providers\\": 5}", flush=True); import sys; sys.stdin.read()')
    )
    assert clouds.ready == {"providers": 5}
    assert [p.pid for p in marked(run.mark)] == [clouds.pid]
    clouds.stop()
    assert not clouds.alive
    assert marked(run.mark) == []


@pytest.mark.parametrize(
    ("body", "summary"),
    [
        ('import sys; sys.exit("no node here")', "ended before"),
        ('import sys, time; print("no node here", file=sys.stderr, flush=True); time.sleep(60)', "not ready in time"),
        ('import sys; print("no node here")', "did not say"),
    ],
)
def test_clouds_that_do_not_come_up_are_ended_and_their_log_is_shown(
    run: rundir.RunDir, body: str, summary: str
) -> None:
    with pytest.raises(Failed, match=summary) as caught:
        start_clouds(run, clouds_program(body), timeout=1.5)
    assert any("no node here" in detail for detail in caught.value.details)
    assert marked(run.mark) == []


def test_clouds_can_be_told_to_stay(run: rundir.RunDir) -> None:
    body = 'print("{}", flush=True); import sys, time; said = sys.stdin.read(); time.sleep(60 if "keep" in said else 0)'
    clouds = start_clouds(run, clouds_program(body))
    clouds.keep()
    time.sleep(0.3)
    assert clouds.alive
    clouds.stop()
    assert not clouds.alive


# A rehearsal in small: it has a run directory, a watchdog and a process with the mark, and says so.
PARENT = """
import os, subprocess, sys
from pathlib import Path
from bulkhead.machine import rundir
from bulkhead.machine.environment import MARK
from bulkhead.machine.processes import start_watchdog
run = rundir.kept(Path(sys.argv[1])) if len(sys.argv) > 1 else rundir.temporary()
dog = start_watchdog(run)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(120)"], env={**os.environ, MARK: run.mark},
                         stdout=subprocess.DEVNULL, start_new_session=True)
print(run.path, dog.pid, child.pid, flush=True)
sys.stdin.readline()
dog.release()
"""


@contextlib.contextmanager
def rehearsal(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], Path, int, int]]:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, *arguments],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert parent.stdout is not None
    path, dog, child = parent.stdout.readline().split()
    try:
        yield parent, Path(path), int(dog), int(child)
    finally:
        parent.kill()
        parent.communicate()
        end_marked(path)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_the_watchdog_cleans_up_after_a_rehearsal_that_died(number: signal.Signals) -> None:
    with rehearsal() as (parent, path, dog, child):
        os.killpg(parent.pid, number)
        parent.wait()
        assert eventually(lambda: gone(child)), "the marked process was left running"
        assert eventually(lambda: not path.exists()), "the run directory was left behind"
        assert eventually(lambda: gone(dog)), "the watchdog outlived its job"


def test_the_watchdog_leaves_a_kept_directory_and_holds_its_lock_until_it_is_through(tmp_path: Path) -> None:
    with rehearsal(str(tmp_path)) as (parent, path, dog, child):
        (path / "treasure").write_text("kept")
        parent.kill()
        parent.wait()
        assert eventually(lambda: gone(child))
        assert eventually(lambda: gone(dog))
        assert (path / "treasure").read_text() == "kept"
        heir = rundir.kept(tmp_path)
        assert heir.interrupted
        heir.close()


def test_the_watchdog_does_nothing_when_told_that_all_is_done() -> None:
    with rehearsal() as (parent, path, dog, child):
        parent.communicate("\n", timeout=15)
        assert eventually(lambda: gone(dog))
        assert not gone(child)
        assert path.exists()


def test_the_watchdog_carries_no_mark_and_starts_quickly(run: rundir.RunDir) -> None:
    started = time.monotonic()
    dog = start_watchdog(run)
    assert MARK not in psutil.Process(dog.pid).environ()
    dog.release()
    assert time.monotonic() - started < 2
    assert run.path.exists()


def test_the_watchdog_removes_nothing_that_is_no_run_directory(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    command = [
        sys.executable,
        "-m",
        "bulkhead.machine.watchdog",
        "no-such-mark",
        str(precious),
        "--parent",
        str(os.getpid()),
    ]
    subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, check=True, timeout=15)
    assert precious.exists()
