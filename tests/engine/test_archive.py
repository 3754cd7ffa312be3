"""The official archive: taken whole or not at all, and never in the way of another engine."""

from __future__ import annotations

import hashlib
import io
import os
import platform
import re
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

import pytest

from bulkhead.engine import archive
from bulkhead.model.faults import Refused
from tests.support.machine import PINNED, Machine

ROOT = Path(__file__).resolve().parents[2]
ANSWERS = f"#!/bin/sh\necho v{PINNED}\n".encode()
Serve = Callable[["_Asked"], None]


def packed(programs: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as made:
        for name, content in programs.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o755
            made.addfile(member, io.BytesIO(content))
    return file.getvalue()


WHOLE = packed({"pulumi/pulumi": ANSWERS, "pulumi/pulumi-language-python": b"#!/bin/sh\n"})


class _Asked(BaseHTTPRequestHandler):
    def __init__(self, serve: Serve, seen: list[str], *given: object) -> None:
        self._serve, self._seen = serve, seen
        super().__init__(*given)  # type: ignore[arg-type]  # what the server gives

    def do_GET(self) -> None:
        self._seen.append(self.path)
        self._serve(self)

    def log_message(self, *_: object) -> None:
        pass

    def sends(self, content: bytes, length: int | None = None) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(content) if length is None else length))
        self.end_headers()
        self.wfile.write(content)


