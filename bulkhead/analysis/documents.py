"""AWS's policy documents in a plan (pure): where they stand, and what they say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from bulkhead.analysis.stage_plan import StagePlan
from bulkhead.resources import types as t
from bulkhead.resources.planned import PlannedResource, unsealed
from bulkhead.resources.statements import Statement, statements
from bulkhead.resources.values import MISSING, UNKNOWN, at, document, leaves, listed


class Sort(Enum):
    """What a document is for. ``TRUST``: who may take a role. ``RIGHTS``: what whoever has it may do. ``LIMIT``: what
    they may do at most, which grants nothing. ``RESOURCE``: who may use the thing it is attached to."""

    TRUST = "trust"
    RIGHTS = "rights"
    LIMIT = "limit"
    RESOURCE = "resource"


@dataclass(frozen=True, slots=True)
class PolicyDocument:
    """One document. ``statements`` is None where it is not known before the stage exists."""

    resource: PlannedResource
    path: str
    sort: Sort
    statements: tuple[Statement, ...] | None


INLINE: Final = "inlinePolicies"  # of a role
PLACES: Final[Mapping[str, tuple[str, Sort]]] = {
    t.IAM_ROLE: ("assumeRolePolicy", Sort.TRUST),
    t.IAM_POLICY: ("policy", Sort.RIGHTS),
    t.IAM_ROLE_POLICY: ("policy", Sort.RIGHTS),
    t.IAM_USER_POLICY: ("policy", Sort.RIGHTS),
    t.IAM_GROUP_POLICY: ("policy", Sort.RIGHTS),
    t.KMS_KEY: ("policy", Sort.RESOURCE),
    t.KMS_KEY_POLICY: ("policy", Sort.RESOURCE),
    t.KMS_REPLICA_KEY: ("policy", Sort.RESOURCE),
    t.S3_BUCKET: ("policy", Sort.RESOURCE),
    t.S3_BUCKET_POLICY: ("policy", Sort.RESOURCE),
    t.SNS_TOPIC: ("policy", Sort.RESOURCE),
    t.SNS_TOPIC_POLICY: ("policy", Sort.RESOURCE),
    t.SQS_QUEUE: ("policy", Sort.RESOURCE),
    t.SQS_QUEUE_POLICY: ("policy", Sort.RESOURCE),
}


def documents(plan: StagePlan, *sorts: Sort) -> Iterator[PolicyDocument]:
    """Yield the documents of a plan, of some sorts or of all."""
    limits = {str(role.inputs.get("permissionsBoundary")) for role in plan.of(t.IAM_ROLE, t.IAM_USER)}
    for resource in plan.of(*PLACES):
        path, sort = PLACES[resource.type]
        if resource.type == t.IAM_POLICY and limits & {str(resource.outputs.get("arn")), resource.id}:
            sort = Sort.LIMIT
        inputs = unsealed(resource.inputs)
        yield from _said(resource, path, sort, document(inputs, path), sorts)
        for number, inline in enumerate(listed(inputs, INLINE)):
            yield from _said(resource, f"{INLINE}[{number}].policy", Sort.RIGHTS, document(inline, "policy"), sorts)


def _said(
    resource: PlannedResource, path: str, sort: Sort, said: Any, wanted: tuple[Sort, ...]
) -> Iterator[PolicyDocument]:
    if said is MISSING or (wanted and sort not in wanted):
        return
    # A statement under a condition that is not known may let in anybody: then nothing is known of the whole.
    unclear = said is UNKNOWN or any(UNKNOWN in leaves(at(each, "Condition")) for each in listed(said, "Statement"))
    yield PolicyDocument(resource, path, sort, None if unclear else statements(said))
