"""Whether a value that stands in the clear is a secret, by its name, by its form, or because it is one elsewhere."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from bulkhead.model.naming import upper_snake
from bulkhead.resources.secret_forms import form_of
from bulkhead.resources.secret_names import Sureness, is_public, leads_elsewhere, says_secret, unguessable
from bulkhead.resources.values import Absent, is_list
from policies.context import PolicyContext

BY_NAME: Final = ("has the name of one of the product's secrets", "has a name that only secrets have")
SHORTEST: Final = 8
"""A shorter secret occurs in ordinary texts by chance."""
_SWITCH: Final = re.compile(r"true|false|yes|no|on|off|enabled|disabled|none|null|optional|required", re.IGNORECASE)
# Keys that their issuers give out for pages: Stripe's, Mapbox's and PostHog's.
_FOR_PAGES: Final = re.compile(r"pk_(?:live|test)_|pk\.ey|phc_")
_OF_PAGES: Final = re.compile(r"eyJ|AIza")  # how a key that a page may show can look, if its name says so


def betrays(
    name: str, value: Any, context: PolicyContext, *, hidden: Collection[str] = (), nested: bool = False
) -> str:
    """Return why a plain value looks like a secret, without the value; empty if it does not. ``hidden`` are secrets
    that it must not repeat; ``nested`` means a key inside of a document."""
    if upper_snake(name) in context.secrets:
        return BY_NAME[0]
    sure = says_secret(name, nested=nested)
    if sure is Sureness.YES and not _is_ordinary(name, value, context):
        return BY_NAME[1]
    if not isinstance(value, str):
        return ""
    if sure is Sureness.PERHAPS and unguessable(value) and not _is_ordinary(name, value, context):
        return BY_NAME[1]
    formed = form_of(value) is not None and not (is_public(name) and _OF_PAGES.match(value))
    return "holds what looks like a secret" if formed or any(secret in value for secret in hidden) else ""


def _is_ordinary(name: str, value: Any, context: PolicyContext) -> bool:
    """Whether a value only says that there is a secret, where it is, or how many tokens there are."""
    if isinstance(value, Absent):
        return False
    text = str(value).strip()
    counts = upper_snake(name).endswith("TOKENS") and text.isdigit() and len(text) < SHORTEST
    own = re.match(rf"https://(?:[^/:@]+\.)?{re.escape(context.settings.cloudflare.hostname)}(?:/|$)", text)
    return (
        _SWITCH.fullmatch(text) is not None
        or counts
        or own is not None
        or leads_elsewhere(text)
        or _FOR_PAGES.match(text) is not None
    )


def pairs(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield every text and number in a JSON value, with the key it stands under, or with the name that is said beside
    it: ``{"name": "DB_PASSWORD", "value": ...}``, as containers have their variables."""
    if isinstance(value, Mapping):
        beside = {str(key).lower(): item for key, item in value.items()}
        if isinstance(beside.get("name"), str) and isinstance(said := beside.get("value"), str) and said:
            yield beside["name"], said
    items = value.items() if isinstance(value, Mapping) else (("", each) for each in value) if is_list(value) else ()
    for key, item in items:
        if (isinstance(item, str) and item) or (isinstance(item, int | float) and not isinstance(item, bool)):
            yield str(key), item
        yield from pairs(item)
