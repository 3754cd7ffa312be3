"""Run directories: whose they are, what stays and what disappears."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from bulkhead.machine import rundir
from bulkhead.model.faults import Refused

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def own_tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A temporary directory of the test's own, so that no other rehearsal on this machine is touched."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)


def test_a_temporary_directory_disappears_and_a_kept_one_stays(tmp_path: Path) -> None:
    gone, kept = rundir.temporary(), rundir.kept(tmp_path)
    for run in (gone, kept):
        run.store.write_text("something")
        run.close()
    assert not gone.path.exists()
    assert kept.store.exists()
    again = rundir.kept(tmp_path)
    assert not again.interrupted
    again.close()


def test_a_kept_directory_belongs_to_one_rehearsal_at_a_time(tmp_path: Path) -> None:
    first = rundir.kept(tmp_path)
    with pytest.raises(Refused, match=f"process {os.getpid()}"):
        rundir.kept(tmp_path)
    first.close()
    rundir.kept(tmp_path).close()


def test_the_passphrase_is_random_stays_with_the_directory_and_is_for_its_owner_only(tmp_path: Path) -> None:
    first = rundir.kept(tmp_path)
    passphrase = first.passphrase
    first.close()
    again, other = rundir.kept(tmp_path), rundir.temporary()
    assert again.passphrase == passphrase
    assert other.passphrase != passphrase
    assert (again.home / "passphrase").stat().st_mode & 0o077 == 0
    again.close()
    other.close()


def test_what_a_dead_machine_left_is_found_and_removed_but_not_what_is_in_use() -> None:
    code = "from bulkhead.machine import rundir; print(rundir.temporary().path)"
    left = Path(subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True).strip())
    alive = rundir.temporary()
    os.utime(left / "lock", (0, 0))
    os.utime(alive.path / "lock", (0, 0))
    (Path(tempfile.gettempdir()) / f"{rundir.PREFIX}of-somebody-else").mkdir()
    for run in rundir.abandoned():
        assert run.path == left
        run.close()
    assert not left.exists()
    assert alive.path.exists()
    alive.close()


def test_a_dead_rehearsals_directory_is_waited_for_while_its_watchdog_ends_the_rest(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as dead:
        pass
    watchdog = rundir.kept(tmp_path)  # it holds the lock that it has inherited
    os.pwrite(watchdog.lock, json.dumps({"pid": dead.pid, "started": "now"}).encode().ljust(80), 0)
    ended = threading.Timer(0.3, os.close, [watchdog.lock])
    ended.start()
    try:
        heir = rundir.kept(tmp_path)
    finally:
        ended.join()
    assert heir.interrupted
    heir.close()


def test_a_lock_file_says_who_holds_it() -> None:
    run = rundir.temporary()
    owner = json.loads((run.path / "lock").read_text())
    assert owner["pid"] == os.getpid()
    assert owner["started"]
    run.close()


@pytest.mark.parametrize("left", [b"\xff\xfe{", b"[]", b"7", b'{"pid": 1'])
def test_a_lock_file_may_say_anything(tmp_path: Path, left: bytes) -> None:
    lock = rundir.kept_path(tmp_path).with_suffix(".lock")
    lock.parent.mkdir()
    lock.write_bytes(left)
    run = rundir.kept(tmp_path)
    assert run.interrupted
    lock.write_bytes(left)
    with pytest.raises(Refused, match="a process that is just starting"):
        rundir.kept(tmp_path)
    run.close()
