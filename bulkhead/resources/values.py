"""A resource's properties as the engine shows them, as plain Python values (pure).

During a preview some values are not known yet. pulumi_policy raises when one is read, and then skips the whole rule,
for this resource and for all others. Here an unknown value is a value of its own, so that no rule is skipped.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from typing import Any, NoReturn


class Absent(Enum):
    """Why there is no value: it is not known before the resource is made, or nobody gave one."""

    UNKNOWN = "unknown"
    MISSING = "missing"

    def __bool__(self) -> NoReturn:
        raise TypeError(f"{self.value} is neither true nor false: compare with `is`")


UNKNOWN = Absent.UNKNOWN
MISSING = Absent.MISSING


def at(value: Any, *path: str | int) -> Any:
    """Return the value at ``path``: UNKNOWN if it, or a value on the way, is not known; MISSING if there is none or
    null."""
    for step in path:
        if value is UNKNOWN:
            return UNKNOWN
        if isinstance(step, str):
            value = value.get(step, MISSING) if isinstance(value, Mapping) else MISSING
        else:
            value = value[step] if is_list(value) and -len(value) <= step < len(value) else MISSING
    return MISSING if value is None else value


def listed(value: Any, *path: str | int) -> list[Any]:
    """Return the items of the list at ``path``, unknown items included; empty if there is no list or it is unknown. A
    single value counts as a list of one, as in AWS's policy documents."""
    found = at(value, *path)
    if isinstance(found, Absent):
        return []
    return list(found) if is_list(found) else [found]


def number(value: Any, *path: str | int) -> float | Absent:
    """Return the number at ``path``, or UNKNOWN; what is no number is MISSING, as true and false are."""
    found = at(value, *path)
    if found is UNKNOWN or not isinstance(found, int | float) or isinstance(found, bool):
        return UNKNOWN if found is UNKNOWN else MISSING
    try:
        return float(found)
    except OverflowError:
        return math.inf if found > 0 else -math.inf


def is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def document(value: Any, *path: str | int) -> Any:
    """Return the parsed JSON document in the text at ``path``, or UNKNOWN or MISSING. Text that is no JSON, or nested
    deeper than Python reads, is MISSING: the cloud refuses it. A value that is parsed already, as in a provider's
    inputs, is returned as it is."""
    found = at(value, *path)
    if not isinstance(found, str):
        return found
    try:
        return json.loads(found)
    except (ValueError, RecursionError):
        return MISSING


def leaves(value: Any) -> Iterator[Any]:
    """Yield every scalar in ``value``, unknown ones as UNKNOWN; keys of mappings are left out."""
    if isinstance(value, Mapping):
        for item in value.values():
            yield from leaves(item)
    elif is_list(value):
        for item in value:
            yield from leaves(item)
    else:
        yield value
