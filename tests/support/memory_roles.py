"""A stage's IAM made of memory, with the roles that the program would make, and an AWS that enforces them. Whatever
they hold can be changed by a test."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final, Self

from botocore.exceptions import ClientError

from bulkhead.localclouds.aws.enforced import EnforcedAws
from bulkhead.localclouds.aws.evaluator import Identity, Request, allows
from bulkhead.model.aws_scope import aws_scope_of
from bulkhead.model.iam import document
from bulkhead.model.naming import Kind
from bulkhead.model.roles import Role
from bulkhead.model.settings.models import StageSettings
from bulkhead.model.tasks import jobs_of, read_tasks
from bulkhead.model.trust import boundary, trust, trust_of_job, trust_of_scheduler
from identities.job_permissions import job_grants, scheduler_grants
from identities.permissions import grants
from infra.product import PRODUCT

ADMINISTRATOR: Final = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


@dataclass
class MemoryRole:
    """One role, by what can be broken in it. ``boundary`` and ``attached`` are ARNs of managed policies."""

    trust: dict[str, Any]
    policies: dict[str, Any]
    boundary: str | None
    attached: list[str] = field(default_factory=list)


class MemoryIam:
    """The IAM of one account, with boto3's signatures. ``managed`` are its policies by ARN."""

    def __init__(self, settings: StageSettings) -> None:
        label = settings.label(PRODUCT.name)
        self.scope = aws_scope_of(label, settings)
        limit = self.scope.arn("iam", f"policy/{label.name(Kind.BOUNDARY)}")
        self.managed: dict[str, Any] = {limit: boundary(self.scope)}
        self.roles: dict[str, MemoryRole] = {}
        for role in Role:
            name = self.scope.role_name(role)
            rights = document(grant.statement() for grant in grants(role, self.scope, PRODUCT))
            self.roles[name] = MemoryRole(trust(role, self.scope, settings), {name: rights}, limit)

        jobs = jobs_of(settings, read_tasks())
        for job in jobs:
            rights = document(grant.statement() for grant in job_grants(job, self.scope))
            self.roles[self.scope.job_role(job.name)] = MemoryRole(trust_of_job(), {"rights": rights}, limit)
        rights = document(grant.statement() for grant in scheduler_grants(jobs, self.scope))
        self.roles[self.scope.scheduler_role] = MemoryRole(trust_of_scheduler(self.scope), {"rights": rights}, limit)

    def of(self, role: Role | str) -> MemoryRole:
        """Return one of the stage's roles, or that of a job by its name."""
        return self.roles[self.scope.role_name(role) if isinstance(role, Role) else self.scope.job_role(role)]

    def allow(self, role: Role | str, action: str, resource: str = "*", **more: Any) -> None:
        """Let a role do one thing more."""
        more = {"Effect": "Allow", "Action": action, "Resource": resource, **more}
        self.of(role).policies["more"] = document([more])

    def unbind(self, role: Role | str) -> None:
        """Take a role's boundary away."""
        self.of(role).boundary = None

    def admit(self, role: Role | str, **changes: Any) -> None:
        """Let somebody more take a role: as the first statement of its trust says, but for the changes."""
        said = self.of(role).trust["Statement"]
        said.append(said[0] | changes)

    def get_role(self, *, RoleName: str) -> dict[str, Any]:  # noqa: N803 - as in boto3
        if RoleName not in self.roles:
            raise ClientError({"Error": {"Code": "NoSuchEntity"}}, "GetRole")
        role = self.roles[RoleName]
        limit = {"PermissionsBoundary": {"PermissionsBoundaryArn": role.boundary}} if role.boundary else {}
        return {"Role": {"AssumeRolePolicyDocument": role.trust, **limit}}

    def list_role_policies(self, *, RoleName: str) -> dict[str, Any]:  # noqa: N803
        return {"PolicyNames": list(self.roles[RoleName].policies)}

    def get_role_policy(self, *, RoleName: str, PolicyName: str) -> dict[str, Any]:  # noqa: N803
        return {"PolicyDocument": self.roles[RoleName].policies[PolicyName]}

    def list_attached_role_policies(self, *, RoleName: str) -> dict[str, Any]:  # noqa: N803
        return {"AttachedPolicies": [{"PolicyArn": arn} for arn in self.roles[RoleName].attached]}

    def get_policy(self, *, PolicyArn: str) -> dict[str, Any]:  # noqa: N803
        return {"Policy": {"Arn": PolicyArn, "DefaultVersionId": "v1"}}

    def get_policy_version(self, *, PolicyArn: str, VersionId: str) -> dict[str, Any]:  # noqa: N803
        assert VersionId == "v1"
        return {"PolicyVersion": {"Document": self.managed[PolicyArn]}}


class MemoryEnforcedAws(EnforcedAws):
    """Answers by the evaluator, from the statements without a condition alone, as the real one does."""

    def __init__(self) -> None:
        self._owners: dict[str, str] = {}
        self._roles: dict[tuple[str, str], Identity] = {}
        self._enforcing = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._roles.clear()

    def bucket(self, account: str, name: str, keys: Iterable[str], *, locks_days: int = 0) -> None:
        assert list(keys), f"{name} would be empty"
        self._owners[name] = account

    def role(self, account: str, name: str, policies: Iterable[Any]) -> None:
        said = [each for document_ in policies for each in document_["Statement"] if "Condition" not in each]
        self._roles[account, name] = Identity(name, (document(said),), None, {})

    def enforce(self) -> None:
        self._enforcing = True

    def tries(self, account: str, role: str, service: str, operation: str, **request: Any) -> str:
        assert self._enforcing
        actions = [f"{service}:{operation.title().replace('_', '')}"]
        if request.get("BypassGovernanceRetention"):  # without the right to it, the lock holds
            actions.append("s3:BypassGovernanceRetention")
        bucket = request.get("Bucket")
        resource = f"arn:aws:s3:::{bucket}/{request['Key']}" if bucket else "*"
        reached = bucket is None or self._owners[bucket] == account
        mine = self._roles[account, role]
        return "allowed" if reached and all(allows(mine, Request(each, resource)) for each in actions) else "denied"
