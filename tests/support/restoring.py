"""A database that is restored: D1 over files of SQLite, a journal in memory, and kills wherever something is asked."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from bulkhead.clients import d1
from bulkhead.clients.d1 import D1
from bulkhead.clients.endpoints import CLOUDFLARE
from bulkhead.clients.rest import Rest
from bulkhead.delivery.journal import CONTINUE, RESTORE, Journal, Outcome
from bulkhead.localclouds.cloudflare.local import LocalCloudflare
from bulkhead.machine.owner import Owner
from bulkhead.recovery.restore.plan import Cause, Plan
from bulkhead.recovery.restore.run import Restore, World
from bulkhead.recovery.restore.waiting import Dump
from tests.support.cloudflare_api import ACCOUNT, TOKEN, Api, open_api
from tests.support.d1_databases import contents, dumped, made
from tests.support.memory_s3 import MemoryS3
from tests.support.sqlite_stage import SqliteStage

SCRATCH = "harbor-staging-d1-scratch-main"
SOURCE = "staging/main"
LEDGER = (
    "CREATE TABLE d1_migrations (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, "
    "applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL)",
    "INSERT INTO d1_migrations (name) VALUES ('0001_a.sql')",
)
THEN = (*LEDGER, "CREATE TABLE members (id INTEGER PRIMARY KEY, nick TEXT)", "INSERT INTO members VALUES (1, 'ann')")
NOW = (*LEDGER, "CREATE TABLE members (id INTEGER PRIMARY KEY, nick TEXT)", "INSERT INTO members VALUES (2, 'bob')")


class Killed(BaseException):
    """The process is gone."""


@dataclass
class Kills:
    """Counts what is asked, and kills at the wanted one: before it is done, or after it was done."""

    at: int = -1
    after: bool = False
    seen: list[str] = field(default_factory=list)

    def around(self, name: str, doing: Callable[[], Any]) -> Any:
        number = len(self.seen)
        self.seen.append(name)
        if number == self.at and not self.after:
            raise Killed(name)
        done = doing()
        if number == self.at:
            raise Killed(name)
        return done


class _Transport(httpx.BaseTransport):
    def __init__(self, inner: httpx.BaseTransport, kills: Callable[[], Kills]) -> None:
        self._inner, self._kills = inner, kills

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if request.method == "GET" or path.endswith(("/raw", "/query")):
            return self._inner.handle_request(request)
        name = f"{request.method} {path.rpartition('/')[2]}"
        answer: httpx.Response = self._kills().around(name, lambda: self._inner.handle_request(request))
        return answer


@dataclass
class Switch:
    """The maintenance of a stage: whether users wait, and what it was told."""

    kills: Callable[[], Kills]
    on_: bool = False
    until: datetime | None = None
    told: list[str] = field(default_factory=list)

    def is_on(self) -> bool:
        return self.on_

    def on(self, until: datetime) -> None:
        def switch() -> None:
            self.on_, self.until = True, until
            self.told.append("on")

        self.kills().around("maintenance on", switch)

    def off(self) -> list[str]:
        def switch() -> list[str]:
            self.on_ = False
            self.told.append("off")
            return []

        off: list[str] = self.kills().around("maintenance off", switch)
        return off


class _KillingS3(MemoryS3):
    def __init__(self, kills: Callable[[], Kills]) -> None:
        super().__init__()
        self._kills = kills

    def put_object(self, **request: Any) -> Any:
        if request["Key"].endswith("lease.json"):
            return super().put_object(**request)
        return self._kills().around("note", lambda: super(_KillingS3, self).put_object(**request))


class Restoring:
    """The stage; each `run` is a process of its own."""

    def __init__(self, folder: Path, there: Sequence[str] = NOW, running: LocalCloudflare | None = None) -> None:
        self.folder = folder
        self.kills = Kills()
        self.stage: Any = running.client if running else SqliteStage(folder)
        self.ahead = 0.0
        where: Any = {"running": running} if running else {"stage": lambda _environment: self.stage}
        self.api: Api = open_api(folder, clock=lambda: time.time() + self.ahead, **where)
        self.rest = Rest(CLOUDFLARE, TOKEN, _Transport(self.api.transport(), lambda: self.kills))
        self.database: D1 = d1.create(self.rest, ACCOUNT, "harbor-staging-d1-main")
        if running:
            batch = {"batch": [{"sql": each} for each in there]}
            self.rest.post(f"/accounts/{ACCOUNT}/d1/database/{self.database.id}/raw", batch)
        else:
            made(self.file, there)
        self.switch = Switch(lambda: self.kills)
        self.s3: Any = _KillingS3(lambda: self.kills)
        self.said: list[str] = []
        self._processes = 0

    @property
    def file(self) -> Path:
        found: Path = self.stage.d1_file(self.database.id)
        return found

    def close(self) -> None:
        self.rest._client.close()
        self.api.journal.close()
        self.api.resources.store.close()

    def journal(self) -> Journal:
        self._processes += 1
        me = Owner("a", "b", f"place-{self._processes}", self._processes, 1.0)
        return Journal(self.s3, "a-bucket", "staging", me=me, patience=0.05).of(RESTORE)

    def backup(self, statements: Sequence[str] = THEN, source: str = SOURCE) -> Dump:
        """Return the dump of another database."""
        folder = self.folder / f"backup-{len(list(self.folder.glob('backup-*')))}"
        folder.mkdir()
        sql, manifest = dumped(made(folder / "source.sqlite", statements), source)
        (folder / "dump.sql").write_bytes(sql)
        return Dump(folder / "dump.sql", manifest)

    def plan(self, dump: Dump | None = None, bookmark: str = "", **changes: Any) -> Plan:
        cause = Cause.BACKUP if dump else Cause.MOMENT
        content = dump.manifest.sha256 if dump else bookmark
        plan = Plan(
            "staging", "main", self.database.name, self.database.id, cause, "then", content, ("0001_a.sql",), True
        )
        return replace(plan, **changes)

    def world(self, dump: Dump | None = None, **changes: Any) -> World:
        def fetch() -> Dump:
            assert dump
            return dump

        world = World(
            self.database,
            self.switch,
            fetch,
            SCRATCH,
            "apac",
            timedelta(),
            "bulkhead migrate staging",
            self.said.append,
        )
        return replace(world, **changes)

    def run(
        self, plan: Plan, dump: Dump | None = None, *, give_up: str = "", **changes: Any
    ) -> tuple[Outcome | None, str]:
        """Begin the plan, or continue what has not ended."""
        journal = self.journal()
        with self.held(journal):
            run = journal.open_run()
            if run is None:
                run = journal.begin({"plan": plan.document()})
            else:
                run.note(CONTINUE)
            restore = Restore(self.world(dump, **changes), plan, run)
            return restore.give_up(give_up) if give_up else restore.carry_out()

    @contextmanager
    def held(self, journal: Journal) -> Iterator[None]:
        journal.lease._length = timedelta(seconds=0)  # a killed process is not waited for
        journal.lease.take()
        journal.lease._length = timedelta(seconds=90)
        journal.lease.renew()
        try:
            yield
        finally:
            journal.lease._release()

    def pass_time(self, time: timedelta) -> None:
        """Let the clock of the cloud go on. That the database was the same until then is known there."""
        self.database.bookmark()
        self.ahead += time.total_seconds()
        self.database.bookmark()

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(time.time() + self.ahead, UTC)

    def rows(self, sql: str = "SELECT nick FROM members ORDER BY id") -> list[Any]:
        return [row[0] for row in self.database.raw(sql)]

    def content(self) -> dict[str, list[Any]]:
        return contents(self.file)

    def names(self) -> list[str]:
        """Return which databases there are."""
        return [str(each["name"]) for each in self.rest.every(f"/accounts/{ACCOUNT}/d1/database")]


@contextmanager
def restoring(folder: Path, there: Sequence[str] = NOW, running: LocalCloudflare | None = None) -> Iterator[Restoring]:
    stage = Restoring(folder, there, running)
    try:
        yield stage
    finally:
        stage.close()
