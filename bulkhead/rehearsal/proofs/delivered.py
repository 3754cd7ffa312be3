"""Releases reach a stage as `bulkhead deploy` brings them: a bad one returns by itself, a killed one is continued, and
a migration that takes something away is refused."""

from __future__ import annotations

import math
import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final

from bulkhead.clients.d1 import D1
from bulkhead.delivery.answers import OVERRIDES, overrides
from bulkhead.delivery.journal import CONTINUE, Entry, Outcome, Run
from bulkhead.delivery.migrations import files
from bulkhead.delivery.migrations.files import Migration
from bulkhead.delivery.migrations.run import planned
from bulkhead.delivery.migrations.stage import Folder, unagreed
from bulkhead.delivery.plan import Plan
from bulkhead.model.naming import Stage
from bulkhead.model.product import HEALTH, Product
from bulkhead.model.product_rules import calls
from bulkhead.preview.waivers import Waivers
from bulkhead.rehearsal.evidence import NotShown
from bulkhead.rehearsal.proofs.proof import require
from bulkhead.rehearsal.releases import Delivery, Releases, delivery_to
from bulkhead.rehearsal.scene import Scene, StandingStage

_INVOCATIONS: Final = "workersInvocationsAdaptive"
_GOOD_FOR: Final = 1500  # ms that the bad release works for people
_AFTER: Final = 20  # visits once it has returned
_PAUSE: Final = 0.02  # seconds between two visits
_PATIENCE: Final = 20.0  # seconds for a queue to be worked off
_SETTLED: Final = 2.0  # seconds without another call, after which none is to come
_FAILED: Final = 500
_STEPS: Final = ("upload", "migrate", "smoke at 0 %", "check", "everybody", "verify", "triggers", "finish")


def returns(scene: Scene) -> str:
    """Bring a release to a stage that works at first and then fails, while people visit; see who got what."""
    stage, worker = _stage(scene), _asked(scene.product)
    with _released(scene, stage) as (delivery, releases):
        before, usual = _live(delivery, scene.product), _handled(scene, stage, delivery, {})
        began = time.time()
        bad = releases.rotting("bad", worker, _GOOD_FOR)
        plan = delivery.plan(bad, "canary", "b" * 40)
        with delivery.journal.held(), _visitors(scene, stage) as seen, _meanwhile(scene, stage, delivery, plan) as also:
            run = delivery.journal.begin({"plan": plan.document()})
            outcome, why = delivery.deployment(bad, plan, run).go()
            during = seen.taken()
            require(outcome is Outcome.STOPPED, "the bad release to return", f"{outcome}: {why}; {delivery.told[-3:]}")
            require(
                _live(delivery, scene.product) == before, f"{before} to serve again", _live(delivery, scene.product)
            )
            seen.wait_for(_AFTER)
            after = seen.taken()
        require(not after.failed, f"{_AFTER} visits after the return to be answered", f"{after.failed} failed")
        counts = _counts(delivery, stage, worker, began)
        new = {version: count for version, count in counts.items() if version != before[worker]}
        require(new, f"requests that the bad release of {worker} answered", counts)
        require(also == usual, f"what came in the middle to be handled as ever, {usual}", also or "nothing came")
    reached = f"{sum(new.values())} of {sum(counts.values())} requests reached it"
    failed = f"{during.failed} visits failed, none of {after.visits} after its return"
    once = ", ".join(f"{name} {count}" for name, count in also.items()) or "nobody"
    where = f"{stage.environment}: {worker} went bad at 10 %"
    return f"{where}; {reached}, {failed}; called by messages and crons in the middle as ever: {once}"