class Archives:
    """A place that has archives, and the hashes of what it should have."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._sums = folder / "SHA256SUMS"
        self._monkeypatch = monkeypatch
        monkeypatch.setattr(archive, "SUMS", self._sums)
        self.seen: list[str] = []
        self.ended = Event()
        self.knows(WHOLE)

    def knows(self, content: bytes) -> None:
        digest, systems = (
            hashlib.sha256(content).hexdigest(),
            ("linux-x64", "linux-arm64", "darwin-x64", "darwin-arm64"),
        )
        lines = [f"{digest}  pulumi-v{PINNED}-{system}.tar.gz\n" for system in systems]
        self._sums.write_text("".join(lines))

    @contextmanager
    def serving(self, serve: Serve) -> Iterator[int]:
        with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Asked, serve, self.seen)) as server:
            thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
            thread.start()
            self._monkeypatch.setenv("BULKHEAD_ENGINE_ARCHIVES", f"http://127.0.0.1:{server.server_port}/sdk/")
            try:
                yield server.server_port
            finally:
                self.ended.set()
                server.shutdown()
                thread.join()

    def hang(self, asked: _Asked) -> None:
        self.ended.wait(30)

    def stop_in_the_middle(self, asked: _Asked) -> None:
        asked.sends(WHOLE[:50], len(WHOLE))
        asked.wfile.flush()
        self.ended.wait(30)


@pytest.fixture
def archives(machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Archives:
    return Archives(tmp_path, monkeypatch)


def test_the_archive_is_unpacked_whole_and_found_in_the_cache_ever_after(machine: Machine, archives: Archives) -> None:
    with archives.serving(lambda asked: asked.sends(WHOLE)):
        engine = machine.find()
    assert (engine.origin, engine.version) == ("archive", PINNED)
    assert subprocess.check_output([engine.path, "version"], text=True) == f"v{PINNED}\n"
    assert os.access(engine.path.with_name("pulumi-language-python"), os.X_OK)
    assert len(archives.seen) == 1
    assert re.fullmatch(rf"/sdk/pulumi-v{PINNED}-(linux|darwin)-(x64|arm64)\.tar\.gz", archives.seen[0])
    again = machine.find()
    assert (again.origin, again.path) == ("cache", engine.path)
    assert len(archives.seen) == 1
    assert machine.builds == 0


def _truncated(asked: _Asked) -> None:
    asked.sends(WHOLE[:-10], len(WHOLE))


BAD = {
    "broke off": _truncated,
    "does not have the hash": lambda asked: asked.sends(WHOLE + b"\0"),
    "answers 404": lambda asked: asked.send_error(404),
}


@pytest.mark.parametrize("reason", BAD)
def test_what_does_not_come_as_it_should_is_discarded_and_go_builds(
    machine: Machine, archives: Archives, reason: str
) -> None:
    machine.has_go("1.26.8")
    with archives.serving(BAD[reason]):
        assert machine.find().origin == "built"
    assert any("official archive" in line and reason in line for line in machine.progress)
    assert sorted(path.name for path in machine.cache.rglob("*") if path.is_file()) == ["build.log", "lock", "pulumi"]


@pytest.mark.parametrize("how", ["hang", "stop_in_the_middle"])
def test_a_host_that_falls_silent_is_given_up(
    machine: Machine, archives: Archives, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "_SILENCE", 0.3)
    machine.has_go("1.26.8")
    with archives.serving(getattr(archives, how)):
        assert machine.find().origin == "built"
    assert any("silent" in line or "timed out" in line for line in machine.progress)


def test_a_host_that_never_comes_to_an_end_is_given_up(
    machine: Machine, archives: Archives, monkeypatch: pytest.MonkeyPatch
) -> None:
    def drip(asked: _Asked) -> None:
        asked.sends(b"", 1_000_000)
        while not archives.ended.wait(0.05):
            asked.wfile.write(b"x")

    monkeypatch.setattr(archive, "_LONGEST", 0.5)
    monkeypatch.setattr(archive, "_REPORT_EVERY", 0.1)
    machine.has_go("1.26.8")
    with archives.serving(drip):
        assert machine.find().origin == "built"
    assert any("had not come to an end" in line for line in machine.progress)
    assert any(line.startswith("downloading the Pulumi engine: 0 of 1 MB") for line in machine.progress)


def as_before_python_3_11_4(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(tarfile, "data_filter", raising=False)
    monkeypatch.setattr(
        tarfile.TarFile, "extraction_filter", staticmethod(lambda member, _: member), raising=False
    )  # newer ones would warn


NO_ENGINE = {
    "climbs out": (packed({"../../../out": b"", "pulumi/pulumi": ANSWERS}), "outside the destination"),
    "is no archive": (b"<html>sign in to this network</html>", "cannot be unpacked"),
    "is for another machine": (packed({"pulumi/pulumi": b"\x7fELF for something else"}), "does not run here"),
    "holds something else": (packed({"helm/helm": ANSWERS}), "does not run here"),
}


@pytest.mark.parametrize("filtered", [True, False])
@pytest.mark.parametrize("what", NO_ENGINE)
def test_an_archive_that_is_no_engine_leaves_nothing_behind(
    machine: Machine, archives: Archives, tmp_path: Path, what: str, filtered: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not filtered:
        as_before_python_3_11_4(monkeypatch)
    content, reason = NO_ENGINE[what]
    archives.knows(content)
    before = set(tmp_path.rglob("*"))
    with archives.serving(lambda asked: asked.sends(content)), pytest.raises(Refused, match=reason):
        machine.find()
    left = {path.name for path in set(tmp_path.rglob("*")) - before}
    assert left <= {"cache", "engine", PINNED, "lock"}


def test_a_python_without_filters_unpacks_all_the_same(
    machine: Machine, archives: Archives, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_before_python_3_11_4(monkeypatch)
    with archives.serving(lambda asked: asked.sends(WHOLE)):
        engine = machine.find()
    assert engine.origin == "archive"
    assert os.access(engine.path.with_name("pulumi-language-python"), os.X_OK)


def test_without_any_way_every_way_out_is_told(machine: Machine, archives: Archives) -> None:
    with archives.serving(lambda asked: asked.send_error(503)), pytest.raises(Refused) as caught:
        machine.find()
    [fault] = caught.value.faults
    assert "127.0.0.1 answers 503" in fault.message
    assert all(way in fault.fix for way in ("pulumi.com", "HTTPS_PROXY", "go.dev"))


def test_a_machine_for_which_there_is_no_archive_builds(
    machine: Machine, archives: Archives, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    machine.has_go("1.26.8")
    with archives.serving(lambda asked: asked.sends(WHOLE)):
        assert machine.find().origin == "built"
    assert archives.seen == []
    assert any("riscv64" in line for line in machine.progress)


def test_an_unpacked_engine_that_does_not_run_here_is_replaced(machine: Machine, archives: Archives) -> None:
    with archives.serving(lambda asked: asked.sends(WHOLE)):
        kept = machine.find().path
        kept.write_bytes(b"\x7fELF for something else")
        assert machine.find().origin == "archive"
    assert kept.read_bytes() == ANSWERS


def test_a_built_engine_is_not_downloaded_again(machine: Machine, archives: Archives) -> None:
    machine.has_go("1.26.8")
    machine.find()
    with archives.serving(lambda asked: asked.sends(WHOLE)):
        assert machine.find().origin == "cache"
    assert archives.seen == []


def test_the_proxy_of_the_environment_is_asked(
    machine: Machine, archives: Archives, monkeypatch: pytest.MonkeyPatch
) -> None:
    with archives.serving(lambda asked: asked.sends(WHOLE)) as port:
        monkeypatch.setenv("BULKHEAD_ENGINE_ARCHIVES", "http://127.0.0.1:9/elsewhere")
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
        monkeypatch.delenv("NO_PROXY")
        monkeypatch.setenv("no_proxy", "")
        assert machine.find().origin == "archive"
    assert archives.seen[0].startswith("http://127.0.0.1:9/elsewhere/")


@pytest.mark.parametrize("place", ["http://archives.example", "file:///etc", "pulumi.com", "https://"])
def test_a_mirror_that_is_no_address_is_refused(machine: Machine, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BULKHEAD_ENGINE_ARCHIVES", place)
    with pytest.raises(Refused, match="BULKHEAD_ENGINE_ARCHIVES: is no https address"):
        machine.find()


def test_no_password_of_a_mirror_is_shown(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BULKHEAD_ENGINE_ARCHIVES", "http://user" + ":open-sesame@127.0.0.1:9")
    with pytest.raises(Refused) as caught:
        machine.find()
    assert "open-sesame" not in "\n".join([str(caught.value), *machine.progress])


@pytest.mark.slow
def test_ctrl_c_ends_a_download_at_once_and_leaves_nothing(machine: Machine, archives: Archives) -> None:
    with archives.serving(archives.stop_in_the_middle):
        fetching = subprocess.Popen([sys.executable, "-S", "-m", "bulkhead.engine"], stderr=subprocess.PIPE, text=True)
        while not list(machine.cache.rglob(".unpacking-*")) or not archives.seen:
            assert fetching.poll() is None
            time.sleep(0.02)
        began = time.monotonic()
        fetching.send_signal(signal.SIGINT)
        _, said = fetching.communicate(timeout=10)
    assert fetching.returncode == 130
    assert time.monotonic() - began < 5
    assert "Traceback" not in said
    assert not list(machine.cache.rglob(".unpacking-*"))


@pytest.mark.slow
def test_a_killed_download_is_no_engine_and_is_cleared_away(machine: Machine, archives: Archives) -> None:
    with archives.serving(archives.stop_in_the_middle):
        fetching = subprocess.Popen([sys.executable, "-S", "-m", "bulkhead.engine"], stderr=subprocess.DEVNULL)
        while not list(machine.cache.rglob(".unpacking-*")):
            assert fetching.poll() is None
            time.sleep(0.02)
        fetching.kill()
        fetching.wait()
    assert list(machine.cache.rglob(".unpacking-*"))
    archives.ended.clear()
    with archives.serving(lambda asked: asked.sends(WHOLE)):
        assert machine.find().origin == "archive"
    assert not list(machine.cache.rglob(".unpacking-*"))


def test_every_archive_of_the_pinned_engine_has_its_hash() -> None:
    sums = (ROOT / "tools" / "engine" / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    go_mod = (ROOT / "tools" / "engine" / "go.mod").read_text(encoding="utf-8")
    [version] = re.findall(r"pulumi/pkg/v3 (v\S+)", go_mod)
    assert re.findall(r"pulumi/sdk/v3 (v\S+)", go_mod) == [version]
    assert all(re.fullmatch(r"[0-9a-f]{64}  \S+", line) for line in sums)
    names = {line.split()[1] for line in sums}
    systems = ("linux-x64", "linux-arm64", "darwin-x64", "darwin-arm64")
    assert names == {f"pulumi-{version}-{system}.tar.gz" for system in systems}
    assert len({line.split()[0] for line in sums}) == len(names)
