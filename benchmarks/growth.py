"""Whether a product may grow: what one more resource costs when there are few of them, and when there are many.

The whole program runs without an engine (bulkhead/engine/render.py), for the product and for products 4 and 16 times
as large. Measured is the processor time that each further resource takes, from 1 to 4 and from 4 to 16 products: the
two are the same when the time grows as the resources do. Plain averages would not do, because the larger product
consists of Workers to a greater part, and a Worker's version has more to tell than a budget.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from benchmarks.figures import Figure, Series, in_turn, measured, ratio
from benchmarks.telling import Tell
from bulkhead.model.bindings import D1, KV, R2, Binding, DurableObject, QueueProducer, Service
from bulkhead.model.product import Product, Queue, Worker
from infra.product import PRODUCT

NAME: Final = "growth"
# Linear work comes to 1, quadratic work to 4. The limit leaves room for the noise of a busy machine and for the SDK,
# whose waiting for outputs is not quite linear (pulumi/runtime/stack.py, wait_for_rpcs).
LIMIT: Final = 1.5
TIMES: Final = (1, 4, 16)
_ROUNDS: Final = 7


@dataclass(frozen=True, slots=True)
class Registered:
    """One run of the program: its resources, and the seconds of processor time it took."""

    resources: int
    seconds: float


def measure(tell: Tell) -> list[Figure]:
    """Return the ratio of the two costs of a further resource, and what it is made of."""
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
    tell(f"registering {', '.join(f'x{times}' for times in TIMES)} of the product {_ROUNDS} times in turn")
    runs = in_turn([partial(register, product) for product in products], _ROUNDS)
    return figures(runs)


def figures(runs: list[list[Registered]]) -> list[Figure]:
    """Return the figures of the runs of the product at each of ``TIMES``."""
    few, many = further(runs[0], runs[1]), further(runs[1], runs[2])
    whole = [
        measured(NAME, f"x{times}: {of[0].resources} resources", Series(tuple(run.seconds for run in of)), "s")
        for times, of in zip(TIMES, runs, strict=True)
    ]
    return [
        ratio(NAME, "a further resource: from x4 to x16 / from x1 to x4", many, few, LIMIT),
        measured(NAME, "a further resource, from x1 to x4", few, "ms"),
        measured(NAME, "a further resource, from x4 to x16", many, "ms"),
        *whole,
    ]


def further(smaller: Iterable[Registered], larger: Iterable[Registered]) -> Series:
    """Return milliseconds per resource that the larger product has more than the smaller one, run by run."""
    pairs = zip(smaller, larger, strict=True)
    return Series(tuple(1000 * (b.seconds - a.seconds) / (b.resources - a.resources) for a, b in pairs))


def grown(product: Product, times: int) -> Product:
    """Return a product that consists of ``product`` and ``times - 1`` copies of its Workers and stores, each copy bound
    to its own stores. Only the first keeps the stage's own hostname; the others get one below it."""
    every = [product, *(_copy(product, number) for number in range(2, times + 1))]
    return replace(
        product,
        workers=tuple(part for one in every for part in one.workers),
        databases=tuple(part for one in every for part in one.databases),
        namespaces=tuple(part for one in every for part in one.namespaces),
        buckets=tuple(part for one in every for part in one.buckets),
        queues=tuple(part for one in every for part in one.queues),
    )


def _copy(product: Product, number: int) -> Product:
    return replace(
        product,
        workers=tuple(_worker(worker, number) for worker in product.workers),
        databases=tuple(replace(part, name=_name(part.name, number)) for part in product.databases),
        namespaces=tuple(replace(part, name=_name(part.name, number)) for part in product.namespaces),
        buckets=tuple(replace(part, name=_name(part.name, number)) for part in product.buckets),
        queues=tuple(_queue(queue, number) for queue in product.queues),
        journeys=(),
    )


def _worker(worker: Worker, number: int) -> Worker:
    name = _name(worker.name, number)
    bindings = tuple(_binding(binding, number) for binding in worker.bindings)
    return replace(worker, name=name, host=name if worker.host else None, bindings=bindings)


def _queue(queue: Queue, number: int) -> Queue:
    return replace(
        queue,
        name=_name(queue.name, number),
        consumer=queue.consumer and _name(queue.consumer, number),
        dead_letter=queue.dead_letter and _name(queue.dead_letter, number),
    )


def _binding(binding: Binding, number: int) -> Binding:
    match binding:
        case D1(database=target):
            return replace(binding, database=_name(target, number))
        case KV(namespace=target):
            return replace(binding, namespace=_name(target, number))
        case R2(bucket=target):
            return replace(binding, bucket=_name(target, number))
        case QueueProducer(queue=target):
            return replace(binding, queue=_name(target, number))
        case Service(worker=target) | DurableObject(worker=str(target)):
            return replace(binding, worker=_name(target, number))
        case _:
            return binding


def _name(name: str, number: int) -> str:
    return f"{name}-{number}"
