"""The words in which a product is described (pure): stores, queues, Workers and who may touch what.

A product is said once, for all stages. Whatever could not be deployed is refused here, all faults at once, before an
engine or a cloud is asked.
"""

from __future__ import annotations

import importlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Final

from infra.bindings import D1, KV, R2, AnalyticsEngine, Binding, DurableObject, QueueProducer, Secret, Service
from infra.naming import SLUG

# What every Worker is told about its stage (ENV-7, LOG-4, LOG-5); the values come from the stage's settings.
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
SECRET_NAME: Final = re.compile(r"[a-z][a-zA-Z0-9]{0,63}")
_CLASS_NAME: Final = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]{0,127}")
_BINDING_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_CRON_FIELD: Final = re.compile(r"[0-9A-Z*/,\-#L?W]+")


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
    the stage's own hostnames read and write it directly (CORS)."""

    name: str
    expire_after_days: tuple[tuple[str, int], ...] = ()
    browser_access: bool = False


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
class Worker:
    """A Worker: its bundle (one ES module, relative to the repository root) and everything it may touch.

    ``owns`` lists the Durable Object classes that live in this Worker; ``retired`` those it once owned and whose data
    is to be deleted. ``host`` is ``"@"`` for the stage's own hostname, a label for a name below it, None for a Worker
    that only other Workers call. ``crons`` are UTC, as Cloudflare runs them.
    """

    name: str
    bundle: str
    bindings: tuple[Binding, ...] = ()
    owns: tuple[str, ...] = ()
    retired: tuple[str, ...] = ()
    host: str | None = None
    crons: tuple[str, ...] = ()
    compatibility_date: str = "2026-07-01"
    compatibility_flags: tuple[str, ...] = ()
    cpu_ms: int | None = None

    def granted(self) -> tuple[str, ...]:
        """Return every name that `Object.keys(env)` of this Worker may hold, sorted."""
        return tuple(sorted([*STAGE_VARIABLES, *(binding.name for binding in self.bindings)]))


