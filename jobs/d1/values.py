"""A value of SQLite on its way: how SQL hands it out, and how SQL takes it in again (pure).

D1 answers in JSON, which keeps no integer above 2^53, no infinity, no -0.0, no blob, and no text that is not UTF-8. So
SQL hands out a text of which the first letter is the type; a real stays a number, because a double survives JSON.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

# Text that is not UTF-8 is a str with surrogates in the place of its odd bytes (`surrogateescape`), so none is lost.
Value = int | float | str | bytes | None
Row = tuple[Value, ...]

LONG: Final = 32_000  # bytes of a text or blob, above which it is read and written in pieces
_SMALLEST: Final = 1e-5  # a double that is further from 0 is read well enough; so is
_WHOLE: Final = 1e15  # one that is nearer
_BITS: Final = 53  # of a double's integer
_POWER: Final = 62  # of two, the highest that is an integer of SQLite
_REPLACED: Final = "\ufffd"


class Long(NamedTuple):
    """A value that is too long for a page; it is read by itself."""

    is_text: bool
    bytes: int


class Replaced(Exception):
    """JSON put a replacement character into a text, or the text has one. Only its bytes can tell."""


def name(text: str) -> str:
    """Return a name as SQL has it."""
    return '"' + text.replace('"', '""') + '"'


def handed_out(value: str, *, as_bytes: bool = False) -> str:
    """Return the expression that hands out ``value``, which is one, too; ``as_bytes`` for text that JSON changes."""
    size = f"length(CAST({value} AS BLOB))"
    text = f"'x'||hex({value})" if as_bytes else f"iif(instr({value},char(0)),'x'||hex({value}),'t'||{value})"
    # printf, quote and JSON show -0.0 as 0.0; its direction does not lie.
    real = f"CASE WHEN {value}=0 AND atan2({value},-1)<0 THEN 'r-0.0' WHEN abs({value})=9e999 THEN"
    return (
        f"CASE typeof({value}) WHEN 'null' THEN NULL WHEN 'integer' THEN 'i'||{value}"
        f" WHEN 'real' THEN {real} iif({value}>0,'rinf','r-inf') ELSE {value} END"
        f" WHEN 'text' THEN iif({size}>{LONG},'T'||{size},{text})"
        f" ELSE iif({size}>{LONG},'B'||{size},'b'||hex({value})) END"
    )


def taken(answer: Any) -> Value | Long:
    """Return the value that was handed out. Raises Replaced for a text that has to be asked for as bytes."""
    if answer is None:
        return None
    if not isinstance(answer, str):
        return float(answer)
    kind, rest = answer[0], answer[1:]
    if kind == "t" and _REPLACED in rest:
        raise Replaced
    read = _READ.get(kind)
    return read(rest) if read else Long(kind == "T", int(rest))


def as_text(content: bytes) -> str:
    return content.decode(errors="surrogateescape")


def as_bytes(text: str) -> bytes:
    return text.encode(errors="surrogateescape")


_READ: Final[Mapping[str, Callable[[str], Value]]] = {
    "i": int,
    "r": float,
    "t": str,
    "x": lambda digits: as_text(bytes.fromhex(digits)),
    "b": bytes.fromhex,
}


def literal(value: Value) -> str:
    """Return a value as SQL, in words that the `sqlite3` command, Python, wrangler and D1 read alike."""
    return _LITERAL[type(value)](value)


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'" if _is_plain(value) else f"CAST(X'{as_bytes(value).hex()}' AS TEXT)"


def _real(value: float) -> str:
    """Return a double that every SQLite reads as the same one. It reads decimals a unit beside the nearest double when
    their exponent is large, or they are about as near to the next one; integers and powers of two it cannot miss."""
    if not math.isfinite(value):
        return "9e999" if value > 0 else "-9e999"
    decimal = repr(value)
    if value.is_integer() and abs(value) < _WHOLE:
        return decimal
    fraction, exponent = math.frexp(value)
    whole, exponent = int(math.ldexp(fraction, _BITS)), exponent - _BITS
    if _SMALLEST < abs(value) < _WHOLE and _is_near(decimal, whole, -exponent):
        return decimal
    sign, (times, rest) = "*" if exponent > 0 else "/", divmod(abs(exponent), _POWER)
    return f"({whole}*1.0" + f"{sign}{2**_POWER}" * times + f"{sign}{2**rest})"


def _is_near(decimal: str, whole: int, power: int) -> bool:
    """Return whether a decimal is within two fifths of a unit of the double ``whole`` / 2 ** ``power``; in integers,
    because a table may have a million of them."""
    digits, _, tens = decimal.partition("e")
    before, _, after = digits.partition(".")
    scale = int(10 ** (len(after) - int(tens or 0)))
    return abs((int(before + after) << power) - whole * scale) * 5 < 2 * scale


_LITERAL: Final[Mapping[type, Callable[[Any], str]]] = {
    type(None): lambda _: "NULL",
    int: str,
    float: _real,
    str: _text,
    bytes: lambda value: f"X'{value.hex()}'",
}


def _is_plain(text: str) -> bool:
    """Return whether every reader takes the text as it stands. A NUL ends a statement, the `sqlite3` command drops a CR
    before an LF, wrangler takes transactions out of a file wherever they stand, and `load.statements` looks for ";\\n".
    """
    if "\0" in text or "\r" in text or ";\n" in text or "BEGIN TRANSACTION" in text:
        return False
    return text.isascii() or _is_utf8(text)


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
