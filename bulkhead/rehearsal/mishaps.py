"""Two calls of development's first `up` fail half-way, and the stage goes on as a person would: adopt what was made all
the same, then up again."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bulkhead.engine.inline_stack import StackFailed
from bulkhead.localclouds.api import faults
from bulkhead.localclouds.api.faults import Failing, PlannedFault
from bulkhead.localclouds.api.journal import Journal
from bulkhead.model.faults import Refused
from bulkhead.model.naming import Stage
from bulkhead.operations.adopt.engine_plan import created
from bulkhead.rehearsal.faults import Act, writes
from bulkhead.rehearsal.healing import adopt

if TYPE_CHECKING:
    from bulkhead.rehearsal.scene import Scene, StandingStage

_FEW = 2


def met(journal: Path, planned: Iterable[PlannedFault]) -> list[PlannedFault]:
    """Return which of the planned failures were met, by the journal of the calls."""
    with Journal(journal) as calls:
        seen = {(call.method, call.route, call.code) for call in calls}
    return [fault for fault in planned if (fault.method, fault.route, str(fault.failing)) in seen]


@dataclass
class Mishaps:
    """What was planned and what came of it. It is ``environment`` that meets it; the same ``seed`` plans the
    same for the same product. ``complaints`` are
    what each `up` said that stopped, ``adopted`` the names of what was taken in after it."""

    seed: int
    environment: str = Stage.DEVELOPMENT
    planned: tuple[PlannedFault, ...] = ()
    complaints: list[str] = field(default_factory=list)
    adopted: list[str] = field(default_factory=list)

    def up(self, scene: Scene, stage: StandingStage) -> None:
        """Bring a stage up that has no state yet. Raises StackFailed where it does not come up in the end."""
        with tempfile.TemporaryDirectory(dir=scene.run.tmp) as name:
            folder = Path(name)
            types = {state["type"] for state in created(stage.stack.plan(folder / "plan.json")).values()}
            self.planned = tuple(self._chosen(types, stage.settings.cloudflare.account_id))
            faults.plan(scene.run.faults, self.planned)
            for _ in self.planned:  # each can stop one `up`
                try:
                    with stage.stack.muted():
                        stage.stack.up()
                except StackFailed as stopped:
                    if not met(scene.run.calls, self.planned):
                        break  # something else is wrong: the next `up` shows it
                    self.complaints.append(str(stopped))
                    try:
                        self.adopted += adopt(scene, stage, stage.stack, folder)
                    except Refused:
                        break  # the same: a right that is missing stops whoever looks, too
                else:
                    return
            stage.stack.up()

    def _chosen(self, types: set[str], account: str) -> list[PlannedFault]:
        """Return what fails of the creates of these types in an account."""
        chance = random.Random(self.seed)  # noqa: S311 - nothing is secret about it
        creates = [write for write in writes() if write.act is Act.CREATE and write.type in types]
        return [
            PlannedFault(write.method, write.route, chance.choice([*Failing]), within=f"/{account}/")
            for write in chance.sample(creates, _FEW)
        ]
