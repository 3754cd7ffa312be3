"""A healthy world of three stages for the proofs to look at, made of memory: no engine, no Node, no local AWS.

The scene, the records, the settings and the files of the run directory are real; only the engine, Cloudflare and AWS
behind them are not (tests.support.memory). Everything in it can be broken.
"""

from __future__ import annotations

import json
import subprocess
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from bulkhead.engine.workspace import Workspace
from bulkhead.localclouds.api.faults import Failing, PlannedFault
from bulkhead.localclouds.api.journal import Entry, Journal
from bulkhead.localclouds.aws.inventory import Inventory
from bulkhead.localclouds.cloudflare.request import Answer
from bulkhead.localclouds.providers.store import Record, Store
from bulkhead.machine import egress
from bulkhead.machine.rundir import RunDir
from bulkhead.model.access import HEADERS, KEY_ID, KEY_SECRET
from bulkhead.model.naming import Kind
from bulkhead.model.product import Place
from bulkhead.model.settings.keys import CLOUDFLARE_TOKEN
from bulkhead.model.settings.models import StageSettings
from bulkhead.operations.destroy_plan import destroy_plan
from bulkhead.rehearsal import closing
from bulkhead.rehearsal.delivery import Delivery
from bulkhead.rehearsal.evidence import Outcome, Report, Verdict
from bulkhead.rehearsal.mishaps import Mishaps
from bulkhead.rehearsal.proofs import PROOFS
from bulkhead.rehearsal.proofs.proof import Proof
from bulkhead.rehearsal.proofs.untouched import checkout_state
from bulkhead.rehearsal.recovery import Recovery
from bulkhead.rehearsal.scene import Scene, StandingStage
from bulkhead.rehearsal.survey import survey
from infra.product import PRODUCT
from tests.support.memory import MemoryCloud, MemoryS3, MemoryStack
from tests.support.memory_delivery import MemoryD1Api, MemoryReleases, memory_delivery, put_code
from tests.support.memory_recovery import Kept, memory_recovery
from tests.support.memory_roles import MemoryEnforcedAws, MemoryIam
from tests.support.records import VARIABLE, calls_of, canaries_of, label_of, manifest_of, records_of, settings_of

STAGES: Final = ("development", "staging", "production")


@dataclass
class Part:
    """One stage of the world, by what can be broken in it. ``aws`` is its account: kind of resource to names;
    ``emptied`` are the buckets that were emptied before the stage went."""

    settings: StageSettings
    canaries: dict[str, str]
    identities: MemoryStack
    stack: MemoryStack
    cloud: MemoryCloud
    s3: MemoryS3
    iam: MemoryIam
    releases: MemoryReleases
    kept: Kept = field(default_factory=Kept)
    aws: dict[str, list[Any]] = field(default_factory=dict)
    emptied: list[str] = field(default_factory=list)

    def worker(self, name: str) -> str:
        return label_of(self.settings).name(Kind.WORKER, name)


@dataclass(frozen=True)
class MemoryScene(Scene):
    """A scene whose AWS is memory."""

    parts: Mapping[str, Part]

    def aws(self, stage: StandingStage, service: str, region: str | None = None) -> Any:
        part = self.parts[stage.environment]
        return {"s3": part.s3, "iam": part.iam}[service]

    def enforced_aws(self) -> MemoryEnforcedAws:
        return MemoryEnforcedAws()

    def delivery(self, stage: StandingStage) -> AbstractContextManager[Delivery]:
        return memory_delivery(self, stage, self.parts[stage.environment].releases)

    def recovery(self, stage: StandingStage) -> AbstractContextManager[Recovery]:
        return memory_recovery(self, stage, self.parts[stage.environment].kept)

    def cloudflare_api(self, stage: StandingStage, token: str = CLOUDFLARE_TOKEN) -> Any:
        releases = self.parts[stage.environment].releases
        return MemoryD1Api(releases, self.name(stage, Kind.D1, PRODUCT.databases[0].name))

    def inventory(self, stage: StandingStage) -> Inventory:
        aws = self.parts[stage.environment].aws
        return Inventory(*(tuple(aws.get(each.name, ())) for each in fields(Inventory)))

    def empty(self, stage: StandingStage) -> None:
        going = destroy_plan(stage.environment, stage.stack.resources())
        self.parts[stage.environment].emptied += [*going.buckets, *going.vault]


