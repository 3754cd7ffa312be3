"""What a YAML scalar without quotes means, where all readers agree (pure).

The Pulumi CLI reads stage files with one YAML library, editors, linters and scripts with others, and they disagree:
``22:30`` is a time, a number or text; ``0123`` is 123, 83 or text; ``no`` is text or false. YAML 1.2's core schema is
the base here. Only spellings that every reader understands alike are accepted.
Sources: YAML 1.2.2 §10.3.2; YAML 1.1 type repository (bool, float, int, timestamp); gopkg.in/yaml.v3, `resolve.go`.
"""

from __future__ import annotations

import re
from typing import Final

Scalar = str | int | float | bool | None

_NULL: Final = frozenset({"", "~", "null", "Null", "NULL"})
_BOOL: Final = {word: word.lower() == "true" for word in ("true", "True", "TRUE", "false", "False", "FALSE")}
_INTEGER: Final = re.compile(r"-?(0|[1-9][0-9]*)")
_FRACTION: Final = re.compile(r"-?(0|[1-9][0-9]*)\.[0-9]+")
_LARGEST: Final = 2**63 - 1  # beyond it the CLI turns an integer into a rounded floating-point number
_FRACTION_LENGTH: Final = 16  # digits, sign and point of what a 64-bit float keeps exactly

_AMBIGUOUS: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), meaning)
    for pattern, meaning in (
        (r"y|n|yes|no|on|off", "a yes-or-no value"),
        (r"[-+]?[0-9][0-9_]*(:[0-9]+)+(\.[0-9_]*)?", "a number in base 60"),
        (r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ].*)?", "a date"),
        (r"[-+]?0[0-9_]+", "an octal number, or a number that loses its leading zeros"),
        (r"[-+]?0(x[0-9a-f_]+|o[0-7_]+|b[01_]+)", "a hexadecimal, octal or binary number"),
        (r"[-+]?[0-9][0-9_]*", "a number"),
        (r"[-+]?([0-9][0-9_]*(\.[0-9_]*)?|\.[0-9][0-9_]*)(e[-+]?[0-9]+)?", "a floating-point number"),
        (r"[-+]?\.(inf|nan)", "infinity or no number at all"),
        (r"=|<<", "a key of YAML itself"),
    )
)


class Ambiguous(ValueError):
    """A plain scalar that YAML readers understand differently; ``meaning`` says what else it may be."""

    def __init__(self, meaning: str) -> None:
        super().__init__(f"may be read as {meaning}")
        self.meaning = meaning


def resolve(text: str) -> Scalar:
    """Return the value of a scalar written without quotes. Raises Ambiguous where readers differ.

    ``1.0`` becomes the integer 1, because the CLI hands values to the program as JSON and writes 1 there.
    """
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    if _INTEGER.fullmatch(text) and abs(int(text)) <= _LARGEST:
        return int(text)
    if _FRACTION.fullmatch(text) and len(text) <= _FRACTION_LENGTH:
        number = float(text)
        return int(number) if number.is_integer() else number
    for pattern, meaning in _AMBIGUOUS:
        if pattern.fullmatch(text):
            raise Ambiguous(meaning)
    return text
