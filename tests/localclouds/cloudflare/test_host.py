"""The host process ends, and workerd with it, however it is told to."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from bulkhead.localclouds.cloudflare.local import LocalCloudflare
from bulkhead.machine.processes import end_marked, marked
from bulkhead.model.failures import Failed

pytestmark = pytest.mark.slow


@pytest.fixture
def mark(tmp_path: Path) -> str:
    return str(tmp_path)


@pytest.fixture
def cloud(tmp_path: Path, mark: str) -> LocalCloudflare:
    return LocalCloudflare("development", tmp_path, Path(), mark)


def wait_until(look: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if look():
            return True
        time.sleep(0.05)
    return False


def host_of(mark: str) -> psutil.Process:
    return next(process for process in marked(mark) if process.name() == "node")


def test_stop_ends_workerd_and_leaves_no_temporary_files(cloud: LocalCloudflare, mark: str, tmp_path: Path) -> None:
    cloud.start()
    assert {process.name() for process in marked(mark)} == {"node", "workerd"}
    cloud.stop()
    assert marked(mark) == []
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_termination_signal_ends_workerd_too(cloud: LocalCloudflare, mark: str) -> None:
    cloud.start()
    host_of(mark).send_signal(signal.SIGTERM)
    assert wait_until(lambda: not marked(mark))
    cloud.stop()


def test_the_end_of_stdin_ends_workerd_too(cloud: LocalCloudflare, mark: str) -> None:
    cloud.start()
    host = host_of(mark)
    process = cloud._process
    assert process is not None
    assert process.stdin is not None
    process.stdin.close()
    assert wait_until(lambda: not marked(mark))
    assert process.wait(5) == 0
    assert not host.is_running()
    cloud.stop()


def test_a_host_that_was_killed_leaves_a_workerd_that_carries_the_mark(cloud: LocalCloudflare, mark: str) -> None:
    cloud.start()
    host_of(mark).kill()
    assert wait_until(lambda: [process.name() for process in marked(mark)] == ["workerd"])
    assert end_marked(mark) == 1
    cloud.stop()


def test_a_host_that_does_not_answer_is_killed_with_its_workerd(
    cloud: LocalCloudflare, mark: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bulkhead.localclouds.cloudflare.local._GRACE", 0.5)
    cloud.start()
    os.kill(host_of(mark).pid, signal.SIGSTOP)
    cloud.stop()
    assert wait_until(lambda: not marked(mark))


def test_a_start_that_fails_says_why_and_leaves_nothing(tmp_path: Path, mark: str) -> None:
    missing = LocalCloudflare("staging", tmp_path, Path(), mark, packages=tmp_path / "nowhere" / "package.json")
    with pytest.raises(Failed, match="The local Cloudflare of staging did not start") as failure:
        missing.start()
    assert "Cannot find module 'miniflare'" in str(failure.value)
    assert marked(mark) == []
