"""When an engine is ended, what the SDK leaves behind is not shown between the lines of the command."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from pulumi.runtime.stack import run_pulumi_func

from bulkhead.engine import automation
from bulkhead.engine.finder import Engine

ROOT = Path(__file__).resolve().parents[2]

# Two stages side by side: the program of one is refused while the other is in the middle of something, so its engine
# is ended as a rehearsal ends it.
REHEARSAL = """
import gc, sys, threading
from pathlib import Path
import pulumi
from bulkhead.model.faults import Refused
from bulkhead.machine import rundir
from bulkhead.engine import workspace
from bulkhead.engine.finder import find_engine
from bulkhead.engine.inline_stack import StackFailed, InlineStack
from tests.support.toy_cloud import PACKAGE, Thing, ToyCloud, serving

checkout, cloud, told = Path(sys.argv[1]), ToyCloud(), []

class Busy(pulumi.ComponentResource):
    def __init__(self):
        super().__init__("toy:index:Busy", "busy")
        things = [Thing(f"thing-{n}", 1, slow=True, opts=pulumi.ResourceOptions(parent=self)) for n in range(4)]
        self.register_outputs({"urns": pulumi.Output.all(*[thing.urn for thing in things])})

def refused():
    assert cloud.begun.wait(30)
    raise Refused("These settings cannot be used.")

def up(stack):
    try:
        stack.up()
    except (Refused, StackFailed) as error:
        told.append(type(error).__name__)

run = rundir.kept(checkout)
with serving(cloud) as port:
    environment = workspace.engine_environment(run, providers={PACKAGE: port})
    stacks = []
    for name, program in (("development", Busy), ("staging", refused)):
        files = workspace.prepare(checkout, run, name, ["githubToken"], workspace.Cipher(run.passphrase))
        stacks.append(
            InlineStack(run, files, engine=find_engine(), environment=environment, program=program)
        )
    threads = [threading.Thread(target=up, args=(stack,)) for stack in stacks]
    for thread in threads:
        thread.start()
    threads[1].join(60)
    stacks[0].kill()
    threads[0].join(60)
    gc.collect()
run.close()
print(told)
"""


async def _waiting() -> None:
    await asyncio.get_running_loop().create_future()


async def _somebody_elses() -> None:
    try:
        await _waiting()
    finally:
        raise RuntimeError("somebody should know")


def _abandon(make: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Begin a coroutine and throw it away, as the SDK does with its own when the engine is gone."""

    async def begun() -> Coroutine[Any, Any, None]:
        coroutine = make()
        coroutine.send(None)
        return coroutine

    coroutine = asyncio.run(begun())
    del coroutine
    gc.collect()


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What Python says of errors that nobody can catch any more."""
    told: list[str] = []
    monkeypatch.setattr(
        automation, "_default_unraisable_hook", lambda unraisable: told.append(str(unraisable.exc_value))
    )
    return told


def test_the_sdks_own_coroutine_goes_without_a_word(told: list[str]) -> None:
    _abandon(lambda: run_pulumi_func(_waiting))
    assert told == []


def test_whatever_else_cannot_be_raised_is_still_told(told: list[str]) -> None:
    class Spiteful:
        def __del__(self) -> None:
            raise ValueError("as it goes")

    _abandon(_somebody_elses)
    del (spiteful := [Spiteful()])[:]
    assert spiteful == []
    assert told == ["somebody should know", "as it goes"]


@pytest.mark.slow
def test_a_stage_whose_program_is_refused_ends_the_others_in_silence(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: harbor\nruntime: python\n")
    for stack in ("development", "staging"):
        (tmp_path / f"Pulumi.{stack}.yaml").write_text(f"config:\n  bulkhead:owner: team-{stack}\n")
    command = [sys.executable, "-c", REHEARSAL, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=True)
    assert (done.stdout, done.stderr) == ("['Refused', 'StackFailed']\n", "")


@pytest.mark.parametrize(("origin", "beside"), [("archive", True), ("cache", True), ("built", True), ("path", False)])
def test_an_engine_of_our_own_finds_its_language_hosts_before_others_do(
    tmp_path: Path, origin: Any, beside: bool
) -> None:
    engine = tmp_path / "kept" / "pulumi"
    engine.parent.mkdir()
    engine.write_text('#!/bin/sh\necho "$PATH"\n')
    engine.chmod(0o755)
    command = automation.EngineCommand(Engine(engine, "3.250.0", origin), {"PATH": "/tools:/usr/bin"})
    [path] = command.run([], str(tmp_path), {}).stdout.splitlines()
    assert path == (f"{engine.parent}:/tools:/usr/bin" if beside else "/tools:/usr/bin")
