"""Brings a release to a stage of the rehearsal with the commands' own machinery: the real engine, the real calls, and a
minute that is a second."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from bulkhead.clients.endpoints import Sites
from bulkhead.clients.rest import Rest
from bulkhead.clients.workers import Traffic
from bulkhead.delivery.eyes import StageEyes
from bulkhead.delivery.history import read
from bulkhead.delivery.journal import Journal, Run
from bulkhead.delivery.live import serve_uploaded
from bulkhead.delivery.plan import Move, Plan
from bulkhead.delivery.probes import Prober
from bulkhead.delivery.run import Deployment, Stack, Visits, World
from bulkhead.delivery.signals import Signals
from bulkhead.delivery.strategy import Load, Strategy, road
from bulkhead.delivery.visits import StageVisits
from bulkhead.delivery.watching import Clock, Eyes, Watch
from bulkhead.engine.inline_stack import InlineStack
from bulkhead.model.aws_scope import aws_scope_of
from bulkhead.model.bundles import read_bundles
from bulkhead.model.product import Product
from bulkhead.model.settings import StageSettings
from bulkhead.operations.empty import empty_bucket
from bulkhead.resources.catalogue import TRIGGERS
from infra import program

if TYPE_CHECKING:
    from bulkhead.rehearsal.scene import Scene, StandingStage

OWN_CODE: Final = "the rehearsal's own code"
_BAKE: Final = 2  # minutes


class _QuickClock(Clock):
    def __init__(self, minute: float) -> None:
        self.length = minute

    def wait(self, seconds: float) -> None:
        super().wait(min(seconds, self.length))


@dataclass(frozen=True)
class _Stack:
    """A stage's stack as a deployment drives it; nothing of it is cut off in the middle of an `up`."""

    stack: InlineStack

    def up(self, *, triggers: bool, keep: Sequence[str] = ()) -> None:
        self.stack.up(left=[*keep, *(() if triggers else TRIGGERS)])

    def settle(self) -> None:
        self.stack.heal(lambda _urn: None)

    def resources(self) -> Sequence[Mapping[str, Any]]:
        return self.stack.resources()


@dataclass(frozen=True)
class Delivery:
    """Everything with which releases are brought to one stage. ``minute`` is how many seconds one takes; ``told`` is
    what a person would read."""

    scene: Scene
    stage: StandingStage
    api: Rest
    prober: Prober
    journal: Journal
    told: list[str]
    minute: float = 1.0

    @property
    def settings(self) -> StageSettings:
        return self.stage.settings

    @property
    def traffic(self) -> Traffic:
        return Traffic(self.api, self.settings.cloudflare.account_id)

    def plan(self, product: Product, strategy: Strategy, commit: str) -> Plan:
        """Return the plan of a release in which every Worker moves."""
        bundles = read_bundles(product, self.scene.root)
        moves = tuple(
            Move(each.worker.name, each.script, bundles[each.worker.name].sha256, each.stable())
            for each in reversed(read(self.traffic, product, self.settings))
        )
        return Plan(
            stage=self.stage.environment,
            commit=commit,
            tree=commit,
            live="",
            strategy=strategy,
            steps=(),
            moves=moves,
            changes=(),
            migrations=(),
            classes=(),
            cannot=(),
        )

    def deployment(self, product: Product, plan: Plan, run: Run) -> Deployment:
        """Return a run of a plan."""
        rollout = self.settings.rollout.model_copy(update={"bake_minutes": _BAKE, "watch_minutes": 0})
        watch = Watch(self.eyes(product), self.told.append, _QuickClock(self.minute))
        world = World(
            self.traffic, self.stack(product), list, lambda _names: [], self.visits(product), watch, self.told.append
        )
        loads = {move.worker: Load() for move in plan.moves}
        return Deployment(world, plan, road(rollout, loads, (), plan.strategy), run)

    def stack(self, product: Product) -> Stack:
        return _Stack(self.stage.stack.running(partial(program.run, product)))

    def visits(self, product: Product) -> Visits:
        return StageVisits(self.prober, product, self.settings, self.api, self.told.append)

    def eyes(self, product: Product) -> Eyes:
        cloudflare = self.settings.cloudflare
        # What users met is known minutes later than a proof can wait: the probes alone convict here.
        users = Signals(self.api, cloudflare.account_id, cloudflare.zone_id)
        return StageEyes(self.prober, users, product.hostnames(cloudflare.hostname))

    def bring_own(self) -> None:
        """Let the product's own code answer everybody again, whatever release was there."""
        stack = self.stack(self.scene.product)
        stack.up(triggers=True)
        serve_uploaded(self.traffic, stack.resources(), OWN_CODE)


@contextmanager
def delivery_to(scene: Scene, stage: StandingStage) -> Iterator[Delivery]:
    """Open what deployments to a stage need, with a bucket for their journal that is gone afterwards. At the end the
    stage has the product's own code again."""
    told: list[str] = []
    with (
        journal_in(scene, stage, told.append) as journal,
        scene.cloudflare_api(stage) as api,
        prober_of(scene, stage) as prober,
    ):
        delivery = Delivery(scene, stage, api, prober, journal, told)
        try:
            yield delivery
        finally:
            delivery.bring_own()


def prober_of(scene: Scene, stage: StandingStage) -> Prober:
    """Return who asks a stage of the rehearsal, with its key where it is closed."""
    return Prober(scene.product, stage.settings, Sites(stage.url), stage.token())


@contextmanager
def journal_in(scene: Scene, stage: StandingStage, say: Callable[[str], None]) -> Iterator[Journal]:
    """Open the journal in a bucket for the stage's state, without what an interrupted proof has left in it."""
    bucket = aws_scope_of(stage.settings.label(scene.product.name), stage.settings).state
    s3 = scene.aws(stage, "s3")
    _remove_bucket(s3, bucket)
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": stage.settings.region.primary})
    try:
        yield Journal(s3, bucket, stage.environment, say=say)
    finally:
        _remove_bucket(s3, bucket)


def _remove_bucket(s3: Any, name: str) -> None:
    if name not in {each["Name"] for each in s3.list_buckets()["Buckets"]}:
        return
    empty_bucket(s3, name)
    s3.delete_bucket(Bucket=name)
