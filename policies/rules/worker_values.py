"""Rules about a Worker's plain variables: no secret among them, and no level that logs too much."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from bulkhead.model.bindings import Secret
from bulkhead.model.naming import upper_snake
from bulkhead.resources.observed import ObservedResource
from bulkhead.resources.values import MISSING, Absent, at, document, is_list
from policies.context import PolicyContext
from policies.rule import AnyRule, Rule, Violation
from policies.rules.worker_carriers import CARRIERS, carried

_LEVELS: Final = ("trace", "debug", "info", "warn", "error")
_PLAIN: Final = {"plain_text": "text", "json": "json"}
_SECRET_NAME: Final = re.compile(
    r"(?:(?:^|_)(?:API_?KEY|KEY|TOKEN|SECRET|PASSWD|PWD|PASSPHRASE|CREDENTIAL|WEBHOOK|DSN|JWT)|PASSWORD|PRIVATE_?KEY)S?"
    r"(?:_(?:\d+|PROD|PRODUCTION|STAGING|DEV|DEVELOPMENT|VALUE|PEM|OLD|NEW))*$"
)
# Counts, and keys that only identify something.
_ORDINARY_NAME: Final = re.compile(
    r"(?:^|_)(?:MAX|MIN|NUM|TOTAL|INPUT|OUTPUT)(?:_[A-Z]+)*_TOKENS$"
    r"|(?:^|_)(?:(?:CACHE|FOREIGN|IDEMPOTENCY|INDEX|PARTITION|SORT)_KEYS?|PRIMARY_KEY)$"
)
_PUBLIC_NAME: Final = re.compile(r"(?:^|_)(?:PUBLIC|PUBLISHABLE|SITE)(?:_|$)")  # keys that pages show to everybody
# Shapes that the issuers document, so that a scanner can know them; none of them matches a hash or an id.
_SECRET_SHAPE: Final = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY"
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"
    r"|\bgh[pousr]_[A-Za-z0-9]{36}|\bgithub_pat_[A-Za-z0-9_]{22}|\bglpat-[\w-]{20}|\bnpm_[A-Za-z0-9]{36}"
    r"|\bxox[abeoprs]-[\w-]{10}|\bxapp-[\w-]{10}|\bhooks\.slack\.com/(?:services|workflows)/\w"
    r"|\b(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{16}|\bwhsec_[\w+/]{16}|\bsk-[A-Za-z0-9_-]{20}"
    r"|\bAIza[\w-]{35}|\bSG\.[\w-]{16,}\.[\w-]{16,}|\bpul-[0-9a-f]{40}\b|\bAGE-SECRET-KEY-1"
    r"|\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}"
    r"|\b[a-z][a-z0-9+.-]*://[^/\s:@]*:[^/\s@]+@"
)
_BY_NAME: Final = ("has the name of one of the product's secrets", "has a name that only secrets have")
_SHORTEST_SECRET: Final = 8  # a shorter one occurs in ordinary texts by chance


def _secret_in_clear(resource: ObservedResource, context: PolicyContext) -> Iterator[Violation]:
    granted = {each.name for worker in context.product.workers for each in worker.bindings if isinstance(each, Secret)}
    names = {upper_snake(name) for name in granted | {secret.name for secret in context.product.secrets}}
    bindings = list(carried(resource))
    hidden = [text for each in bindings if each.type == "secret_text" and _long(text := at(each.props, "text"))]
    for bound in bindings:
        value = at(bound.props, _PLAIN.get(bound.type, "text")) if bound.type in _PLAIN else MISSING
        if value is MISSING or value == "":
            continue
        named = [(bound.shown, value), *pairs(document(value) if bound.type == "json" else MISSING)]
        found = ((name, why) for name, text in named if (why := betrays(name, text, names, hidden)))
        name, why = next(found, ("", ""))
        if why:
            inside = f", at {name}," if why in _BY_NAME and name != bound.shown else ""
            yield Violation(
                f"its binding {bound.shown} of type {bound.type}{inside} {why}",
                "Plain values stand in the clear in the dashboard, in the API and in the state of the stack",
                "bind it as Secret in the product, with its value under secrets: of the stage, and rotate it",
            )


def _long(text: Any) -> bool:
    return isinstance(text, str) and len(text) >= _SHORTEST_SECRET


def pairs(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield every text in a JSON value, with the key it stands under."""
    items = value.items() if isinstance(value, Mapping) else (("", each) for each in value) if is_list(value) else ()
    for key, item in items:
        if (isinstance(item, str) and item) or (isinstance(item, int | float) and not isinstance(item, bool)):
            yield key, item
        yield from pairs(item)


def betrays(name: str, text: Any, names: set[str], hidden: list[str]) -> str:
    """Return why a plain value looks like a secret, without the value; None if it does not."""
    spelt = upper_snake(name)
    if spelt in names:
        return _BY_NAME[0]
    ordinary = _PUBLIC_NAME.search(spelt) or _ORDINARY_NAME.search(spelt) or _is_switch_or_count(spelt, text)
    if _SECRET_NAME.search(spelt) and not ordinary:
        return _BY_NAME[1]
    if isinstance(text, str) and (_SECRET_SHAPE.search(text) or any(secret in text for secret in hidden)):
        return "holds what looks like a secret"
    return ""


def _is_switch_or_count(name: str, value: Any) -> bool:
    """Whether a value only says that a token or a password exists, or counts tokens."""
    text = str(value).lower()
    return text in {"true", "false"} or (name.endswith("TOKENS") and text.isdigit() and len(text) < _SHORTEST_SECRET)


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
)
