"""The names that a bootstrap uses: the stores of one stage's two stacks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bulkhead.model.aws_scope import AwsScope, aws_scope_of
from bulkhead.model.faults import Fault, Refused
from bulkhead.model.naming import Stage
from bulkhead.model.settings import StageSettings


@dataclass(frozen=True, slots=True)
class StateStore:
    """Where one stack keeps its state: a bucket, and the key that encrypts the bucket and the stack's secrets, known by
    its alias. ``whose`` is the stack in words."""

    whose: str
    bucket: str
    alias: str
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Target:
    """Everything a bootstrap names: a store for the stage, and one for its identities, out of reach of every role that
    they make (`bulkhead.model.trust.boundary`)."""

    scope: AwsScope
    identities: StateStore
    stage: StateStore
    owns_account: bool
    tags: Mapping[str, str]


def require_permanent(stack: str) -> None:
    """Raise Refused unless this is one of the three stages: nothing is made for another stack."""
    if stack not in set(Stage):
        message = "is no stage; an ephemeral stack uses what was made for development"
        raise Refused("There is nothing to bootstrap.", [Fault(stack, message, "bulkhead bootstrap development")])


def target(product: str, settings: StageSettings) -> Target:
    """Return what a bootstrap of this stage is about."""
    label = settings.label(product)
    scope = aws_scope_of(label, settings)
    tags = label.tags(owner=settings.owner, cost_center=settings.cost_center)
    return Target(
        scope,
        identities=StateStore(
            f"{label.environment}'s identities",
            scope.identities_state,
            scope.identities_alias,
            {**tags, "purpose": "identities"},
        ),
        stage=StateStore(
            label.environment,
            scope.state,
            scope.secrets_alias,
            {**tags, "purpose": "secrets"},
        ),
        owns_account=settings.owns.aws_account,
        tags=tags,
    )
