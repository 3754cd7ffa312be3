"""Every rule of the pack, in the order in which they are listed."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from policies.rule import AnyRule, Rule
from policies.rules import (
    access,
    alarms,
    aws_backup,
    aws_cost,
    aws_guests,
    aws_jobs,
    aws_keys,
    aws_storage,
    deployments,
    everywhere,
    github,
    github_repository,
    github_secrets,
    iam,
    iam_escalation,
    iam_trust,
    limits,
    logs,
    plain_values,
    references,
    repository_owner,
    stores,
    token_permissions,
    tokens,
    worker_bindings,
    worker_values,
    workers,
    zone,
)

NAME: Final = "bulkhead"
FOLDER: Final = Path(__file__).resolve().parent  # what `--policy-pack` takes
RULES: Final[tuple[AnyRule, ...]] = (
    *worker_bindings.RULES,
    *worker_values.RULES,
    *workers.RULES,
    *stores.RULES,
    *tokens.RULES,
    *token_permissions.RULES,
    *access.RULES,
    *logs.RULES,
    *aws_storage.RULES,
    *aws_backup.RULES,
    *aws_keys.RULES,
    *iam.RULES,
    *iam_escalation.RULES,
    *iam_trust.RULES,
    *aws_cost.RULES,
    *alarms.RULES,
    *github.RULES,
    *github_repository.RULES,
    *github_secrets.RULES,
    *limits.RULES,
    *everywhere.RULES,
    *references.RULES,
    *aws_guests.RULES,
    *aws_jobs.RULES,
    *plain_values.RULES,
    *deployments.RULES,
    *repository_owner.RULES,
    *zone.RULES,
)


def judged_by(type_: str) -> tuple[Rule, ...]:
    """Return the rules for a resource's type; rules without types apply to every resource."""
    return tuple(rule for rule in RULES if isinstance(rule, Rule) and type_ in rule.types)
