"""What is larger or more than its cloud takes, by the limits in the rows (pure).

A limit's path is that of an input; ``[]`` is every item of a list, and ``[type=a|b]`` its items of these types, which
are counted together.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from bulkhead.resources.kind import ResourceType
from bulkhead.resources.values import is_list

_STEP: Final = re.compile(r"(?P<name>\w+)(?P<items>\[(?:type=(?P<types>[\w|]+))?\])?")


@dataclass(frozen=True, slots=True)
class Excess:
    """A value over a limit: the place, what the row calls it, how large it is, and the most that is taken."""

    place: str
    path: str
    size: int
    most: int
    unit: str

    def __str__(self) -> str:
        return f"{self.place}: has {self.size} {self.unit}, and at most {self.most} are taken"


def exceeded(type_: ResourceType, inputs: Mapping[str, Any]) -> Iterator[Excess]:
    """Yield what is over a limit of the type. What is not known is not judged, and no value is shown."""
    for path, most in type_.limits.items():
        for place, value in _at(inputs, path):
            # IAM counts no white space in a policy document.
            counted = "".join(value.split()) if isinstance(value, str) and path in type_.documents else value
            if isinstance(counted, str) and (size := in_bytes(counted)) > most:
                yield Excess(place, path, size, most, "bytes")
            elif is_list(value) and len(value) > most:
                yield Excess(place, path, len(value), most, "items")


def in_bytes(text: str) -> int:
    """Return how long a text is in UTF-8; half of a pair of surrogates, which has no such form, counts as three."""
    return len(text.encode("utf-8", "surrogatepass"))


def _at(inputs: Mapping[str, Any], path: str) -> Iterator[tuple[str, Any]]:
    found: list[tuple[str, Any]] = [("", inputs)]
    for step in _STEP.finditer(path):
        named = [
            (f"{place}.{step['name']}".lstrip("."), value[step["name"]])
            for place, value in found
            if isinstance(value, Mapping) and step["name"] in value
        ]
        found = [child for place, value in named for child in _items(place, value, step)]
    yield from found


def _items(place: str, value: Any, step: re.Match[str]) -> Iterator[tuple[str, Any]]:
    types = step["types"].split("|") if step["types"] else None
    if step["items"] is None:
        yield place, value
    elif is_list(value) and types is not None:
        yield place, [item for item in value if isinstance(item, Mapping) and item.get("type") in types]
    elif is_list(value):
        yield from ((f"{place}[{number}]", item) for number, item in enumerate(value))
