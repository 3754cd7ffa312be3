"""A game day: production comes up on local clouds, its data is copied by the jobs, and then everything is destroyed but
the vault's copy in the other region. The very steps of `bulkhead recover` bring it back elsewhere, and are timed."""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

import psutil

from bulkhead.clients.rest import Rest
from bulkhead.delivery.run import Visits
from bulkhead.delivery.visits import StageVisits
from bulkhead.localclouds.command import clouds_command
from bulkhead.localclouds.functions.jobs import Jobs
from bulkhead.machine import egress
from bulkhead.machine.lifetime import Clock, Life, ended_by_signals, lived
from bulkhead.model import project
from bulkhead.model.failures import Failed
from bulkhead.model.naming import Stage
from bulkhead.model.product import Place as Where
from bulkhead.model.product import Product
from bulkhead.model.settings import StageSettings
from bulkhead.model.settings.keys import CLOUDFLARE_TOKEN
from bulkhead.model.settings.paths import stack_file
from bulkhead.model.settings.reader import read
from bulkhead.operations.bootstrap.clients import Clients
from bulkhead.recovery.total.choosing import plan_of
from bulkhead.recovery.total.ground import Ground, bootstrapped
from bulkhead.recovery.total.into import read_new_place
from bulkhead.recovery.total.opening import left_of
from bulkhead.recovery.total.record import Record
from bulkhead.recovery.total.report import Measured
from bulkhead.recovery.total.run import Recovery
from bulkhead.rehearsal import run
from bulkhead.rehearsal.delivery import prober_of
from bulkhead.rehearsal.healing import heal
from bulkhead.rehearsal.progress import Progress
from bulkhead.rehearsal.proofs.proof import require
from bulkhead.rehearsal.proofs.working import travel_once
from bulkhead.rehearsal.scene import Scene, StandingStage
from bulkhead.resources.catalogue import TRIGGERS

_STAGE: Final = Stage.PRODUCTION.value
_JOBS: Final = ("backup", "mirror")
_MARKS: Final = "gameday_mark"
# Accounts and a zone of nobody: everything of a game day is on this machine.
_CLOUDFLARE: Final = "0badc0de" * 4
_ZONE: Final = "5afe5afe" * 4
_AWS: Final = "424242424242"


@dataclass(frozen=True, slots=True)
class GameDay:
    """What came of it. ``stores`` is how many were compared, ``seconds`` what all of it took."""

    measured: Measured
    stores: int
    seconds: float

    def document(self) -> dict[str, Any]:
        return {**self.measured.document(), "stores": self.stores, "seconds": self.seconds}


def play(progress: Progress) -> GameDay:
    """Lose production and bring it back. Raises Refused, Failed or Unproven where that does not work."""
    clock, ending = Clock(), ExitStack()
    with ended_by_signals(), ending:
        cast = run.cast_of(run.Wish(stages=(_STAGE,)), progress)
        product, settings = cast.product, cast.settings[_STAGE]
        old = ending.enter_context(_life(clock))
        scene = ending.enter_context(_standing(cast, old, progress))
        bootstrapped(product, settings, _clients(scene))
        run.bring_up(scene, progress)
        kept, lost = uuid.uuid4().hex[:12], uuid.uuid4().hex[:12]
        _used(scene, kept)
        _copied(scene, progress)
        _used(scene, lost)
        lost_at = datetime.now(UTC)
        progress.step(_STAGE, "destroying its Cloudflare and its state")
        _destroy(old)
        progress.done(_STAGE, "lost: all but the vault's copy in the other region")
        place, chosen = _elsewhere(old.run.path, settings, product)
        new = ending.enter_context(_life(clock))
        cast = replace(cast, settings={_STAGE: place}, chosen=chosen)
        there = ending.enter_context(_standing(cast, new, progress))
        measured = _recovered(scene, there, lost_at, progress)
        stores = _require_same(there, kept, lost)
    return GameDay(measured, stores, clock.seconds)


def _life(clock: Clock) -> AbstractContextManager[Life]:
    return lived(project.ROOT, keep=False, command=clouds_command([_STAGE]), clock=clock)


@contextmanager
def _standing(cast: run.Cast, life: Life, progress: Progress) -> Iterator[Scene]:
    with egress.Traps(life.run.logs, life.run.mark) as traps:
        yield run.set_up(cast, life, traps, progress, run.Wish(stages=(_STAGE,)))


def _clients(scene: Scene) -> Clients:
    return Clients(*(scene.aws(scene.stages[_STAGE], service) for service in ("s3", "kms", "iam", "sts")))


def _used(scene: Scene, mark: str) -> None:
    """Use the stage as its users do, and leave a mark in every database and bucket."""
    stage = scene.stages[_STAGE]
    for journey in scene.product.journeys:
        travel_once(scene, stage, journey, mark)
    for place, name, id_ in scene.stores(stage):
        match place:
            case Where.DATABASE:
                stage.cloud.d1_query(id_, f"CREATE TABLE IF NOT EXISTS {_MARKS} (word TEXT NOT NULL)")
                stage.cloud.d1_query(id_, f"INSERT INTO {_MARKS} (word) VALUES (?)", [mark])  # noqa: S608 - our own
            case Where.BUCKET:
                stage.cloud.r2_put(id_, f"{_MARKS}/{mark}", f"{name} {mark}")


