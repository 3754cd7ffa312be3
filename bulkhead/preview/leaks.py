"""Searches text that is about to be shown for the values of secrets (pure). A finding has the secret's name, not its
value."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, quote_plus

from bulkhead.model.encoded import base64_forms

# Shorter values occur in ordinary text. Base64 text of eight characters hardly matches by chance.
SHORTEST: Final = 6
_SHORTEST_BASE64: Final = 8


@dataclass(frozen=True, slots=True)
class Leak:
    """The secret ``name`` stands in line ``line`` of what was looked at, in the ``form`` that was recognised."""

    name: str
    line: int
    form: str


def leaks(text: str | Iterable[str], secrets: Mapping[str, str]) -> tuple[Leak, ...]:
    """Return the places where ``text``, or its lines, contain one of ``secrets`` (values by name): as it is, escaped
    for JSON or a URL, or in base64, also within a longer text. A secret is found once per line. Values shorter than
    SHORTEST are not searched for: see `too_short`."""
    forms = {name: list(_forms(value)) for name, value in secrets.items() if len(value) >= SHORTEST}
    found: dict[tuple[str, int], Leak] = {}
    for number, line in enumerate(text.splitlines() if isinstance(text, str) else text, 1):
        for name, known in forms.items():
            form = next((form for written, form in known if written in line), None)
            if form is not None:
                found.setdefault((name, number), Leak(name, number, form))
    return tuple(found.values())


def too_short(secrets: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names of the secrets that are too short to search for."""
    return tuple(sorted(name for name, value in secrets.items() if len(value) < SHORTEST))


def _forms(value: str) -> Iterator[tuple[str, str]]:
    """Yield each form in which a value may be written, and the form's name. Each line of a value is searched for by
    itself."""
    for line in (part for part in value.splitlines() if len(part) >= SHORTEST):
        yield line, "as it is"
        yield json.dumps(line)[1:-1], "escaped for JSON"
        yield json.dumps(line, ensure_ascii=False)[1:-1], "escaped for JSON"
        for quoted in (quote(line), quote(line, safe=""), quote_plus(line)):
            yield quoted, "escaped for a URL"
    yield from ((form, "in base64") for form in base64_forms(value.encode(), _SHORTEST_BASE64))
