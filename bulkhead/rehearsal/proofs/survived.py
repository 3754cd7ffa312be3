"""A call that fails half-way is survived."""

from __future__ import annotations

from bulkhead.rehearsal.evidence import NotShown
from bulkhead.rehearsal.healing import unknown
from bulkhead.rehearsal.mishaps import met
from bulkhead.rehearsal.proofs.proof import require
from bulkhead.rehearsal.scene import Scene


def mishaps(scene: Scene) -> str:
    """Development has met the calls that were planned to fail; each `up` that stopped said what to do, and what the
    clouds have now, the state has."""
    known = scene.mishaps
    if known is None or not known.planned:
        raise NotShown("needs a development that is brought up from nothing")
    missed = [fault for fault in known.planned if fault not in met(scene.run.calls, known.planned)]
    require(not missed, f"{'; '.join(map(str, missed))} to be met", "it was not asked")
    for complaint in known.complaints:
        require("bulkhead adopt" in complaint, "an up that stops to name `bulkhead adopt`", complaint)
    stage = next(each for each in scene.stages.values() if each.environment == known.environment)
    orphans = [f"{record.type} {record.id}" for record in unknown(scene, stage)]
    require(not orphans, f"the state of {stage.environment} to know all that its clouds have", ", ".join(orphans))
    went_on = f"up stopped {len(known.complaints)}x, adopted: {', '.join(known.adopted) or 'nothing'}"
    return f"--seed {known.seed}: {'; '.join(map(str, known.planned))}; {went_on}; then it converged"
