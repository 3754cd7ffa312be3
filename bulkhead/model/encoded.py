"""How a text looks where a program has encoded it within a longer one (pure)."""

from __future__ import annotations

import base64
from collections.abc import Iterator


def base64_forms(value: bytes, shortest: int) -> Iterator[str]:
    """Yield what is certain of the base64 of any text with ``value`` in it, if it has ``shortest`` characters at least.

    Three bytes become four characters, so it depends on where in a group of three the value begins; characters that
    depend on its neighbours are cut off.
    """
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + value).decode()
        certain = encoded[-(-before * 8 // 6) : (before + len(value)) * 8 // 6]
        if len(certain) >= shortest:
            yield certain
            yield certain.translate(str.maketrans("+/", "-_"))
