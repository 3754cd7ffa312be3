"""The policies find nothing wrong with the stages that stand."""

from __future__ import annotations

from typing import Final

from infra.naming import Stage
from policies.catalogue import NAME, RULES
from rehearsal.engine.stacks import StackFailed
from rehearsal.evidence import Unproven
from rehearsal.proofs.proof import require
from rehearsal.scene import Scene, StandingStage

_PACK: Final = "policies"


def keeps_the_rules(scene: Scene) -> str:
    """A preview of each stage with the policy pack: the pack is asked, and no rule speaks, advisory ones included."""

    def look(stage: StandingStage) -> str:
        wanted = f"no rule to speak in {stage.environment}"
        try:
            result = stage.stack.preview(policy_packs=[scene.root / _PACK])
        except StackFailed as failed:
            raise Unproven(wanted, "; ".join(failed.details) or failed.summary) from failed
        spoken = [f"{said.policy}: {said.message}" for said in result.policies]
        require(not spoken, wanted, "; ".join(spoken))
        require(NAME in result.packs, f"the pack {NAME} to be asked about {stage.environment}", result.packs or "none")
        level = "advisory" if stage.settings.stage is Stage.DEVELOPMENT else "mandatory"
        return f"{stage.environment} ({level})"

    return f"{len(RULES)} rules, and none speaks in {', '.join(scene.in_each_stage(look).values())}"
