"""Searches text that is about to be shown for the values of secrets (pure). A finding has the secret's name, not its
value."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from bulkhead.model.encoded import base64_forms, written
from bulkhead.resources.texts import texts

# Shorter values occur in ordinary text. Base64 text of eight characters hardly matches by chance.
SHORTEST: Final = 6
_SHORTEST_BASE64: Final = 8
_SHORTEST_BEGINNING: Final = 12
_RANDOM: Final = re.compile(r"[A-Za-z0-9+/=_]+")


@dataclass(frozen=True, slots=True)
class Leak:
    """The secret ``name`` stands in line ``line`` of what was looked at, in the ``form`` that was recognised."""

    name: str
    line: int
    form: str


def leaks(text: str | Iterable[str], secrets: Mapping[str, str]) -> tuple[Leak, ...]:
    """Return the places where ``text``, or its lines, contain one of ``secrets`` (values by name), or the beginning of
    one that others would recognise: as it is, escaped for JSON or a URL, in hexadecimal or in base64, also within a
    longer text and one within the other. A secret is found once per line. Values shorter than SHORTEST are not searched
    for: see `too_short`."""
    forms = {name: list(_forms(value)) for name, value in secrets.items() if len(value) >= SHORTEST}
    found: dict[tuple[str, int], Leak] = {}
    for number, line in enumerate(text.splitlines() if isinstance(text, str) else text, 1):
        inside = "\n".join(each.text for each in texts(line)) if forms else ""
        for name, known in forms.items():
            form = next((form for written, form in known if written in line), None)
            if form is None and any(written in inside for written, _ in known):
                form = "in a text within the text"
            if form is not None:
                found.setdefault((name, number), Leak(name, number, form))
    return tuple(found.values())


def too_short(secrets: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names of the secrets that are too short to search for."""
    return tuple(sorted(name for name, value in secrets.items() if len(value) < SHORTEST))


def _forms(value: str) -> Iterator[tuple[str, str]]:
    """Yield each form in which a value or its beginning may be written, and the form's name. Each line of a value is
    searched for by itself."""
    lines = [line for line in value.splitlines() if len(line) >= SHORTEST and not line.startswith("-----")]
    for line in lines:
        yield from written(line)
    yield from ((form, "in base64") for form in base64_forms(value.encode(), _SHORTEST_BASE64))
    for beginning in filter(None, map(_beginning, lines)):
        yield from ((form, f"its beginning, {name}") for form, name in written(beginning))
        yield from ((form, "its beginning, in base64") for form in base64_forms(beginning.encode(), _SHORTEST_BASE64))


def _beginning(line: str) -> str | None:
    """Return as much of a secret as nothing else begins with: half of what is random all through, three quarters of an
    address, a token or a sentence, whose first parts say what it is. None where words may be all that is in it."""
    share = 0.5 if _RANDOM.fullmatch(line) else 0.75
    beginning = line[: max(int(len(line) * share), _SHORTEST_BEGINNING)]
    random = any(char.isdigit() for char in beginning) and any(char.isalpha() for char in beginning)
    return beginning if random and len(beginning) < len(line) else None
