"""What a policy denies: whether each denial of before is denied after as well (pure).

A denial may be said in other words, split, or widened: with more actions, fewer exceptions, or fewer conditions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import islice, product
from typing import Any, Final

from bulkhead.preview.losses.loss import number
from bulkhead.resources.statements import Statement, action_matches, matches, texts
from bulkhead.resources.values import UNKNOWN

_IF_EXISTS: Final = "ifexists"
_MOST: Final = 20_000  # combinations of principal, action and resource; a policy of S3's has at most 20 KB
_ANY: Final = (
    "stringequals",
    "stringequalsignorecase",
    "stringlike",
    "arnequals",
    "arnlike",
    "ipaddress",
    "bool",
    "numericequals",
    "dateequals",
    "binaryequals",
)
_PATTERNS: Final = ("stringlike", "arnlike", "arnequals")

_Conditions = Mapping[tuple[str, str], frozenset[str]]


def still_denied(before: Statement, after: Sequence[Statement]) -> bool:
    """Whether the denials ``after`` deny, together, all that ``before`` denied."""
    conditions = _conditions(before)
    able = [each for each in after if each.denies and _hold_as_often(conditions, _conditions(each))]
    whole = tuple(product(_each(before.principals), _each(before.actions), _each(before.resources)))
    if len(whole) > _MOST:
        return False
    return all(any(_denies(each, before, *one) for each in able) for one in islice(whole, _MOST))


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
    return who in after.principals


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


def _conditions(statement: Statement) -> _Conditions:
    return {
        (operator.lower(), key.lower()): frozenset(texts(values))
        for operator, tests in statement.conditions.items()
        for key, values in tests.items()
    }


def _hold_as_often(before: _Conditions, after: _Conditions) -> bool:
    """Whether the conditions ``after`` hold whenever those of ``before`` do."""
    return all(
        any(
            key == other_key and operator in {other, other + _IF_EXISTS} and _is_wider(other, was, becomes)
            for (other, other_key), was in before.items()
        )
        for (operator, key), becomes in after.items()
    )


def _is_wider(operator: str, was: frozenset[str], becomes: frozenset[str]) -> bool:
    test = operator.removesuffix(_IF_EXISTS).removeprefix("foranyvalue:")
    if was == becomes:
        return True
    if test in _ANY:
        match: Callable[[str, str], bool] = matches if test in _PATTERNS else str.__eq__
        return all(any(match(pattern, value) for pattern in becomes) for value in was)
    if "not" in test:
        return becomes <= was
    numbers, others = ([number(value) for value in values] for values in (was, becomes))
    if UNKNOWN in (*numbers, *others) or not (numbers and others):
        return False
    less, greater = max(others) >= max(numbers), min(others) <= min(numbers)
    return bool(("lessthan" in test and less) or ("greaterthan" in test and greater))
