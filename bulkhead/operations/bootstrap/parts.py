"""The words of a bootstrap: what is made for whom, in which steps, through which clients."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from bulkhead.model.aws_scope import Estate, estate_of
from bulkhead.model.settings import StageSettings

if TYPE_CHECKING:
    from types_boto3_iam import IAMClient
    from types_boto3_kms import KMSClient
    from types_boto3_s3 import S3Client
    from types_boto3_sts import STSClient


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
class StateStore:
    """Where one stack keeps its state: a bucket, and the key that encrypts the bucket and the stack's secrets, known by
    its alias. ``whose`` is the stack in words."""

    whose: str
    bucket: str
    alias: str
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Target:
    """Everything a bootstrap names: a store for the stage, and one for its identities, out of reach of every role that
    they make (`bulkhead.model.trust.boundary`)."""

    estate: Estate
    identities: StateStore
    stage: StateStore
    owns_account: bool
    tags: Mapping[str, str]


def target(product: str, settings: StageSettings) -> Target:
    """Return what a bootstrap of this stage is about."""
    label = settings.label(product)
    estate = estate_of(label, settings)
    tags = label.tags(owner=settings.owner, cost_center=settings.cost_center)
    return Target(
        estate,
        identities=StateStore(
            f"{label.environment}'s identities",
            estate.identities_state,
            estate.identities_alias,
            {**tags, "purpose": "identities"},
        ),
        stage=StateStore(
            label.environment,
            estate.state,
            estate.secrets_alias,
            {**tags, "purpose": "secrets"},
        ),
        owns_account=settings.owns.aws_account,
        tags=tags,
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
