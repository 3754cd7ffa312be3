"""A preview of a pull request works on a redacted twin of the state: it sees what a stage would lose, and no secret."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from bulkhead.engine import canaries
from bulkhead.engine.inline_stack import StackFailed
from bulkhead.model.settings.paths import SETTINGS
from bulkhead.rehearsal.proofs.apart import minted
from bulkhead.rehearsal.proofs.proof import require
from bulkhead.rehearsal.proofs.untouched import changed_nothing
from bulkhead.rehearsal.scene import Scene, StandingStage
from bulkhead.twin.stacks import twin_of

_DATABASE: Final = "cloudflare:index/d1Database:D1Database"


def twins_tell(scene: Scene) -> str:
    """On its redacted twin each stage previews as unchanged, a planted replacement is seen, and nothing is secret."""
    folder = scene.run.path / "twins"
    try:
        same = scene.in_each_stage(lambda stage: _previewed(scene, stage, folder))
        exposed = next((s for s in scene.stages.values() if not s.settings.protected), None)
        loss = _planted(scene, exposed or next(iter(scene.stages.values())), folder)
        logs = scene.run.logs.glob("*twin-preview*")
        files = [path for path in (*folder.rglob("*"), *logs) if path.is_file()]
        _hold_no_secret(scene, files)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    counts = ", ".join(f"{stage} {count}" for stage, count in same.items())
    return f"the same on the twins: {counts}; {loss}; no secret in their {len(files)} files and logs"


def _previewed(scene: Scene, stage: StandingStage, folder: Path) -> int:
    """Preview both stacks of a stage on their twins, and require that nothing is different there; return how many
    resources are the same."""
    same = 0
    for stack in stage.stacks:
        place = folder / stage.environment / stack.workspace.project
        result = twin_of(stack, place, environment=scene.own_providers).preview()
        same += changed_nothing(f"a preview on the twin of {stage.environment}", result, stack)
    return same


def _planted(scene: Scene, stage: StandingStage, folder: Path) -> str:
    """Move the stage to another account of Cloudflare, which replaces its databases, and require that a preview on the
    twin says so."""
    if not scene.product.databases:
        return "no database to plant a loss of"
    moved = stage.settings.cloudflare.model_copy(update={"account_id": "0" * 32})
    chosen = {f"{SETTINGS}:cloudflare": moved.model_dump(mode="json", by_alias=True)}
    place = folder / f"{stage.environment}-moved"
    twin = twin_of(stage.stack, place, chosen, part="moved-twin", environment=scene.own_providers)
    with twin.muted():
        try:
            changes = [f"{step.action} {step.name}" for step in twin.preview().steps if step.type == _DATABASE]
            seen = [each for each in changes if "replace" in each]
        except StackFailed as stopped:
            changes = list(stopped.details)
            refused = any(_DATABASE in each and "protect" in each for each in changes)
            seen = ["the engine refuses to replace what is protected"] if refused else []
    require(seen, f"the replacement of {stage.environment}'s databases to be seen on its twin", changes or "nothing")
    return f"a planted loss is seen in {stage.environment} ({seen[0]})"


def _hold_no_secret(scene: Scene, files: Iterable[Path]) -> None:
    planted = {f"{e}:{name}": value for e, s in scene.stages.items() for name, value in s.canaries.items()}
    require(planted, "planted secrets to look for", "none")
    secret = {**planted, **minted(scene), "the passphrase of the states": scene.run.passphrase}
    for path in files:
        leaked = canaries.find(secret, path.read_bytes())
        require(not leaked, f"no secret in {path.relative_to(scene.run.path)}", ", ".join(leaked))
