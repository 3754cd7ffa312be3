"""What a policy denies: whether each denial of before is denied after as well (pure).

A denial may be said in other words, split, or widened: with more actions, fewer exceptions, or fewer conditions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from ipaddress import ip_network
from itertools import islice, product
from operator import ge, gt
from typing import Any, Final, NamedTuple

from bulkhead.preview.losses.loss import number
from bulkhead.resources.statements import Statement, account_of, action_matches, matches, texts
from bulkhead.resources.values import UNKNOWN

_IF_EXISTS: Final = "ifexists"
_MOST: Final = 20_000  # combinations of principal, action and resource; a policy of S3's has at most 20 KB
_TEXT: Final = "text"
# With these, one of the values must fit; with their negations, none.
_ANY: Final = (
    _TEXT,
    "stringequals",
    "stringequalsignorecase",
    "ipaddress",
    "bool",
    "numericequals",
    "dateequals",
    "binaryequals",
)
_ANY_OF_MANY: Final = "foranyvalue:"
_ORDERS: Final = re.compile(r"(?<=than)equals$")
# Those that compare texts are one: with `StringEquals`, a wildcard is a character as any other.
_TEXTS: Final = re.compile(r"(?:string|arn)(not|)(?:equals|like)$")
_EXACT: Final = re.compile(r"string(?:not|)equals$")


class _Condition(NamedTuple):
    """One test of one key. ``if_exists``: it also holds where there is no such key."""

    test: str
    if_exists: bool
    key: str
    values: frozenset[str]


def still_denied(before: Statement, after: Sequence[Statement]) -> bool:
    """Whether the denials ``after`` deny, together, all that ``before`` denied."""
    denials = [(each, _conditions(each)) for each in after if each.denies]
    cases = list(islice(product(*map(_cases, _conditions(before))), _MOST + 1))
    whole = list(islice(product(*map(_each, (before.principals, before.actions, before.resources))), _MOST + 1))
    if len(cases) * len(whole) > _MOST:
        return False
    return all(
        all(any(_denies(each, before, *one) for each in able) for one in whole)
        for case in cases
        for able in [[each for each, conditions in denials if _hold_as_often(case, conditions)]]
    )


def _cases(condition: _Condition) -> list[_Condition]:
    """Return a condition as several of one value each, where any of its values is enough."""
    if condition.test.removeprefix(_ANY_OF_MANY) not in _ANY:
        return [condition]
    return [condition._replace(values=frozenset({value})) for value in sorted(condition.values)] or [condition]


def _each(values: Sequence[Any]) -> Sequence[Any]:
    return values or (None,)


def _denies(after: Statement, before: Statement, who: Any, action: str | None, resource: str | None) -> bool:
    return (
        _includes(after, before, who)
        and _covers(action, before.not_actions, after.actions, after.not_actions, action_matches)
        and _covers(resource, before.not_resources, after.resources, after.not_resources, matches)
    )


def _includes(after: Statement, before: Statement, who: Any) -> bool:
    if after.principals and after.for_anybody:
        return bool(who or before.not_principals)
    if who is None:
        return not after.principals and set(after.not_principals) <= set(before.not_principals)
    return _named(who) in map(_named, after.principals)


def _named(who: tuple[str, str]) -> tuple[str, str]:
    """Return a principal by one of its names: an account is its number, or the ARN of its root."""
    kind, name = who
    return (kind, account_of(name) or name) if name.endswith(":root") else who


def _covers(
    one: str | None,
    but: Sequence[str],
    after: Sequence[str],
    after_but: Sequence[str],
    match: Callable[[str, str], bool],
) -> bool:
    """Whether a statement about ``after``, or about all but ``after_but``, is about ``one``, or about all ``but``."""
    if one is None:
        if "*" in after:
            return True
        return not after and all(any(match(other, exception) for other in but) for exception in after_but)
    if after_but:
        return "*" not in one and "?" not in one and not any(match(exception, one) for exception in after_but)
    # A `?` stands for one character, and a `*` of the narrower one for many.
    return any(pattern == one or (match(pattern, one) and not ("?" in pattern and "*" in one)) for pattern in after)


def _conditions(statement: Statement) -> list[_Condition]:
    return [
        _condition(operator.lower(), key.lower(), frozenset(texts(values)))
        for operator, tests in statement.conditions.items()
        for key, values in tests.items()
    ]


def _condition(operator: str, key: str, values: frozenset[str]) -> _Condition:
    test = operator.removesuffix(_IF_EXISTS)
    if not (_EXACT.search(test) and any("*" in value or "?" in value for value in values)):
        test = _TEXTS.sub(rf"\1{_TEXT}", test)
    negated = "not" in test and ":" not in test  # then it holds where there is no such key, too
    return _Condition(test, negated or operator.endswith(_IF_EXISTS), key, values)


def _hold_as_often(before: Sequence[_Condition], after: Sequence[_Condition]) -> bool:
    """Whether the conditions ``after`` hold whenever those of ``before`` do."""
    return all(any(_holds_as_often(was, becomes) for was in before) for becomes in after)


def _holds_as_often(was: _Condition, becomes: _Condition) -> bool:
    orders = [_ORDERS.sub("", each.test) for each in (was, becomes)]
    if orders[0] != orders[1] or was.key != becomes.key or (was.if_exists and not becomes.if_exists):
        return False
    if was.values == becomes.values and was.test == becomes.test:
        return True
    test = was.test.rpartition(":")[2]  # `ForAnyValue:` and `ForAllValues:` hold more often with it
    compared = test.replace("not", "")
    if compared in _ANY:
        narrow, wide = (becomes, was) if compared != test else (was, becomes)
        covers = {_TEXT: matches, "ipaddress": _covers_addresses}.get(compared, str.__eq__)
        return all(any(covers(one, other) for one in wide.values) for other in narrow.values)
    numbers, others = ([_amount(value) for value in values] for values in (was.values, becomes.values))
    if UNKNOWN in (*numbers, *others) or not (numbers and others):
        return False
    # The number itself is left out by `LessThan`, and not by `LessThanEquals`.
    further = gt if _ORDERS.search(was.test) and not _ORDERS.search(becomes.test) else ge
    less, greater = further(max(others), max(numbers)), further(min(numbers), min(others))
    return bool(("lessthan" in test and less) or ("greaterthan" in test and greater))


def _covers_addresses(wide: str, narrow: str) -> bool:
    try:
        one, other = ip_network(wide, strict=False), ip_network(narrow, strict=False)
    except ValueError:
        return wide == narrow
    return one.version == other.version and one.supernet_of(other)  # type: ignore[arg-type]


def _amount(value: str) -> Any:
    """Return a number, or an instant as one, UNKNOWN if it is neither."""
    found = number(value)
    with suppress(ValueError):
        return datetime.fromisoformat(value).timestamp() if found is UNKNOWN else found
    return UNKNOWN
