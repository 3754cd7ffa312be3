"""The scene of the proofs: the running stages, and every way to see what is really in their clouds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from bulkhead.clients.endpoints import CLOUDFLARE
from bulkhead.clients.rest import Rest
from bulkhead.clients.visits import ServiceToken
from bulkhead.engine.inline_stack import InlineStack
from bulkhead.localclouds.aws.client import client
from bulkhead.localclouds.aws.enforced import EnforcedAws
from bulkhead.localclouds.aws.inventory import Inventory, inventory
from bulkhead.localclouds.cloudflare.client import StageCloud
from bulkhead.localclouds.providers.store import Record, Store
from bulkhead.machine.rundir import RunDir
from bulkhead.model.access import HEADERS, KEY_ID, KEY_SECRET
from bulkhead.model.naming import Kind
from bulkhead.model.product import Place, Product, Worker
from bulkhead.model.settings.keys import CLOUDFLARE_TOKEN
from bulkhead.model.settings.models import StageSettings
from bulkhead.operations import destroy
from bulkhead.operations.destroy_plan import destroy_plan
from bulkhead.rehearsal.delivery import Delivery, delivery_to
from bulkhead.rehearsal.evidence import Unproven
from bulkhead.rehearsal.mishaps import Mishaps
from bulkhead.rehearsal.recovery import Recovery, recovery_of
from bulkhead.resources.kind import STACK

T = TypeVar("T")


@dataclass(frozen=True)
class StandingStage:
    """One stage that is up: its settings, its two stacks on the engine, its local Cloudflare, its planted secrets."""

    settings: StageSettings
    identities: InlineStack
    stack: InlineStack
    cloud: StageCloud
    url: str
    canaries: Mapping[str, str]

    @property
    def environment(self) -> str:
        return self.settings.environment

    @property
    def stacks(self) -> tuple[InlineStack, ...]:
        """The stack of the identities, then the stage itself: the order in which they are brought up."""
        return (self.identities, self.stack)

    def resources(self) -> list[dict[str, Any]]:
        """Return the resources of both states, as the engine writes them down."""
        return [resource for stack in self.stacks for resource in stack.resources()]

    def outputs(self) -> dict[str, Any]:
        """Return what the stage exports, as the state holds it: a secret one would still be encrypted."""
        stack = next((r for r in self.stack.resources() if r["type"] == STACK), {})
        exported: dict[str, Any] = stack.get("outputs", {})
        return exported

    def key(self) -> dict[str, str]:
        """Return the headers that open the stage's hostnames, as its pipelines send them; none where it is public."""
        given = self.identities.outputs().get("access", {})
        return {header: given[name] for header, name in zip(HEADERS, (KEY_ID, KEY_SECRET), strict=True) if given}

    def token(self) -> ServiceToken | None:
        """Return the same as a client of the hostnames takes it."""
        key = self.key()
        return ServiceToken(*(key[header] for header in HEADERS)) if key else None

    def manifest(self) -> dict[str, Any]:
        """Return the manifest that the stage exports (infra.manifest). Raises Unproven when it exports none."""
        exported = self.outputs()
        if not exported.get("manifest"):
            raise Unproven(f"{self.environment} to export its manifest", f"exported: {sorted(exported) or 'nothing'}")
        manifest: dict[str, Any] = exported["manifest"]
        return manifest


