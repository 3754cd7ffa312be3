"""Whether an `up` moves requests to another version of a Worker (pure), and what of it the API would refuse.

The state never tells which version gets how many requests: the provider reads a past deployment by its id. So what is
said here is what the `up` does, and not what is true before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from bulkhead.preview.change import ResourceChange, names_before
from bulkhead.preview.losses.workers import alive, classes_of
from bulkhead.preview.plan import UpdatePlan
from bulkhead.resources import types as t
from bulkhead.resources.values import MISSING, UNKNOWN, at, listed

_MADE: Final = ("create", "replace")
_LIFECYCLE: Final = ("exports", "migrations")


def moves(plan: UpdatePlan) -> Iterator[str]:
    """Yield a sentence for each version that an `up` would send requests to, and for each that it only uploads."""
    deployed = [_worker(change, plan) for change in _made(plan, t.WORKERS_DEPLOYMENT)]
    for change in _made(plan, t.WORKER_VERSION):
        deploys = change.becomes("deploy")
        if deploys is True and _changes_classes(change, plan) and change.old is not None:
            yield (
                f"{change}: everybody gets it at once, because it changes which Durable Object classes there are; "
                "there is no way back past it"
            )
        elif deploys is True:
            yield f"{change}: everybody gets it at once"
        elif deploys is UNKNOWN:
            yield f"{change}: whether everybody gets it at once is not known yet"
        elif _worker(change, plan) not in deployed:
            yield f"{change}: is uploaded, and nobody gets it by this up"
    for change in _made(plan, t.WORKERS_DEPLOYMENT):
        yield f"{change}: {_shares(change)}"


def refused(plan: UpdatePlan) -> Iterator[tuple[str, str]]:
    """Yield why the API would refuse a version after other resources were changed, and what to do instead."""
    for change in _made(plan, t.WORKER_VERSION):
        if change.becomes("deploy") in (MISSING, False) and _changes_classes(change, plan):
            yield (
                f"{change} changes which Durable Object classes there are and is not deployed by its upload: the API "
                "refuses that (error 10211) after other resources were changed",
                "say deploy=True of this version; everybody gets it at once",
            )


def _made(plan: UpdatePlan, type_: str) -> list[ResourceChange]:
    return [change for change in plan.of(type_) if change.action in _MADE]


def _shares(change: ResourceChange) -> str:
    shares = [at(share, "percentage") for share in listed(change.new.inputs if change.new else {}, "versions")]
    if len(shares) > 1:
        return f"the requests are divided, {' to '.join(f'{share} %' for share in shares)}"
    new = change.action == "create" and change.old is None
    return "everybody gets its first version" if new else "everybody gets its version at once"


def _changes_classes(change: ResourceChange, plan: UpdatePlan) -> bool:
    """Whether an upload gives its Worker a class or takes one from it. What is not known, or was before the state
    began, does not count: the API will say."""
    over = plan.over_predecessor(change)
    if over.old is None and not plan.host_is_new(change):
        return False
    before = _classes(over.old.inputs) if over.old else {}
    after = _classes(change.new.inputs) if change.new else {}
    if before is None or after is None:
        return False
    return {*alive(before)} != ({*alive(before)} - after.keys()) | {*alive(after)}


def _classes(inputs: Mapping[str, Any]) -> dict[str, Any] | None:
    return classes_of({name: at(inputs, name) for name in _LIFECYCLE if at(inputs, name) is not MISSING}, frozenset())


def _worker(change: ResourceChange, plan: UpdatePlan) -> Any:
    """Return by which resource of the stack a version or a deployment names its Worker, else the name itself."""
    named = change.becomes("workerId" if change.type == t.WORKER_VERSION else "scriptName")
    workers = plan.by("names before", [t.WORKER], names_before)
    found = workers.get(named, []) if isinstance(named, str) else []
    return found[0].urn if found else named
