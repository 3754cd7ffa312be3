"""Pointers in GitHub (pure): the environments of a stage, and what belongs to them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from bulkhead.analysis.isolation.pointer import Kind, Place, Pointer, held, made, permanent, places, unknown
from bulkhead.analysis.stage_plan import StagePlan
from bulkhead.resources import types as t
from bulkhead.resources.values import MISSING, UNKNOWN, at

_ENVIRONMENT: Final = made(t.GITHUB_REPOSITORY_ENVIRONMENT)
_PLACES: Final = tuple(
    Place(type_, "environment", _ENVIRONMENT)
    for type_ in (
        t.GITHUB_ACTIONS_ENVIRONMENT_SECRET,
        t.GITHUB_ACTIONS_ENVIRONMENT_VARIABLE,
        t.GITHUB_REPOSITORY_ENVIRONMENT_DEPLOYMENT_POLICY,
    )
)


def _github(plan: StagePlan, others: Sequence[StagePlan]) -> Iterator[Pointer]:
    for pointer in places(*_PLACES)(plan, others):
        yield replace(pointer, whose=_whose(others, pointer.value)) if pointer.wrong else pointer
    for resource in plan.of(t.GITHUB_REPOSITORY_ENVIRONMENT):
        name = at(resource.inputs, "environment")
        if name is UNKNOWN:
            yield unknown(resource, "environment")
        elif is_environment_of(plan, str(name)):
            yield Pointer(resource, "environment", name)
        else:
            wrong = "is not an environment of this stage"
            yield Pointer(resource, "environment", name, wrong, _whose(others, name))
    repository = plan.settings.github.repository.lower()
    for resource in plan.resources:
        named = at(resource.inputs, "repository")
        if resource.type.startswith("github:") and named is not MISSING:
            wrong = "" if isinstance(named, str) and named.lower() == repository else f"is not {repository}"
            yield Pointer(resource, "repository", named, wrong)


def _whose(others: Sequence[StagePlan], name: object) -> str:
    return next((other.environment for other in others if is_environment_of(other, str(name))), "")


def is_environment_of(plan: StagePlan, name: str) -> bool:
    """Whether a GitHub environment is the stage's: ``staging``, or ``staging-rollback`` for one of its jobs."""
    return name == plan.environment or name.startswith(f"{plan.environment}-")


KINDS: Final = (
    Kind(
        "GitHub environments",
        "A run that may deploy one stage would get the secrets and rights of the other",
        "name the environment by the output of its resource",
        _github,
        held(*_PLACES) | {(t.GITHUB_REPOSITORY_ENVIRONMENT, "environment")},
        permanent,
    ),
)