FAILED: Final = PlannedFault("POST", "/accounts/{account_id}/queues", Failing.AFTER)
MET: Final = Entry("cloudflare", FAILED.method, FAILED.route, "/", 200, code=str(FAILED.failing))
COMPLAINT: Final = "development: up failed. `bulkhead adopt development` takes it in or names it"


class World:
    """Three stages that are up, and everything around them. ``stages`` chooses fewer; ``git`` makes the checkout a
    real one."""

    def __init__(self, folder: Path, stages: Sequence[str] = STAGES, *, git: bool = False) -> None:
        self.root = folder / "checkout"
        self.root.mkdir()
        if git:
            subprocess.run(["git", "init", "-q", "--template=", str(self.root)], check=True)
            (self.root / "mine.txt").write_text("a change of your own")
            (self.root / ".git/info").mkdir()
            (self.root / ".git/info/exclude").write_text("worker/\n.rehearsal/\n")
        put_code(self.root)
        self.run = _run_dir(folder / "run", stages)
        self.store = Store(Path(":memory:"))
        weakref.finalize(self, self.store.close)
        self.parts = {environment: self._part(environment) for environment in stages}
        standing = {
            environment: StandingStage(
                part.settings, part.identities, part.stack, part.cloud, "http://127.0.0.1:1", part.canaries
            )
            for environment, part in self.parts.items()
        }
        self.looks = 40
        self.watched = False
        checkout = checkout_state(self.root) if git else None
        self.scene = MemoryScene(
            PRODUCT,
            self.root,
            self.run,
            self.store,
            "",
            "http://127.0.0.1:1",
            standing,
            checkout,
            lambda: self.looks,
            {},
            Mishaps(7, planned=(FAILED,), complaints=[COMPLAINT], adopted=["queue-events"]),
            self.parts,
        )

    def __getitem__(self, environment: str) -> Part:
        return self.parts[environment]

    @property
    def planted(self) -> dict[str, str]:
        return {f"{e}:{name}": value for e, part in self.parts.items() for name, value in part.canaries.items()}

    @cached_property
    def report(self) -> Report:
        return Report("harbor", "an engine", "2026-11-21", 1.0, survey(self.scene, {}), (), {}, "Gone.", "")

    def proof(self, key: str) -> Proof:
        """Return a proof by its key, those at the end included."""
        match key:
            case "report":
                return closing.report_is_clean(self.planted, self.report)
            case "no-trace":
                return closing.nothing_left(self.run, lambda: not self.watched)
            case _:
                return next(proof for proof in (*PROOFS, closing.STAGES_GONE) if proof.key == key)

    def verdict(self, key: str) -> Verdict:
        return self.proof(key).verdict(self.scene)

    def record(self, environment: str, type_: str) -> Record:
        """Return the first resource of a type."""
        return self.store.all(environment=environment, type_=type_)[0]

    def change(self, environment: str, type_: str, **inputs: Any) -> None:
        """Change the inputs of the first resource of a type; what it tells of itself follows."""
        old = self.record(environment, type_)
        self.store.put(replace(old, inputs={**old.inputs, **inputs}, outputs={**old.outputs, **inputs}))

    def add(self, environment: str, type_: str, id_: str, **inputs: Any) -> None:
        """Let a cloud have one more resource."""
        self.store.put(Record(type_, id_, environment, "account", f"urn:{id_}", inputs, {**inputs, "id": id_}))

    def forget(self, environment: str, type_: str | None = None) -> None:
        """Let the clouds forget a stage's resources, of one type where given."""
        for record in self.store.all(environment=environment, type_=type_):
            self.store.remove(record.type, record.id)

    def write(self, name: str, text: str) -> None:
        """Add to a file of the run directory."""
        path = self.run.path / name
        path.write_text((path.read_text() if path.exists() else "") + text)

    def discard(self, pattern: str) -> None:
        """Remove files of the run directory."""
        for path in self.run.path.glob(pattern):
            path.unlink()

    def _of_stage(self, environment: str) -> list[Record]:
        """Return what is of the stage itself and not of its identities."""
        return [record for record in self.store.all(environment=environment) if record.type != VARIABLE]

    def _forget_stage(self, environment: str) -> None:
        for record in self._of_stage(environment):
            self.store.remove(record.type, record.id)

    def _part(self, environment: str) -> Part:
        settings = settings_of(environment)
        label = label_of(settings)
        canaries = canaries_of(environment)
        cloud = MemoryCloud()
        key = {} if settings.access.public else {KEY_ID: f"{environment}.access", KEY_SECRET: f"key-of-{environment}"}
        cloud.releases = MemoryReleases(settings, self.root, self.run.path)
        cloud.key = dict(zip(HEADERS, key.values(), strict=True)) if key else {}
        vault = label.name(Kind.VAULT, settings.aws.account_id)
        theirs, own = (
            Workspace(PRODUCT.name, environment, self.run.work(name), canaries)
            for name in (f"{environment}-identities", environment)
        )
        identities = MemoryStack(
            theirs, self.run, lambda: self.store.all(environment=environment, type_=VARIABLE), {"access": key}
        )
        exported = {"manifest": manifest_of(settings)}
        stack = MemoryStack(own, self.run, lambda: self._of_stage(environment), exported)
        part = Part(
            settings,
            canaries,
            identities,
            stack,
            cloud,
            MemoryS3(vault),
            MemoryIam(settings),
            cloud.releases,
            aws={"buckets": [(vault, 0)]},
        )
        identities.before = [lambda: self.forget(environment, VARIABLE)]
        stack.before = [
            lambda: self._forget_stage(environment),
            cloud.clear,
            part.aws.clear,
        ]
        if settings.protected:
            stack.refusal = "resource cannot be deleted because it is protected"
        for worker in PRODUCT.workers:
            name = label.name(Kind.WORKER, worker.name)
            cloud.answers[name] = Answer(200, {}, b'{"status": "ok"}')
            cloud.env[name] = list(worker.granted())
            cloud.routes[name] = [f"{settings.cloudflare.hostname}/*"] if worker.host else []
            for class_name in worker.owns:
                cloud.add((Place.OBJECT, class_name), f"{name}-{class_name}")
        for record in records_of(environment):
            self.store.put(record)
        for place, stores, kind in _STORES:
            for store in stores:
                known_as = label.name(kind, store.name)
                cloud.add((place, store.name), known_as if kind is Kind.R2 else f"id-{known_as}")
        return part


