"""Backs up and restores a database of the rehearsal with what the schedules and the command have: the deployed jobs by
their own roles, the real calls, and the stage's maintenance."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from bulkhead.clients.d1 import D1
from bulkhead.clients.endpoints import Sites
from bulkhead.clients.visits import Reply, Visitor
from bulkhead.delivery.journal import RESTORE, Journal
from bulkhead.localclouds.functions.environment import unable
from bulkhead.localclouds.functions.functions import Invocation
from bulkhead.localclouds.functions.jobs import Fired, Jobs
from bulkhead.model.product import Database
from bulkhead.operations.backups.place import Place, place_of
from bulkhead.recovery.restore.desk import Desk
from bulkhead.recovery.restore.opening import made
from bulkhead.rehearsal.delivery import journal_in
from bulkhead.rehearsal.evidence import NotShown, Unproven

if TYPE_CHECKING:
    from bulkhead.rehearsal.scene import Scene, StandingStage


@dataclass(frozen=True)
class Recovery:
    """Everything with which the database ``store`` of one stage is backed up and restored. ``told`` is what a person
    would read."""

    scene: Scene
    stage: StandingStage
    store: Database
    database: D1
    place: Place
    desk: Desk
    visitor: Visitor
    told: list[str]

    @property
    def journal(self) -> Journal:
        return self.desk.journal

    def fire(self, task: str, at: datetime) -> Invocation:
        """Let the schedule of a job call it as if it were ``at``; return how it went. Raises Unproven where it fails,
        with the job's own last words."""
        fired = self._called(task, at)
        if fired.failed:
            words = fired.refused or next((each.answer for each in reversed(fired.ran)), "nothing ran")
            raise Unproven(f"the job {fired.schedule} to do its work", words)
        return fired.ran[-1]

    def _called(self, task: str, at: datetime) -> Fired:
        settings = self.stage.settings
        return Jobs(self.scene.moto, settings.aws.account_id, settings.region.primary).fire(task, at)

    def answers(self) -> dict[str, int]:
        """Return with which status each hostname answers who may enter, 0 where nobody does."""
        hosts = sorted(self.scene.product.hostnames(self.stage.settings.cloudflare.hostname).values())
        replies = {host: self.visitor.ask(host, "/", seconds=30.0) for host in hosts}
        return {host: each.status if isinstance(each, Reply) else 0 for host, each in replies.items()}

    def databases(self) -> list[str]:
        """Return the names and ids of all databases in the stage's account."""
        listed = self.database.api.every(f"/accounts/{self.database.account}/d1/database")
        return sorted(f"{each['name']} {each['uuid']}" for each in listed)


@contextmanager
def recovery_of(scene: Scene, stage: StandingStage) -> Iterator[Recovery]:
    """Open what backups and restores of a stage's first database need, with a bucket for its state that is gone
    afterwards. Raises NotShown where this machine cannot run jobs."""
    if reason := unable():
        raise NotShown(reason)
    told: list[str] = []
    store = scene.product.databases[0]
    with (
        journal_in(scene, stage, told.append) as journal,
        scene.cloudflare_api(stage) as api,
        Visitor(Sites(stage.url), stage.token()) as visitor,
        TemporaryDirectory(prefix="restore-", dir=scene.run.path) as folder,
    ):
        place = place_of(stage.settings, scene.product, lambda service: scene.aws(stage, service))
        restores, settings, where = journal.of(RESTORE), stage.settings, Path(folder)
        desk = made(scene.root, settings, scene.product, store, restores, api, visitor, place, where, told.append)
        yield Recovery(scene, stage, store, desk.database, place, desk, visitor, told)
