"""The classes that describe a product (pure): stores, queues, Workers and who may touch what.

A product is described once, for all stages. What cannot be deployed is refused here, with all faults at once, before an
engine or a cloud is asked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from graphlib import TopologicalSorter
from pathlib import PurePosixPath
from typing import Any, Final
from urllib.parse import quote

from bulkhead.model import product_rules
from bulkhead.model.bindings import Binding, Secret
from bulkhead.model.faults import Fault, Refused

# The variables that tell every Worker about its stage (ENV-7, LOG-4, LOG-5); the values come from the stage's settings.
STAGE_VARIABLES: Final = (
    "CACHE_TTLS",
    "ENVIRONMENT",
    "FEATURE_FLAGS",
    "LOG_LEVEL",
    "LOG_REDACT",
    "MAINTENANCE_END_TIME",
    "MAINTENANCE_MODE",
    "NODE_ENV",
    "RELEASE",
    "SERVICE_NAME",
    "STAGE",
    "TZ",
)
APEX: Final = "@"
MAINTENANCE_WORKER: Final = "maintenance"
"""The Worker that answers in place of the product's during maintenance; no Worker of the product has its name."""
HEALTH: Final = "/health"
"""Where every Worker answers 200 while it and what it depends on work (MON-5)."""


@dataclass(frozen=True, slots=True)
class Database:
    """A D1 database. ``migrations`` is a folder of numbered SQL files, relative to the repository root."""

    name: str
    migrations: str | None = None


@dataclass(frozen=True, slots=True)
class Namespace:
    """A KV namespace."""

    name: str


@dataclass(frozen=True, slots=True)
class Bucket:
    """An R2 bucket. ``expire_after_days`` pairs a key prefix with a life in days; ``browser_access`` lets pages of
    the stage's own hostnames read and write it directly (CORS); in production no object can be removed or replaced for
    ``evidence_days`` after it was written. 0 ends what was said before; None never said anything."""

    name: str
    expire_after_days: tuple[tuple[str, int], ...] = ()
    browser_access: bool = False
    evidence_days: int | None = None


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue, the Worker that consumes it, and where messages go that failed ``max_retries`` times."""

    name: str
    consumer: str | None = None
    dead_letter: str | None = None
    max_retries: int = 3
    batch_size: int = 10
    max_wait_ms: int = 5000
    max_concurrency: int = 5


@dataclass(frozen=True, slots=True)
class StageSecret:
    """A secret that has a value of its own in each stage (SEC-1, SEC-3), and who gets it.

    A Worker gets it by a `Secret` binding. ``pipeline`` hands it to the stage's GitHub environment, ``jobs`` to the
    stage's jobs, by way of SSM. After ``rotate_after_days`` `bulkhead secrets check` calls it stale.
    """

    name: str
    pipeline: bool = False
    jobs: bool = False
    rotate_after_days: int = 90


@dataclass(frozen=True, slots=True)
class Escape:
    """One place where a Worker's code gives its ``env`` to code that no type check follows, and why that may be.

    ``file`` is relative to the repository root; ``into`` is what receives it, as `bulkhead bindings check` names it (a
    package, a function or a type); ``uses`` are the bindings that this code uses.
    """

    file: str
    into: str
    reason: str
    uses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Worker:
    """A Worker: its bundle (one ES module, relative to the repository root) and everything it may touch.

    ``source`` is the module the bundle is built from. By default it is what worker/build.mjs takes:
    ``<folder>/dist/<name>.js`` comes from ``<folder>/src/<name>/index.ts``; a bundle elsewhere is its own source.
    ``types`` is the folder that the types of its env are written into, by default the source's own.
    ``escapes`` are the places where its code gives ``env`` to code that no type check follows.

    ``owns`` lists the Durable Object classes that live in this Worker; ``retired`` those it once owned and whose data
    is to be deleted; ``exports`` those whose objects it hands out to the stage's jobs (docs/backup-scope.md).
    ``host`` is ``"@"`` for the stage's own hostname, a label for a name below it, None for a Worker
    that only other Workers call. ``crons`` are UTC, as Cloudflare runs them. A Worker that had some and is to have none
    says ``()``: what is not said any more, Cloudflare goes on running (docs/runbooks/take-away.md).
    """

    name: str
    bundle: str
    bindings: tuple[Binding, ...] = ()
    owns: tuple[str, ...] = ()
    retired: tuple[str, ...] = ()
    exports: tuple[str, ...] = ()
    host: str | None = None
    crons: tuple[str, ...] | None = None
    compatibility_date: str = "2026-07-01"
    compatibility_flags: tuple[str, ...] = ()
    cpu_ms: int | None = None
    source: str = ""
    types: str = ""
    escapes: tuple[Escape, ...] = ()

    @property
    def entry(self) -> str:
        """The module where the Worker's source code begins, relative to the repository root."""
        bundle = PurePosixPath(self.bundle)
        built = bundle.parent.name == "dist"
        return self.source or str(bundle.parent.parent / "src" / bundle.stem / "index.ts" if built else bundle)

    def limits(self, default: int | None) -> dict[str, int]:
        """Return what Cloudflare limits in the Worker, in the API's own words, where a stage limits each to ``default``
        ms. A stage without a limit is on the Free plan, which takes none of any Worker (error 100328)."""
        return {} if default is None else {"cpu_ms": self.cpu_ms or default}

    def granted(self) -> tuple[str, ...]:
        """Return every name that `Object.keys(env)` of this Worker may hold, sorted."""
        return tuple(sorted([*STAGE_VARIABLES, *(binding.name for binding in self.bindings)]))