@dataclass(frozen=True)
class Scene:
    """All stages of one rehearsal. ``stages`` is by environment; ``moto`` and ``cloudflare`` are the addresses of the
    local AWS and the local Cloudflare; ``checkout`` is what git said of the checkout before, None without git;
    ``looks`` counts the look-out's looks; ``own_providers`` are the variables by which an engine uses our own
    providers, as previews on twins do, whoever has made the resources; ``mishaps`` are the calls
    that fail half-way, None where none is to."""

    product: Product
    root: Path
    run: RunDir
    store: Store
    moto: str
    cloudflare: str
    stages: Mapping[str, StandingStage]
    checkout: str | None
    looks: Callable[[], int]
    own_providers: Mapping[str, str]
    mishaps: Mishaps | None

    def in_each_stage(self, look: Callable[[StandingStage], T]) -> dict[str, T]:
        """Return what ``look`` sees in each stage; the stages are looked at side by side."""
        with ThreadPoolExecutor(max_workers=len(self.stages)) as pool:
            return dict(zip(self.stages, pool.map(look, self.stages.values()), strict=True))

    def aws(self, stage: StandingStage, service: str, region: str | None = None) -> Any:
        """Return a boto3 client for the AWS account of ``stage``, in its own region or another."""
        where = region or stage.settings.region.primary
        return client(self.moto, stage.settings.aws.account_id, where, service)

    def cloudflare_api(self, stage: StandingStage, token: str = CLOUDFLARE_TOKEN) -> Rest:
        """Return Cloudflare's API as who has a token of ``stage`` may use it, usually the one that deploys it."""
        return Rest(CLOUDFLARE.at(self.cloudflare), stage.canaries[token])

    def enforced_aws(self) -> EnforcedAws:
        """Return an AWS for the length of a ``with``, in which policies are enforced and nothing is yet."""
        return EnforcedAws()

    def inventory(self, stage: StandingStage) -> Inventory:
        """Return what exists in the AWS account of ``stage``."""
        return inventory(self.moto, stage.settings.aws.account_id, stage.settings.region.primary)

    def name(self, stage: StandingStage, kind: Kind, *parts: str) -> str:
        """Return the physical name of a part of ``stage``."""
        return stage.settings.label(self.product.name).name(kind, *parts)

    def worker_name(self, stage: StandingStage, worker: Worker | str) -> str:
        return self.name(stage, Kind.WORKER, worker if isinstance(worker, str) else worker.name)

    def records(self, stage: StandingStage, type_: str | None = None) -> list[Record]:
        """Return what the clouds hold of ``stage``."""
        return self.store.all(environment=stage.environment, type_=type_)

    def id_of(self, stage: StandingStage, type_: str, property_: str, name: str) -> str:
        """Return the id that a cloud gave the resource whose ``property_`` is ``name``. Raises Unproven when the cloud
        has none."""
        found = next((r.id for r in self.records(stage, type_) if r.inputs.get(property_) == name), None)
        if found is None:
            raise Unproven(f"{name} among the resources of {stage.environment}", f"no {type_} of this {property_}")
        return found

    def stores(self, stage: StandingStage) -> Iterator[tuple[Place, str, str]]:
        """Yield (place, logical name, the id its cloud knows it by) of each D1, KV and R2 store of a stage."""
        for database in self.product.databases:
            yield Place.DATABASE, database.name, self.database_id(stage, database.name)
        for namespace in self.product.namespaces:
            title = self.name(stage, Kind.KV, namespace.name)
            id_ = self.id_of(stage, "cloudflare:index/workersKvNamespace:WorkersKvNamespace", "title", title)
            yield Place.NAMESPACE, namespace.name, id_
        for bucket in self.product.buckets:
            yield Place.BUCKET, bucket.name, self.name(stage, Kind.R2, bucket.name)

    def contents(self, stage: StandingStage) -> Iterator[tuple[Place, str, str]]:
        """Yield (place, logical name, everything in it as text) for each store and Durable Object class of a stage."""
        for place, name, id_ in self.stores(stage):
            match place:
                case Place.DATABASE:
                    yield place, name, stage.cloud.d1_text(id_)
                case Place.NAMESPACE:
                    yield place, name, stage.cloud.kv_text(id_)
                case _:
                    yield place, name, stage.cloud.r2_text(id_)
        for worker in self.product.workers:
            for class_name in worker.owns:
                yield Place.OBJECT, class_name, stage.cloud.objects_text(self.worker_name(stage, worker), class_name)

    def database_id(self, stage: StandingStage, database: str) -> str:
        name = self.name(stage, Kind.D1, database)
        return self.id_of(stage, "cloudflare:index/d1Database:D1Database", "name", name)

    def delivery(self, stage: StandingStage) -> AbstractContextManager[Delivery]:
        """Open what brings releases of the product to ``stage``; at the end it has the product's own code again."""
        return delivery_to(self, stage)

    def recovery(self, stage: StandingStage) -> AbstractContextManager[Recovery]:
        """Open what backs the first database of ``stage`` up and restores it."""
        return recovery_of(self, stage)

    def empty(self, stage: StandingStage) -> None:
        """Empty the stage's buckets as `bulkhead destroy` does. Raises Refused for production."""
        going = destroy_plan(stage.environment, stage.stack.resources())
        destroy.empty(going, r2=stage.cloud.s3().client(), s3=self.aws(stage, "s3"))
