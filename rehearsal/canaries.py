"""Worthless secrets that can be recognised wherever they turn up (pure).

A rehearsal never sees a real secret. Each one is replaced by a canary: random, of the format the real one has, unique
per run and stage. One that turns up in a log, an output, an argument list or another stage is a leak.
"""

from __future__ import annotations

import base64
import json
import secrets
import string
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final
from urllib.parse import quote

_LETTERS: Final = string.ascii_letters + string.digits
# A window this long of base64 text cannot coincide by chance, and survives being cut out of a longer text.
_SHORTEST_FORM: Final = 16


def _letters(count: int) -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(count))


def _base64_key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


# Names as in the settings files' `secrets:` namespace. Formats: Cloudflare API tokens are 40 characters; GitHub's are
# a prefix and 36; the session key is 256 bits. The webhook's host cannot exist (RFC 2606).
_FORMATS: Final[Mapping[str, Callable[[], str]]] = {
    "cloudflareApiToken": lambda: _letters(40),
    "githubToken": lambda: f"ghp_{_letters(36)}",
    "sessionKey": _base64_key,
    "slackWebhook": lambda: f"https://hooks.example.invalid/services/{_letters(40)}",
}


def canary(name: str) -> str:
    """Return a new canary for the secret ``name``; of a name without a known format, 40 letters and digits."""
    return _FORMATS.get(name, lambda: _letters(40))()


def find(canaries: Mapping[str, str], text: str | bytes) -> tuple[str, ...]:
    """Return the names of the canaries that ``text`` holds, in any form in which programs write a string down:
    plain, JSON-escaped, URL-encoded, hexadecimal, base64 (also as a part of something longer)."""
    haystack = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    folded = haystack.lower()
    return tuple(name for name, value in canaries.items() if _holds(value, haystack, folded))


def _holds(value: str, haystack: bytes, folded: bytes) -> bool:
    if any(form.lower().encode() in folded for form in _forms_in_any_case(value)):
        return True
    return any(form.encode() in haystack for form in _forms(value))


def _forms_in_any_case(value: str) -> Iterator[str]:
    yield value.encode().hex()
    yield quote(value)
    yield quote(value, safe="")


def _forms(value: str) -> Iterator[str]:
    yield value
    yield json.dumps(value)[1:-1]
    yield value.replace("/", "\\/")  # JSON as JavaScript and PHP write it into pages
    yield from _base64_forms(value.encode())


def _base64_forms(value: bytes) -> Iterable[str]:
    """Yield what is certain of the base64 of any text that contains ``value``.

    Three bytes become four characters, so it depends on where in a group of three the value begins; the characters at
    either end, which also depend on the neighbours, are cut off.
    """
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + value).decode()
        certain = encoded[-(-before * 8 // 6) : (before + len(value)) * 8 // 6]
        if len(certain) >= _SHORTEST_FORM:
            yield certain
            yield certain.translate(str.maketrans("+/", "-_"))
