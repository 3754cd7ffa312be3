"""The roles of the stage's jobs in AWS, and the parameters that hold their tokens of Cloudflare."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_aws.iam import Role, RolePolicy
from pulumi_aws.ssm import Parameter

from bulkhead.model.aws_scope import AwsScope, aws_scope_of
from bulkhead.model.iam import Document, Grant, document
from bulkhead.model.naming import Label
from bulkhead.model.roles import JOBS, Holder
from bulkhead.model.settings import StageSettings
from bulkhead.model.tasks import Job
from bulkhead.model.trust import trust_of_job, trust_of_scheduler
from identities.job_permissions import job_grants, scheduler_grants


@dataclass(frozen=True, slots=True)
class JobRolesArgs:
    """``boundary`` is the ARN of the stage's permissions boundary, ``tokens`` Cloudflare's by who holds them."""

    label: Label
    settings: StageSettings
    jobs: Sequence[Job]
    boundary: pulumi.Output[str]
    tokens: Mapping[Holder, pulumi.Output[str]]


class JobRoles(pulumi.ComponentResource):
    """A role for each job of the stage, and one for the schedules that start them, all below the stage's boundary.

    They are here and not beside the functions because whoever deploys a stage has no right over IAM; and a token that
    is never among the stage's secrets cannot be read by a Worker or a deployment.
    """

    def __init__(self, name: str, args: JobRolesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("bulkhead:identities:JobRoles", name, {}, opts)
        self._args, self._child = args, pulumi.ResourceOptions(parent=self)
        scope = aws_scope_of(args.label, args.settings)
        for job in args.jobs:
            role = scope.job_role(job.name)
            self._role(f"{name}-{job.name}", role, scope, f"Job {job.name}", trust_of_job(), job_grants(job, scope))
        schedules = scheduler_grants(args.jobs, scope)
        self._role(f"{name}-schedules", scope.scheduler_role, scope, "Schedules", trust_of_scheduler(scope), schedules)
        for holder in dict.fromkeys(job.holder for job in args.jobs):
            own = f"{name}-token" if holder == JOBS else f"{name}-token-{holder}"
            if holder in args.tokens:
                value = args.tokens[holder]
                Parameter(own, name=scope.job_token(holder), type="SecureString", value=value, opts=self._child)
        self.register_outputs({})

    def _role(
        self, name: str, role: str, scope: AwsScope, what: str, trust: Document, granted: Sequence[Grant]
    ) -> None:
        made = Role(
            name,
            name=role,
            path=scope.role_path,
            description=f"{what} of {scope.label.product} {scope.label.environment}",
            assume_role_policy=json.dumps(trust),
            permissions_boundary=self._args.boundary,
            opts=self._child,
        )
        RolePolicy(
            name,
            name=role,
            role=made.name,
            policy=json.dumps(document(grant.statement() for grant in granted)),
            opts=self._child,
        )
