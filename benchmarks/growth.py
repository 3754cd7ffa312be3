"""Whether a product may grow: what one more resource costs when there are few of them, and when there are many.

The whole program runs without an engine (bulkhead/engine/render.py), for the product and for products 4 and 16 times
as large. Measured is the processor time that each further resource takes, from 1 to 4 and from 4 to 16 products: the
two are the same when the time grows as the resources do. Plain averages would not do, because the larger product
consists of Workers to a greater part, and a Worker's version has more to tell than a budget.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

from benchmarks.harness import Benchmark, Ratio, Samples, Way
from bulkhead.model.bindings import D1, KV, R2, Binding, DurableObject, QueueProducer, Service
from bulkhead.model.product import Product, Queue, Worker
from infra.product import PRODUCT

TIMES: Final = (1, 4, 16)
ROOMS: Final = ("workers", "databases", "namespaces", "buckets", "queues")
FEW: Final = "a further resource, from x1 to x4"
MANY: Final = "a further resource, from x4 to x16"
# The field of a binding that names what it is bound to.
TARGETS: Final[dict[type, str]] = {
    D1: "database",
    KV: "namespace",
    R2: "bucket",
    QueueProducer: "queue",
    Service: "worker",
    DurableObject: "worker",
}


@dataclass(frozen=True, slots=True)
class Registered:
    """One run of the program: its resources, and the seconds of processor time it took."""

    resources: int
    seconds: float


@contextmanager
def ways() -> Iterator[Sequence[Way]]:
    from tests.support.stages import render_stage  # noqa: PLC0415 (the Pulumi SDKs take seconds to import)

    def register(product: Product) -> Registered:
        gc.collect()  # what the run before left behind is none of this one's business
        started = time.process_time()
        rendered = render_stage(product, "production")
        return Registered(len(rendered.resources), time.process_time() - started)

    products = [grown(PRODUCT, times) for times in TIMES]
    for product in products:
        register(product)
    gc.collect()
    gc.freeze()  # the SDKs' third of a million objects, which a full collection would look at again
    yield [lambda: costs([register(product) for product in products])]


def costs(runs: Sequence[Registered]) -> Samples:
    """Return what a further resource costs in runs of the product at each of ``TIMES``, and what each run took."""
    one, four, sixteen = runs
    whole = {f"x{times}: {run.resources} resources": run.seconds for times, run in zip(TIMES, runs, strict=True)}
    return {FEW: _further(one, four), MANY: _further(four, sixteen), **whole}


def grown(product: Product, times: int) -> Product:
    """Return a product that consists of ``product`` and ``times - 1`` copies of its Workers and stores, each copy bound
    to its own stores. Only the first keeps the stage's own hostname; the others get one below it."""
    numbers = range(1, times + 1)
    rooms: dict[str, Any] = {
        room: tuple(_copy(part, number) for number in numbers for part in getattr(product, room)) for room in ROOMS
    }
    return replace(product, **rooms)


def _further(smaller: Registered, larger: Registered) -> float:
    return (larger.seconds - smaller.seconds) / (larger.resources - smaller.resources)


def _copy(part: Any, number: int) -> Any:
    if number == 1:
        return part
    copy = _renamed(part, number, "name")
    match copy:
        case Worker():
            bindings = tuple(_bound(binding, number) for binding in copy.bindings)
            return replace(copy, host=copy.name if copy.host else None, bindings=bindings)
        case Queue():
            return _renamed(copy, number, "consumer", "dead_letter")
    return copy


def _bound(binding: Binding, number: int) -> Binding:
    target = TARGETS.get(type(binding))
    return _renamed(binding, number, target) if target else binding


def _renamed(part: Any, number: int, *fields: str) -> Any:
    names = {field: getattr(part, field) for field in fields}
    return replace(part, **{field: f"{name}-{number}" for field, name in names.items() if name})


# Linear work comes to 1, quadratic work to 4. The limit leaves room for the noise of a busy machine and for the SDK,
# whose waiting for outputs is not quite linear (pulumi/runtime/stack.py, wait_for_rpcs).
RATIO: Final = Ratio("a further resource: from x4 to x16 / from x1 to x4", [MANY], [FEW], limit=1.5)
BENCHMARK: Final = Benchmark(ways, rounds=7, ratio=RATIO)
