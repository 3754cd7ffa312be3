"""AWS's policy documents in a plan (pure): where they stand, and what they say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from analysis.planned import Plan, Planned
from policies import tokens as t
from policies.rules.statements import Statement, statements
from policies.values import MISSING, UNKNOWN, document


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

    resource: Planned
    path: str
    sort: Sort
    statements: tuple[Statement, ...] | None


PLACES: Final[Mapping[str, tuple[str, Sort]]] = {
    t.IAM_ROLE: ("assumeRolePolicy", Sort.TRUST),
    t.IAM_POLICY: ("policy", Sort.RIGHTS),
    t.IAM_ROLE_POLICY: ("policy", Sort.RIGHTS),
    t.IAM_USER_POLICY: ("policy", Sort.RIGHTS),
    t.IAM_GROUP_POLICY: ("policy", Sort.RIGHTS),
    t.KMS_KEY: ("policy", Sort.RESOURCE),
    t.KMS_KEY_POLICY: ("policy", Sort.RESOURCE),
    t.S3_BUCKET_POLICY: ("policy", Sort.RESOURCE),
    t.SNS_TOPIC: ("policy", Sort.RESOURCE),
    t.SNS_TOPIC_POLICY: ("policy", Sort.RESOURCE),
    t.SQS_QUEUE: ("policy", Sort.RESOURCE),
    t.SQS_QUEUE_POLICY: ("policy", Sort.RESOURCE),
}


def documents(plan: Plan, *sorts: Sort) -> Iterator[PolicyDocument]:
    """Yield the documents of a plan, of some sorts or of all."""
    limits = {str(role.inputs.get("permissionsBoundary")) for role in plan.of(t.IAM_ROLE, t.IAM_USER)}
    for resource in plan.of(*PLACES):
        path, sort = PLACES[resource.type]
        if resource.type == t.IAM_POLICY and limits & {str(resource.made.get("arn")), resource.id}:
            sort = Sort.LIMIT
        said = document(resource.inputs, path)
        if said is not MISSING and (not sorts or sort in sorts):
            yield PolicyDocument(resource, path, sort, None if said is UNKNOWN else statements(said))
