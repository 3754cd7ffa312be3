"""Rules about a Worker's plain variables: no secret among them, and no level that logs too much."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from bulkhead.resources.observed import ObservedResource
from bulkhead.resources.values import MISSING, UNKNOWN, Absent, at, document
from policies.context import PolicyContext
from policies.rule import AnyRule, Rule, Violation
from policies.rules.secret_values import BY_NAME, SHORTEST, betrays, pairs
from policies.rules.worker_carriers import CARRIERS, carried

_LEVELS: Final = ("trace", "debug", "info", "warn", "error")
_ON: Final = ("true", "1", "yes", "on")
_PLAIN: Final = {"plain_text": "text", "json": "json"}


def _secret_in_clear(resource: ObservedResource, context: PolicyContext) -> Iterator[Violation]:
    bindings = list(carried(resource))
    texts = (at(each.props, "text") for each in bindings if each.type == "secret_text")
    hidden = [text for text in texts if isinstance(text, str) and len(text) >= SHORTEST]
    for bound in bindings:
        value = at(bound.props, _PLAIN.get(bound.type, "text")) if bound.type in _PLAIN else MISSING
        if value is MISSING or value == "":
            continue
        inside = pairs(document(value) if bound.type == "json" else MISSING)
        found = (
            (name, betrays(name, text, context, hidden=hidden, nested=nested))
            for name, text, nested in ((bound.shown, value, False), *((*pair, True) for pair in inside))
        )
        name, why = next((each for each in found if each[1]), ("", ""))
        if why:
            place = f", at {name}," if why in BY_NAME and name != bound.shown else ""
            yield Violation(
                f"its binding {bound.shown} of type {bound.type}{place} {why}",
                "Plain values stand in the clear in the dashboard, in the API and in the state of the stack",
                "bind it as Secret in the product, with its value under secrets: of the stage, and rotate it",
            )


def _verbose(resource: ObservedResource, context: PolicyContext) -> Iterator[Violation]:
    least = max(_LEVELS.index(context.settings.log.level), _LEVELS.index("info") if context.settings.protected else 0)
    for bound in carried(resource):
        value: Any = MISSING
        if bound.name == "LOG_LEVEL" and bound.type in _PLAIN:
            value = at(bound.props, "text") if bound.type == "plain_text" else document(bound.props, "json")
        # worker/src/shared/log.ts logs everything at a level that it does not know, and its levels are lower case.
        level = _LEVELS.index(value) if value in _LEVELS else 0
        if not isinstance(value, Absent) and level < least:
            yield Violation(
                f"logs from level {value if value in _LEVELS else 'trace, as it does at every word it does not know'}",
                f"Below {_LEVELS[least]} whole requests are logged, with the personal data of whoever sent them",
                f"LOG_LEVEL={_LEVELS[least]}, as the stage's settings say under log.level",
            )


def _unmasked(resource: ObservedResource, context: PolicyContext) -> Iterator[Violation]:
    if not (context.settings.log.redact or context.settings.protected):
        return
    for bound in carried(resource):
        if bound.name == "LOG_REDACT" and bound.type in _PLAIN:
            value = at(bound.props, "text") if bound.type == "plain_text" else document(bound.props, "json")
            if value is not UNKNOWN and str(value).strip().lower() not in _ON:
                yield Violation(
                    "does not mask what it logs: its LOG_REDACT is not true",
                    "Names, addresses and tokens of whoever uses the stage stand in logs that many may read",
                    "LOG_REDACT=true, as the stage's settings say under log.redact",
                )


RULES: Final[tuple[AnyRule, ...]] = (
    Rule(
        "secret-in-plain-binding",
        ("SEC-2", "SEC-1"),
        "Secrets are bound as secrets",
        tuple(CARRIERS),
        _secret_in_clear,
    ),
    Rule(
        "worker-log-level-too-verbose",
        ("LOG-4",),
        "Workers log no more than the stage's settings say",
        tuple(CARRIERS),
        _verbose,
    ),
    Rule(
        "worker-log-unmasked",
        ("LOG-7", "SEC-11"),
        "Workers mask personal data in what they log",
        tuple(CARRIERS),
        _unmasked,
    ),
)
