"""Whether AWS would allow a request (pure): an evaluator for what the local AWS does not enforce, which is conditions,
permissions boundaries and the trust of identity tokens.

The order is Amazon's ("Policy evaluation logic", IAM User Guide): a Deny anywhere wins, then the identity's own
policies and its boundary must both allow. Policies of the resource itself (a bucket's, a key's) play no part here. An
unknown operator or variable in a policy is an error, never a guess.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from bulkhead.resources.statements import Statement, account_of, matches, statements, texts

Context = Mapping[str, str | Sequence[str]]
"""The condition keys of a request with their values: ``aws:MultiFactorAuthPresent`` to ``"true"``."""
Principal = tuple[str, str]
"""The caller, by kind and value as in a policy: ``("Federated", <ARN>)``, ``("AWS", <ARN>)``."""

_IF_EXISTS: Final = "ifexists"
_ANY_VALUE: Final = "foranyvalue:"
_VARIABLE: Final = "${"
_ARN_PARTS: Final = 5  # colons; what follows the fifth is the resource, whatever is in it


class UnknownCondition(Exception):
    """A policy uses an operator or a variable that this evaluator does not know."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A role as the cloud has it: its policies, its boundary and its trust, as parsed documents. Without a boundary
    its policies alone decide."""

    name: str
    policies: tuple[Any, ...]
    boundary: Any | None
    trust: Any


@dataclass(frozen=True, slots=True)
class Request:
    """A request."""

    action: str
    resource: str
    context: Context = field(default_factory=dict)


def allows(identity: Identity, request: Request) -> bool:
    """Whether a role may make a request."""
    own = [each for document in identity.policies for each in statements(document)]
    limits = [] if identity.boundary is None else [statements(identity.boundary)]
    parts = [[each for each in part if _applies(each, request)] for part in (own, *limits)]
    if any(each.denies for part in parts for each in part):
        return False
    return all(any(each.allows for each in part) for part in parts)


def admits(identity: Identity, principal: Principal, action: str, context: Context) -> bool:
    """Whether a caller may assume a role."""
    relevant = [each for each in statements(identity.trust) if _names(each, principal) and each.applies_to(action)]
    met = [each for each in relevant if holds(each.conditions, context)]
    return not any(each.denies for each in met) and any(each.allows for each in met)


def _names(statement: Statement, principal: Principal) -> bool:
    """Whether a statement is about somebody. An account's root stands for everybody in it, and a bare number for that
    root (IAM User Guide, "AWS JSON policy elements: Principal")."""
    if statement.not_principals:
        return not any(_is(named, principal) for named in statement.not_principals)
    return any(_is(named, principal) for named in statement.principals)


def _is(named: Principal, principal: Principal) -> bool:
    (kind, who), (own_kind, own) = named, principal
    if kind != own_kind:
        return kind == "*"
    whole_account = kind == "AWS" and (who.endswith(":root") or who.isdigit()) and account_of(who) == account_of(own)
    return who in {"*", own} or whole_account


def _applies(statement: Statement, request: Request) -> bool:
    _refuse_variables((*statement.resources, *statement.not_resources))
    about = statement.applies_to(request.action) and statement.covers(request.resource)
    return about and holds(statement.conditions, request.context)


def holds(conditions: Mapping[str, Mapping[str, Any]], context: Context) -> bool:
    """Whether all conditions of a statement are met."""
    met = [  # evaluates all of them, so that an unknown one is always an error
        _test(operator, _values(key, context), texts(wanted))
        for operator, tests in conditions.items()
        for key, wanted in tests.items()
    ]
    return all(met)


def _values(key: str, context: Context) -> tuple[str, ...] | None:
    """Return the values of a key, None where the request has none; keys are the same in upper and lower case."""
    found = next((value for name, value in context.items() if name.lower() == key.lower()), None)
    if found is None:
        return None
    return (found,) if isinstance(found, str) else tuple(found)


def _test(operator: str, values: tuple[str, ...] | None, wanted: tuple[str, ...]) -> bool:
    plain = operator.lower()
    any_value, plain = plain.startswith(_ANY_VALUE), plain.removeprefix(_ANY_VALUE)
    if_exists, plain = plain.endswith(_IF_EXISTS), plain.removesuffix(_IF_EXISTS)
    if plain not in _OPERATORS:
        raise UnknownCondition(operator)
    _refuse_variables(wanted)
    if values is None:
        return if_exists
    if len(values) != 1 and not any_value:
        raise UnknownCondition(f"{operator} is asked of a key with {len(values)} values")
    return any(_OPERATORS[plain](each, value) for value in values for each in wanted)


def _arns_match(pattern: str, arn: str) -> bool:
    """Compare each part of an ARN by itself, so that a ``*`` in one part does not match the next."""
    patterns, parts = pattern.split(":", _ARN_PARTS), arn.split(":", _ARN_PARTS)
    return len(patterns) == len(parts) and all(map(matches, patterns, parts))


def _refuse_variables(values: Iterable[str]) -> None:
    for value in values:
        if _VARIABLE in value:
            raise UnknownCondition(f"the variable in {value}")


# By operator: whether the policy's value (first) matches the request's (second). Amazon treats both operators for
# ARNs alike.
_OPERATORS: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "arnequals": _arns_match,
    "arnlike": _arns_match,
    "bool": lambda wanted, value: wanted.lower() == value.lower(),
    "numericgreaterthan": lambda wanted, value: float(value) > float(wanted),
    "stringequals": lambda wanted, value: wanted == value,
    "stringlike": matches,
}