_STORES: Final = (
    (Place.DATABASE, PRODUCT.databases, Kind.D1),
    (Place.NAMESPACE, PRODUCT.namespaces, Kind.KV),
    (Place.BUCKET, PRODUCT.buckets, Kind.R2),
)


@dataclass(frozen=True)
class Break:
    """One thing that is wrong with the world, and what the proof ``key`` has to say about it."""

    key: str
    what: str
    do: Callable[[World], object]
    expected: str
    seen: str

    def __str__(self) -> str:
        return f"{self.key}: {self.what}"

    def check(self, folder: Path) -> None:
        """Break a world in ``folder`` and require that the proof notices."""
        world = World(folder, git=self.key == "checkout")
        self.do(world)
        verdict = world.verdict(self.key)
        assert verdict.outcome is Outcome.FAILED, verdict
        assert self.expected in verdict.expected, verdict
        assert self.seen in verdict.seen, verdict


def _run_dir(path: Path, stages: Sequence[str]) -> RunDir:
    run = RunDir(path, temporary=True, interrupted=False, lock=-1)
    state = run.state / ".pulumi" / "stacks" / "harbor"
    works = {run.work(name): stage for stage in stages for name in (f"{stage}-identities", stage)}
    for room in (run.home, state, run.logs, *works):
        room.mkdir(parents=True)
    for work, stage in works.items():
        (work / "Pulumi.yaml").write_text("name: harbor")
        (work / f"Pulumi.{stage}.yaml").write_text("config: {secrets:githubToken: {secure: v1:AAAA:BBBB}}")
    for stage in stages:
        (state / f"{stage}.json").write_text('{"ciphertext": "v1:..."}')
        (run.logs / f"{stage}-01-up.log").write_text("+ created")
        (run.logs / f"{stage}-01-up.events").write_text("ResourcePreEvent([secret])")
    journal = Journal(run.calls)
    for stage in stages:
        for call in calls_of(stage):
            journal.add(call)
    journal.add(MET)
    journal.close()
    trials = [{"net": net, "who": who, "target": egress.TRIAL} for net, who in egress.TRIED]
    (run.logs / egress.LOG_NAME).write_text("".join(f"{json.dumps(trial)}\n" for trial in trials))
    return run
