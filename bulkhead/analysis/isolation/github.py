"""References in GitHub (pure): the environments of a stage, and what belongs to them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from bulkhead.analysis.isolation.reference import FoundReference, of_link, own_names, permanent, references, resolved
from bulkhead.analysis.stage_plan import StagePlan
from bulkhead.resources import types as t
from bulkhead.resources.kind import Link
from bulkhead.resources.values import MISSING, UNKNOWN, at


def _github(plan: StagePlan, others: Sequence[StagePlan]) -> Iterator[FoundReference]:
    environments = own_names(plan, t.GITHUB_REPOSITORY_ENVIRONMENT)
    for resource, reference, path, name in references(plan, Link.ENVIRONMENT):
        if reference.to or name is UNKNOWN:
            found = resolved(resource, path, name, environments)
        else:
            wrong = "" if is_environment_of(plan, str(name)) else "is not an environment of this stage"
            found = FoundReference(resource, path, name, wrong)
        yield replace(found, whose=_whose(others, name)) if found.wrong else found
    repository = plan.settings.github.repository.lower()
    for resource in plan.resources:
        named = at(resource.inputs, "repository")
        if resource.type.startswith("github:") and named is not MISSING:
            wrong = "" if isinstance(named, str) and named.lower() == repository else f"is not {repository}"
            yield FoundReference(resource, "repository", named, wrong)


def _whose(others: Sequence[StagePlan], name: object) -> str:
    return next((other.environment for other in others if is_environment_of(other, str(name))), "")


def is_environment_of(plan: StagePlan, name: str) -> bool:
    """Whether a GitHub environment is the stage's: ``staging``, or ``staging-rollback`` for one of its jobs."""
    return name == plan.environment or name.startswith(f"{plan.environment}-")


KINDS: Final = (
    of_link(
        Link.ENVIRONMENT,
        "A run that may deploy one stage would get the secrets and rights of the other",
        "name the environment by the output of its resource",
        permanent,
        find=_github,
    ),
)
