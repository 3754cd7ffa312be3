"""AWS's policy documents in a plan (pure): where they stand, and what they say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from bulkhead.analysis.stage_plan import StagePlan
from bulkhead.resources import types as t
from bulkhead.resources.catalogue import row_of
from bulkhead.resources.kind import Grants
from bulkhead.resources.planned import PlannedResource, unsealed
from bulkhead.resources.statements import Statement, statements
from bulkhead.resources.values import MISSING, UNKNOWN, at, document, leaves, listed


@dataclass(frozen=True, slots=True)
class PolicyDocument:
    """One document. A ``limit`` says what a role may do at most, and grants nothing. ``statements`` is None where it is
    not known before the stage exists."""

    resource: PlannedResource
    path: str
    grants: Grants
    limit: bool
    statements: tuple[Statement, ...] | None


# Of a role.
INLINE: Final = "inlinePolicies"
BOUNDARY: Final = "permissionsBoundary"


def documents(plan: StagePlan, grants: Grants) -> Iterator[PolicyDocument]:
    """Yield the documents of a plan that say this."""
    limits = {str(role.inputs.get(BOUNDARY)) for role in plan.of(t.IAM_ROLE, t.IAM_USER)}
    for resource in plan.resources:
        limit = resource.type == t.IAM_POLICY and bool(limits & {str(resource.outputs.get("arn")), resource.id})
        for path, what, found in _documents_in(resource):
            if what is grants and found is not MISSING:
                yield PolicyDocument(resource, path, grants, limit, _statements(found))


def _documents_in(resource: PlannedResource) -> Iterator[tuple[str, Grants, Any]]:
    row, inputs = row_of(resource.type), unsealed(resource.inputs)
    for path, grants in row.documents.items() if row else ():
        yield path, grants, document(inputs, path)
    for number, inline in enumerate(listed(inputs, INLINE)):
        yield f"{INLINE}[{number}].policy", Grants.RIGHTS, document(inline, "policy")
    if resource.type == t.LAMBDA_PERMISSION:
        yield "permission", Grants.RESOURCE, _permission(inputs)


def _permission(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document that AWS makes of a permission of a function (AWS Lambda, "AddPermission")."""
    who = at(inputs, "principal")
    service = isinstance(who, str) and "." in who and ":" not in who
    conditions = {
        "ArnLike": {"aws:SourceArn": at(inputs, "sourceArn")},
        "StringEquals": {
            "aws:SourceAccount": at(inputs, "sourceAccount"),
            "aws:PrincipalOrgID": at(inputs, "principalOrgId"),
        },
    }
    statement = {
        "Sid": inputs.get("statementId", ""),
        "Effect": "Allow",
        "Principal": {"Service" if service else "AWS": who},
        "Action": at(inputs, "action"),
        "Condition": {
            operator: {key: value for key, value in tests.items() if value is not MISSING}
            for operator, tests in conditions.items()
        },
    }
    return {"Statement": [statement]}


def _statements(found: Any) -> tuple[Statement, ...] | None:
    # A statement under a condition that is not known may let in anybody: then nothing is known of the whole.
    unclear = found is UNKNOWN or any(UNKNOWN in leaves(at(each, "Condition")) for each in listed(found, "Statement"))
    return None if unclear else statements(found)
