"""The catalogue: the row of each resource type, by token."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bulkhead.resources import types
from bulkhead.resources.kind import ResourceType

CATALOGUE: Final[Mapping[str, ResourceType]] = {
    each: each for each in vars(types).values() if isinstance(each, ResourceType)
}


def row_of(type_: str) -> ResourceType | None:
    """Return what is known of a type, None where nobody has said anything of it yet."""
    return CATALOGUE.get(type_)
