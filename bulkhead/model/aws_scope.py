"""What a stage owns in AWS (pure): the names and ARNs that limit what its roles may reach."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bulkhead.model.naming import Kind, Label, Stage
from bulkhead.model.roles import Holder, Role
from bulkhead.model.settings import StageSettings
from bulkhead.model.vault import REPLICA

JOURNAL: Final = "delivery/"
"""Below which deployments are noted down in the bucket of a stage's state."""


@dataclass(frozen=True, slots=True)
class AwsScope:
    """The AWS side of one stage. ``partition`` is the second field of its ARNs, such as ``aws-cn``."""

    label: Label
    account: str
    region: str
    deploy_role: str
    keeps_backups: bool
    partition: str = "aws"
    replica_region: str = ""
    """Where the vault has a copy, empty where it has none."""

    @property
    def environments(self) -> tuple[str, ...]:
        """The environments whose resources the stage's roles manage; development's has the ephemeral ones too."""
        own = self.label.environment
        return (own, "pr-*") if self.label.stage is Stage.DEVELOPMENT else (own,)

    @property
    def removes(self) -> bool:
        """Whether the stage's roles may delete what the stage made. In production they never may."""
        return self.label.stage is not Stage.PRODUCTION

    @property
    def state(self) -> str:
        """The bucket of the stage's Pulumi state. `bulkhead bootstrap` makes it, the identities' bucket and both
        keys."""
        return self.label.name(Kind.STATE, self.account)

    @property
    def identities_state(self) -> str:
        """The bucket of the identities' Pulumi state. No role of the stage reaches it."""
        return self.label.name(Kind.STATE, "identities", self.account)

    @property
    def identities_alias(self) -> str:
        """The alias of the key that encrypts the secrets of the identities."""
        return f"alias/{self.label.name(Kind.KMS_ALIAS, 'identities')}"

    @property
    def state_bucket(self) -> str:
        """The ARN of the bucket of the stage's Pulumi state."""
        return f"arn:{self.partition}:s3:::{self.state}"

    @property
    def secrets_alias(self) -> str:
        """The alias of the key that encrypts the stage's secrets."""
        return f"alias/{self.label.name(Kind.KMS_ALIAS, 'secrets')}"

    @property
    def vault(self) -> str:
        """The bucket of the stage's backups, where it keeps any."""
        return self.label.name(Kind.VAULT, self.account)

    @property
    def vault_alias(self) -> str:
        """The alias of the key of the backups."""
        return f"alias/{self.label.name(Kind.KMS_ALIAS, 'vault')}"

    @property
    def replica(self) -> str:
        """The bucket of the vault's copy in another region, where the stage has one."""
        return self.label.name(Kind.VAULT, REPLICA, self.account)

    @property
    def replica_alias(self) -> str:
        """The alias of the copy's key, in the copy's region."""
        return f"alias/{self.label.name(Kind.KMS_ALIAS, REPLICA)}"

    @property
    def replication_role(self) -> str:
        """The role with which S3 copies the vault."""
        return self.label.name(Kind.ROLE, "replication")

    @property
    def replication_role_arn(self) -> str:
        return self.arn("iam", f"role{self.role_path}{self.replication_role}")

    @property
    def regions(self) -> tuple[str, ...]:
        """The regions in which the stage has keys of its own."""
        return tuple(region for region in (self.region, self.replica_region) if region)

    @property
    def role_path(self) -> str:
        return self.deploy_role.removesuffix(self.deploy_role.rpartition("/")[2])

    def role_name(self, role: Role) -> str:
        """Return the name of a role. The settings name the one that deploys; the others follow the stage's names."""
        return self.deploy_role.rpartition("/")[2] if role is Role.DEPLOY else self.label.name(Kind.ROLE, role)

    def role_arn(self, role: Role) -> str:
        return self.arn("iam", f"role{self.role_path}{self.role_name(role)}")

    def job(self, task: str) -> str:
        """Return the name of a job's function and of its schedule. Their group is called as all of them begin."""
        return self.label.name(Kind.JOB, task)

    def job_role(self, task: str) -> str:
        return self.label.name(Kind.ROLE, "job", task)

    @property
    def scheduler_role(self) -> str:
        """The role by which schedules start the jobs."""
        return self.label.name(Kind.ROLE, "scheduler")

    def job_token(self, holder: Holder) -> str:
        """Return the parameter that holds a token of Cloudflare for jobs. It is called like the token and not like
        parameters of the stage, which the role that deploys can read."""
        return self.label.name(Kind.TOKEN, holder)

    @property
    def job_queue(self) -> str:
        """The queue of events for jobs that were given up."""
        return self.label.name(Kind.JOB, "failed")

    def job_log(self, task: str) -> str:
        return self.label.name(Kind.LOG, task)

    @property
    def passed_roles(self) -> tuple[str, ...]:
        """The ARNs of the roles that a service of AWS takes: those of the jobs, and the scheduler's."""
        jobs = f"{self.label.name(Kind.ROLE, 'job')}-*"
        return (self.service_role(jobs), self.service_role(self.scheduler_role))

    def service_role(self, name: str) -> str:
        """Return the ARN of a role that a service of AWS takes, by the role's name."""
        return self.arn("iam", f"role{self.role_path}{name}")

    def arn(self, service: str, resource: str, *, region: str = "") -> str:
        """Return the ARN of something in the stage's account."""
        return f"arn:{self.partition}:{service}:{region}:{self.account}:{resource}"

    def names(self, kind: Kind) -> tuple[str, ...]:
        """Return the prefix of names of this kind (see ``Label.name``), one for each environment."""
        return tuple(f"{self.label.product}-{each}-{kind.value}" for each in self.environments)

    def vaults(self, *, objects: bool = False) -> list[str]:
        """Return the ARNs of the stage's vaults and their logs, or of what is in them."""
        return [f"arn:{self.partition}:s3:::{name}-*{'/*' if objects else ''}" for name in self.names(Kind.VAULT)]


def aws_scope_of(label: Label, settings: StageSettings) -> AwsScope:
    configured_role = settings.aws.role_arn
    return AwsScope(
        label=label,
        account=settings.aws.account_id,
        region=settings.region.primary,
        deploy_role=f"/{configured_role.partition(':role/')[2]}"
        if configured_role
        else f"/{label.name(Kind.ROLE, Role.DEPLOY)}",
        keeps_backups=settings.backup.full != "none",
        replica_region=settings.backup.replica_region or "",
        partition=configured_role.split(":")[1] if configured_role else "aws",
    )
