"""Who acts on a stage besides its Workers: four roles, each with an environment of its own in GitHub (pure).

A role can be taken only by a run that GitHub admits to the environment of that role, so what guards an environment
(branches, reviewers) guards the role.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, Literal

from bulkhead.model.naming import Label, Stage
from bulkhead.model.release import PULL_REQUESTS, Ref, refs_that_deploy
from bulkhead.model.settings import StageSettings


class Role(StrEnum):
    """What somebody may do to a stage.

    ``deploy`` brings it up. ``preview`` reads the redacted twin of its state and nothing else. ``operations`` reads
    the stores, adds backups, and keeps what a validation found. ``rollback`` deploys a version that is there already.
    """

    DEPLOY = "deploy"
    PREVIEW = "preview"
    OPERATIONS = "operations"
    ROLLBACK = "rollback"


JOBS: Final = "jobs"
DRILL: Final = "drill"
"""Who holds a token of Cloudflare beside the roles: the stage's jobs, and apart from them the one that edits databases.
Each job has a role in AWS that no run of GitHub can take."""
Holder = Role | Literal["jobs", "drill"]
HOLDERS: Final[tuple[Holder, ...]] = (*Role, JOBS, DRILL)


def environment_of(role: Role, label: Label) -> str:
    """Return the GitHub environment of a role: ``staging`` deploys, ``staging-rollback`` rolls back."""
    return label.environment if role is Role.DEPLOY else f"{label.environment}-{role}"


def refs_of(role: Role, label: Label, settings: StageSettings) -> tuple[Ref, ...]:
    """Return the refs from which a run may take the role. Schedules and runs started by hand are on the default
    branch."""
    main = settings.github.default_branch
    if role is Role.PREVIEW:
        return (PULL_REQUESTS,)
    deploying = refs_that_deploy(settings.release_model, label, main)
    if role is Role.DEPLOY:
        return deploying
    if role is Role.OPERATIONS:
        return tuple(dict.fromkeys([Ref("branch", main), *_readers(label, settings)]))
    return tuple(dict.fromkeys([*(ref for ref in deploying if ref != PULL_REQUESTS), Ref("branch", main)]))


def _readers(label: Label, settings: StageSettings) -> tuple[Ref, ...]:
    """Return the refs whose runs ask staging what it said of the tree that they deploy to production (DEP-7)."""
    if label.stage is not Stage.STAGING:
        return ()
    production = Label(label.product, Stage.PRODUCTION, Stage.PRODUCTION.value)
    return refs_that_deploy(settings.release_model, production, settings.github.default_branch)


def is_reviewed(role: Role, label: Label) -> bool:
    """Whether reviewers approve each run: those that bring something new to staging or production. A rollback waits for
    nobody: it brings back what was approved before, and at night nobody is there."""
    return label.stage is not Stage.DEVELOPMENT and role is Role.DEPLOY


def subjects(role: Role, label: Label, settings: StageSettings) -> tuple[str, ...]:
    """Return the exact subjects of GitHub's identity tokens for this environment.

    Repositories made, renamed or moved since 15 July 2026 have the owner's and the repository's number in it (GitHub
    documentation, "OpenID Connect reference"); where the settings hold the numbers, both forms are trusted.
    """
    ours, environment = settings.github, f"environment:{environment_of(role, label)}"
    plain = f"repo:{ours.owner}/{ours.repository}:{environment}"
    if ours.owner_id is None:
        return (plain,)
    return (plain, f"repo:{ours.owner}@{ours.owner_id}/{ours.repository}@{ours.repository_id}:{environment}")
