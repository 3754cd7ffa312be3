"""What each role may do in AWS, with a reason for every statement (pure): least privilege.

Left out on purpose: every right over IAM, but for handing the roles of jobs to what runs them. Whoever may write roles
may widen their own; roles are changed by the person who brings the identities up, never by a pipeline.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from bulkhead.model.aws_scope import AwsScope
from bulkhead.model.iam import Grant, called_by_s3
from bulkhead.model.naming import Stage
from bulkhead.model.product import Product
from bulkhead.model.roles import Role
from bulkhead.model.tasks import Job
from bulkhead.model.vault import HELD
from identities.deploying import TWINS, deploying, uses_vault_key
from identities.deploying_jobs import deploying_jobs
from jobs.drills import BACKUPS, DRILLS

# What staging found out about a tree, one object each: `bulkhead validate` writes it, production is handed it.
_VALIDATIONS: Final = "validation/*"


def grants(role: Role, scope: AwsScope, product: Product, jobs: Sequence[Job] = ()) -> tuple[Grant, ...]:
    """Return the statements of a role's policy, in the order in which they are read; none where it has no policy.
    ``jobs`` are the stage's."""
    match role:
        case Role.DEPLOY:
            return (*deploying(scope, product), *(deploying_jobs(scope) if jobs else ()))
        case Role.OPERATIONS:
            return tuple(_operations(scope))
        case Role.PREVIEW:
            return tuple(_reads_twin(scope))
        case Role.ROLLBACK:
            return ()  # all that it does is in Cloudflare


def _reads_twin(scope: AwsScope) -> Iterator[Grant]:
    yield Grant(
        "FindTwin",
        "the twin is looked for by its name",
        ["s3:ListBucket"],
        [scope.state_bucket],
        {"StringLike": {"s3:prefix": TWINS}},
    )
    yield Grant(
        "ReadTwin",
        "it has the stage's names and versions, and no secret",
        ["s3:GetObject"],
        [f"{scope.state_bucket}/{TWINS}"],
    )


def _reads_drills(scope: AwsScope) -> Iterator[Grant]:
    kept = [f"{DRILLS}*", f"{BACKUPS}*"]
    yield Grant(
        "FindDrills",
        "a validation looks for the last good drill, or else for the first backup",
        ["s3:ListBucket"],
        [scope.state_bucket],
        {"StringLike": {"s3:prefix": kept}},
    )
    yield Grant(
        "ReadDrills",
        "production waits where no restore was rehearsed for too long",
        ["s3:GetObject"],
        [f"{scope.state_bucket}/{each}" for each in kept],
    )


def _operations(scope: AwsScope) -> Iterator[Grant]:
    yield from _reads_twin(scope)
    if scope.label.stage is Stage.STAGING:
        yield Grant(
            "KeepValidations",
            "production is deployed only with what staging has validated",
            ["s3:GetObject", "s3:PutObject"],
            [f"{scope.state_bucket}/{_VALIDATIONS}"],
        )
        yield Grant(
            "UseStateKey",
            "they are encrypted as the state beside them is; S3 alone uses the key for it, so it opens no secret",
            ["kms:Decrypt", "kms:GenerateDataKey"],
            [scope.arn("kms", "key/*", region=scope.region)],
            called_by_s3(scope.secrets_alias, scope.region),
        )
    if not scope.keeps_backups:
        return
    if scope.label.stage is Stage.STAGING:
        yield from _reads_drills(scope)
    vault = f"arn:{scope.partition}:s3:::{scope.vault}"
    yield Grant("ListVault", "a restore looks for the backup it needs", ["s3:ListBucket"], [vault])
    yield Grant(
        "KeepBackups",
        "backups are added and read again, and never removed or replaced",
        ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"],
        [f"{vault}/*"],
    )
    if not scope.removes:  # the others lock nothing
        yield Grant(
            "LockBackups",
            "who writes a backup says until when nobody can delete it; the vault's policy lets nobody shorten that",
            ["s3:PutObjectRetention"],
            [f"{vault}/database/*"],
        )
        yield Grant(
            "HoldBackups",
            "one that is needed longer is kept; to let it go again takes a person who administers the account",
            ["s3:PutObjectLegalHold"],
            [f"{vault}/{HELD}*"],
            {"StringEquals": {"s3:object-lock-legal-hold": "ON"}},
        )
    yield uses_vault_key(scope)
