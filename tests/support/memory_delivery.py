"""Releases that come to a stage of memory: its traffic, its stack, what the two versions answer and what was counted.

The deployment, its journal and its watch are real. A version is bad when its code says so, as the proof's release does.
"""

from __future__ import annotations

import itertools
import re
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from bulkhead.clients.d1 import D1
from bulkhead.clients.sql import statements
from bulkhead.clients.workers import Deployment, Share, Version
from bulkhead.delivery.journal import Journal
from bulkhead.delivery.migrations.run import catch_up
from bulkhead.delivery.observed import NOTHING, Minute, Probes
from bulkhead.delivery.plan import Move
from bulkhead.delivery.run import Stack, Visits
from bulkhead.delivery.verdict import Evidence
from bulkhead.delivery.watching import Eyes
from bulkhead.localclouds.cloudflare.counted import Counted
from bulkhead.model.naming import Kind
from bulkhead.model.product import Product
from bulkhead.model.product_rules import calls
from bulkhead.model.settings.models import StageSettings
from bulkhead.rehearsal.delivery import Delivery
from bulkhead.rehearsal.scene import Scene, StandingStage
from bulkhead.resources import types as t
from infra.product import PRODUCT
from tests.support.memory_s3 import MemoryS3

MINUTE: Final = 0.02  # seconds
_PROBES: Final = 5
_BAD: Final = "this release is bad"
_CODE: Final = "var made = {};\nexport {\n  made as default\n};\n"
_BEGAN: Final = datetime(2026, 11, 30, tzinfo=UTC)


def put_code(root: Path, product: Product = PRODUCT) -> None:
    """Put into a checkout what releases are made of: bundles and migrations."""
    for worker in product.workers:
        file = root / worker.bundle
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(_CODE)
    for database in product.databases:
        if database.migrations:
            (root / database.migrations).mkdir(parents=True)
            (root / database.migrations / "0001_begin.sql").write_text("CREATE TABLE members (id TEXT PRIMARY KEY);\n")


@dataclass
class MemoryTraffic:
    """The deployments of a stage's Workers. ``stuck`` are scripts whose requests nobody can move any more."""

    history: dict[str, list[Deployment]] = field(default_factory=dict)
    stuck: set[str] = field(default_factory=set)
    after: list[Callable[[str], object]] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def deployments(self, script: str) -> list[Deployment]:
        return list(self.history.get(script, ()))

    def versions(self, script: str) -> list[Version]:
        return []

    def live(self, script: str) -> Deployment | None:
        return next(iter(self.deployments(script)), None)

    def deploy(self, script: str, shares: Sequence[Share], message: str, *, force: bool = False) -> Deployment:
        made = Deployment(f"d{next(self._numbers)}", _BEGAN, "ci@harbor.example", message, tuple(shares))
        if script not in self.stuck:
            self.history.setdefault(script, []).insert(0, made)
        for effect in self.after:
            effect(message)
        return made


class MemoryReleases:
    """What is of one stage beside its stacks. What a test can break: ``traffic``; ``journal``, its bucket;
    ``unreached``, so that no request of a bad version is counted; ``repeats``, how often a message is handled while two
    versions answer; ``ill``, so that visitors fail whoever answers; ``smokes`` is what a smoke test finds,
    ``stale`` what is wrong with the caches."""

    def __init__(self, settings: StageSettings, root: Path, folder: Path) -> None:
        self.traffic = MemoryTraffic()
        self.journal = MemoryS3()
        self.database = folder / f"{settings.environment}.sqlite"
        self.unreached = False
        self.repeats = 1
        self.ill = False
        self.smokes: Sequence[str] = ()
        self.stale: Sequence[str] = ()
        self.bad: set[str] = set()
        self.ups = 0
        self.product: Product | None = None
        self.uploaded: dict[str, str] = {}
        self._calls: list[tuple[float, str, str]] = []
        self._reached: Counter[str] = Counter()
        self._label = settings.label(PRODUCT.name)
        self.up(PRODUCT, root)
        for script, version in self.uploaded.items():
            self.traffic.deploy(script, [Share(version, 100)], "release 1")
        for each in PRODUCT.databases:
            if each.migrations:
                catch_up(self.d1(), root / each.migrations)

    def d1(self) -> D1:
        api: Any = MemoryD1Api(self, "main")
        return D1(api, "an account", "id-main", "main")

    def script(self, worker: str) -> str:
        return self._label.name(Kind.WORKER, worker)

    def up(self, product: Product, root: Path) -> None:
        if product == self.product:
            return  # an engine uploads nothing that is there already
        self.ups += 1
        self.product = product
        for worker in product.workers:
            version = f"{worker.name}-{self.ups}"
            self.uploaded[self.script(worker.name)] = version
            if _BAD in (root / worker.bundle).read_text():
                self.bad.add(version)

    def visited(self, script: str, path: str, chosen: str) -> bool:
        """Let a visitor ask a Worker, and it those behind it, in the versions ``chosen`` by the header; return whether
        that worked. The first of the product's journeys sends a message to each queue."""
        worker = next(each.name for each in PRODUCT.workers if self.script(each.name) == script)
        versions = [self._called(self.script(name), chosen) for name in (worker, *sorted(calls(PRODUCT)[worker]))]
        for queue in PRODUCT.queues if path == PRODUCT.journeys[0].path else ():
            if queue.consumer:
                for _ in range(self.repeats if self._is_divided else 1):
                    self.called(self.script(queue.consumer))
        return not (self.ill or any(map(self.rots, versions)))

    def called(self, script: str) -> None:
        """Let a message or a cron call a Worker."""
        self._called(script, "")

    def counted(self, first: float, last: float) -> list[Counted]:
        return [
            Counted(int(at), {"scriptName": script, "scriptVersion": version, "status": "success"}, 1, {"requests": 1})
            for at, script, version in tuple(self._calls)
            if first <= at <= last and not (self.unreached and version in self.bad)
        ]

    def rots(self, version: str) -> bool:
        return version in self.bad and self._reached[version] > 1

    @property
    def serves_own_code(self) -> bool:
        """Whether every request is answered by the product's own code, as uploaded last."""
        live = {script: self.traffic.live(script) for script in self.uploaded}
        everybody = {script: each.shares for script, each in live.items() if each}
        own = {script: (Share(version, 100),) for script, version in self.uploaded.items()}
        return self.product is PRODUCT and everybody == own

    @property
    def _is_divided(self) -> bool:
        live = map(self.traffic.live, self.uploaded)
        return any(each is not None and len([s for s in each.shares if s.percent > 0]) > 1 for each in live)

    def _called(self, script: str, chosen: str) -> str:
        live = self.traffic.live(script)
        assert live is not None
        wanted = dict(re.findall(r'([\w-]+)="([^"]+)"', chosen))
        shares = [share for share in live.shares if share.percent > 0]
        # One of two visits gets the new version: who gets which is not what is proven here.
        version = wanted.get(script) or shares[len(self._calls) % len(shares)].version
        self._calls.append((time.time(), script, version))
        self._reached[version] += not chosen
        return version


