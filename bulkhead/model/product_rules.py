"""What makes a product deployable (pure): one rule after the other, each fault with its place and its consequence."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, date, datetime
from graphlib import CycleError, TopologicalSorter
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final, get_args

from bulkhead.model import exports, visit_rules
from bulkhead.model.bindings import (
    D1,
    KV,
    R2,
    Access,
    AnalyticsEngine,
    Binding,
    DurableObject,
    QueueProducer,
    Secret,
    Service,
)
from bulkhead.model.crons import cron_fault
from bulkhead.model.faults import Fault
from bulkhead.model.naming import SLUG

if TYPE_CHECKING:
    from bulkhead.model.product import Product, Queue, Worker

_SECRET_NAME: Final = re.compile(r"[a-z][a-zA-Z0-9]{0,63}")
_CLASS_NAME: Final = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]{0,127}")
_BINDING_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_LONGEST_PRODUCT_NAME: Final = 20  # starts every physical name, and some services allow 63 characters in all
_LONGEST_PART_NAME: Final = 24
_CPU_MS: Final = (10, 300_000)  # Cloudflare's own bounds of limits.cpu_ms on the paid plan
_QUEUE_LIMITS: Final = {  # Cloudflare Queues limits
    "max_retries": (0, 100),
    "batch_size": (1, 100),
    "max_wait_ms": (0, 60_000),
    "max_concurrency": (1, 250),
}
_READ_A_DATABASE: Final = (
    'bind the Worker that owns {database!r} by an entrypoint that only reads: Service("{name}", "<owner>", '
    'entrypoint="Reading")'
)
_SLUG_RULE: Final = "must be lower-case letters, digits and single hyphens, starting with a letter"

PartNames = Mapping[str, list[str]]


def calls(product: Product) -> dict[str, set[str]]:
    """Return for every Worker the other Workers it calls or whose Durable Objects it reaches."""
    return {
        worker.name: {
            binding.worker
            for binding in worker.bindings
            if isinstance(binding, Service | DurableObject) and binding.worker not in (None, worker.name)
        }
        for worker in product.workers
    }


def visited(product: Product) -> set[str]:
    """Return the Workers that a visitor's request can reach: the public ones, and what they call."""
    graph, found = calls(product), set[str]()
    waiting = [worker.name for worker in product.public_workers]
    while waiting:
        if (name := waiting.pop()) not in found:
            found.add(name)
            waiting.extend(graph[name])
    return found


def faults(product: Product, reserved: Collection[str], kept: str) -> Iterator[Fault]:
    """Yield every fault that prevents deploying ``product``; ``reserved`` are names that no binding may have, ``kept``
    one that no Worker may have."""
    if not SLUG.fullmatch(product.name) or len(product.name) > _LONGEST_PRODUCT_NAME:
        yield Fault("name", f"{product.name!r} {_SLUG_RULE}, at most {_LONGEST_PRODUCT_NAME}: it starts every name")
    if not product.workers:
        yield Fault("workers", "a product has at least one Worker")
    if any(worker.name == kept for worker in product.workers):
        message = "is the name of the Worker that answers during maintenance, which would overwrite this one"
        yield Fault(f"workers.{kept}", message, "give it another name")
    part_names: PartNames = {
        kind: [part.name for part in getattr(product, kind)]
        for kind in ("workers", "databases", "namespaces", "buckets", "queues")
    }
    for kind, names in part_names.items():
        yield from _names(kind, names)
    yield from _secrets(product)
    for worker in product.workers:
        yield from _worker(worker, product)
        yield from _bindings(worker, product, part_names, reserved)
    for queue in product.queues:
        yield from _queue(queue, part_names)
    for bucket in product.buckets:
        for prefix, days in bucket.expire_after_days:
            if days < 1:
                yield Fault(f"buckets.{bucket.name}", f"objects below {prefix!r} cannot expire after {days} days")
            elif bucket.evidence_days is not None and days < bucket.evidence_days:
                message = f"objects below {prefix!r} would expire after {days} days, and are evidence for longer"
                yield Fault(
                    f"buckets.{bucket.name}", message, "let them expire later, or be evidence for a shorter time"
                )
        if bucket.evidence_days is not None and bucket.evidence_days < 0:
            yield Fault(f"buckets.{bucket.name}", f"objects cannot be evidence for {bucket.evidence_days} days")
    yield from visit_rules.faults(product, calls(product))
    yield from exports.faults(product)
    yield from _order(product, part_names)


