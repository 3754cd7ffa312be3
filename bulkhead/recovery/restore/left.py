"""What a person has left to do when a database was made anew: the Workers are still bound to the one before (pure)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any, Final

from bulkhead.delivery.door import PASS
from bulkhead.model.naming import Kind, Stage
from bulkhead.model.settings.paths import set_command
from bulkhead.model.settings.stores import place_of
from bulkhead.preview.losses.switches import SWITCHED
from bulkhead.preview.waivers import PATH
from bulkhead.recovery.restore.desk import Desk
from bulkhead.recovery.restore.plan import Plan

_VALID: Final = timedelta(days=7)  # of a waiver: long enough for two reviews, too short to be forgotten


@dataclass(frozen=True, slots=True)
class Left:
    """``setting`` names the database in the stage's file, None where it has its name by that already; ``waivers`` are
    the rows that let the Workers switch, empty where the stage needs none; then ``commands``, in their order."""

    setting: str | None
    waivers: tuple[str, ...]
    commands: tuple[str, ...]

    def lines(self) -> list[str]:
        """Return it as a person reads it."""
        setting = [f"  {self.setting}", "  and commit that file"] if self.setting else []
        rows = [f"  merge these rows of {PATH}, in a pull request of their own:"] if self.waivers else []
        return [*setting, *rows, *self.waivers, *(f"  {each}" for each in self.commands)]

    def document(self) -> dict[str, Any]:
        return asdict(self)


def left(desk: Desk, plan: Plan, uploads: Sequence[str], today: date) -> Left:
    """Return what is left after a plan was carried out; ``uploads`` are the URNs of what is bound to the database that
    was before."""
    stage, is_named = plan.stage, desk.database.name == plan.database
    setting = None if is_named else set_command(place_of(Kind.D1, plan.store), plan.database, stage)
    needed = desk.settings.stage is not Stage.DEVELOPMENT
    waivers = [line for urn in uploads for line in _waiver(plan, urn, today)] if needed else []
    deploy = (
        f"bulkhead maintenance on {stage} --until 1h   # users wait on; it shows a pass",
        f"{PASS}=<the pass> bulkhead deploy {stage} --now",
        f"bulkhead maintenance off {stage}",
    )
    return Left(setting, tuple(waivers), deploy)


def _waiver(plan: Plan, urn: str, today: date) -> list[str]:
    return [
        f"  - resource: {json.dumps(urn)}",
        f"    loss: {SWITCHED}",
        f"    stage: {plan.stage}",
        f"    reason: {json.dumps(f'{plan.store} was made anew as {plan.database} from {plan.source}')}",
        f'    until: "{today + _VALID}"',
        '    approvedBy: "@who-agrees"',
    ]
