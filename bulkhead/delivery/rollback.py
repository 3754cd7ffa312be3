"""A stage goes back to the version that answered before: planned from what Cloudflare tells, then one order a Worker.

Neither Pulumi nor the stack's state is asked, so it works while the stack is locked or its backend cannot be reached.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bulkhead.clients.refusals import ApiRefused, Uncertain
from bulkhead.clients.rest import Rest
from bulkhead.clients.workers import SECRETS_CHANGED, Share, Traffic
from bulkhead.delivery import floors, history
from bulkhead.delivery.floors import Ground
from bulkhead.delivery.going_back import Choice, last_release, named
from bulkhead.model.faults import Fault, Refused
from bulkhead.model.product import Product
from bulkhead.model.settings import StageSettings

STAYS: Final = (
    "data in databases, stores and objects, and the migrations that were applied",
    "crons, hostnames and consumers of queues: they are no part of a version",
)
"""What a rollback does not undo."""
PERMISSION: Final = (
    "Cloudflare has no narrower permission for this than Workers Scripts Write: who holds the token can also upload "
    "and delete any Worker of the account."
)


@dataclass(frozen=True, slots=True)
class Step:
    """What becomes of one Worker, and what is known about that."""

    choice: Choice
    ground: Ground

    @property
    def script(self) -> str:
        return self.choice.history.script


class Halted(Exception):
    """An order was refused, or its answer was lost. The Workers ``moved`` answer with their older versions; the one in
    ``doubt`` may do so as well, and is empty where there is none."""

    def __init__(self, moved: tuple[str, ...], refused: Refused, doubt: str) -> None:
        super().__init__(str(refused))
        self.moved = moved
        self.refused = refused
        self.doubt = doubt


def plan(api: Rest, root: Path, product: Product, settings: StageSettings, to: str | None) -> list[Step]:
    """Return what would become of each Worker, callers before what they call. Raises Refused, also where nothing can
    go back."""
    traffic = Traffic(api, settings.cloudflare.account_id)
    with ThreadPoolExecutor() as pool:
        known = pool.submit(floors.databases, api, root, product, settings)
        histories = history.read(traffic, product, settings)
        choices = named(histories, to) if to else last_release(histories)
        grounds = list(pool.map(lambda each: floors.ground(each, traffic, known.result()), choices))
    return [Step(*each) for each in zip(choices, grounds, strict=True)]


def hindrances(steps: Sequence[Step], again: str, *, force: bool) -> list[Fault]:
    """Return what stops a plan: what cannot be done, and without ``force`` what should not. ``again`` is the command
    that forces it."""
    faults = [Fault(each.script, why, "go forward with new code") for each in steps for why in each.ground.stops]
    return faults + [Fault(each.script, why, again) for each in steps if not force for why in each.ground.risks]


def move(
    traffic: Traffic, steps: Sequence[Step], again: str, done: Callable[[Step], None], *, force: bool
) -> tuple[str, ...]:
    """Let all requests of each Worker go to its target, in the order of the steps; stop at the first that is refused,
    because what it calls must not go back before it. Return the scripts. Raises Halted."""
    moved: tuple[str, ...] = ()
    for step in steps:
        target = step.choice.target
        if target is None:
            continue
        message = f"rollback to {f'release {target.release}' if target.release else f'version {target.number}'}"
        try:
            traffic.deploy(step.script, [Share(target.id, 100)], message, force=force)
        except ApiRefused as refused:
            doubt = step.script if isinstance(refused, Uncertain) else ""
            raise Halted(moved, _told(refused, step, again), doubt) from refused
        moved += (step.script,)
        done(step)
    return moved


def _told(refused: ApiRefused, step: Step, again: str) -> Refused:
    if not refused.has(SECRETS_CHANGED):
        return refused
    fix = f"where the old values still open what they are for: {again}"
    return Refused(refused.summary, [Fault(step.script, each.message, fix) for each in refused.faults])