class Place(StrEnum):
    """Where a request can leave a trace."""

    DATABASE = "database"
    NAMESPACE = "namespace"
    BUCKET = "bucket"
    OBJECT = "object"


@dataclass(frozen=True, slots=True)
class Probe:
    """One question to a public Worker whose answer shows that a part of the product works (QLT-2, DEP-8).

    It is asked again and again, also in production and of people's own data, so it only reads: with a method other than
    GET and HEAD it must be refused, by a ``status`` from 400 to 499, or say in ``writes_nothing`` why nothing is
    written, as of a search that is a POST. ``holds`` is a text that the answer has in it. ``reaches`` are the Workers
    behind the first whose code must have had a part in the answer.
    """

    name: str
    worker: str
    path: str
    method: str = "GET"
    body: Mapping[str, Any] | None = None
    status: int = 200
    holds: str = ""
    reaches: tuple[str, ...] = ()
    writes_nothing: str = ""

    @property
    def asked(self) -> tuple[str, ...]:
        """The Workers whose versions this probe tells something about."""
        return (self.worker, *self.reaches)


@dataclass(frozen=True, slots=True)
class Cleaning:
    """The request that takes back what a journey left: to the same Worker, with the cookies that the journey was given.

    ``{mark}`` in the path is the journey's word, and any other name in braces a member of its answer, as in
    ``/api/bookings/{id}``.
    """

    path: str
    method: str = "DELETE"

    @property
    def members(self) -> tuple[str, ...]:
        """The names in braces."""
        return tuple(re.findall(r"\{(\w+)\}", self.path))

    def filled(self, values: Mapping[str, Any]) -> str:
        """Return the path with a value for each name. Raises KeyError for a name that has none."""
        return re.sub(r"\{(\w+)\}", lambda name: quote(str(values[name[1]]), safe=""), self.path)


@dataclass(frozen=True, slots=True)
class Journey:
    """One main function of the product: a request to a public Worker and the stores it must leave a trace in (DEP-8).

    ``{mark}`` in the path or in a text of ``body`` is replaced by a word that is new each time; ``leaves`` names the
    stores that must hold that word afterwards, by logical name (for ``Place.OBJECT``: the Durable Object class).
    In production only a journey is made that ``cleans`` up after itself.
    """

    name: str
    worker: str
    path: str
    leaves: tuple[tuple[Place, str], ...]
    method: str = "POST"
    body: Mapping[str, Any] | None = None
    cleans: Cleaning | None = None

    def marked(self, mark: str) -> tuple[str, Any]:
        """Return the path and the body that say ``mark``."""
        return self.path.replace("{mark}", quote(mark)), _marked(self.body, mark)


def _marked(body: Any, mark: str) -> Any:
    match body:
        case str():
            return body.replace("{mark}", mark)
        case Mapping():
            return {key: _marked(value, mark) for key, value in body.items()}
        case list() | tuple():
            return [_marked(value, mark) for value in body]
        case _:
            return body


@dataclass(frozen=True, slots=True)
class Product:
    """A product: what every stage of it consists of.

    ``warm`` pairs a public Worker with a path that is asked after each deployment and purge, so that no visitor is the
    first one to wait for it (CCH-8).

    Raises ProductFault when parts do not fit together.
    """

    name: str
    workers: tuple[Worker, ...]
    databases: tuple[Database, ...] = ()
    namespaces: tuple[Namespace, ...] = ()
    buckets: tuple[Bucket, ...] = ()
    queues: tuple[Queue, ...] = ()
    secrets: tuple[StageSecret, ...] = ()
    journeys: tuple[Journey, ...] = ()
    probes: tuple[Probe, ...] = ()
    warm: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        faults = tuple(product_rules.faults(self, STAGE_VARIABLES, MAINTENANCE_WORKER))
        if faults:
            raise ProductFault(self.name, faults)

    def users_of(self, secret: str) -> tuple[str, ...]:
        """Return the Workers that are bound to a secret, sorted."""
        return tuple(
            sorted(
                worker.name
                for worker in self.workers
                if any(isinstance(each, Secret) and each.secret == secret for each in worker.bindings)
            )
        )

    @property
    def public_workers(self) -> tuple[Worker, ...]:
        """The Workers that have a hostname."""
        return tuple(worker for worker in self.workers if worker.host is not None)

    def hostnames(self, apex: str) -> dict[str, str]:
        """Return the hostname of each public Worker, by its name. It is the stage's own, ``apex``, or one label before
        that."""
        return {worker.name: apex if worker.host == APEX else f"{worker.host}.{apex}" for worker in self.public_workers}

    def deployment_order(self) -> tuple[Worker, ...]:
        """Return the Workers in an order in which each comes after every Worker it calls or whose objects it
        reaches."""
        by_name = {worker.name: worker for worker in self.workers}
        return tuple(by_name[name] for name in TopologicalSorter(product_rules.calls(self)).static_order())


class ProductFault(Refused):
    """The product cannot be found, or its parts do not fit together; with every fault at once."""

    def __init__(self, product: str, faults: tuple[Fault, ...]) -> None:
        super().__init__(f"Product {product!r} cannot be deployed.", faults)