def _names(kind: str, names: list[str]) -> Iterator[Fault]:
    for name, count in Counter(names).items():
        if not SLUG.fullmatch(name) or len(name) > _LONGEST_PART_NAME:
            yield Fault(f"{kind}.{name}", f"{_SLUG_RULE}, at most {_LONGEST_PART_NAME}: it becomes part of a name")
        if count > 1:
            yield Fault(f"{kind}.{name}", f"is declared {count} times; one physical name would stand for both")


def _secrets(product: Product) -> Iterator[Fault]:
    declared = Counter(secret.name for secret in product.secrets)
    for name, count in declared.items():
        if not _SECRET_NAME.fullmatch(name):
            yield Fault(f"secrets.{name}", f"{name!r} is no camelCase name, so no key secrets:{name} can hold it")
        if count > 1:
            yield Fault(f"secrets.{name}", f"is declared {count} times; it has one value, and one age")
    for secret in product.secrets:
        if secret.rotate_after_days < 1:
            yield Fault(f"secrets.{secret.name}", f"cannot be rotated every {secret.rotate_after_days} days")
        if not (secret.pipeline or secret.jobs or product.users_of(secret.name)):
            message = "is needed by nobody: no Worker is bound to it, and neither the pipeline nor the jobs get it"
            yield Fault(f"secrets.{secret.name}", message, "remove it, or say who needs it")
    for worker in product.workers:
        for binding in worker.bindings:
            if isinstance(binding, Secret) and binding.secret not in declared:
                place, name = f"workers.{worker.name}.bindings.{binding.name}", binding.secret
                message = f"is about the secret {name!r}, which the product does not declare: nobody would rotate it"
                yield Fault(place, message, f"add StageSecret({name!r}) to the product's secrets")


def _worker(worker: Worker, product: Product) -> Iterator[Fault]:
    place = f"workers.{worker.name}"
    for class_name in (*worker.owns, *worker.retired):
        if not _CLASS_NAME.fullmatch(class_name):
            yield Fault(f"{place}.owns", f"{class_name!r} is no JavaScript class name")
    for class_name in sorted(set(worker.owns) & set(worker.retired)):
        yield Fault(f"{place}.retired", f"{class_name!r} is both owned and retired; retiring deletes its data")
    for cron in worker.crons or ():
        if wrong := cron_fault(cron):
            yield Fault(f"{place}.crons", f"{cron!r} is no time to Cloudflare: {wrong}", "write another: crons are UTC")
    if worker.host not in (None, "@") and not SLUG.fullmatch(worker.host or ""):
        yield Fault(f"{place}.host", f"{worker.host!r} is neither '@' (the stage's hostname) nor one label below it")
    yield from _date(worker)
    if worker.cpu_ms is not None and not _CPU_MS[0] <= worker.cpu_ms <= _CPU_MS[1]:
        yield Fault(f"{place}.cpu_ms", f"{worker.cpu_ms} is outside {_CPU_MS[0]} to {_CPU_MS[1]} milliseconds")
    if not _is_below_root(worker.bundle):
        yield Fault(f"{place}.bundle", f"{worker.bundle!r} must be a path below the repository root")
    if worker.source and not _is_below_root(worker.source):
        yield Fault(f"{place}.source", f"{worker.source!r} must be a path below the repository root")
    if worker.types and not _is_below_root(worker.types):
        yield Fault(f"{place}.types", f"{worker.types!r} must be a path below the repository root")
    yield from _escapes(worker)
    if sum(worker.host == other.host is not None for other in product.workers) > 1:
        yield Fault(f"{place}.host", f"{worker.host!r} is given to more than one Worker; a hostname leads to one")


def _date(worker: Worker) -> Iterator[Fault]:
    if not _is_date(worker.compatibility_date):
        yield Fault(f"workers.{worker.name}.compatibility_date", f"{worker.compatibility_date!r} is no date YYYY-MM-DD")
    elif worker.compatibility_date > (today := datetime.now(UTC).date().isoformat()):
        message = f"{worker.compatibility_date} is yet to come (in UTC), and Cloudflare would refuse the upload"
        yield Fault(f"workers.{worker.name}.compatibility_date", message, f'compatibility_date="{today}"')


def _escapes(worker: Worker) -> Iterator[Fault]:
    bound = {binding.name for binding in worker.bindings}
    for escape in worker.escapes:
        place = f"workers.{worker.name}.escapes.{escape.file}"
        if not _is_below_root(escape.file):
            yield Fault(place, "must be a path below the repository root")
        if not (escape.into.strip() and escape.reason.strip()):
            yield Fault(place, "must say into what the env goes and why that may be, or nobody can judge it")
        for name in sorted(set(escape.uses) - bound):
            yield Fault(place, f"uses {name}, which the Worker is not granted")


