from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import psutil
import pytest

from bulkhead.clients.endpoints import CLOUDFLARE
from bulkhead.clients.rest import Rest
from bulkhead.delivery.signals import Signals
from bulkhead.localclouds.api import seed
from bulkhead.localclouds.cloudflare.client import StageCloud
from bulkhead.localclouds.command import clouds_command
from bulkhead.machine.processes import marked
from bulkhead.machine.rundir import SEED
from tests.localclouds.cloudflare.api.workers import SCRIPTS, WORKERS, version
from tests.support.cloudflare_api import ACCOUNT, STAGING, TOKEN, ZONE

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[subprocess.Popen[str]] = []

    def start(*stages: str, analytics_delay: float | None = None) -> subprocess.Popen[str]:
        with (tmp_path / "clouds.log").open("w") as log:
            process = subprocess.Popen(
                [*clouds_command(stages, analytics_delay), str(tmp_path)],
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


def test_analytics_are_as_late_as_whoever_starts_the_clouds_wants(start: Start, tmp_path: Path) -> None:
    said = ready(start("staging", analytics_delay=0.5))
    seed.write(tmp_path / SEED, [STAGING])
    stage = StageCloud(said["stages"]["staging"]["control"], said["stages"]["staging"]["token"])
    with Rest(CLOUDFLARE.at(said["cloudflare"]), TOKEN) as rest:
        rest.post(WORKERS, {"name": "web"})
        uploaded = rest.post(f"{WORKERS}/web/versions", version(), params={"deploy": "true"})
        assert uploaded is not None
        rest.post(f"{SCRIPTS}/web/subdomain", {"enabled": True})
        signals = Signals(rest, ACCOUNT, ZONE, delay=0.5, span=1)
        minute = int(time.time())
        assert stage.visit("web.rehearsal.workers.dev", "/").status == 200
        found = Counter[str]()
        for at in range(minute, int(time.time()) + 1):
            time.sleep(max(0.0, at + 1.6 - time.time()))
            known = signals.minute("web", [uploaded["id"]], at)
            assert known is not None
            found["requests"] += known[uploaded["id"]].requests
    assert found == {"requests": 1}
