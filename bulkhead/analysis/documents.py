"""AWS's policy documents in a plan (pure): where they stand, and what they say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from bulkhead.analysis.stage_plan import StagePlan
from bulkhead.resources import types as t
from bulkhead.resources.documents import documents_in
from bulkhead.resources.kind import Grants
from bulkhead.resources.planned import PlannedResource, unsealed
from bulkhead.resources.statements import Statement, statements
from bulkhead.resources.values import MISSING, UNKNOWN, at, leaves, listed


@dataclass(frozen=True, slots=True)
class PolicyDocument:
    """One document. A ``limit`` says what a role may do at most, and grants nothing. ``statements`` is None where it is
    not known before the stage exists."""

    resource: PlannedResource
    path: str
    grants: Grants
    limit: bool
    statements: tuple[Statement, ...] | None


BOUNDARY: Final = "permissionsBoundary"  # of a role


def documents(plan: StagePlan, grants: Grants) -> Iterator[PolicyDocument]:
    """Yield the documents of a plan that say this."""
    limits = {str(role.inputs.get(BOUNDARY)) for role in plan.of(t.IAM_ROLE, t.IAM_USER)}
    for resource in plan.resources:
        limit = resource.type == t.IAM_POLICY and bool(limits & {str(resource.outputs.get("arn")), resource.id})
        for path, what, found in documents_in(resource.type, unsealed(resource.inputs)):
            if what is grants and found is not MISSING:
                yield PolicyDocument(resource, path, grants, limit, _statements(found))


def _statements(found: Any) -> tuple[Statement, ...] | None:
    # A statement under a condition that is not known may let in anybody: then nothing is known of the whole.
    unclear = found is UNKNOWN or any(UNKNOWN in leaves(at(each, "Condition")) for each in listed(found, "Statement"))
    return None if unclear else statements(found)
