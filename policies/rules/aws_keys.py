"""Rules about KMS keys, SNS topics and SQS queues: whom their policies admit, and the rotation and deletion of keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from bulkhead.resources import types as t
from bulkhead.resources.catalogue import CATALOGUE
from bulkhead.resources.kind import Grants
from bulkhead.resources.observed import ObservedResource
from bulkhead.resources.statements import Statement, account_of, statements
from bulkhead.resources.values import MISSING, UNKNOWN, document, number
from policies.context import PolicyContext
from policies.rule import AnyRule, Rule, Violation

_WITH_POLICY: Final = tuple(row for row in CATALOGUE.values() if Grants.RESOURCE in row.documents.values())
_KEYS, _TOPICS, _QUEUES = (
    tuple(row for row in _WITH_POLICY if row.startswith(f"aws:{service}/")) for service in ("kms", "sns", "sqs")
)
# EventBridge sends neither account nor rule when it publishes to a topic or uses the topic's key: with such a
# condition nothing arrives. EventBridge User Guide, "Using resource-based policies"; SNS Developer Guide, "Key
# management".
_SOURCELESS: Final = frozenset({"events.amazonaws.com"})
_YEAR: Final = 365  # days; how long KMS waits if nobody says it
_TO_TOPICS: Final = frozenset({*_KEYS, *_TOPICS})


def _still(resource: ObservedResource, context: PolicyContext) -> Iterator[Violation]:
    usage, spec, store = resource["keyUsage"], resource["customerMasterKeySpec"], resource["customKeyStoreId"]
    if UNKNOWN in (usage, spec, store) or not (
        # KMS can rotate symmetric encryption keys of its own alone; a key is one by default.
        usage in (MISSING, "ENCRYPT_DECRYPT") and spec in (MISSING, "SYMMETRIC_DEFAULT") and store in (MISSING, "")
    ):
        return
    rotated, days = resource["enableKeyRotation"], number(resource.props, "rotationPeriodInDays")
    if rotated is not True and rotated is not UNKNOWN:  # off unless somebody turns it on (provider's default)
        wrong, fix = "is never rotated", "enable_key_rotation=True"
    elif isinstance(days, float) and days > _YEAR:
        wrong, fix = f"is rotated every {days:g} days only", f"rotation_period_in_days={_YEAR}, or none, which means it"
    else:
        return
    yield Violation(
        wrong, "Whoever once learns the key's material reads everything that is ever encrypted with it", fix
    )


def _open_key(resource: ObservedResource, context: PolicyContext) -> Iterator[Violation]:
    yield from _open(resource, context, "read and write whatever is encrypted with the key")


def _open_channel(resource: ObservedResource, context: PolicyContext) -> Iterator[Violation]:
    yield from _open(resource, context, "read the stage's messages, or send false ones to those who act on them")


def _open(resource: ObservedResource, context: PolicyContext, could: str) -> Iterator[Violation]:
    """Judge a policy on the resource itself, in which each `Allow` stands for itself. Without a policy, AWS admits
    only the account."""
    for place, statement in enumerate(statements(document(resource.props, "policy")), 1):
        wrong, fix = _wrong(statement, resource.type, context) if statement.allows else ("", "")
        if wrong:
            yield Violation(
                f"{wrong}, in statement {statement.sid or place} of its policy",
                f"They could {could}, from accounts that are not the stage's",
                fix,
            )


def _wrong(statement: Statement, type_: str, context: PolicyContext) -> tuple[str, str]:
    """Return what is wrong with a statement and the fix; nothing where it is right."""
    account = context.settings.aws.account_id
    name = f"name principals of account {account}"
    # Services say for whom they act; whoever calls by themselves is known by their own account.
    caller = "kms:CallerAccount" if type_ in _KEYS else "aws:PrincipalAccount"
    by_service, by_caller = (
        f'"Condition": {{"StringEquals": {{"{key}": "{account}"}}}}' for key in ("aws:SourceAccount", caller)
    )
    confined = statement.confined_to(account, context.prefix)
    strangers = statement.strangers(account)
    sourceless = _SOURCELESS if type_ in _TO_TOPICS else frozenset()
    unbound = sorted(set(statement.services) - sourceless)
    if statement.for_anybody and not confined:
        return "lets everybody in", f"{name}, or add {by_caller}"
    if strangers:
        accounts = sorted({account_of(who) or "unknown" for who in strangers})
        return f"lets account {', '.join(accounts)} in", f"{name} only"
    if unbound and not confined:
        return f"lets {', '.join(unbound)} in on behalf of any account", f"add {by_service}"
    return "", ""


RULES: Final[tuple[AnyRule, ...]] = (
    Rule("kms-no-rotation", ("SEC-8",), "Keys are changed every year", (t.KMS_KEY,), _still),
    Rule(
        "kms-policy-open",
        ("SEC-7", "SEC-8"),
        "Keys are used from the stage's account only",
        _KEYS,
        _open_key,
    ),
    Rule(
        "topic-policy-open",
        ("SEC-7",),
        "Topics and queues are read and written from the stage's account only",
        (*_TOPICS, *_QUEUES),
        _open_channel,
    ),
)