def continued(scene: Scene) -> str:
    """Kill a deployment when it has noted one of its steps; another process goes on from there."""
    stage = _stage(scene)
    with _released(scene, stage) as (delivery, releases):
        good = releases.good("good")
        plan = delivery.plan(good, "blue-green", "c" * 40)
        chance = random.Random(0 if scene.mishaps is None else scene.mishaps.seed)  # noqa: S311 - nothing is secret
        step = chance.choice(_STEPS)
        with delivery.journal.held(), suppress(_Killed):
            run = delivery.journal.begin({"plan": plan.document()})
            mortal: Any = _Mortal(run, step)
            delivery.deployment(good, plan, mortal).go()
        with delivery.journal.held():
            found = delivery.journal.open_run()
            require(found is not None, "the killed deployment to be found", "none")
            if found is not None:
                found.note(CONTINUE, {"why": "its process is gone"})
                outcome, why = delivery.deployment(good, plan, found).go()
                require(outcome is Outcome.DONE, f"the deployment to be continued from {step}", f"{outcome}: {why}")
        live = _live(delivery, scene.product)
        left = [move.worker for move in plan.moves if live[move.worker] == move.stable]
        require(not left, "every Worker to have its new version", f"not {left}")
    return f"{stage.environment}: killed at {step!r} and continued; {len(live)} Workers have the release"


def contract_refused(scene: Scene) -> str:
    """Plan a migration that drops a table which the running code uses: nobody has agreed to that, so it is refused."""
    stage = _stage(scene)
    database = next((each for each in scene.product.databases if each.migrations), None)
    if database is None or database.migrations is None:
        raise NotShown("the product has no database with migrations")
    known = files.read(scene.root / database.migrations)
    with scene.cloudflare_api(stage) as api:
        id_ = scene.database_id(stage, database.name)
        there = D1(api, stage.settings.cloudflare.account_id, id_, database.name)
        (rows,) = there.read("SELECT tbl_name FROM sqlite_master WHERE type = 'table' AND sql IS NOT NULL;")
        made = [row["tbl_name"] for row in rows if any(row["tbl_name"] in each.text for each in known)]
        require(made, f"tables of the migrations in {there.name}", [row["tbl_name"] for row in rows])
        contract = Migration("9999_drop.sql", f'DROP TABLE "{made[0]}";')
        folder = Folder(database.name, there.name, database.migrations, [*known, contract])
        plan = planned(there, folder.migrations, folder.path, "")
        faults = list(unagreed(Stage.STAGING, folder, plan, Waivers("the base branch")))
        (still,) = there.read(f"SELECT count(*) AS n FROM sqlite_master WHERE tbl_name = '{made[0]}';")  # noqa: S608
    require(len(faults) == 1, "one refusal", [str(fault) for fault in faults] or "none")
    require(still[0]["n"], f"{made[0]} to be there still", "it is gone")
    return f"{stage.environment}: {faults[0].file} {faults[0].message}"


class _Killed(BaseException):
    """A deployment's process has ended, as by SIGKILL."""


@dataclass
class _Mortal:
    """A run whose process dies as soon as it has noted ``step``."""

    run: Run
    step: str

    def note(self, step: str, facts: Mapping[str, Any] | None = None) -> Entry:
        entry = self.run.note(step, facts)
        if step == self.step:
            raise _Killed
        return entry

    def __getattr__(self, name: str) -> Any:
        return getattr(self.run, name)


@dataclass(frozen=True)
class _Taken:
    visits: int
    failed: int


@dataclass
class _Seen:
    """What people who visit a stage all the time have met since it was last taken."""

    _visits: int = 0
    _failed: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, status: int) -> None:
        with self._lock:
            self._visits += 1
            self._failed += status >= _FAILED

    def taken(self) -> _Taken:
        with self._lock:
            taken, self._visits, self._failed = _Taken(self._visits, self._failed), 0, 0
        return taken

    def wait_for(self, visits: int) -> None:
        until = time.monotonic() + _PATIENCE
        while self._visits < visits and time.monotonic() < until:
            time.sleep(_PAUSE)


def _stage(scene: Scene) -> StandingStage:
    """Return the stage that releases are brought to: staging, or another one that divides its requests."""
    divided = [each for each in scene.stages.values() if each.settings.rollout.strategy != "all-at-once"]
    if not divided:
        raise NotShown("everybody gets a release at once in these stages: rollout.strategy")
    return next((each for each in divided if not each.settings.protected), divided[0])


def _asked(product: Product) -> str:
    """Return the Worker that goes bad: the one furthest behind the first that a probe reaches."""
    asked = [probe.asked[-1] for probe in product.probes if len(probe.asked) > 1] or [p.worker for p in product.probes]
    if not asked:
        raise NotShown("the product names no probes")
    return asked[0]


