"""What a proof is: a claim, and a way of showing it that can fail."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from bulkhead.engine.inline_stack import InlineStack
from bulkhead.localclouds.providers.store import Record
from bulkhead.model.failures import Failed
from bulkhead.rehearsal.evidence import NotShown, Outcome, Unproven, Verdict
from bulkhead.rehearsal.scene import Scene, StandingStage


@dataclass(frozen=True, slots=True)
class Proof:
    """``show`` returns the evidence as one line, raises Unproven when the claim is false, or NotShown when it cannot
    be tried in this rehearsal. ``removes`` says that trying it takes a stage away."""

    key: str
    claim: str
    show: Callable[[Scene], str]
    removes: bool = False

    def kept(self) -> Verdict:
        """Say that it was not tried, because the stages are to stay."""
        return Verdict(self.key, self.claim, Outcome.NOT_SHOWN, "--keep leaves the stages running")

    def verdict(self, scene: Scene) -> Verdict:
        """Try it. A part of the rehearsal that breaks on the way is a failed proof too, never a passed one."""
        start = time.monotonic()

        def ended(outcome: Outcome, evidence: str, expected: str = "", seen: str = "") -> Verdict:
            return Verdict(self.key, self.claim, outcome, evidence, expected, seen, round(time.monotonic() - start, 2))

        try:
            return ended(Outcome.PROVEN, self.show(scene))
        except NotShown as reason:
            return ended(Outcome.NOT_SHOWN, str(reason))
        except Unproven as unproven:
            return ended(Outcome.FAILED, "", unproven.expected, unproven.seen)
        except Failed as failed:
            return ended(
                Outcome.FAILED, "", "the proof to run to its end", "; ".join([failed.summary, *failed.details])
            )
        except Exception as broken:  # whatever broke, the other proofs and the clean-up still come
            return ended(Outcome.FAILED, "", "the proof to run to its end", f"{type(broken).__name__}: {broken}")


def require(condition: object, expected: str, seen: object) -> None:
    """Raise Unproven unless ``condition`` holds."""
    if not condition:
        raise Unproven(expected, str(seen))


def existing(scene: Scene, stage: StandingStage) -> list[Record]:
    """Return the resources of ``stage``. Raises Unproven when its clouds hold none: of nothing, anything is true."""
    records = scene.records(stage)
    require(records, f"resources of {stage.environment} in the clouds", "none")
    return records


def managed(stack: InlineStack) -> list[str]:
    """Return the URNs of what the engine manages in a cloud: no component, no provider, not the stack itself, nothing
    that it only reads. A refused `destroy` may forget those, and the next `up` has them again."""
    return [r["urn"] for r in stack.resources() if r.get("custom") and not r["type"].startswith("pulumi:")]


def several_stages(scene: Scene) -> None:
    """Raise NotShown when there is only one stage to compare."""
    if len(scene.stages) < 2:  # noqa: PLR2004 - a comparison takes two
        raise NotShown("needs two stages; run without --stage")
