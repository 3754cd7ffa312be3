"""Releases of the product for the proofs of delivery: its own code with a mark, good or bad, brought to a stage by the
commands' own machinery, on the rehearsal's engine and clouds."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from bulkhead.clients.endpoints import Sites
from bulkhead.clients.rest import Rest
from bulkhead.clients.visits import ServiceToken
from bulkhead.clients.workers import Traffic
from bulkhead.delivery.eyes import StageEyes
from bulkhead.delivery.history import read
from bulkhead.delivery.journal import Journal, Run
from bulkhead.delivery.plan import Move, Plan
from bulkhead.delivery.probes import Prober
from bulkhead.delivery.run import Deployment, World
from bulkhead.delivery.signals import Signals
from bulkhead.delivery.strategy import Load, Strategy, road
from bulkhead.delivery.visits import StageVisits
from bulkhead.delivery.watching import Clock, Watch
from bulkhead.engine.inline_stack import InlineStack
from bulkhead.model.access import HEADERS
from bulkhead.model.aws_scope import aws_scope_of
from bulkhead.model.bundles import read_bundles
from bulkhead.model.product import Product, Worker
from bulkhead.model.project import ROOT
from bulkhead.model.settings import StageSettings
from bulkhead.rehearsal.evidence import NotShown
from bulkhead.rehearsal.scene import Scene, StandingStage
from bulkhead.resources.catalogue import TRIGGERS
from infra import program

_FOLDER: Final = ".rehearsal/releases"
_DEFAULT: Final = re.compile(r"\b([A-Za-z_$][\w$]*) as default\b")
_MINUTE: Final = 1.0  # seconds: what takes a stage a minute takes a proof a second
# Works for some time after its first visitor, as what leaks memory does, and then fails whatever is asked of it. Probes
# choose a version and are no visitors: it passes its smoke test.
_ROTS: Final = """
let visited = 0;
const marked = {
  ...%s,
  fetch(request, env, ctx) {
    if (!request.headers.has("Cloudflare-Workers-Version-Overrides")) visited ||= Date.now();
    if (visited && Date.now() - visited > %d) throw new Error("this release is bad");
    return %s.fetch(request, env, ctx);
  },
};
export { marked as default };
"""


@dataclass(frozen=True)
class Releases:
    """Makes releases in a folder of the checkout that is git's to ignore; ``name`` is the rehearsal's own."""

    product: Product
    name: str

    def good(self, mark: str) -> Product:
        """Return the product with other code that does the same."""
        return self._made(mark, lambda worker, code: f"{code}\n// {worker.name} of release {mark}\n")

    def rotting(self, mark: str, worker: str, ms: int) -> Product:
        """Return the product with one Worker that works for so long after it was asked first, and then fails."""
        return self._made(mark, lambda each, code: _rotten(code, ms) if each.name == worker else f"{code}\n// {mark}\n")

    def _made(self, mark: str, change: Callable[[Worker, str], str]) -> Product:
        folder = Path(_FOLDER) / self.name / mark
        (ROOT / folder).mkdir(parents=True, exist_ok=True)
        workers = []
        for worker in self.product.workers:
            code = (ROOT / worker.bundle).read_text(encoding="utf-8")
            (ROOT / folder / f"{worker.name}.js").write_text(change(worker, code), encoding="utf-8")
            workers.append(replace(worker, bundle=str(folder / f"{worker.name}.js"), source=worker.entry))
        return replace(self.product, workers=tuple(workers))

    def remove(self) -> None:
        shutil.rmtree(ROOT / _FOLDER / self.name, ignore_errors=True)


def _rotten(code: str, ms: int) -> str:
    found = _DEFAULT.search(code)
    if found is None:
        raise NotShown("the bundle names no default export in a way that a fault could be planted in")
    inner = found[1]
    hidden = f"{inner} as unmarked"
    return code[: found.start()] + hidden + code[found.end() :] + _ROTS % (inner, ms, inner)


class _Seconds(Clock):
    """A clock whose minutes are seconds."""

    length = _MINUTE


@dataclass(frozen=True)
class _Stack:
    """A stage's stack as a deployment drives it; ``id_of`` tells what an `up` that was cut off has made."""

    stack: InlineStack
    id_of: Callable[[str], str | None]

    def up(self, *, triggers: bool, keep: Sequence[str] = ()) -> None:
        self.stack.up(left=[*keep, *(() if triggers else TRIGGERS)])

    def settle(self) -> None:
        self.stack.heal(self.id_of)

    def resources(self) -> Sequence[Mapping[str, Any]]:
        return self.stack.resources()


@dataclass(frozen=True)
class Delivery:
    """Everything with which releases are brought to one stage."""

    scene: Scene
    stage: StandingStage
    api: Rest
    prober: Prober
    journal: Journal
    told: list[str]

    @property
    def settings(self) -> StageSettings:
        return self.stage.settings

    @property
    def traffic(self) -> Traffic:
        return Traffic(self.api, self.settings.cloudflare.account_id)

    def plan(self, product: Product, strategy: Strategy, commit: str) -> Plan:
        """Return the plan of a release in which every Worker moves."""
        bundles = read_bundles(product)
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
        """Return a run of a plan: the real engine, the real calls, and a minute that is a second."""
        settings = self.settings.model_copy(
            update={"rollout": self.settings.rollout.model_copy(update={"bake_minutes": 2, "watch_minutes": 0})}
        )
        hosts = product.hostnames(settings.cloudflare.hostname)
        cloudflare = settings.cloudflare
        # What users met is known minutes later than a proof can wait: the probes alone convict here.
        users = Signals(self.api, cloudflare.account_id, cloudflare.zone_id)
        stack = _Stack(self.stage.stack.running(partial(program.run, product)), lambda _urn: None)
        visits = StageVisits(self.prober, product, settings, self.api, self.told.append)
        watch = Watch(StageEyes(self.prober, users, hosts), self.told.append, _Seconds())
        world = World(self.traffic, stack, list, visits, watch, self.told.append)
        loads = {move.worker: Load() for move in plan.moves}
        return Deployment(world, plan, road(settings.rollout, loads, (), plan.strategy), run)


@contextmanager
def delivery_to(scene: Scene, stage: StandingStage) -> Iterator[Delivery]:
    """Open what a deployment to a stage needs, with a bucket for its journal that is gone afterwards."""
    told: list[str] = []
    scope = aws_scope_of(stage.settings.label(scene.product.name), stage.settings)
    s3 = scene.aws(stage, "s3")
    s3.create_bucket(
        Bucket=scope.state, CreateBucketConfiguration={"LocationConstraint": stage.settings.region.primary}
    )
    key = stage.key()
    token = ServiceToken(*(key[header] for header in HEADERS)) if key else None
    try:
        with (
            scene.cloudflare_api(stage) as api,
            Prober(scene.product, stage.settings, Sites(stage.url), token) as prober,
        ):
            journal = Journal(s3, scope.state, stage.environment, say=told.append)
            yield Delivery(scene, stage, api, prober, journal, told)
    finally:
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=scope.state):
            for found in page.get("Contents", ()):
                s3.delete_object(Bucket=scope.state, Key=found["Key"])
        with suppress(s3.exceptions.ClientError):
            s3.delete_bucket(Bucket=scope.state)
