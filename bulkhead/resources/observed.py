"""A resource as the engine shows it, and the stack it is in (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bulkhead.resources.values import at


@dataclass(frozen=True, slots=True, eq=False)
class ObservedResource:
    """One resource. ``props`` are plain values under their camelCase names: inputs for a rule about one resource,
    outputs for a rule about the stack. ``parent`` is a URN; ``provider`` and ``provider_props`` are its provider's URN
    and configuration. ``depends`` maps a property's name to the resources that its value comes from; only rules about
    the stack have it."""

    type: str
    name: str
    urn: str
    props: Mapping[str, Any]
    protect: bool = False
    ignore_changes: tuple[str, ...] = ()
    parent: str = ""
    provider: str = ""
    provider_props: Mapping[str, Any] = field(default_factory=dict)
    depends: dict[str, tuple[ObservedResource, ...]] = field(default_factory=dict)

    def __getitem__(self, path: str) -> Any:
        """Return the property at a dotted path (``lockConfiguration.rules``), UNKNOWN or MISSING."""
        return at(self.props, *path.split("."))

    @property
    def kind(self) -> str:
        """The last word of the type: ``Bucket``."""
        return self.type.rpartition(":")[2]

    def sources(self, property_: str, *types: str) -> tuple[ObservedResource, ...]:
        """Return the resources that a top-level property's value comes from, of ``types`` or of any type."""
        return tuple(each for each in self.depends.get(property_, ()) if not types or each.type in types)


@dataclass(frozen=True, slots=True)
class ObservedStack:
    """Every resource that the stack will have; those that are about to be deleted are not shown."""

    resources: tuple[ObservedResource, ...]

    def of(self, *types: str) -> tuple[ObservedResource, ...]:
        """Return the resources of ``types``."""
        return tuple(each for each in self.resources if each.type in types)
