"""The stage's roles in AWS, each with its limit."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pulumi
from pulumi_aws.iam import Policy, RolePolicy
from pulumi_aws.iam import Role as IamRole

from bulkhead.model.aws_scope import AwsScope, aws_scope_of
from bulkhead.model.iam import document
from bulkhead.model.naming import Kind, Label
from bulkhead.model.product import Product
from bulkhead.model.roles import Role
from bulkhead.model.settings import StageSettings
from bulkhead.model.tasks import Job
from bulkhead.model.trust import boundary, trust
from identities.permissions import grants
from identities.replication import ReplicationRole

_SESSION_SECONDS: Final = 3600


@dataclass(frozen=True, slots=True)
class StageRolesArgs:
    label: Label
    settings: StageSettings
    product: Product
    jobs: Sequence[Job]


class StageRoles(pulumi.ComponentResource):
    """One role for each of `Role`, and one limit for all of them that their own policies cannot move.

    GitHub takes them with its identity token, so no key of AWS is stored anywhere. ``arns`` are the roles' ARNs, and
    ``boundary`` is the limit's.

    Left out: GitHub's identity provider, of which an account has one, whoever uses it; `bulkhead bootstrap` makes it.
    """

    def __init__(self, name: str, args: StageRolesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("bulkhead:identities:StageRoles", name, {}, opts)
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)
        scope = aws_scope_of(args.label, args.settings)
        limit = Policy(
            f"{name}-boundary",
            name=args.label.name(Kind.BOUNDARY),
            description=f"The most that any role of {args.label.product} {args.label.environment} can do",
            policy=json.dumps(boundary(scope)),
            opts=self._child,
        )
        if scope.replica_region and scope.keeps_backups:
            ReplicationRole("replication", scope, limit.arn, self._child)
        self.boundary = limit.arn
        self.arns = {role: self._role(name, role, scope, limit) for role in Role}
        self.register_outputs({"arns": {role.value: arn for role, arn in self.arns.items()}})

    def _role(self, name: str, role: Role, scope: AwsScope, limit: Policy) -> pulumi.Output[str]:
        iam_role = IamRole(
            f"{name}-{role}",
            name=scope.role_name(role),
            path=scope.role_path,
            description=f"{role.capitalize()} of {scope.label.product} {scope.label.environment}",
            assume_role_policy=json.dumps(trust(role, scope, self._args.settings)),
            permissions_boundary=limit.arn,
            max_session_duration=_SESSION_SECONDS,
            opts=self._child,
        )
        if granted := grants(
            role, scope, self._args.product, self._args.jobs
        ):  # IAM takes no policy without a statement
            RolePolicy(
                f"{name}-{role}",
                name=scope.role_name(role),
                role=iam_role.name,
                policy=json.dumps(document(grant.statement() for grant in granted)),
                opts=self._child,
            )
        return iam_role.arn
