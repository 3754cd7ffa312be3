"""The words of a bootstrap: what is made for whom, in which steps, through which clients."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from infra.naming import Kind, Label, Stage
from infra.settings import StageSettings

if TYPE_CHECKING:
    from types_boto3_iam import IAMClient
    from types_boto3_kms import KMSClient
    from types_boto3_s3 import S3Client
    from types_boto3_sts import STSClient

MADE_BY: Final = {"managed-by": "bulkhead"}


class Effect(StrEnum):
    """What a step will do."""

    EXISTS = "exists"
    CREATE = "create"
    CHANGE = "change"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that must be there: what it is, why it is needed, and what has to be done about it now."""

    what: str
    why: str
    effect: Effect
    act: Callable[[], object] = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps of one stage, in the order in which they are done."""

    steps: tuple[Step, ...]

    @property
    def pending(self) -> tuple[Step, ...]:
        """The steps that would change something."""
        return tuple(step for step in self.steps if step.effect is not Effect.EXISTS)


@dataclass(frozen=True, slots=True)
class Clients:
    """boto3 clients with one person's credentials, in the region of the stage."""

    s3: S3Client
    kms: KMSClient
    iam: IAMClient
    sts: STSClient


@dataclass(frozen=True, slots=True)
class GitHubIds:
    """GitHub's numbers of the owner and the repository. A repository made, renamed or moved since 15 July 2026 puts
    them into the subject of its identity tokens (GitHub documentation, "OpenID Connect reference")."""

    owner: int
    repository: int


@dataclass(frozen=True, slots=True)
class Target:
    """Everything a bootstrap names. ``partition`` is the part of AWS's world an account is in, as ARNs begin."""

    label: Label
    account: str
    region: str
    owner: str
    repository: str
    role: str
    owns_account: bool
    tags: Mapping[str, str]
    ids: GitHubIds | None = None
    partition: str = "aws"

    @property
    def bucket(self) -> str:
        return self.label.name(Kind.STATE, self.account)

    @property
    def alias(self) -> str:
        return f"alias/{self.label.name(Kind.KMS_ALIAS, 'secrets')}"

    @property
    def role_name(self) -> str:
        return self.role.rpartition("/")[2]

    @property
    def role_path(self) -> str:
        return f"/{self.role.removesuffix(self.role_name)}"

    @property
    def removes(self) -> bool:
        """Whether the stage's role may delete what the stage made; production's never."""
        return self.label.stage is not Stage.PRODUCTION

    @property
    def environments(self) -> tuple[str, ...]:
        """The environments whose AWS resources the stage's role manages; development's has the ephemeral ones too."""
        own = self.label.environment
        return (own, "pr-*") if self.label.stage is Stage.DEVELOPMENT else (own,)

    @property
    def subjects(self) -> tuple[str, ...]:
        """The exact subjects of GitHub's identity tokens for a deployment to this environment."""
        environment = f"environment:{self.label.environment}"
        plain = f"repo:{self.owner}/{self.repository}:{environment}"
        if self.ids is None:
            return (plain,)
        numbered = f"repo:{self.owner}@{self.ids.owner}/{self.repository}@{self.ids.repository}:{environment}"
        return (plain, numbered)

    def arn(self, service: str, resource: str, *, region: str = "") -> str:
        """Return the ARN of something in the stage's account."""
        return f"arn:{self.partition}:{service}:{region}:{self.account}:{resource}"


def target(product: str, settings: StageSettings, ids: GitHubIds | None = None) -> Target:
    """Return what a bootstrap of this stage is about. The role is the one that the settings name, if they name one."""
    label = Label(product, settings.stage, settings.environment)
    named = settings.aws.role_arn
    return Target(
        label=label,
        account=settings.aws.account_id,
        region=settings.region.primary,
        owner=settings.github.owner,
        repository=settings.github.repository,
        role=named.partition(":role/")[2] if named else label.name(Kind.ROLE, "deploy"),
        owns_account=settings.owns.aws_account,
        tags={**label.tags(owner=settings.owner, cost_center=settings.cost_center), **MADE_BY},
        ids=ids,
        partition=named.split(":")[1] if named else "aws",
    )


def covers(current: Any, wanted: Any) -> bool:
    """Whether ``current`` has everything ``wanted`` says. Members that AWS adds by itself do not matter; further items
    of a list do."""
    if isinstance(wanted, Mapping):
        return isinstance(current, Mapping) and all(covers(current.get(key), value) for key, value in wanted.items())
    if isinstance(wanted, list):
        same_length = isinstance(current, list) and len(current) == len(wanted)
        return same_length and all(map(covers, current, wanted))
    return bool(current == wanted)


def unless_absent(call: Callable[..., Any], *codes: str, **request: Any) -> Any | None:
    """Call a boto3 operation; return None where AWS answers one of ``codes``."""
    try:
        return call(**request)
    except ClientError as error:
        if error.response["Error"]["Code"] in codes:
            return None
        raise