@contextmanager
def _released(scene: Scene, stage: StandingStage) -> Iterator[tuple[Delivery, Releases]]:
    releases = Releases(scene.product, scene.run.path.name)
    try:
        with delivery_to(scene, stage) as delivery:
            yield delivery, releases
    finally:
        releases.remove()


def _live(delivery: Delivery, product: Product) -> dict[str, str]:
    """Return the version that answers everybody, by Worker."""
    found = {}
    for worker in product.workers:
        live = delivery.traffic.live(delivery.scene.worker_name(delivery.stage, worker))
        shares = [share for share in live.shares if share.percent > 0] if live else []
        require(len(shares) == 1, f"one version of {worker.name} to answer everybody", shares)
        found[worker.name] = shares[0].version
    return found


def _counts(delivery: Delivery, stage: StandingStage, worker: str, since: float) -> Counter[str]:
    """Return how often each version of a Worker was called, as its analytics counted: by whole seconds, so that of
    ``since`` is counted from its beginning."""
    script, counts = delivery.scene.worker_name(stage, worker), Counter[str]()
    for row in stage.cloud.counted(_INVOCATIONS, math.floor(since), time.time()):
        if row.dimensions["scriptName"] == script:
            counts[str(row.dimensions["scriptVersion"])] += int(row.sums.get("requests", 1))
    return counts


@contextmanager
def _visitors(scene: Scene, stage: StandingStage) -> Iterator[_Seen]:
    """Let somebody visit a stage without a pause, until the end."""
    public = scene.product.public_workers[0].name
    host, key = scene.product.hostnames(stage.settings.cloudflare.hostname)[public], stage.key()
    seen, over = _Seen(), threading.Event()

    def visit() -> None:
        while not over.wait(_PAUSE):
            seen.add(stage.cloud.visit(host, HEALTH, headers=key).status)

    thread = threading.Thread(target=visit, name="visitor", daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


@contextmanager
def _meanwhile(scene: Scene, stage: StandingStage, delivery: Delivery, plan: Plan) -> Iterator[dict[str, int]]:
    """As soon as two versions answer, let messages and crons come; how often they were handled is known at the end."""
    handled: dict[str, int] = {}
    over = threading.Event()

    def act() -> None:
        while not _is_divided(delivery, plan):
            if over.wait(_PAUSE):
                return
        # Visits of our own choose the stable versions: the bad one would send no message at all.
        stable = {move.worker: move.stable for move in plan.moves}
        scripts = {move.worker: move.script for move in plan.moves}
        handled.update(_handled(scene, stage, delivery, {OVERRIDES: overrides(stable, scripts)}))

    thread = threading.Thread(target=act, name="meanwhile", daemon=True)
    thread.start()
    try:
        yield handled
    finally:
        over.set()
        thread.join()


def _handled(scene: Scene, stage: StandingStage, delivery: Delivery, headers: Mapping[str, str]) -> dict[str, int]:
    """Make each journey and run each cron once; return how often each Worker was called that no visitor reaches: by a
    queue, or by its cron."""
    began, product = time.time(), scene.product
    behind = {queue.consumer for queue in product.queues if queue.consumer}
    by_others = set().union(*calls(product).values())
    quiet = [
        worker
        for worker in product.workers
        if (worker.crons or worker.name in behind) and not worker.host and worker.name not in by_others
    ]
    for worker in quiet:
        for cron in worker.crons or ():
            stage.cloud.scheduled(scene.worker_name(stage, worker), cron)
    hosts, key = product.hostnames(stage.settings.cloudflare.hostname), stage.key()
    for journey in product.journeys:
        path, body = journey.marked(uuid.uuid4().hex[:12])
        stage.cloud.visit(hosts[journey.worker], path, method=journey.method, json=body, headers={**key, **headers})
    seen, until = dict[str, int](), time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        now = {each.name: sum(_counts(delivery, stage, each.name, began).values()) for each in quiet}
        if now == seen and all(now.values()):
            break
        seen = now
        time.sleep(_SETTLED)
    return seen


def _is_divided(delivery: Delivery, plan: Plan) -> bool:
    live = [delivery.traffic.live(move.script) for move in plan.moves]
    return all(each is not None and sum(share.percent > 0 for share in each.shares) > 1 for each in live)
