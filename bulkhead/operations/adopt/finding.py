"""The types of a search: the wanted resource, the found one, and the finder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from bulkhead.operations.adopt.engine_plan import kind_of
from bulkhead.resources.catalogue import row_of


@dataclass(frozen=True, slots=True)
class Wanted:
    """A resource that an `up` would make. ``inputs`` are as its cloud would be told (camelCase), without what is not
    known yet; ``alias`` is, of a KMS key, the alias that the stage gives it, as a key has no name of its own; of a type
    of which several may have one name, ``known`` are the ids of those that are not looked for."""

    urn: str
    type: str
    name: str
    inputs: Mapping[str, Any]
    alias: str | None = None
    known: frozenset[str] = frozenset()

    @property
    def kind(self) -> str:
        """The last word of the type: D1Database."""
        return kind_of(self.type)


@dataclass(frozen=True, slots=True)
class Found:
    """A resource that exists: the id its cloud knows it by, and what `pulumi import` is given for it."""

    id: str
    import_id: str


class Finder(Protocol):
    """Looks into the clouds, and changes nothing there."""

    def knows(self, type_: str) -> bool:
        """Whether resources of this type can be found at all."""

    def find(self, wanted: Wanted) -> Found | None:
        """Return the resource that has the wanted one's name, None when there is none. Raises Refused."""


def made_again(type_: str) -> str:
    """Return what the next `up` does instead of an import, empty where a resource of this type is looked for. What is
    made again is written over by its create."""
    row = row_of(type_)
    return row.made_again if row else ""


def told_once(type_: str) -> bool:
    """Whether one that the state lacks is of no use, because its secret was told when it was made."""
    row = row_of(type_)
    return row is not None and row.told_once
