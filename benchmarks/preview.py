"""What components, settings and checks cost: a no-op preview of production against one of a flat program.

The flat program declares the same resources in one loop; its stack's state is production's own without components. It
is given every value, so it computes none, but it waits for the same resources. Measured is what `pulumi preview` does
once the SDKs are imported, which takes both equally long. Left out: a policy pack, for the same reason.
"""

from __future__ import annotations

import gc
import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from benchmarks import standing
from benchmarks.figures import Figure, Series, in_turn, measured, ratio
from benchmarks.flat import STACK, declarations, flatten, flatten_checkpoint, revealed
from benchmarks.flat_program import declare
from benchmarks.telling import Tell
from bulkhead.engine.automation import EngineCommand
from bulkhead.engine.finder import Engine
from bulkhead.engine.results import Result
from bulkhead.engine.stacks import StageStack
from bulkhead.engine.workspace import engine_environment
from bulkhead.localclouds.command import clouds_command
from bulkhead.machine.environment import MARK
from bulkhead.machine.lifetime import Clock, Life, lived
from bulkhead.model.failures import Failed
from bulkhead.model.naming import Stage
from bulkhead.model.project import ROOT

NAME: Final = "preview"
LIMIT: Final = 1.15
STAGE: Final = Stage.PRODUCTION.value
_ROUNDS: Final = 9


def measure(engine: Engine, tell: Tell) -> list[Figure]:
    """Return the ratio of both previews, and the seconds of each.

    Raises Failed when one of the programs would change something.
    """
    with lived(ROOT, keep=False, command=clouds_command((STAGE,)), clock=Clock()) as life:
        tell(f"bringing {STAGE} up on local clouds")
        stage = standing.stages(life, engine, (STAGE,))[STAGE]
        stage.stack.up()
        twin = _flat_twin(life, stage, engine)
        ways = [partial(unchanged, stack) for stack in (stage.stack, twin)]
        tell(f"previewing {' and '.join(str(way().changes['same']) for way in ways)} resources {_ROUNDS} times in turn")
        product, flat = (Series(tuple(run.seconds for run in runs)) for runs in in_turn(ways, _ROUNDS))
    return [
        ratio(NAME, "no-op preview of production: product / flat", product, flat, LIMIT),
        measured(NAME, "no-op preview of production, product", product, "s"),
        measured(NAME, "no-op preview of production, flat", flat, "s"),
    ]


def _flat_twin(life: Life, stage: standing.Standing, engine: Engine) -> StageStack:
    """Return a stack of the flat program with folders of its own. It shares the run's passphrase and salt, and what the
    clouds hold."""
    run = replace(life.run, path=life.run.path / "flat")
    for room in (life.run.home, life.run.state, life.run.path / "work"):
        shutil.copytree(room, run.path / room.name)
    for room in (run.logs, run.tmp):
        room.mkdir()
    workspace = replace(stage.workspace, path=run.work(STAGE))
    checkpoint = run.state / ".pulumi" / "stacks" / workspace.project / f"{STAGE}.json"
    checkpoint.write_text(flatten_checkpoint(checkpoint.read_text(encoding="utf-8")), encoding="utf-8")

    exported = _exported(stage, engine)
    resources = flatten(exported)
    root = next(resource for resource in resources if resource["type"] == STACK)
    return StageStack(
        run,
        workspace,
        engine=engine,
        # The mark of the whole run, by which its processes are found and ended.
        environment=engine_environment(run, providers=standing.ports(life)) | {MARK: life.run.mark},
        program=partial(declare, declarations(resources), revealed(root["outputs"])),
    )


def _exported(stage: standing.Standing, engine: Engine) -> list[dict[str, Any]]:
    """Return the resources of the stage's state with their secrets in clear, worthless as they are."""
    command = EngineCommand(engine, stage.environment)
    arguments = ["stack", "export", "--show-secrets", "--stack", STAGE]
    said = command.run(arguments, str(stage.workspace.path), {}).stdout
    resources: list[dict[str, Any]] = json.loads(said)["deployment"]["resources"]
    return resources


def unchanged(stack: StageStack, packs: Sequence[Path] = ()) -> Result:
    """Preview once, with policy packs or without. That nothing would change says that the program declares what its
    state holds, no more and no less, and so that two programs declare the same. Raises Failed when something would
    change, or a policy speaks."""
    gc.collect()  # what the preview before left behind is none of this one's business
    result = stack.preview(policy_packs=packs)
    if result.changed or not result.changes.get("same"):
        changes = [f"{step.action} {step.type} {step.name}" for step in result.steps]
        raise Failed("The previews cannot be compared: one of them would change what there is.", changes)
    if result.policies or len(result.packs) != len(packs):
        spoken = [f"{said.policy}: {said.message}" for said in result.policies]
        raise Failed("The previews cannot be compared: a policy speaks, or was not asked.", spoken)
    return result
