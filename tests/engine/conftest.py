"""A stack on the real engine and a toy cloud."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bulkhead.engine import workspace
from bulkhead.engine.events import Event
from bulkhead.engine.finder import find_engine
from bulkhead.machine import rundir
from tests.support.machine import Machine
from tests.support.toy_cloud import PACKAGE, ToyCloud, serving

if TYPE_CHECKING:
    from bulkhead.engine.inline_stack import InlineStack

Program = Callable[[], None]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path, monkeypatch)


@pytest.fixture
def cloud() -> ToyCloud:
    return ToyCloud()


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[rundir.RunDir]:
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    (checkout / "Pulumi.yaml").write_text("name: harbor\nruntime: python\n")
    for stack in ("development", "staging"):
        (checkout / f"Pulumi.{stack}.yaml").write_text(f"config:\n  bulkhead:owner: team-{stack}\n")
    run = rundir.kept(checkout)
    yield run
    run.close()


@pytest.fixture
def make(run: rundir.RunDir, cloud: ToyCloud) -> Iterator[Callable[..., InlineStack]]:
    # Not above: it takes over Python's hook for what cannot be raised, and pytest, which reads this file before it sets
    # its own, would take that away again.
    from bulkhead.engine.inline_stack import InlineStack  # noqa: PLC0415

    with serving(cloud) as port:

        def make_stack(
            program: Program, name: str = "staging", on_event: Callable[[Event], None] = lambda _: None
        ) -> InlineStack:
            checkout = run.path.parents[1]
            files = workspace.prepare(checkout, run, name, ["githubToken"], workspace.Cipher(run.passphrase))
            environment = workspace.engine_environment(run, providers={PACKAGE: port})
            return InlineStack(
                run, files, engine=find_engine(), environment=environment, program=program, on_event=on_event
            )

        yield make_stack
