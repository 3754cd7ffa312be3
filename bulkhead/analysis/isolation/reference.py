"""References in a plan, and what is said when one leads out of the stage (pure).

Which inputs are references, and to what, the row of a type says (bulkhead/resources). A kind of references is judged
by the rows, and where that is not enough by the module that has the kind.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bulkhead.analysis.identity import names
from bulkhead.analysis.stage_plan import StagePlan
from bulkhead.model.naming import EPHEMERAL_STACK
from bulkhead.resources.catalogue import CATALOGUE, row_of
from bulkhead.resources.kind import Link, Reference
from bulkhead.resources.planned import PlannedResource, unsealed
from bulkhead.resources.texts import at_path
from bulkhead.resources.values import UNKNOWN

# What AWS itself has ready for everybody: a managed policy, an operation that a schedule calls, an action of an alarm.
_OF_AWS: Final = re.compile(r"arn:[^:]*:(?:iam::aws:policy/|scheduler:::aws-sdk:|automate:[^:]*:[a-z0-9]+:).+")


@dataclass(frozen=True, slots=True, eq=False)
class FoundReference:
    """One value that leads somewhere. ``wrong`` is empty where it leads to the stage itself; ``whose`` is the stage it
    leads to instead, where that is known. ``fix`` replaces the usual one of its kind."""

    resource: PlannedResource
    path: str
    value: Any
    wrong: str = ""
    whose: str = ""
    fix: str = ""


Find = Callable[[StagePlan, Sequence[StagePlan]], Iterator[FoundReference]]


@dataclass(frozen=True, slots=True)
class ReferenceKind:
    """References of one kind. ``find`` yields those of a plan, beside the plans of all other stages; ``properties``,
    by type, are those whose texts are of this kind, unless a longer path says otherwise; ``expected`` says whether a
    stage must have some, because nothing found would mean that nothing was looked at. ``causes`` and ``fix`` are
    sentences without a full stop."""

    name: str
    causes: str
    fix: str
    find: Find
    properties: frozenset[tuple[str, str]]
    expected: Callable[[StagePlan], bool]


def of_link(
    link: Link,
    causes: str,
    fix: str,
    expected: Callable[[StagePlan], bool],
    *,
    find: Find | None = None,
    properties: frozenset[tuple[str, str]] = frozenset(),
) -> ReferenceKind:
    """Return the kind of what the rows call ``link``, with whatever else is of that kind."""
    own = frozenset(
        (row, path)
        for row in CATALOGUE.values()
        for reference in row.references
        for path in (reference.path, re.split(r"[.\[]", reference.path)[0])
        if reference.link is link
    )
    return ReferenceKind(link.value, causes, fix, find or linked(link), own | properties, expected)


def linked(link: Link) -> Find:
    """Return what finds the references of a link that must lead to what the stage makes."""

    def find(plan: StagePlan, _others: Sequence[StagePlan]) -> Iterator[FoundReference]:
        own: dict[tuple[str, ...], frozenset[str]] = {}
        for resource, reference, path, value in references(plan, link):
            if reference.to:
                if reference.to not in own:
                    own[reference.to] = own_names(plan, *reference.to)
                yield resolved(resource, path, value, own[reference.to])

    return find


def references(plan: StagePlan, link: Link) -> Iterator[tuple[PlannedResource, Reference, str, Any]]:
    """Yield every reference of a link that a plan has, with the resource, the place and the value without its seal."""
    for resource in plan.resources:
        row = row_of(resource.type)
        for reference in row.references if row else ():
            if reference.link is link:
                for path, value in at_path(resource.inputs, reference.path):
                    yield resource, reference, path, unsealed(value)


def resolved(resource: PlannedResource, path: str, value: Any, own: frozenset[str]) -> FoundReference:
    """Return the reference that a value is, where it may name one of ``own`` or what is AWS's, and nothing else."""
    if value is UNKNOWN:
        return unknown(resource, path)
    right = value in own or (isinstance(value, str) and _OF_AWS.fullmatch(value))
    return FoundReference(resource, path, value, "" if right else "leads to nothing that this stage makes")


def unknown(resource: PlannedResource, path: str) -> FoundReference:
    return FoundReference(
        resource,
        path,
        UNKNOWN,
        "is not known before the stage exists, so that nothing shows where it leads",
        fix="say in the row of what it names, in bulkhead/resources, what its cloud answers (`tells`)",
    )


def own_names(plan: StagePlan, *types: str) -> frozenset[str]:
    """Return everything by which the resources of these types that the stage itself makes can be named."""
    return frozenset().union(*(names(resource) for resource in plan.of(*types) if not resource.read))


def always(_: StagePlan) -> bool:
    """Say that every stage must have references of a kind."""
    return True


def permanent(plan: StagePlan) -> bool:
    """Say that every stage must have references of a kind, but no pull request's stack: it has no identities."""
    return EPHEMERAL_STACK.fullmatch(plan.environment) is None
