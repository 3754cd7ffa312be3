"""How a text looks where a program has encoded it within a longer one (pure)."""

from __future__ import annotations

import base64
from collections.abc import Iterator


def base64_forms(value: bytes, shortest: int) -> Iterator[str]:
    """Yield the base64 text that encodes ``value`` inside any longer text, for each position where it has ``shortest``
    characters or more.

    Base64 encodes three bytes as four characters, so the result depends on where in a group of three the value begins.
    Characters that also depend on neighbouring bytes are cut off.
    """
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + value).decode()
        certain = encoded[-(-before * 8 // 6) : (before + len(value)) * 8 // 6]
        if len(certain) >= shortest:
            yield certain
            yield certain.translate(str.maketrans("+/", "-_"))
