"""What reaches a Worker, and what it may touch (pure)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from bulkhead.analysis.access.matrix import UNKNOWN_YET, Cell, Table, table
from bulkhead.analysis.identity import name_of, names
from bulkhead.analysis.isolation.workers import as_observed
from bulkhead.analysis.stage_plan import StagePlan
from bulkhead.model.bindings import Binding, Secret, reading
from bulkhead.resources import types as t
from bulkhead.resources.planned import PlannedResource
from bulkhead.resources.values import Absent, at, listed
from policies.rules.worker_carriers import CARRIERS, OBJECTS, TARGETS, Bound, carried

# What a binding of each type lets its Worker do; Cloudflare knows no narrower one.
_MAY: Final[Mapping[str, str]] = {
    "ai": "run models",
    "analytics_engine": "write data points",
    "d1": "read and write",
    "dispatch_namespace": "call",
    OBJECTS: "call objects of the class",
    "kv_namespace": "read and write",
    "queue": "send",
    "r2_bucket": "read and write",
    "secret_text": "read the secret",
    "service": "call",
}
_VALUES: Final = frozenset({"json", "plain_text", "version_metadata"})
_GUARD: Final = "the product grants reading only; a guard against mistakes, Cloudflare enforces nothing"


def bindings(plan: StagePlan) -> Table:
    """Return what each Worker is bound to, and whose messages it consumes."""
    return table(
        "workers",
        "What a Worker may touch",
        ("worker", "may", "on", "binding", "limit"),
        [*_bound(plan), *_consuming(plan)],
        "Plain variables are left out: they are values, not rights.",
    )


def entrances(plan: StagePlan) -> Table:
    """Return what sends requests to each Worker from outside the stage."""
    return table("entrances", "What reaches a Worker from outside", ("worker", "who", "by"), _entrances(plan))


def _bound(plan: StagePlan) -> Iterator[tuple[Cell, ...]]:
    granted = _granted(plan)
    for resource in plan.of(*CARRIERS):
        worker = _worker(plan, at(resource.inputs, CARRIERS[resource.type][0]))
        for bound in carried(as_observed(resource)):
            if bound.type in _VALUES:
                continue
            may = _MAY.get(bound.type, f"use ({bound.type})") if isinstance(bound.type, str) else UNKNOWN_YET
            grant = granted.get((worker, bound.name))
            on = (grant.secret,) if isinstance(grant, Secret) else _target(plan, worker, bound)
            yield (worker,), may, on, (bound.shown,), _limit(bound, grant)


def _limit(bound: Bound, grant: Binding | None) -> str:
    entrypoint = at(bound.props, "entrypoint")
    if isinstance(entrypoint, str):
        return f"by its entrypoint {entrypoint} only"
    methods = reading(grant) if grant is not None else ()
    return f"{_GUARD} ({', '.join(methods)})" if methods else ""


def _granted(plan: StagePlan) -> dict[tuple[str, str], Binding]:
    own = {resource.name: str(resource.inputs.get("name")) for resource in plan.of(t.WORKER)}
    return {
        (own.get(worker.name, worker.name), binding.name): binding
        for worker in plan.product.workers
        for binding in worker.bindings
    }


def _consuming(plan: StagePlan) -> Iterator[tuple[Cell, ...]]:
    for consumer in plan.of(t.QUEUE_CONSUMER):
        dead = at(consumer.inputs, "deadLetterQueue")
        tries = at(consumer.inputs, "settings", "maxRetries")
        retries = "" if isinstance(tries, Absent) else f"after {tries:.0f} retries "
        limit = "" if isinstance(dead, Absent) else f"{retries}a message goes to {dead}"
        worker = _worker(plan, at(consumer.inputs, "scriptName"))
        yield (worker,), "consume", (_called(plan, at(consumer.inputs, "queueId"), t.QUEUE),), "", limit


def _entrances(plan: StagePlan) -> Iterator[tuple[Cell, ...]]:
    hosts: Mapping[str, tuple[str, str]] = {
        t.WORKERS_CUSTOM_DOMAIN: ("hostname", "service"),
        t.WORKERS_ROUTE: ("pattern", "script"),
    }
    for resource in plan.of(*hosts):
        address, worker = hosts[resource.type]
        yield (_worker(plan, at(resource.inputs, worker)),), "visitors", (str(at(resource.inputs, address)),)
    for resource in plan.of(t.WORKER):
        if at(resource.inputs, "subdomain", "enabled") is True:
            yield (_worker(plan, resource.inputs.get("name")),), "visitors", "its address on workers.dev"
    for resource in plan.of(t.WORKERS_CRON_TRIGGER):
        for schedule in listed(resource.inputs, "schedules"):
            worker = _worker(plan, at(resource.inputs, "scriptName"))
            yield (worker,), "Cloudflare's schedule", (str(at(schedule, "cron")),)


def _target(plan: StagePlan, worker: str, bound: Bound) -> Cell:
    if bound.type == OBJECTS:
        owner = at(bound.props, "scriptName")
        return (f"{at(bound.props, 'className')} of {worker if isinstance(owner, Absent) else owner}",)
    keys, types = TARGETS.get(bound.type, ((), ())) if isinstance(bound.type, str) else ((), ())
    return tuple(_called(plan, value, *types) for key in keys if not isinstance(value := at(bound.props, key), Absent))


def _worker(plan: StagePlan, value: Any) -> str:
    return _called(plan, value, *t.SCRIPTS)


def _called(plan: StagePlan, value: Any, *types: str) -> str:
    """Return the name of what an id or a name points at; itself where it points at nothing of the plan."""
    if isinstance(value, Absent):
        return UNKNOWN_YET
    found: Callable[[PlannedResource], bool] = lambda resource: value in names(resource)  # noqa: E731
    target = next(filter(found, plan.of(*types)), None)
    return name_of(target) if target else str(value)
