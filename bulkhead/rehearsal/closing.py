"""The last proofs: that the stages are removed, and that nothing of the rehearsal is left."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from bulkhead.engine import canaries
from bulkhead.machine.lifetime import traces
from bulkhead.machine.rundir import RunDir
from bulkhead.model.naming import Stage
from bulkhead.rehearsal.evidence import NotShown, Report
from bulkhead.rehearsal.proofs.lasting import remove
from bulkhead.rehearsal.proofs.proof import Proof, existing, require
from bulkhead.rehearsal.report import render
from bulkhead.rehearsal.scene import Scene


def report_is_clean(planted: Mapping[str, str], report: Report) -> Proof:
    """Return the proof that the report itself shows no secret."""

    def show(_: object) -> str:
        require(planted, "planted secrets to look for", "none")
        page = render(report)
        leaked = canaries.find(planted, page)
        require(not leaked, "no secret in the report", ", ".join(leaked))
        return f"{len(planted)} planted secrets looked for in {len(page) // 1024} KiB"

    return Proof("report", "the report shows no secret", show)


def nothing_left(run: RunDir, watchdog_gone: Callable[[], bool]) -> Proof:
    """Return the proof that the rehearsal left no process, lock or temporary directory."""

    def show(_: object) -> str:
        if not run.temporary:
            raise NotShown("--keep leaves the stages running; end them with: bulkhead rehearse --stop")
        left = [*traces(run), *([] if watchdog_gone() else ["the watchdog"])]
        require(not left, "no process, lock or temporary directory to be left", "; ".join(left))
        return "0 processes carry the rehearsal's mark; its directory, locks and watchdog are gone"

    return Proof("no-trace", "no process, lock or temporary directory is left", show)


def _stages_gone(scene: Scene) -> str:
    summaries = []
    for stage in scene.stages.values():
        match stage.settings.stage:
            case Stage.PRODUCTION:
                count = len(existing(scene, stage))
                summaries.append(
                    f"{stage.environment}: {count} resources discarded with their cloud, as it is protected"
                )
            case Stage.DEVELOPMENT if not scene.records(stage) and not stage.resources():
                summaries.append(f"{stage.environment}: gone before")
            case _:
                summaries.append(f"{stage.environment}: {remove(scene, stage)} resources removed")
    if not any(stage.settings.stage is Stage.STAGING for stage in scene.stages.values()):
        raise NotShown(f"staging is not part of this rehearsal ({'; '.join(summaries)})")
    return "; ".join(summaries)


STAGES_GONE: Final = Proof(
    "staging-goes",
    "staging is removed by the engine; production's cloud is discarded as a machine would be",
    _stages_gone,
)
