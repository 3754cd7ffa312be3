from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import psutil
import pytest

from bulkhead.machine.processes import marked

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[subprocess.Popen[str]] = []

    def start(*stages: str) -> subprocess.Popen[str]:
        with (tmp_path / "clouds.log").open("w") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "bulkhead.localclouds", str(tmp_path), "--stages", ",".join(stages)],
                cwd=ROOT,
                env={**os.environ, "BULKHEAD_REHEARSAL": str(tmp_path)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def ready(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    said: dict[str, Any] = json.loads(process.stdout.readline())
    return said


def status_of(url: str, path: str = "/") -> int:
    connection = HTTPConnection(url.removeprefix("http://"), timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


def write_to(process: subprocess.Popen[str], text: str) -> None:
    assert process.stdin is not None
    process.stdin.write(text)
    process.stdin.close()
    process.stdin = None


def test_what_is_said_is_what_listens_and_all_of_it_ends(start: Start, tmp_path: Path) -> None:
    process = start("development", "staging")
    said = ready(process)
    assert said == json.loads((tmp_path / "clouds.json").read_text())
    assert said["pid"] == process.pid
    assert sorted(said["stages"]) == ["development", "staging"]
    sockets = [
        c.laddr for p in marked(str(tmp_path)) for c in p.net_connections("tcp") if c.status == psutil.CONN_LISTEN
    ]
    # gRPC writes the IPv4 loopback address in its IPv6 form.
    assert {address.ip.removeprefix("::ffff:") for address in sockets} == {"127.0.0.1"}
    assert said["providers"] in {address.port for address in sockets}
    assert status_of(said["moto"], "/moto-api/data.json") == 200
    process.terminate()
    assert process.wait(10) == 0
    assert marked(str(tmp_path)) == []


def test_the_clouds_end_with_whoever_started_them(start: Start, tmp_path: Path) -> None:
    process = start("staging")
    ready(process)
    write_to(process, "")
    assert process.wait(10) == 0
    assert marked(str(tmp_path)) == []


def test_kept_clouds_stay_until_they_are_ended(start: Start, tmp_path: Path) -> None:
    process = start("staging")
    said = ready(process)
    write_to(process, "keep\n")
    time.sleep(0.3)
    assert process.poll() is None
    assert status_of(said["stages"]["staging"]["url"]) == 404  # no Worker there yet, but an answer
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
    assert marked(str(tmp_path)) == []


def test_nothing_but_the_addresses_is_said(start: Start, tmp_path: Path) -> None:
    process = start("staging")
    assert status_of(ready(process)["moto"], "/moto-api/data.json") == 200
    process.terminate()
    output, _ = process.communicate(timeout=10)
    assert output == ""
    assert (tmp_path / "clouds.log").read_text() == ""
    assert not psutil.pid_exists(process.pid)