@dataclass(frozen=True)
class _Stack:
    releases: MemoryReleases
    product: Product
    root: Path

    def up(self, *, triggers: bool, keep: Sequence[str] = ()) -> None:
        self.releases.up(self.product, self.root)

    def settle(self) -> None: ...

    def resources(self) -> Sequence[Mapping[str, Any]]:
        there = self.releases.uploaded
        workers = [{"type": t.WORKER, "id": f"id-{script}", "outputs": {"name": script}} for script in there]
        return workers + [
            {"type": t.WORKER_VERSION, "id": version, "inputs": {"workerId": f"id-{script}"}}
            for script, version in there.items()
        ]


@dataclass(frozen=True)
class _Visits:
    releases: MemoryReleases

    def smoke(self, versions: Mapping[str, str], *, forced: bool) -> Sequence[str]:
        return self.releases.smokes

    def freshen(self) -> Sequence[str]:
        return self.releases.stale


@dataclass(frozen=True)
class _Eyes:
    releases: MemoryReleases

    def look(
        self, at: int, moves: Sequence[Move], new: Mapping[str, str], *, control: bool = True
    ) -> Mapping[str, Sequence[Minute]]:
        return {move.worker: [Minute(at, probes=self._asked(new[move.worker]))] for move in moves}

    def before(self, at: int, moves: Sequence[Move]) -> Mapping[str, Evidence]:
        return {move.worker: Evidence(record=NOTHING) for move in moves}

    def _asked(self, new: str) -> Probes:
        return Probes(_PROBES, new_alone=_PROBES if self.releases.rots(new) else 0)


@dataclass(frozen=True)
class MemoryDelivery(Delivery):
    """A delivery whose stage is memory."""

    releases: Any = None

    @property
    def traffic(self) -> Any:
        return self.releases.traffic

    def stack(self, product: Product) -> Stack:
        return _Stack(self.releases, product, self.scene.root)

    def visits(self, product: Product) -> Visits:
        return _Visits(self.releases)

    def eyes(self, product: Product) -> Eyes:
        return _Eyes(self.releases)


@contextmanager
def memory_delivery(scene: Scene, stage: StandingStage, releases: MemoryReleases) -> Iterator[Delivery]:
    nobody: Any = None
    bucket: Any = releases.journal
    told: list[str] = []
    journal = Journal(bucket, "a-bucket", stage.environment, say=told.append, patience=0.1)
    delivery = MemoryDelivery(scene, stage, nobody, nobody, journal, told, MINUTE, releases=releases)
    try:
        yield delivery
    finally:
        delivery.bring_own()


class MemoryD1Api:
    """The part of Cloudflare's API that has one database, in a file of SQLite."""

    def __init__(self, releases: MemoryReleases, name: str) -> None:
        self._releases = releases
        self._name = name

    def __enter__(self) -> MemoryD1Api:
        return self

    def __exit__(self, *_: object) -> None: ...

    def every(self, path: str, **_: Any) -> Iterator[dict[str, str]]:
        yield {"name": self._name, "uuid": f"id-{self._name}"}

    def post(self, path: str, json: Mapping[str, str], **_: Any) -> list[dict[str, Any]]:
        with closing(sqlite3.connect(self._releases.database, isolation_level=None)) as database:
            database.row_factory = sqlite3.Row
            asked = [database.execute(sql) for sql in statements(json["sql"])]
            return [{"results": [dict(row) for row in cursor.fetchall()]} for cursor in asked]
