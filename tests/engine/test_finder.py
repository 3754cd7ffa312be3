"""Finding the engine: what is taken, what is passed over and why, and what a build leaves behind."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from bulkhead.model.failures import Failed
from bulkhead.model.faults import Refused
from tests.support.machine import BUILDS, PINNED, Machine


@pytest.mark.parametrize("answer", ["v3.250.0", "3.251.4", "v3.300.1-alpha.5+dirty"])
def test_a_recent_engine_on_path_is_taken(machine: Machine, answer: str) -> None:
    path = machine.has("pulumi", f"echo {answer}")
    engine = machine.find()
    assert (engine.path, engine.origin) == (path, "path")
    assert answer.removeprefix("v").startswith(engine.version)
    assert machine.progress == []


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo v3.249.9", "3.249.9"),
        ("echo v4.0.0", "4.0.0"),
        ("echo 'command not found'", "does not answer"),
        ("exit 1", "does not answer"),
    ],
)
def test_an_unusable_engine_on_path_is_passed_over_with_the_reason(machine: Machine, script: str, reason: str) -> None:
    path = machine.has("pulumi", script)
    machine.has_go("1.26.8")
    assert machine.find().origin == "built"
    assert str(path) in machine.progress[0]
    assert reason in machine.progress[0]


def test_an_engine_is_built_once_and_found_in_the_cache_ever_after(machine: Machine) -> None:
    machine.has_go("1.26.8")
    built = machine.find()
    assert (built.origin, built.version) == ("built", PINNED)
    assert subprocess.check_output([built.path, "version"], text=True) == f"v{PINNED}\n"
    again = machine.find()
    assert (again.origin, again.path) == ("cache", built.path)
    assert machine.builds == 1


def test_a_failed_build_leaves_nothing_that_looks_like_an_engine(machine: Machine) -> None:
    machine.has_go("1.26.8", 'echo "pkg/x.go:1: it does not compile"; exit 1')
    with pytest.raises(Failed, match="it does not compile"):
        machine.find()
    assert not list(machine.cache.rglob("pulumi"))
    assert not list(machine.cache.rglob(".building-*"))
    machine.has_go("1.26.8")
    assert machine.find().origin == "built"


def test_a_build_that_does_not_run_is_not_kept(machine: Machine) -> None:
    machine.has_go("1.26.8", BUILDS.replace(f"echo v{PINNED}", "exit 1"))
    with pytest.raises(Failed, match="does not run"):
        machine.find()
    assert not list(machine.cache.rglob("pulumi"))


@pytest.mark.slow
def test_a_killed_build_leaves_nothing_in_the_way_of_the_next(machine: Machine) -> None:
    machine.has_go("1.26.8", f"echo begun > {machine.count}.begun; exec sleep 60")
    builder = subprocess.Popen([sys.executable, "-c", "from bulkhead.engine.finder import find_engine; find_engine()"])
    begun = Path(f"{machine.count}.begun")
    while not begun.exists():
        assert builder.poll() is None
        time.sleep(0.02)
    builder.kill()
    builder.wait()
    assert list(machine.cache.rglob(".building-*"))

    machine.has_go("1.26.8")
    assert machine.find().origin == "built"
    assert not list(machine.cache.rglob(".building-*"))


# Without site-packages, as before anything is installed.
PREPARE = [sys.executable, "-S", "-m", "bulkhead.engine"]


def test_the_engine_is_built_before_any_package_is_there_and_the_way_is_told(machine: Machine) -> None:
    machine.has_go("1.26.8")
    said = subprocess.run(PREPARE, capture_output=True, text=True, check=True)
    assert "building the Pulumi engine" in said.stderr
    assert said.stderr.splitlines()[-1] == f"Pulumi engine {PINNED}, built with Go: {machine.find().path}"
    assert machine.find().origin == "cache"


def test_what_stands_in_the_way_of_it_is_said_without_a_traceback(machine: Machine) -> None:
    machine.has_go("1.20")
    refused = subprocess.run(PREPARE, capture_output=True, text=True, check=False)
    machine.has_go("1.26.8", 'echo "pkg/x.go:1: it does not compile"; exit 1')
    failed = subprocess.run(PREPARE, capture_output=True, text=True, check=False)
    assert (refused.returncode, failed.returncode) == (1, 1)
    assert "https://go.dev" in refused.stderr
    assert "it does not compile" in failed.stderr
    assert "Traceback" not in refused.stderr + failed.stderr


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_ended_build_ends_its_compilers(machine: Machine, number: signal.Signals) -> None:
    compiler = Path(f"{machine.count}.compiler")
    machine.has_go("1.26.8", f"echo $$ > {compiler}.half; mv {compiler}.half {compiler}; exec sleep 60")
    builder = subprocess.Popen(PREPARE)
    while not compiler.exists():
        assert builder.poll() is None
        time.sleep(0.02)
    builder.send_signal(number)
    assert builder.wait(10) == 130
    assert not psutil.pid_exists(int(compiler.read_text()))
    assert not list(machine.cache.rglob(".building-*"))


@pytest.mark.slow
def test_two_rehearsals_at_once_build_once(machine: Machine) -> None:
    machine.has_go("1.26.8", f"sleep 0.5\n{BUILDS}")
    program = "from bulkhead.engine.finder import find_engine; print(find_engine().origin)"
    both = [subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert sorted(process.communicate(timeout=30)[0].strip() for process in both) == ["built", "cache"]
    assert machine.builds == 1


def test_a_go_that_is_too_old_is_refused_with_the_ways_out(machine: Machine) -> None:
    machine.has_go("1.20")
    with pytest.raises(Refused) as caught:
        machine.find()
    fault = caught.value.faults[0]
    assert "/go is 1.20" in fault.message
    assert "pulumi.com" in fault.fix
    assert "go.dev" in fault.fix


def test_without_engine_and_go_the_ways_out_are_told(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.lacks(monkeypatch, "pulumi", "go")
    with pytest.raises(Refused, match="`go` is not on PATH") as caught:
        machine.find()
    assert "1.25" in caught.value.faults[0].fix


def test_the_cache_is_where_the_user_wants_it(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.has_go("1.26.8")
    monkeypatch.delenv("BULKHEAD_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(machine.cache / "xdg"))
    assert machine.find().path == machine.cache / "xdg" / "bulkhead" / "engine" / PINNED / "pulumi"
