"""What in a plan points somewhere, and what is said when it leads out of the stage (pure)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bulkhead.analysis.identity import names
from bulkhead.analysis.stage_plan import StagePlan
from bulkhead.analysis.texts import at_path
from bulkhead.model.naming import EPHEMERAL_STACK
from bulkhead.resources.planned import PlannedResource, Sealed
from bulkhead.resources.values import UNKNOWN

Own = Callable[[StagePlan], frozenset[str]]
"""What a pointer of a stage may hold."""


@dataclass(frozen=True, slots=True, eq=False)
class Pointer:
    """One value that leads somewhere. ``wrong`` is empty where it leads to the stage itself; ``whose`` is the stage it
    leads to instead, where that is known. ``fix`` replaces the usual one of its kind."""

    resource: PlannedResource
    path: str
    value: Any
    wrong: str = ""
    whose: str = ""
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where pointers of one sort stand: a type, and a path in which ``[]`` is every item of a list."""

    type: str
    path: str
    own: Own


Find = Callable[[StagePlan, Sequence[StagePlan]], Iterator[Pointer]]


@dataclass(frozen=True, slots=True)
class Kind:
    """Pointers of one kind. ``find`` yields those of a plan, beside the plans of all other stages; ``holds`` are the
    properties, by type, whose texts are of this kind; ``expected`` says whether a stage must have some, because
    nothing found would mean that nothing was looked at. ``causes`` and ``fix`` are sentences without a full stop."""

    name: str
    causes: str
    fix: str
    find: Find
    holds: frozenset[tuple[str, str]]
    expected: Callable[[StagePlan], bool]


def places(*there: Place) -> Find:
    """Return what finds the pointers that stand in these places."""

    def find(plan: StagePlan, _others: Sequence[StagePlan]) -> Iterator[Pointer]:
        for place in there:
            own = place.own(plan)
            for resource in plan.of(place.type):
                for path, value in at_path(resource.inputs, place.path):
                    yield pointing(resource, path, value, own)

    return find


def pointing(resource: PlannedResource, path: str, value: Any, own: frozenset[str]) -> Pointer:
    """Return the pointer that a value is, where it may hold ``own`` and nothing else."""
    if isinstance(value, Sealed):
        value = value.content
    if value is UNKNOWN:
        return unknown(resource, path)
    return Pointer(resource, path, value, "" if value in own else "leads to nothing that this stage makes")


def unknown(resource: PlannedResource, path: str) -> Pointer:
    return Pointer(
        resource,
        path,
        UNKNOWN,
        "is not known before the stage exists, so that nothing shows where it leads",
        fix="say in bulkhead/analysis/clouds.py what the cloud answers",
    )


def made(*types: str) -> Own:
    """Return what may point at the resources of these types that the stage itself makes."""
    return lambda plan: frozenset().union(*(names(resource) for resource in plan.of(*types) if not resource.read))


def held(*there: Place) -> frozenset[tuple[str, str]]:
    """Return the top-level properties of these places."""
    return frozenset((place.type, place.path.partition(".")[0].removesuffix("[]")) for place in there)


def always(_: StagePlan) -> bool:
    """Say that every stage must have pointers of a kind."""
    return True


def permanent(plan: StagePlan) -> bool:
    """Say that every stage must have pointers of a kind, but no pull request's stack: it has no identities."""
    return EPHEMERAL_STACK.fullmatch(plan.environment) is None
