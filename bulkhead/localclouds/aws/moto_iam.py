"""A role as moto's memory has it, for what happens inside the local AWS: asking over HTTP would wait for itself."""

from __future__ import annotations

import json
from typing import Any, Final

from moto.iam.exceptions import NotFoundException
from moto.iam.models import iam_backends

from bulkhead.localclouds.aws.evaluator import Identity

_PARTITION: Final = "aws"


def identity_of(account: str, role: str) -> Identity | None:
    """Return the role of a name or an ARN with its policies, its boundary and its trust, None when there is none."""
    iam = iam_backends[account][_PARTITION]
    try:
        found = iam.get_role(role.rpartition("/")[2])
    except NotFoundException:
        return None
    managed = [_document(policy) for policy in found.managed_policies.values()]
    boundary = found.permissions_boundary_arn
    return Identity(
        found.name,
        (*map(json.loads, found.policies.values()), *managed),
        _document(iam.get_policy(boundary)) if boundary else None,
        json.loads(found.assume_role_policy_document),
    )


def _document(policy: Any) -> Any:
    return json.loads(next(version.document for version in policy.versions if version.is_default))