def _bindings(worker: Worker, product: Product, part_names: PartNames, reserved: Collection[str]) -> Iterator[Fault]:
    for name, count in Counter(binding.name for binding in worker.bindings).items():
        place = f"workers.{worker.name}.bindings.{name}"
        if count > 1:
            yield Fault(place, f"is declared {count} times; the Worker would see only one of them")
        if not _BINDING_NAME.fullmatch(name):
            yield Fault(place, "is no JavaScript identifier, so env could not be read by it")
        if name in reserved:
            yield Fault(place, "is the name of a stage variable, which every Worker has already")
    owners = {other.name: other.owns for other in product.workers}
    for binding in worker.bindings:
        yield from _binding(binding, worker, owners, part_names)


def _binding(
    binding: Binding, worker: Worker, owners: Mapping[str, tuple[str, ...]], part_names: PartNames
) -> Iterator[Fault]:
    place = f"workers.{worker.name}.bindings.{binding.name}"
    match binding:
        case D1(_, target, access):
            yield from _known(place, target, "databases", part_names)
            if access != "read-write":
                message = f"grants {access!r}, which nothing could hold: what a statement does stands in its text"
                yield Fault(place, message, _READ_A_DATABASE.format(name=binding.name, database=target))
        case KV(_, target, access):
            yield from _known(place, target, "namespaces", part_names)
            yield from _access(place, access)
        case R2(_, target, access):
            yield from _known(place, target, "buckets", part_names)
            yield from _access(place, access)
        case QueueProducer(_, target):
            yield from _known(place, target, "queues", part_names)
        case Service(_, target):
            yield from _known(place, target, "workers", part_names)
            if target == worker.name:
                yield Fault(place, "calls its own Worker")
        case DurableObject(_, class_name, other):
            owner = other or worker.name
            yield from _known(place, owner, "workers", part_names)
            if class_name not in owners.get(owner, (class_name,)):
                yield Fault(place, f"Worker {owner!r} does not own the Durable Object class {class_name!r}")
        case Secret(_, secret) if not _SECRET_NAME.fullmatch(secret):
            yield Fault(place, f"{secret!r} is no camelCase name, so no key secrets:{secret} can hold it")
        case AnalyticsEngine(_, dataset) if not SLUG.fullmatch(dataset):
            yield Fault(place, f"dataset {dataset!r} {_SLUG_RULE}")


def _access(place: str, access: str) -> Iterator[Fault]:
    if access not in get_args(Access):
        yield Fault(place, f"grants {access!r}; a grant is {' or '.join(map(repr, get_args(Access)))}")


def _queue(queue: Queue, part_names: PartNames) -> Iterator[Fault]:
    place = f"queues.{queue.name}"
    if queue.consumer is not None:
        yield from _known(f"{place}.consumer", queue.consumer, "workers", part_names)
    if queue.dead_letter is not None:
        yield from _known(f"{place}.dead_letter", queue.dead_letter, "queues", part_names)
        if queue.dead_letter == queue.name:
            yield Fault(f"{place}.dead_letter", "is the queue itself, so a failing message would go round for ever")
        if queue.consumer is None:
            yield Fault(f"{place}.dead_letter", "without a consumer nothing can fail, so nothing would arrive there")
    for field, (least, most) in _QUEUE_LIMITS.items():
        if not least <= getattr(queue, field) <= most:
            yield Fault(f"{place}.{field}", f"{getattr(queue, field)} is outside {least} to {most}")


def _order(product: Product, part_names: PartNames) -> Iterator[Fault]:
    known = set(part_names["workers"])
    try:
        TopologicalSorter({name: targets & known for name, targets in calls(product).items()}).prepare()
    except CycleError as cycle:
        path = " -> ".join(cycle.args[1])
        yield Fault("workers", f"{path} call each other in a circle, so none of them could be deployed first")


def _known(place: str, target: str, kind: str, part_names: PartNames) -> Iterator[Fault]:
    if target not in part_names[kind]:
        yield Fault(place, f"{target!r} is not among the product's {kind} ({', '.join(part_names[kind]) or 'none'})")


def _is_below_root(text: str) -> bool:
    path = PurePosixPath(text)
    return bool(path.name) and not path.is_absolute() and ".." not in path.parts


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