@dataclass(frozen=True, slots=True)
class Product:
    """A product: what every stage of it consists of.

    ``pipeline_secrets`` are the secrets that a deployment pipeline needs; they become GitHub environment secrets.
    Raises ProductFault when parts do not fit together.
    """

    name: str
    workers: tuple[Worker, ...]
    databases: tuple[Database, ...] = ()
    namespaces: tuple[Namespace, ...] = ()
    buckets: tuple[Bucket, ...] = ()
    queues: tuple[Queue, ...] = ()
    pipeline_secrets: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        faults = tuple(_faults(self))
        if faults:
            raise ProductFault(self.name, faults)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every secret the product needs in each stage, sorted."""
        bound = {b.secret for worker in self.workers for b in worker.bindings if isinstance(b, Secret)}
        return tuple(sorted(bound | set(self.pipeline_secrets)))

    @property
    def public_workers(self) -> tuple[Worker, ...]:
        """The Workers that have a hostname."""
        return tuple(worker for worker in self.workers if worker.host is not None)

    def deployment_order(self) -> tuple[Worker, ...]:
        """Return the Workers so that a Worker comes after every Worker it calls or whose objects it reaches."""
        by_name = {worker.name: worker for worker in self.workers}
        return tuple(by_name[name] for name in TopologicalSorter(_calls(self)).static_order())


class ProductFault(ValueError):
    """A product whose parts do not fit together; ``faults`` says each of them."""

    def __init__(self, product: str, faults: tuple[str, ...]) -> None:
        super().__init__(f"product {product!r} cannot be deployed:\n" + "\n".join(f"  - {fault}" for fault in faults))
        self.faults = faults


def find_product(reference: str) -> Product:
    """Return the product that ``package.module:NAME`` refers to. Raises ProductFault when there is none."""
    module_name, separator, attribute = reference.partition(":")
    if not (module_name and separator and attribute):
        raise ProductFault(reference, ("a product is named package.module:NAME, for example infra.product:PRODUCT",))
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as missing:
        raise ProductFault(reference, (f"there is no module {missing.name!r} to import from here",)) from missing
    product = getattr(module, attribute, None)
    if not isinstance(product, Product):
        raise ProductFault(reference, (f"{module_name} has no infra.blueprint.Product called {attribute!r}",))
    return product


def missing_bundles(product: Product, root: Path) -> tuple[str, ...]:
    """Return the bundles that are not below ``root`` yet, each once."""
    return tuple(sorted({worker.bundle for worker in product.workers if not (root / worker.bundle).is_file()}))


def _calls(product: Product) -> dict[str, set[str]]:
    return {
        worker.name: {
            target.worker
            for target in worker.bindings
            if isinstance(target, Service | DurableObject) and target.worker is not None
        }
        for worker in product.workers
    }


def _faults(product: Product) -> Iterator[str]:
    if not SLUG.fullmatch(product.name) or len(product.name) > 20:
        yield f"name {product.name!r}: lower-case letters, digits and hyphens, at most 20, because it starts every name"
    if not product.workers:
        yield "workers: a product has at least one Worker"
    for room, names in _rooms(product).items():
        yield from _name_faults(room, names)
    for secret in product.pipeline_secrets:
        if not SECRET_NAME.fullmatch(secret):
            yield f"pipeline_secrets: {secret!r} is no camelCase name, so no key secrets:{secret} can hold it"
    known = {room: set(names) for room, names in _rooms(product).items()}
    for worker in product.workers:
        for fault in _worker_faults(worker, product, known):
            yield f"worker {worker.name!r}: {fault}"
    yield from _queue_faults(product, known)
    yield from _bucket_faults(product)
    hosts = Counter(worker.host for worker in product.public_workers)
    for host in (host for host, count in hosts.items() if count > 1):
        yield f"workers: host {host!r} is given to more than one Worker, and a hostname leads to exactly one"
    try:
        TopologicalSorter(
            {name: targets & known["workers"] - {name} for name, targets in _calls(product).items()}
        ).prepare()
    except CycleError as cycle:
        yield f"workers: {' -> '.join(cycle.args[1])} call each other, so none of them can be deployed first"


def _rooms(product: Product) -> dict[str, list[str]]:
    return {
        "workers": [part.name for part in product.workers],
        "databases": [part.name for part in product.databases],
        "namespaces": [part.name for part in product.namespaces],
        "buckets": [part.name for part in product.buckets],
        "queues": [part.name for part in product.queues],
    }


def _name_faults(room: str, names: Iterable[str]) -> Iterator[str]:
    for name, count in Counter(names).items():
        if not SLUG.fullmatch(name) or len(name) > 24:
            yield f"{room}: {name!r} must be lower-case letters, digits and hyphens, at most 24 characters"
        if count > 1:
            yield f"{room}: {name!r} is declared {count} times"


def _worker_faults(worker: Worker, product: Product, known: dict[str, set[str]]) -> Iterator[str]:
    for name, count in Counter(binding.name for binding in worker.bindings).items():
        if count > 1:
            yield f"binding {name!r} is declared {count} times"
        if not _BINDING_NAME.fullmatch(name):
            yield f"binding {name!r} is no JavaScript identifier"
        if name in STAGE_VARIABLES:
            yield f"binding {name!r} is a stage variable, which every Worker has already"
    owners = {other.name: set(other.owns) for other in product.workers}
    for binding in worker.bindings:
        yield from _binding_faults(binding, worker, owners, known)
    for class_name in (*worker.owns, *worker.retired):
        if not _CLASS_NAME.fullmatch(class_name):
            yield f"Durable Object class {class_name!r} is no JavaScript class name"
    for class_name in set(worker.owns) & set(worker.retired):
        yield f"Durable Object class {class_name!r} is both owned and retired"
    for cron in worker.crons:
        fields = cron.split()
        if len(fields) != 5 or not all(_CRON_FIELD.fullmatch(field.upper()) for field in fields):
            yield f"cron {cron!r} does not have the five fields minute hour day month weekday"
    if worker.host is not None and worker.host != APEX and not SLUG.fullmatch(worker.host):
        yield f"host {worker.host!r} is neither '@' nor one DNS label"
    if not re.fullmatch(r"20[0-9]{2}-[01][0-9]-[0-3][0-9]", worker.compatibility_date):
        yield f"compatibility_date {worker.compatibility_date!r} is no date YYYY-MM-DD"
    if worker.cpu_ms is not None and not 10 <= worker.cpu_ms <= 300_000:
        yield f"cpu_ms {worker.cpu_ms} is outside 10 to 300000"
    if Path(worker.bundle).is_absolute() or ".." in Path(worker.bundle).parts:
        yield f"bundle {worker.bundle!r} must be a path below the repository root"


def _binding_faults(
    binding: Binding, worker: Worker, owners: dict[str, set[str]], known: dict[str, set[str]]
) -> Iterator[str]:
    match binding:
        case D1(name, target):
            room = "databases"
        case KV(name, target):
            room = "namespaces"
        case R2(name, target):
            room = "buckets"
        case QueueProducer(name, target):
            room = "queues"
        case Service(name, target):
            room = "workers"
            if target == worker.name:
                yield f"binding {name!r} calls its own Worker"
        case DurableObject(name, class_name, owner):
            target, room = owner or worker.name, "workers"
            if target in owners and class_name not in owners[target]:
                yield f"binding {name!r}: Worker {target!r} does not own Durable Object class {class_name!r}"
        case Secret(name, secret):
            if not SECRET_NAME.fullmatch(secret):
                yield f"binding {name!r}: {secret!r} is no camelCase name, so no key secrets:{secret} can hold it"
            return
        case AnalyticsEngine(name, dataset):
            if not SLUG.fullmatch(dataset):
                yield f"binding {name!r}: dataset {dataset!r} must be lower-case letters, digits and hyphens"
            return
        case _:
            return
    if target not in known[room]:
        yield f"binding {name!r} points at {target!r}, which is not among the product's {room}"


def _queue_faults(product: Product, known: dict[str, set[str]]) -> Iterator[str]:
    for queue in product.queues:
        if queue.consumer is not None and queue.consumer not in known["workers"]:
            yield f"queue {queue.name!r}: consumer {queue.consumer!r} is not among the product's workers"
        if queue.dead_letter is not None and queue.dead_letter not in known["queues"]:
            yield f"queue {queue.name!r}: dead_letter {queue.dead_letter!r} is not among the product's queues"
        if queue.dead_letter == queue.name:
            yield f"queue {queue.name!r}: its own dead_letter, so a failing message would go round for ever"
        if queue.dead_letter is not None and queue.consumer is None:
            yield f"queue {queue.name!r}: dead_letter without a consumer, so nothing could ever fail"
        for field, value, most in (
            ("max_retries", queue.max_retries, 100),
            ("batch_size", queue.batch_size, 100),
            ("max_wait_ms", queue.max_wait_ms, 60_000),
            ("max_concurrency", queue.max_concurrency, 250),
        ):
            if not 0 <= value <= most:
                yield f"queue {queue.name!r}: {field} {value} is outside 0 to {most}"


def _bucket_faults(product: Product) -> Iterator[str]:
    for bucket in product.buckets:
        for prefix, days in bucket.expire_after_days:
            if days < 1:
                yield f"bucket {bucket.name!r}: objects below {prefix!r} cannot expire after {days} days"
