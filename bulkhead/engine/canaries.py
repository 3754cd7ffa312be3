"""Worthless secrets that can be recognised wherever they turn up (pure).

A rehearsal never sees a real secret. Each one is replaced by a canary: unpredictable, of the format the real one has,
its own in each run directory and stage. One that turns up in a log, an output, an argument list or another stage is a
leak. A rehearsal that continues after --keep has the same ones, or every `up` would see changed secrets.
"""

from __future__ import annotations

import base64
import hashlib
import string
from collections.abc import Callable, Mapping
from functools import cache
from typing import Final

from bulkhead.model.encoded import base64_forms, written

_LETTERS: Final = string.ascii_letters + string.digits
# A window this long of base64 text cannot coincide by chance, and survives being cut out of a longer text.
_SHORTEST_FORM: Final = 16


_SEED_BYTES: Final = 40  # as many as the longest format has characters


def _letters(seed: bytes, count: int) -> str:
    return "".join(_LETTERS[byte % len(_LETTERS)] for byte in seed[:count])


def _token(seed: bytes) -> str:
    return _letters(seed, 40)


def _base64_key(seed: bytes) -> str:
    return base64.b64encode(seed[:32]).decode()


# Names as in the settings files' `secrets:` namespace. Formats: Cloudflare API tokens are 40 characters; GitHub's are
# a prefix and 36; the session key is 256 bits. The webhook's host cannot exist (RFC 2606).
_FORMATS: Final[Mapping[str, Callable[[bytes], str]]] = {
    "cloudflareApiToken": _token,
    "cloudflareTokenMaker": _token,
    "githubToken": lambda seed: f"ghp_{_letters(seed, 36)}",
    "sessionKey": _base64_key,
    "slackWebhook": lambda seed: f"https://hooks.example.invalid/services/{_letters(seed, 40)}",
}


def canary(name: str, stack: str, key: str) -> str:
    """Return the canary of ``stack`` for the secret ``name``; for a name without a known format, 40 letters and digits.

    ``key`` is secret and belongs to the run directory. The same key gives the same canary, and a canary does not
    reveal the key.
    """
    seed = hashlib.shake_256("\0".join((key, stack, name)).encode()).digest(_SEED_BYTES)
    return _FORMATS.get(name, _token)(seed)


def find(canaries: Mapping[str, str], text: str | bytes) -> tuple[str, ...]:
    """Return the names of the canaries that ``text`` holds, in any form in which programs write a string down:
    plain, JSON-escaped, URL-encoded, hexadecimal, base64 (also as a part of something longer)."""
    haystack = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    return tuple(name for name, value in canaries.items() if any(form in haystack for form in _forms(value)))


@cache
def _forms(value: str) -> frozenset[bytes]:
    forms = (*(form for form, _ in written(value)), *base64_forms(value.encode(), _SHORTEST_FORM))
    return frozenset(form.encode() for form in forms)
