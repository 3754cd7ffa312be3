"""Rules about who is let in from outside: by the policy of a bucket, and by the permission of a function. Keys, topics
and queues have rules of their own (`kms-policy-open`, `topic-policy-open`); a bucket for everybody has `s3-public`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from bulkhead.resources import types as t
from bulkhead.resources.documents import permission
from bulkhead.resources.observed import ObservedResource
from bulkhead.resources.statements import Statement, statements
from bulkhead.resources.values import document
from policies.context import PolicyContext
from policies.rule import AnyRule, Rule, Violation

# CloudFront's own identity for one distribution, which is no account (CloudFront Developer Guide).
_OF_CLOUDFRONT: Final = re.compile(r"arn:[^:]*:iam::cloudfront:user/.+")
_TOKEN: Final = "lambda:eventsourcetoken"  # noqa: S105 - Alexa says with it for which skill it calls


def _bucket(resource: ObservedResource, context: PolicyContext) -> Iterator[Violation]:
    for statement in statements(document(resource.props, "policy")):
        for wrong, fix in _guests(statement, context) if statement.allows else ():
            yield Violation(
                wrong, "They read or replace what the bucket holds, from an account that is not the stage's", fix
            )


def _function(resource: ObservedResource, context: PolicyContext) -> Iterator[Violation]:
    for statement in statements(permission(resource.props)):
        if any(key == _TOKEN and values for key, values in statement.requires()):
            continue
        own = context.settings.aws.account_id
        if statement.for_anybody and not statement.confined_to(own, context.prefix):
            wrongs = [("lets everybody start the function", f'say source_account="{own}", or whose event starts it')]
        else:
            wrongs = list(_guests(statement, context))
        for wrong, fix in wrongs:
            yield Violation(
                wrong, "They start it with whatever input they like, and it works with the stage's rights", fix
            )


def _guests(statement: Statement, context: PolicyContext) -> Iterator[tuple[str, str]]:
    """Yield who is let in from outside by a statement, apart from everybody, and the fix."""
    account = context.settings.aws.account_id
    by_name = [value for key, values in statement.requires() if key == "aws:principalarn" for value in values]
    strangers = [who for who in statement.strangers(account) if not _OF_CLOUDFRONT.fullmatch(who)]
    if not (by_name and all(_is_own(value, context) for value in by_name)):
        strangers = [who for who in strangers if not _is_own(who, context)]
        strangers += [who for kind, who in statement.principals if kind == "CanonicalUser"]
    else:
        strangers = []
    if strangers:
        yield (
            f"lets {', '.join(strangers)} in, which the stage does not own",
            f"name principals of account {account}, or roles that begin with {context.prefix}, each by its ARN",
        )
    if statement.services and not statement.confined_to(account, context.prefix):
        services = ", ".join(sorted(statement.services))
        yield (
            f"lets {services} in on behalf of any account",
            f'demand aws:SourceAccount "{account}", or aws:SourceArn with what of the stage it acts for',
        )


def _is_own(arn: str, context: PolicyContext) -> bool:
    """Whether a role is the stage's by its name, in whatever account: one that replicates the stage's own vault."""
    name = arn.rpartition("/")[2]
    return ":role/" in arn and "*" not in arn and name.startswith(context.prefix)


RULES: Final[tuple[AnyRule, ...]] = (
    Rule(
        "bucket-policy-stranger",
        ("SEC-7", "SEC-8"),
        "A bucket is read and written by the stage's own, and by services on its behalf",
        (t.S3_BUCKET_POLICY, t.S3_BUCKET),
        _bucket,
    ),
    Rule(
        "function-started-by-strangers",
        ("SEC-7",),
        "A function is started by what the stage owns",
        (t.LAMBDA_PERMISSION,),
        _function,
    ),
)