def _copied(scene: Scene, progress: Progress) -> None:
    """Let the jobs copy everything, each by its schedule and with its own role."""
    settings = scene.stages[_STAGE].settings
    jobs = Jobs(scene.moto, settings.aws.account_id, settings.region.primary)
    for task in _JOBS:
        progress.step(_STAGE, f"the job {task}")
        fired = jobs.fire(task, datetime.now(UTC).replace(microsecond=0))
        if fired.failed:
            raise Failed(f"The job {task} failed.", [fired.refused, *(each.answer for each in fired.ran[-1:])])
    progress.done(_STAGE, f"copied by {' and '.join(_JOBS)}")


def _destroy(life: Life) -> None:
    """Kill the stage's Cloudflare, and remove all that it has stored and the engine's state. Of the local AWS only the
    vault's copy is looked at from here on."""
    for process in psutil.Process(life.clouds["pid"]).children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            process.kill()
    for folder in (life.run.state, life.run.cloudflare(_STAGE), life.run.work(_STAGE)):
        shutil.rmtree(folder)


def _elsewhere(folder: Path, settings: StageSettings, product: Product) -> tuple[StageSettings, Mapping[str, Any]]:
    """Write the settings of the new place into a file, and return them as the command reads them."""
    kept = read(project.ROOT / stack_file(_STAGE))
    raw = {key: value for key, value in kept.config.items() if key not in kept.secret_keys}
    cloudflare = {**raw["bulkhead:cloudflare"], "accountId": _CLOUDFLARE, "zoneId": _ZONE}
    region = {"primary": settings.backup.replica_region, "d1": settings.region.d1, "r2": settings.region.r2}
    chosen = {
        "bulkhead:cloudflare": cloudflare,
        "bulkhead:aws": {"accountId": _AWS, "roleArn": f"arn:aws:iam::{_AWS}:role/bulkhead-{_STAGE}"},
        "bulkhead:region": region,
        "bulkhead:backup": {**raw.get("bulkhead:backup", {}), "replicaRegion": settings.region.primary},
    }
    file = folder / stack_file("elsewhere")
    file.write_text(json.dumps({"config": {**raw, **chosen}}), encoding="utf-8")
    return read_new_place(file, settings, product), chosen


def _recovered(old: Scene, new: Scene, lost_at: datetime, progress: Progress) -> Measured:
    """Plan a recovery with the replica alone, and carry it out."""
    lost, stage = old.stages[_STAGE].settings, new.stages[_STAGE]
    left = left_of(lost, old.product, lambda region: old.aws(old.stages[_STAGE], "s3", region), replica=True)

    def identities() -> str:
        stage.identities.up()
        stage.stack.keep_secret(CLOUDFLARE_TOKEN, stage.identities.outputs()["deployToken"])
        return f"{len(stage.identities.resources())} resources"

    @contextmanager
    def visits(api: Rest) -> Iterator[Visits]:
        with prober_of(new, stage) as prober:
            yield StageVisits(prober, new.product, stage.settings, api, progress.note)

    ground = Ground(
        new.root,
        stage.settings,
        new.product,
        lost_at,
        _clients(new),
        identities,
        _Stack(new, stage),
        partial(new.cloudflare_api, stage),
        lambda bucket, _api: left.mirror(bucket, stage.cloud.s3().client(), stage.settings),
        visits,
    )
    record = Record(new.run.path / "recovery.json")
    plan = plan_of(left.books, stage.settings, left.mirror, lost_at, progress.note)
    record.begin(plan)
    Recovery(plan, left.books, ground, record, progress.note).carry_out()
    return Measured(plan, tuple(record.done().values()))


@dataclass(frozen=True)
class _Stack:
    scene: Scene
    stage: StandingStage

    def up(self, *, triggers: bool, keep: Sequence[str] = ()) -> None:
        self.stage.stack.up(left=[*keep, *(() if triggers else TRIGGERS)])

    def settle(self) -> None:
        heal(self.scene, self.stage, self.stage.stack)

    def resources(self) -> Sequence[Mapping[str, Any]]:
        return self.stage.stack.resources()


def _require_same(scene: Scene, kept: str, lost: str) -> int:
    """Return how many stores have what was written before the copy. Raises Unproven where one lacks it, or has what
    came later, which no copy has: then something else than the copy was looked at."""
    stage, found = scene.stages[_STAGE], 0
    for place, name, text in scene.contents(stage):
        if place in {Where.DATABASE, Where.BUCKET}:
            require(kept in text, f"{kept} in {place} {name}", "it is not there")
            require(lost not in text, f"nothing in {place} {name} that was written after the copy", lost)
            found += 1
    require(found, "databases or buckets to look into", "none")
    return found
