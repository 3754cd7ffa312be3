"""AWS's policy documents, read as statements (pure): who may do what, where, and when. Amazon's words are in its IAM
User Guide, "IAM JSON policy elements reference"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from bulkhead.resources.values import UNKNOWN, Absent, at, leaves, listed

# Condition operators that hold only where the key has one of the values. `...IfExists` and `ForAllValues:` hold also
# where the key is absent, and `...Not...` where it has any other value, so none of them confines anything.
_CONFINING: Final = frozenset(
    {"stringequals", "stringequalsignorecase", "stringlike", "arnequals", "arnlike", "ipaddress", "bool"}
)
_ACCOUNT: Final = re.compile(r"[0-9]{12}")
_ARN: Final = re.compile(r"arn:[^:]*:[^:]*:[^:]*:([^:]*):.*", re.DOTALL)


@dataclass(frozen=True)
class Statement:
    """One statement. Principals are pairs of kind and value: ``("AWS", "*")``, ``("*", "*")`` for anybody. Elements
    that the statement does not have are empty; without principals it is about the identity that it is attached to."""

    sid: str
    effect: str
    principals: tuple[tuple[str, str], ...] = ()
    actions: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    conditions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    not_principals: tuple[tuple[str, str], ...] = ()
    not_actions: tuple[str, ...] = ()
    not_resources: tuple[str, ...] = ()

    @property
    def allows(self) -> bool:
        return self.effect == "Allow"

    @property
    def denies(self) -> bool:
        return self.effect == "Deny"

    @property
    def for_anybody(self) -> bool:
        """Whether its principals include everybody. ``NotPrincipal`` includes everybody but those it names."""
        return bool(self.not_principals) or any(kind in {"*", "AWS"} and who == "*" for kind, who in self.principals)

    @property
    def services(self) -> tuple[str, ...]:
        return tuple(who for kind, who in self.principals if kind == "Service")

    def strangers(self, account: str) -> tuple[str, ...]:
        """Return its AWS principals that do not belong to ``account``, apart from ``*``."""
        return tuple(
            who for kind, who in self.principals if kind == "AWS" and who != "*" and account_of(who) != account
        )

    def applies_to(self, action: str) -> bool:
        """Whether the statement is about one action (``s3:GetObject``)."""
        if self.not_actions:
            return not any(action_matches(pattern, action) for pattern in self.not_actions)
        return any(action_matches(pattern, action) for pattern in self.actions)

    def covers(self, resource: str) -> bool:
        """Whether the statement is about one resource; a resource may itself be a pattern (``bucket/*``)."""
        if self.not_resources:
            return not any(matches(pattern, resource) for pattern in self.not_resources)
        return any(matches(pattern, resource) for pattern in self.resources)

    def requires(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Yield each condition that limits the statement: the key in lower case, and the values of which it must have
        one."""
        for operator, tests in self.conditions.items():
            if operator.lower().removeprefix("foranyvalue:") in _CONFINING:
                for key, values in tests.items():
                    yield key.lower(), texts(values)

    def confined_to(self, account: str, prefix: str = "") -> bool:
        """Whether its conditions admit only requests from ``account``, or from a bucket whose name begins with
        ``prefix``, because a bucket's ARN names no account. An encryption context counts only for named principals,
        because anybody else can choose it freely."""
        return any(
            values and all(_belongs(key, value, account, prefix) for value in values)
            for key, values in self.requires()
            if not (self.for_anybody and key.startswith(_CONTEXT))
        )


def statements(document: Any) -> tuple[Statement, ...]:
    """Return the statements of a parsed document; empty where it is UNKNOWN, MISSING or no policy. A statement whose
    condition is not known yet is left out, because without it the statement would mean something else."""
    parts = [each for each in listed(document, "Statement") if isinstance(each, Mapping)]
    return tuple(_statement(each) for each in parts if UNKNOWN not in leaves(at(each, "Condition")))


def matches(pattern: str, name: str) -> bool:
    """Whether ``name`` matches ``pattern`` with AWS's wildcards ``*`` and ``?``; case counts."""
    return _compiled(pattern).fullmatch(name) is not None


def may_begin(pattern: str, prefix: str) -> bool:
    """Whether ``pattern`` matches anything that begins with ``prefix``."""
    places = {0}
    for char in prefix:
        places = {
            each if pattern[each] == "*" else each + 1
            for each in _beyond(pattern, places)
            if pattern[each] in {char, "*", "?"}
        }
    return bool(places)


def _beyond(pattern: str, places: set[int]) -> Iterator[int]:
    """Yield the places in a pattern from which the next character may be matched: a ``*`` may match nothing."""
    for place in places:
        for each in range(place, len(pattern)):
            yield each
            if pattern[each] != "*":
                break


def action_matches(pattern: str, action: str) -> bool:
    """Whether ``action`` matches ``pattern``; case does not count in actions."""
    return matches(pattern.lower(), action.lower())


def account_of(principal: str) -> str | None:
    """Return the AWS account of an ARN or of a bare account id."""
    if _ACCOUNT.fullmatch(principal):
        return principal
    arn = _ARN.fullmatch(principal)
    return arn[1] if arn and _ACCOUNT.fullmatch(arn[1]) else None


def texts(value: Any) -> tuple[str, ...]:
    """Return a condition's values as AWS compares them: JSON's ``false`` is the word. Unknown values are left out."""
    return tuple(_text(each) for each in listed(value) if not isinstance(each, Absent))


# Keys whose value is an account, and keys whose value is an ARN with the account in it. The service chooses what
# follows the prefix of an encryption context (`aws:logs:arn`).
_ACCOUNT_KEYS: Final = frozenset({"aws:sourceaccount", "aws:sourceowner", "aws:principalaccount", "kms:calleraccount"})
_CONTEXT: Final = "kms:encryptioncontext:"
_ARN_KEYS: Final = ("aws:sourcearn", "aws:principalarn", _CONTEXT)
_BUCKET: Final = re.compile(r"arn:[^:]*:s3:\*?:\*?:")  # S3's own examples spell it arn:aws:s3:*:*:<bucket>


def _belongs(key: str, value: str, account: str, prefix: str) -> bool:
    if key in _ACCOUNT_KEYS:
        return value == account
    bucket = _BUCKET.match(value)
    own = bucket is not None and prefix != "" and value.startswith(prefix, bucket.end())
    return key.startswith(_ARN_KEYS) and (own or account_of(value) == account)


def _statement(parts: Mapping[str, Any]) -> Statement:
    conditions = parts.get("Condition")
    return Statement(
        sid=_text(parts.get("Sid", "")),
        effect=_text(parts.get("Effect", "")),
        principals=_principals(parts, "Principal"),
        actions=texts(at(parts, "Action")),
        resources=texts(at(parts, "Resource")),
        conditions={
            str(operator): tests
            for operator, tests in (conditions.items() if isinstance(conditions, Mapping) else ())
            if isinstance(tests, Mapping)
        },
        not_principals=_principals(parts, "NotPrincipal"),
        not_actions=texts(at(parts, "NotAction")),
        not_resources=texts(at(parts, "NotResource")),
    )


def _principals(parts: Mapping[str, Any], key: str) -> tuple[tuple[str, str], ...]:
    found = at(parts, key)
    if isinstance(found, Mapping):
        return tuple((str(kind), who) for kind in found for who in texts(at(found, kind)))
    return tuple(("*", who) for who in texts(found))


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    # A name may be a pattern itself, and `?` is one character: it does not match all that `*` does.
    wild = {"*": ".*", "?": "[^*]"}
    return re.compile("".join(wild.get(char) or re.escape(char) for char in pattern), re.DOTALL)
