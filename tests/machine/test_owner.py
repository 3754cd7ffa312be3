"""A process is believed gone only where that can be seen."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import replace

import psutil
import pytest

from bulkhead.machine.owner import Owner, this_process


def _owner(pid: int) -> Owner:
    return replace(this_process(), pid=pid, started=psutil.Process(pid).create_time())


def test_a_process_is_not_gone_while_it_lives_and_is_afterwards() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        owner = _owner(child.pid)
        assert not owner.is_gone()
        child.kill()
        while psutil.Process(child.pid).status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.01)
        assert owner.is_gone()  # nobody has asked how it ended, but it runs no more
    assert owner.is_gone()


def test_another_process_that_has_its_number_now_is_not_it() -> None:
    assert replace(this_process(), started=this_process().started - 3600).is_gone()
    assert not replace(this_process(), started=this_process().started + 1).is_gone()


def test_of_a_process_elsewhere_nobody_here_can_tell() -> None:
    assert not replace(this_process(), place="another boot, or another container", pid=2**22 - 1).is_gone()


def test_a_process_that_may_not_be_signalled_is_not_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(_pid: int, _signal: int) -> None:
        raise PermissionError

    def hidden(pid: int) -> None:
        raise psutil.NoSuchProcess(pid)

    monkeypatch.setattr(os, "kill", forbidden)
    monkeypatch.setattr(psutil, "Process", hidden)  # as where /proc hides the processes of others
    assert not replace(this_process(), pid=1).is_gone()


def test_what_is_read_is_what_was_written() -> None:
    assert Owner.read(this_process().document()) == this_process()


def test_a_workflow_is_named_by_its_run_and_who_started_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"GITHUB_ACTIONS": "true", "GITHUB_ACTOR": "alice", "GITHUB_RUN_ID": "42"}.items():
        monkeypatch.setenv(name, value)
    this_process.cache_clear()
    try:
        assert str(this_process()) == f"alice@workflow run 42, process {os.getpid()}"
    finally:
        this_process.cache_clear()
