"""A product that has grown, and what one more resource of it costs."""

from __future__ import annotations

import pytest

from benchmarks.growth import BENCHMARK, FEW, MANY, Registered, costs, grown
from benchmarks.harness import figures
from bulkhead.model.bindings import D1, KV, R2, DurableObject, QueueProducer, Service
from bulkhead.model.product import Bucket, Database, Namespace, Product, Queue, Worker
from infra.product import PRODUCT


def test_once_the_product_is_itself() -> None:
    assert grown(PRODUCT, 1) == PRODUCT


def test_a_grown_product_has_that_many_of_everything_and_can_be_deployed() -> None:
    # Product refuses names twice, hostnames twice and bindings to nothing, so this says more than it seems.
    four = grown(PRODUCT, 4)
    for room in ("workers", "databases", "namespaces", "buckets", "queues"):
        assert len(getattr(four, room)) == 4 * len(getattr(PRODUCT, room))


def test_a_copy_is_bound_to_its_own_stores() -> None:
    shop = Worker(
        "shop",
        "shop.js",
        host="@",
        bindings=(
            D1("DB", "main"),
            KV("CACHE", "cache"),
            R2("FILES", "files"),
            QueueProducer("JOBS", "jobs"),
            Service("CLERK", "clerk"),
            DurableObject("DESK", "Desk", worker="clerk"),
            DurableObject("TILL", "Till"),
        ),
        owns=("Till",),
    )
    product = Product(
        "corner",
        workers=(shop, Worker("clerk", "clerk.js", owns=("Desk",))),
        databases=(Database("main"),),
        namespaces=(Namespace("cache"),),
        buckets=(Bucket("files"),),
        queues=(Queue("jobs", consumer="clerk", dead_letter="failed"), Queue("failed")),
    )
    two = grown(product, 2)
    copy = next(worker for worker in two.workers if worker.name == "shop-2")
    assert copy.host == "shop-2"
    assert copy.bindings == (
        D1("DB", "main-2"),
        KV("CACHE", "cache-2"),
        R2("FILES", "files-2"),
        QueueProducer("JOBS", "jobs-2"),
        Service("CLERK", "clerk-2"),
        DurableObject("DESK", "Desk", worker="clerk-2"),
        DurableObject("TILL", "Till"),
    )
    assert Queue("jobs-2", consumer="clerk-2", dead_letter="failed-2") in two.queues


def test_a_further_resource_costs_what_the_larger_product_takes_more() -> None:
    samples = costs([Registered(10, 1.0), Registered(30, 2.0), Registered(50, 6.0)])
    assert (samples[FEW], samples[MANY]) == (0.05, 0.2)
    assert samples["x4: 30 resources"] == 2.0


@pytest.mark.parametrize(("power", "kept"), [(1, True), (2, False)])
def test_linear_work_keeps_the_limit_and_quadratic_work_does_not(power: int, kept: bool) -> None:
    runs = [Registered(times * 50, 1.0 + 0.001 * (times * 50) ** power) for times in (1, 4, 16)]
    verdict = figures("growth", BENCHMARK, [costs(runs)])[0]
    assert verdict.limit == 1.5
    assert verdict.kept is kept
