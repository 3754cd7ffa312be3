"""Rules about values that AWS shows to whoever may look, and about notices that travel in the clear."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from bulkhead.resources import types as t
from bulkhead.resources.observed import ObservedResource
from bulkhead.resources.values import document
from policies.context import PolicyContext
from policies.rule import AnyRule, Rule, Violation
from policies.rules.secret_values import betrays, pairs

_IN_CLEAR: Final = ("String", "StringList")


def _plain(resource: ObservedResource) -> Iterator[tuple[str, Any, bool]]:
    """Yield the values of a resource that whoever may describe it reads, each with its name and whether that is a key
    inside of a document."""
    for name, value in _values(resource):
        yield name, value, False
        yield from ((*pair, True) for pair in pairs(document({"it": value}, "it")))


def _values(resource: ObservedResource) -> Iterator[tuple[str, Any]]:
    if resource.type == t.LAMBDA_FUNCTION:
        variables = resource["environment.variables"]
        yield from variables.items() if isinstance(variables, Mapping) else ()
    elif resource.type == t.SCHEDULER_SCHEDULE:
        yield "input", resource["target.input"]
    elif resource["type"] in _IN_CLEAR:
        name = resource["name"]
        for property_ in ("value", "insecureValue"):
            yield name if isinstance(name, str) else resource.name, resource[property_]


def _secret(resource: ObservedResource, context: PolicyContext) -> Iterator[Violation]:
    for name, value, nested in _plain(resource):
        if not isinstance(value, str) or not value:
            continue
        last = str(name).removeprefix(context.prefix).rpartition("/")[2]
        why = betrays(last, value, context, nested=nested)
        if why:
            yield Violation(
                f"its value {name} {why}",
                "Whoever may look at the account's configuration reads it, and it stands in the state in the clear",
                "keep it in a parameter of type SecureString, with the stage's key, hand over its name, and rotate it",
            )
            return


def _in_clear(resource: ObservedResource, context: PolicyContext) -> Iterator[Violation]:
    where = resource["url" if resource.type == t.NOTIFICATION_POLICY_WEBHOOKS else "endpoint"]
    plain = isinstance(where, str) and where.lower().startswith("http:")
    if plain or resource["protocol"] == "http":
        yield Violation(
            "sends notices over plain HTTP",
            "Somebody on the way reads what goes wrong in the stage, or answers in place of whoever should hear it",
            "name an address that begins with https://",
        )


RULES: Final[tuple[AnyRule, ...]] = (
    Rule(
        "secret-in-plain-value",
        ("SEC-1", "SEC-2"),
        "Secrets of jobs are kept in encrypted parameters",
        (t.LAMBDA_FUNCTION, t.SSM_PARAMETER, t.SCHEDULER_SCHEDULE),
        _secret,
    ),
    Rule(
        "notice-in-plain-text",
        ("SEC-8",),
        "Notices travel encrypted",
        (t.NOTIFICATION_POLICY_WEBHOOKS, t.SNS_TOPIC_SUBSCRIPTION),
        _in_clear,
    ),
)
