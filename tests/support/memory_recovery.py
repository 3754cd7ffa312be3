"""Backups and restores of a stage of memory: its database is a file of SQLite behind Cloudflare's API, its vault and
journal are in memory. The plan, the run, the dump and what reads it back are real."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from bulkhead.clients import d1
from bulkhead.clients.d1 import D1
from bulkhead.clients.endpoints import CLOUDFLARE
from bulkhead.clients.rest import Rest
from bulkhead.delivery.journal import RESTORE, Journal
from bulkhead.localclouds.functions.functions import Invocation
from bulkhead.localclouds.functions.jobs import Fired
from bulkhead.model.naming import Kind
from bulkhead.operations.backups.place import Place
from bulkhead.recovery.restore.backups import Backups
from bulkhead.recovery.restore.desk import Desk
from bulkhead.rehearsal.recovery import Recovery
from bulkhead.rehearsal.scene import Scene, StandingStage
from jobs import verified
from jobs.folders import Tier
from jobs.vault import Backup
from jobs.verify import read_back
from tests.support.cloudflare_api import ACCOUNT, TOKEN, open_api
from tests.support.d1_databases import dumped, made
from tests.support.memory_s3 import MemoryS3
from tests.support.restoring import NOW
from tests.support.sqlite_stage import SqliteStage
from tests.support.vaulted import Vaulted

_HOST: Final = "harbor.example"


@dataclass
class Kept:
    """What a test can break: ``fails`` are the jobs that do, ``idle`` those that do nothing; ``spoils`` changes a copy
    of the database before that is dumped; ``database`` is what makes the client of the database; ``deaf`` says that
    maintenance never reaches a hostname, ``shut`` that it never ends; ``more`` is what somebody does meanwhile."""

    fails: set[str] = field(default_factory=set)
    idle: set[str] = field(default_factory=set)
    spoils: Callable[[Path], object] = lambda _file: None
    database: type[D1] = D1
    deaf: bool = False
    shut: bool = False
    more: Callable[[D1], object] = lambda _database: None


@dataclass
class _Switch:
    kept: Kept
    told: bool = False
    shown: bool = False

    def is_on(self) -> bool:
        return self.told

    def on(self, until: datetime) -> None:
        self.told, self.shown = True, not self.kept.deaf

    def off(self) -> list[str]:
        self.told, self.shown = False, self.kept.shut and self.shown
        return []


@dataclass(frozen=True)
class MemoryRecovery(Recovery):
    """A recovery whose jobs run here and whose hostnames are a switch."""

    kept: Kept
    switch: _Switch
    vaulted: Vaulted
    file: Path

    def answers(self) -> dict[str, int]:
        return {_HOST: 503 if self.switch.shown else 200}

    def databases(self) -> list[str]:
        self.kept.more(self.database)
        return super().databases()

    def _called(self, task: str, at: datetime) -> Fired:
        error = "JobFailed" if task in self.kept.fails else ""
        if not error and task not in self.kept.idle:
            {"backup": self._backup, "verify": self._verify}[task](at)
        about = ("111111111111", f"job-{task}", "request", 1, "{}", f'"{error}"', error)
        return Fired(f"job-{task}", at, (Invocation(1, *about, seconds=1.0, peak=60, lines=()),))

    def _backup(self, at: datetime) -> None:
        spoilt = self.file.with_suffix(".spoilt")
        spoilt.write_bytes(self.file.read_bytes())
        self.kept.spoils(spoilt)
        sql, manifest = dumped(spoilt, self.place.source(self.store.name))
        self.vaulted.keep(Backup(at, self.store.name, self.stage.settings.stage, Tier.DAILY), sql, manifest)

    def _verify(self, _at: datetime) -> None:
        for backup in self.place.backups(self.store.name):
            verdict = read_back(
                self.place.vault, backup, of=self.place.source(self.store.name), folder=self.file.parent
            )
            self.vaulted.s3.there[verified.place(backup)] = verdict.text().encode()


@contextmanager
def memory_recovery(scene: Scene, stage: StandingStage, kept: Kept) -> Iterator[Recovery]:
    with TemporaryDirectory() as name:
        folder, told = Path(name), list[str]()
        cloud, product, settings = SqliteStage(folder), scene.product, stage.settings
        api = open_api(folder, stage=lambda _environment: cloud)
        rest = Rest(CLOUDFLARE, TOKEN, api.transport())
        try:
            store = product.databases[0]
            called = settings.label(product.name).name(Kind.D1, store.name)
            database = kept.database(rest, ACCOUNT, d1.create(rest, ACCOUNT, called).id, called)
            file = made(cloud.d1_file(database.id), NOW)
            vaulted, switch = Vaulted(folder), _Switch(kept)
            place = Place(settings, product, vaulted.vault, "a-bucket")
            bucket: Any = MemoryS3()
            journal = Journal(bucket, "a-bucket", stage.environment, say=told.append, patience=0.1).of(RESTORE)
            backups = Backups(place, store.name)
            desk = Desk(settings, product, store, (), database, journal, backups, switch, folder, told.append)
            nobody: Any = None
            yield MemoryRecovery(scene, stage, store, database, place, desk, nobody, told, kept, switch, vaulted, file)
        finally:
            rest.__exit__(None, None, None)
            api.journal.close()
            api.resources.store.close()
