"""The steps by which a new version reaches everybody, and what each of them can see at the stage's traffic (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from bulkhead.delivery.verdict import Terms
from bulkhead.model.settings.models import Rollout

Strategy = Literal["all-at-once", "blue-green", "canary"]
FEW: Final = 15.0  # requests a minute; below, a tenth of them tells nothing within hours


@dataclass(frozen=True, slots=True)
class Step:
    """One step. ``new`` and ``stable`` are shares in percent; ``terms`` what `Evidence.entering` takes, None where
    nothing is waited for. ``waits`` and ``sees`` are for people."""

    name: str
    new: int
    terms: Terms | None
    waits: str
    sees: tuple[str, ...] = ()

    @property
    def stable(self) -> int:
        return 100 - self.new


@dataclass(frozen=True, slots=True)
class Road:
    """The steps in their order. ``strategy`` is what they follow, ``why`` says why it is not what the settings say,
    empty where it is. Without ``way_back`` nothing returns once the release is live."""

    strategy: Strategy
    steps: tuple[Step, ...]
    why: str = ""
    way_back: bool = True


def road(
    rollout: Rollout,
    traffic: Mapping[str, float | None],
    classes: Sequence[str] = (),
    strategy: Strategy | None = None,
) -> Road:
    """Return the road of a release. ``traffic`` are the requests a minute of each Worker that moves, None where nobody
    knows; ``classes`` the Workers among them whose classes change. ``strategy`` is what a person insists on."""
    least = min((each or 0.0 for each in traffic.values()), default=0.0)
    chosen: Strategy = strategy or rollout.strategy
    why = ""
    if classes:
        chosen, why = "all-at-once", f"classes of {', '.join(classes)} change"
    elif strategy is None and chosen == "canary" and least < FEW:
        chosen, why = "blue-green", f"{least:g} requests a minute are fewer than {FEW:g}"
    steps = [Step("everybody", 100, None, "nothing")]
    if chosen == "canary":
        steps = [_share(each, rollout) for each in rollout.steps if each < 100] + steps  # noqa: PLR2004 - percent
    if chosen == "blue-green":
        terms = Terms("check", 0, rollout.bake_minutes, users=False)
        steps = [Step("check", 0, terms, f"{rollout.bake_minutes} minutes of probes"), *steps]
    if rollout.watch_minutes:
        watch = Terms("watch", 100, rollout.watch_minutes, last=True, way_back=not classes)
        steps.append(Step("watch", 100, watch, f"at least {rollout.watch_minutes} minutes, and users' requests"))
    return Road(chosen, tuple(steps), why, way_back=not classes)


def _share(percent: int, rollout: Rollout) -> Step:
    terms = Terms(f"{percent} %", percent, rollout.bake_minutes)
    return Step(f"{percent} %", percent, terms, f"at least {rollout.bake_minutes} minutes, and users' requests")
