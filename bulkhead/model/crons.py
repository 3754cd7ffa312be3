"""Which cron expressions Cloudflare takes (pure).

Source: github.com/cloudflare/saffron, the parser of Cloudflare's own API, and its documentation, "Cron Triggers".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

_ITEM: Final = re.compile(r"(?P<first>\*|[0-9A-Za-z]+)(?:-(?P<last>[0-9A-Za-z]+))?(?:/(?P<step>[0-9]+))?")
_NUMBER: Final = re.compile(r"[0-9]{1,3}")


def _numbered(words: str, least: int) -> Mapping[str, int]:
    return {word: number for number, word in enumerate(words.split(), least)}


@dataclass(frozen=True, slots=True)
class _Field:
    """One of the five fields. ``alone`` is what else may stand there, for the whole field."""

    name: str
    least: int
    most: int
    words: Mapping[str, int] = field(default_factory=dict)
    alone: re.Pattern[str] | None = None
    counts: str = ""

    def fault(self, text: str) -> str:
        """Return what is wrong, or nothing."""
        if text == "*" or (self.alone and self.alone.fullmatch(text) and self._in_range(text)):
            return ""
        return (
            "" if all(self._takes(item) for item in text.split(",")) else f"{self.name} {text!r} is not {self._range}"
        )

    def _takes(self, item: str) -> bool:
        said = _ITEM.fullmatch(item)
        if said is None:
            return False
        values = [value for value in (said["first"], said["last"]) if value not in (None, "*")]
        step = said["step"]
        ranged = said["first"] != "*" or said["last"] is None
        return (
            ranged and all(map(self._is_value, values)) and (step is None or 1 <= int(step) <= self.most - self.least)
        )

    def _is_value(self, text: str) -> bool:
        number = int(text) if _NUMBER.fullmatch(text) else self.words.get(text.upper())
        return number is not None and self.least <= number <= self.most

    def _in_range(self, text: str) -> bool:
        """Whether what stands before a letter, or after a dash, is of this field: ``5L``, ``15W``, ``L-3``."""
        head = re.match(r"[0-9]+|[A-Za-z]{3}", text)
        return head is None or self._is_value(head[0])

    @property
    def _range(self) -> str:
        return f"from {self.least} to {self.most}{self.counts}"


_DAYS: Final = _numbered("SUN MON TUE WED THU FRI SAT", 1)
_FIELDS: Final = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of the month", 1, 31, alone=re.compile(r"L(?:W|-(?:[12]?[1-9]|[123]0)W?)?|[0-9]{1,2}W")),
    _Field("month", 1, 12, _numbered("JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC", 1)),
    _Field(
        "weekday",
        1,
        7,
        _DAYS,
        re.compile(rf"L|(?:[1-7]|(?i:{'|'.join(_DAYS)}))(?:L|#[1-5])"),
        ": Cloudflare counts from SUN, which is 1, to SAT, which is 7",
    ),
)


def cron_fault(text: str) -> str:
    """Return what Cloudflare would refuse in a cron expression, or nothing."""
    fields = re.split("[ \t]+", text)
    if len(fields) != len(_FIELDS):
        return "does not have the five fields minute hour day month weekday"
    return "; ".join(filter(None, (each.fault(said) for each, said in zip(_FIELDS, fields, strict=True))))
