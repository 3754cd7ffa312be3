"""How a text looks where a program has encoded it within a longer one (pure)."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterator
from urllib.parse import quote, quote_plus


def written(text: str) -> Iterator[tuple[str, str]]:
    """Yield each form in which programs write ``text`` down, and the form's name; for base64, see `base64_forms`."""
    yield text, "as it is"
    as_json = json.dumps(text)[1:-1]
    yield as_json, "escaped for JSON"
    yield json.dumps(text, ensure_ascii=False)[1:-1], "escaped for JSON"
    # For pages: JavaScript and PHP escape the slash, Go the signs of HTML.
    yield as_json.replace("/", "\\/"), "escaped for JSON"
    yield "".join(f"\\u{ord(char):04x}" if char in "<>&" else char for char in as_json), "escaped for JSON"
    yield html.escape(text), "escaped for HTML"
    yield html.escape(text, quote=False), "escaped for HTML"
    for quoted in (quote(text), quote(text, safe=""), quote_plus(text)):
        yield quoted, "escaped for a URL"
        yield re.sub("%..", lambda code: code[0].lower(), quoted), "escaped for a URL"
    yield text.encode().hex(), "in hexadecimal"
    yield text.encode().hex().upper(), "in hexadecimal"


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
