"""What components, settings and checks cost: a no-op preview of production against one of a flat program.

The flat program declares the same resources in one loop; its stack's state is production's own without components. It
is given every value, so it computes none, but it waits for the same resources. Measured is what `pulumi preview` does
once the SDKs are imported, which takes both equally long. Left out: a policy pack, for the same reason.
"""

from __future__ import annotations

import gc
import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from benchmarks.flat import declarations, flatten, flatten_checkpoint, revealed
from benchmarks.flat_program import declare
from benchmarks.harness import Benchmark, Ratio, Way
from benchmarks.standing import PRODUCTION, Standing, production
from bulkhead.engine.automation import EngineCommand
from bulkhead.engine.inline_stack import InlineStack
from bulkhead.engine.workspace import engine_environment
from bulkhead.machine.environment import MARK
from bulkhead.model.failures import Failed
from bulkhead.resources.kind import STACK

PRODUCT: Final = "no-op preview of production, product"
FLAT: Final = "no-op preview of production, flat"


@contextmanager
def ways() -> Iterator[Sequence[Way]]:
    """Raises Failed when one of the programs would change something."""
    with production() as (stood, stack):
        twin = _flat_twin(stood, stack)
        previews: list[Way] = [lambda: {PRODUCT: unchanged(stack)}, lambda: {FLAT: unchanged(twin)}]
        for preview in previews:
            preview()
        yield previews


def unchanged(stack: InlineStack, packs: Sequence[Path] = ()) -> float:
    """Preview once, with policy packs or without, and return the seconds. That nothing would change says that the
    program declares what its state holds, no more and no less, and so that two programs declare the same. Raises Failed
    when something would change, or a policy speaks."""
    gc.collect()  # what the preview before left behind is none of this one's business
    result = stack.preview(policy_packs=packs)
    if result.changed or not result.changes.get("same"):
        changes = [f"{step.action} {step.type} {step.name}" for step in result.steps]
        raise Failed("The previews cannot be compared: one of them would change what there is.", changes)
    if result.policies or len(result.packs) != len(packs):
        spoken = [f"{said.policy}: {said.message}" for said in result.policies]
        raise Failed("The previews cannot be compared: a policy speaks, or was not asked.", spoken)
    return result.seconds


def _flat_twin(stood: Standing, stack: InlineStack) -> InlineStack:
    """Return a stack of the flat program with folders of its own. It shares the run's passphrase and salt, and what the
    clouds hold."""
    whole = stood.life.run
    run = replace(whole, path=whole.path / "flat")
    for room in (whole.home, whole.state, whole.path / "work"):
        shutil.copytree(room, run.path / room.name)
    for room in (run.logs, run.tmp):
        room.mkdir()
    workspace = replace(stack.workspace, path=run.work(PRODUCTION))
    checkpoint = run.state / ".pulumi" / "stacks" / workspace.project / f"{PRODUCTION}.json"
    checkpoint.write_text(flatten_checkpoint(checkpoint.read_text(encoding="utf-8")), encoding="utf-8")

    resources = flatten(_exported(stood, stack))
    root = next(resource for resource in resources if resource["type"] == STACK)
    return InlineStack(
        run,
        workspace,
        engine=stood.engine,
        # The mark of the whole run, by which its processes are found and ended.
        environment=engine_environment(run, providers=stood.providers) | {MARK: whole.mark},
        program=partial(declare, declarations(resources), revealed(root["outputs"])),
    )


def _exported(stood: Standing, stack: InlineStack) -> list[dict[str, Any]]:
    """Return the resources of the stage's state with their secrets in clear, worthless as they are."""
    arguments = ["stack", "export", "--show-secrets", "--stack", PRODUCTION]
    said = EngineCommand(stood.engine, stood.environment).run(arguments, str(stack.workspace.path), {}).stdout
    resources: list[dict[str, Any]] = json.loads(said)["deployment"]["resources"]
    return resources


RATIO: Final = Ratio("no-op preview of production: product / flat", [PRODUCT], [FLAT], limit=1.15)
BENCHMARK: Final = Benchmark(ways, rounds=9, ratio=RATIO)
