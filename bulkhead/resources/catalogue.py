"""The catalogue: the row of each resource type, by token."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bulkhead.resources import types
from bulkhead.resources.kind import ResourceType

CATALOGUE: Final[Mapping[str, ResourceType]] = {
    each: each for each in vars(types).values() if isinstance(each, ResourceType)
}
NAMED_BY: Final[Mapping[str, str]] = {row: row.named_by for row in CATALOGUE.values() if row.named_by}
"""The input that holds a resource's name, by type."""

TRIGGERS: Final[frozenset[str]] = frozenset(row for row in CATALOGUE.values() if row.triggers)
"""The types that decide when a Worker is called, or by whom."""


def row_of(type_: str) -> ResourceType | None:
    """Return the row of a type, None when it has none."""
    return CATALOGUE.get(type_)


def superseded_by(row: ResourceType) -> tuple[ResourceType, ...]:
    """Return the types that ``row`` replaces: its deprecated names, and less suitable ones."""
    return tuple(each for each in CATALOGUE.values() if each.use_instead == row)
