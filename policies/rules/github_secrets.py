"""Rules about what pipelines are handed: secrets of a stage, in its own environments, and no secret as a variable."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from bulkhead.model.naming import Stage, upper_snake
from bulkhead.model.settings import required_secrets
from bulkhead.resources import types as t
from bulkhead.resources.observed import ObservedResource
from bulkhead.resources.values import MISSING
from policies.context import PolicyContext
from policies.rule import AnyRule, Rule, Violation
from policies.rules.github import ABOUT_ENVIRONMENT, KEPT_IN_ENVIRONMENT, environments_of, is_one_of
from policies.rules.secret_values import betrays

_TOO_WIDE: Final[Mapping[str, str]] = {
    row: str(row.admitted)
    for row in (
        t.GITHUB_ACTIONS_SECRET,
        t.GITHUB_ACTIONS_ORGANIZATION_SECRET,
        t.GITHUB_DEPENDABOT_SECRET,
        t.GITHUB_CODESPACES_SECRET,
    )
}


def _repository_wide(resource: ObservedResource, context: PolicyContext) -> Iterator[Violation]:
    name = resource["secretName"]
    secret_name = name if isinstance(name, str) else resource.name
    of_stage = secret_name.upper() in {*context.secrets, *map(upper_snake, required_secrets(context.product))}
    reason = _TOO_WIDE[resource.type]
    yield Violation(
        f"secret {secret_name}"
        + (", a credential of the stage," if of_stage else "")
        + " is not bound to an environment",
        f"{reason[0].upper()}{reason[1:]}, and no reviewer is asked",
        "use ActionsEnvironmentSecret with the stage's environment",
    )


def _elsewhere(resource: ObservedResource, context: PolicyContext) -> Iterator[Violation]:
    repository, ours = resource["repository"], context.settings.github.repository
    if isinstance(repository, str) and not is_one_of(repository, ours):
        yield Violation(
            f"is about the repository {repository}, which is not the stage's",
            "Pipelines that nobody of the stage reviews get what is the stage's, or lose what guards them",
            f"name {ours}, as github.repository of the settings says",
        )
    name, own = resource["environment"], context.settings.environment
    # Those of other stages are judged by `github-environment-unprotected`.
    known = [each for stage in (own, *Stage) for each in environments_of(stage)]
    kept = resource.type in KEPT_IN_ENVIRONMENT and isinstance(name, str)
    if kept and not is_one_of(name, *known) and not name.lower().startswith(f"{own}-"):
        yield Violation(
            f"is kept in the environment {name}, which is none of the stage's",
            "No rule says which branches may use that environment, or who must approve it",
            f"use the environment {own}, or one whose name begins with {own}-",
        )


def _secret_as_variable(resource: ObservedResource, context: PolicyContext) -> Iterator[Violation]:
    name, value = resource["variableName"], resource["value"]
    if not isinstance(name, str) or value in (MISSING, ""):
        return
    if why := betrays(name, value, context):
        yield Violation(
            f"its variable {name} {why}",
            "GitHub shows variables to everybody who may read the repository, and prints them in logs",
            "make it an ActionsEnvironmentSecret of the stage's environment, and rotate it",
        )


RULES: Final[tuple[AnyRule, ...]] = (
    Rule(
        "github-secret-repository-wide",
        ("SEC-1", "SEC-3"),
        "A stage's secrets are handed only to deployments of that stage",
        tuple(_TOO_WIDE),
        _repository_wide,
    ),
    Rule(
        "github-outside-stage",
        ("SEC-1", "ENV-3"),
        "What a stage keeps in GitHub is in its own repository and environments",
        tuple(ABOUT_ENVIRONMENT),
        _elsewhere,
    ),
    Rule(
        "github-secret-as-variable",
        ("SEC-1", "SEC-2"),
        "Pipelines get secrets as secrets",
        (t.GITHUB_ACTIONS_ENVIRONMENT_VARIABLE, t.GITHUB_ACTIONS_VARIABLE),
        _secret_as_variable,
    ),
)
