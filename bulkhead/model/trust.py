"""Who may assume a role, and the permissions boundary of every role of a stage (pure)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from bulkhead.model.aws_scope import AwsScope
from bulkhead.model.iam import Document, document, one_or_all
from bulkhead.model.naming import Kind
from bulkhead.model.roles import Role, subjects
from bulkhead.model.settings import StageSettings

GITHUB: Final = "token.actions.githubusercontent.com"
AUDIENCE: Final = "sts.amazonaws.com"

# The only services that a stage's roles may use. IAM, Organizations and Account are left out on purpose, but
# for handing a job's role to the service that runs it.
_SERVICES: Final = (
    "budgets:*",
    "cloudwatch:*",
    "kms:*",
    "lambda:*",
    "logs:*",
    "s3:*",
    "scheduler:*",
    "sns:*",
    "sqs:*",
    "ssm:*",
    "sts:AssumeRole",
    "sts:GetCallerIdentity",
)


def trust(role: Role, scope: AwsScope, settings: StageSettings) -> Document:
    """Return the trust policy of a role. It admits GitHub's runs in the role's own environment, and people of the
    account with a second factor, except for previews. The deploying role may assume itself, because Pulumi's provider
    assumes it once more inside a pipeline."""
    return document(_trusted(role, scope, settings))


def _trusted(role: Role, scope: AwsScope, settings: StageSettings) -> Iterator[dict[str, Any]]:
    anybody_in_account = {"AWS": scope.arn("iam", "root")}
    yield {
        "Sid": "GitHubRunsInThisEnvironment",
        "Effect": "Allow",
        "Principal": {"Federated": scope.arn("iam", f"oidc-provider/{GITHUB}")},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {
            "StringEquals": {
                f"{GITHUB}:aud": AUDIENCE,
                f"{GITHUB}:sub": one_or_all(subjects(role, scope.label, settings)),
            }
        },
    }
    if role is not Role.PREVIEW:
        yield {
            "Sid": "PeopleWithSecondFactor",
            "Effect": "Allow",
            "Principal": anybody_in_account,
            "Action": "sts:AssumeRole",
            "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}},
        }
    if role is Role.DEPLOY:
        yield {
            "Sid": "TheRoleItself",
            "Effect": "Allow",
            "Principal": anybody_in_account,
            "Action": "sts:AssumeRole",
            "Condition": {"ArnEquals": {"aws:PrincipalArn": scope.role_arn(role)}},
        }


def _copying(scope: AwsScope) -> Iterator[dict[str, Any]]:
    """Yield that the role by which the vault is copied may be handed to S3; nothing else of IAM is in any role's
    reach."""
    if scope.replica_region:
        yield {
            "Sid": "OnlyTheRoleThatCopies",
            "Effect": "Allow",
            "Action": ["iam:PassRole"],
            "Resource": [scope.replication_role_arn],
        }


def trust_of_job() -> Document:
    """Return the trust policy of a job's role: whoever may pass the role to Lambda decides in which function."""
    return document([_taken_by("lambda.amazonaws.com")])


def trust_of_scheduler(scope: AwsScope) -> Document:
    """Return the trust policy of the role by which schedules start jobs: those of the stage's own group alone."""
    group = scope.arn("scheduler", f"schedule-group/{scope.label.name(Kind.JOB)}", region=scope.region)
    only = {"StringEquals": {"aws:SourceAccount": scope.account}, "ArnEquals": {"aws:SourceArn": group}}
    return document([{**_taken_by("scheduler.amazonaws.com"), "Condition": only}])


def _taken_by(service: str) -> dict[str, Any]:
    return {"Sid": "ServiceRuns", "Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}


def boundary(scope: AwsScope) -> Document:
    """Return the permissions boundary of every role of the stage: a few services, and never the identities' own state
    and key, so that no role can extend its own rights indirectly."""
    own_state, own_key = f"arn:{scope.partition}:s3:::{scope.identities_state}", scope.identities_alias
    keys = scope.arn("kms", "key/*", region=scope.region)
    return document(
        (
            {"Sid": "OnlyTheseServices", "Effect": "Allow", "Action": list(_SERVICES), "Resource": ["*"]},
            *_copying(scope),
            {
                "Sid": "OnlyRolesOfJobs",
                "Effect": "Allow",
                "Action": "iam:PassRole",
                "Resource": list(scope.passed_roles),
            },
            {
                "Sid": "NeverTheIdentities",
                "Effect": "Deny",
                "Action": ["s3:*"],
                "Resource": [own_state, f"{own_state}/*"],
            },
            {
                "Sid": "NeverTheirKey",
                "Effect": "Deny",
                "Action": ["kms:*"],
                "Resource": [keys],
                "Condition": {"ForAnyValue:StringEquals": {"kms:ResourceAliases": own_key}},
            },
            {
                "Sid": "NeverItsName",
                "Effect": "Deny",
                "Action": ["kms:*"],
                "Resource": [scope.arn("kms", own_key, region=scope.region)],
            },
        )
    )
