"""Releases reach a stage as `bulkhead deploy` brings them: a bad one returns by itself, a killed one is continued, and
a migration that takes something away is refused."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from bulkhead.delivery.answers import OVERRIDES, overrides
from bulkhead.delivery.journal import CONTINUE, Outcome
from bulkhead.delivery.migrations.files import Migration
from bulkhead.delivery.migrations.run import planned
from bulkhead.delivery.migrations.stage import Folder, folders, found, unagreed
from bulkhead.delivery.plan import Plan
from bulkhead.model.naming import Stage
from bulkhead.model.product import Product
from bulkhead.preview.waivers import Waivers
from bulkhead.rehearsal.delivery import Delivery
from bulkhead.rehearsal.evidence import NotShown, Unproven
from bulkhead.rehearsal.kills import Killed, Mortal
from bulkhead.rehearsal.proofs.proof import require
from bulkhead.rehearsal.releases import Releases, releases_of
from bulkhead.rehearsal.scene import Scene
from bulkhead.rehearsal.visitors import handled, invocations, visiting

_LONGER: Final = 3  # minutes that the bad release works for people, longer than messages wait in a queue
_GLANCE: Final = 0.2  # minutes between two looks at the traffic: Cloudflare's API takes 1,200 calls in five minutes
_AFTER: Final = 20  # visits once it has returned
STEPS: Final = ("upload", "migrate", "smoke at 0 %", "check", "everybody", "verify", "triggers", "finish")
_TABLES: Final = "SELECT tbl_name FROM sqlite_master WHERE type = 'table' AND sql IS NOT NULL;"


def returns(scene: Scene) -> str:
    """Bring a release to a stage that works at first and then fails, while people visit; see who got what."""
    with _released(scene) as (delivery, releases):
        worker, stage, minute = _goes_bad(scene.product), delivery.stage, delivery.minute
        bad = releases.rotting("bad", worker, int(_good_for(scene.product) * minute * 1000))
        plan = delivery.plan(bad, "canary", "b" * 40)
        live, called = _live(delivery), invocations(scene, stage, worker)
        usual = handled(scene, stage, minute, {})
        with delivery.journal.held(), visiting(scene, stage, minute) as seen, _meanwhile(delivery, plan) as also:
            run = delivery.journal.begin({"plan": plan.document()})
            outcome, why = delivery.deployment(bad, plan, run).go()
            during = seen.taken()
            require(outcome is Outcome.STOPPED, "the bad release to return", f"{outcome}: {why}; {delivery.told[-3:]}")
            now = _live(delivery)
            require(now == live, f"{live} to serve again", now)
            after = seen.after(_AFTER)
        require(not after.failed, f"{_AFTER} visits after the return to be answered", f"{after.failed} failed")
        counts = invocations(scene, stage, worker) - called
        new = counts.total() - counts[live[worker]]
        require(new, f"requests that the bad release of {worker} answered", dict(counts))
        require(also == usual, f"what came in the middle to be handled as ever, {usual}", also or "nothing came")
    reached = f"{new} of {counts.total()} requests reached it"
    failed = f"{during.failed} visits failed, none of {after.visits} after its return"
    once = ", ".join(f"{name} {count}" for name, count in also.items()) or "nobody"
    where = f"{stage.environment}: {worker} went bad at 10 %"
    return f"{where}; {reached}, {failed}; called by messages and crons in the middle as ever: {once}"


def continued(scene: Scene) -> str:
    """Kill a deployment when it has noted one of its steps; another process goes on from there."""
    chance = random.Random(0 if scene.mishaps is None else scene.mishaps.seed)  # noqa: S311 - nothing is secret
    step = chance.choice(STEPS)
    with _released(scene) as (delivery, releases):
        good = releases.good("good")
        plan = delivery.plan(good, "blue-green", "c" * 40)
        with delivery.journal.held():
            killed = delivery.journal.begin({"plan": plan.document()})
            mortal: Any = Mortal(killed, step)
            try:
                outcome, why = delivery.deployment(good, plan, mortal).go()
            except Killed:
                pass
            else:
                raise Unproven(f"the deployment to come to {step!r}, where it is killed", f"{outcome}: {why}")
        with delivery.journal.held():
            run = delivery.journal.open_run()
            if run is None or run.id != killed.id:
                raise Unproven(f"run {killed.id}, which was killed, to be found", "none" if run is None else run.id)
            anew = run.note(CONTINUE, {"why": "its process is gone"})
            outcome, why = delivery.deployment(good, plan, run).go()
        require(outcome is Outcome.DONE, f"the deployment to be continued from {step}", f"{outcome}: {why}")
        noted = [entry.step for entry in run.entries() if entry.number > anew.number]
        require(noted[0] == step, f"it to go on from {step!r}, not from its beginning", noted)
        live = _live(delivery)
        left = [move.worker for move in plan.moves if live[move.worker] == move.stable]
        require(not left, "every Worker to have its new version", f"not {', '.join(left)}")
        unfresh = delivery.visits(good).freshen()
        require(not unfresh, "the caches to be purged and warmed", "; ".join(unfresh))
    return f"{delivery.stage.environment}: killed at {step!r} and continued; {len(live)} Workers have the release"


def contract_refused(scene: Scene) -> str:
    """Plan a migration that drops a table which the running code uses: nobody has agreed to that, so it is refused."""
    stage = next((each for each in scene.stages.values() if each.settings.stage is not Stage.DEVELOPMENT), None)
    if stage is None:
        raise NotShown("development takes any migration; needs another stage")
    folder = next(iter(folders(scene.root, scene.product, stage.settings)), None)
    if folder is None:
        raise NotShown("the product has no database with migrations")
    with scene.cloudflare_api(stage) as api:
        there = found(api, stage.settings, folder)
        tables = [row["tbl_name"] for row in there.read(_TABLES)[0]]
        made = [name for name in tables if any(name in each.text for each in folder.migrations)]
        require(made, f"tables of the migrations in {there.name}", tables or "none")
        drops = Migration("9999_drop.sql", f'DROP TABLE "{made[0]}";')
        more = Folder(folder.database, folder.physical, folder.path, [*folder.migrations, drops])
        plan = planned(there, more.migrations, more.path, "")
        faults = list(unagreed(stage.settings.stage, more, plan, Waivers("the base branch")))
        left = [row["tbl_name"] for row in there.read(_TABLES)[0]]
    require(len(faults) == 1, f"{drops.name} to be refused", [str(fault) for fault in faults] or "it passed")
    require(left == tables, f"the tables of {there.name} as before, {tables}", left)
    return f"{stage.environment}: {faults[0].file} {faults[0].message}"


@contextmanager
def _released(scene: Scene) -> Iterator[tuple[Delivery, Releases]]:
    """Open deliveries to the stage that shows them: staging, or another one that divides its requests."""
    if not scene.product.probes:
        raise NotShown("the product names no probes")
    divided = [each for each in scene.stages.values() if each.settings.rollout.strategy != "all-at-once"]
    if not divided:
        raise NotShown("everybody gets a release at once in these stages: rollout.strategy")
    stage = next((each for each in divided if not each.settings.protected), divided[0])
    with (
        releases_of(scene.product, scene.root, scene.run.path.name) as releases,
        scene.delivery(stage) as delivery,
    ):
        yield delivery, releases


def _goes_bad(product: Product) -> str:
    """Return the last Worker of the probe that reaches the most."""
    return max((probe.asked for probe in product.probes), key=len)[-1]


def _good_for(product: Product) -> float:
    """Return how many minutes the bad release works. The local Cloudflare forgets messages that wait in a queue when a
    version leaves, so those of the proof are to be handled by then."""
    return _LONGER + max((queue.max_wait_ms / 1000 for queue in product.queues if queue.consumer), default=0)


def _live(delivery: Delivery) -> dict[str, str]:
    """Return the version that answers everybody, by Worker."""
    versions = {}
    for worker in delivery.scene.product.workers:
        live = delivery.traffic.live(delivery.scene.worker_name(delivery.stage, worker))
        shares = [share for share in live.shares if share.percent > 0] if live else []
        require(len(shares) == 1, f"one version of {worker.name} to answer everybody", shares)
        versions[worker.name] = shares[0].version
    return versions


@contextmanager
def _meanwhile(delivery: Delivery, plan: Plan) -> Iterator[dict[str, int]]:
    """As soon as two versions answer, let messages and crons come; how often they were handled is known at the end."""
    also: dict[str, int] = {}
    over, failed = threading.Event(), list[Exception]()

    def act() -> None:
        while not _is_divided(delivery, plan):
            if over.wait(_GLANCE * delivery.minute):
                return
        # Journeys of our own choose the stable versions: the bad one would send no message at all.
        stable = {move.worker: move.stable for move in plan.moves}
        scripts = {move.worker: move.script for move in plan.moves}
        try:
            headers = {OVERRIDES: overrides(stable, scripts)}
            also.update(handled(delivery.scene, delivery.stage, delivery.minute, headers))
        except Exception as error:  # of another thread: the proof raises it
            failed.append(error)

    thread = threading.Thread(target=act, name="meanwhile", daemon=True)
    thread.start()
    try:
        yield also
    finally:
        over.set()
        thread.join()
    if failed:
        raise failed[0]


def _is_divided(delivery: Delivery, plan: Plan) -> bool:
    live = (delivery.traffic.live(move.script) for move in plan.moves)
    return all(each is not None and sum(share.percent > 0 for share in each.shares) > 1 for each in live)
