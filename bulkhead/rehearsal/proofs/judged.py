"""The policies find nothing wrong with the stages that stand."""

from __future__ import annotations

from bulkhead.engine.inline_stack import StackFailed
from bulkhead.rehearsal.evidence import Unproven
from bulkhead.rehearsal.proofs.proof import require
from bulkhead.rehearsal.scene import Scene, StandingStage
from policies.catalogue import FOLDER, NAME, RULES
from policies.rule import level_in


def keeps_the_rules(scene: Scene) -> str:
    """A preview of each stage with the policy pack: the pack is asked, and no rule speaks, advisory ones included."""

    def look(stage: StandingStage) -> str:
        wanted = f"no rule to speak in {stage.environment}"
        for stack in stage.stacks:
            try:
                result = stack.preview(policy_packs=[FOLDER])
            except StackFailed as failed:
                raise Unproven(wanted, "; ".join(failed.details) or failed.summary) from failed
            messages = [f"{message.policy}: {message.message}" for message in result.policies]
            require(not messages, wanted, "; ".join(messages))
            require(
                NAME in result.packs, f"the pack {NAME} to be asked about {stage.environment}", result.packs or "none"
            )
        return f"{stage.environment} ({level_in(stage.settings.stage)})"

    return f"{len(RULES)} rules, and none speaks in {', '.join(scene.in_each_stage(look).values())}"
