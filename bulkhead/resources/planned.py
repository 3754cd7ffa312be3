"""A resource as a program declares it to the engine, before any cloud has been asked (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bulkhead.resources.kind import PROVIDER


@dataclass(frozen=True, slots=True)
class Sealed:
    """A secret. ``content`` is what the program sends in the secret's envelope; it is never printed."""

    content: Any = field(repr=False)


def unsealed(value: Any) -> Any:
    """Return a value with the content of secrets in their place: to judge it, never to print it."""
    if isinstance(value, Sealed):
        return unsealed(value.content)
    if isinstance(value, Mapping):
        return {key: unsealed(item) for key, item in value.items()}
    return [unsealed(item) for item in value] if isinstance(value, list) else value


@dataclass(frozen=True, slots=True, eq=False)
class PlannedResource:
    """One resource. ``inputs`` are as the provider sees them (camelCase), secrets ``Sealed``, and UNKNOWN where only a
    cloud can tell; ``outputs`` are what is known beforehand of what the cloud adds. ``provider`` and ``parent`` are
    URNs, ``parent`` that of a component; ``sources`` are, by top-level input, the URNs that its value comes from, and
    ``dependencies`` all URNs that must exist before it. With ``read`` it is looked up, by ``id``, not made."""

    type: str
    name: str
    urn: str
    id: str
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any] = field(default_factory=dict)
    parent: str = ""
    provider: str = ""
    custom: bool = True
    read: bool = False
    protect: bool = False
    retain_on_delete: bool = False
    delete_before_replace: bool = False
    ignore_changes: tuple[str, ...] = ()
    dependencies: frozenset[str] = frozenset()
    sources: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """The last word of the type: ``Bucket``."""
        return self.type.rpartition(":")[2]

    @property
    def title(self) -> str:
        """How a person is told which resource this is: ``Bucket vault``; each program has providers of its own."""
        return f"{self.kind} provider of {self.project}" if self.is_provider else f"{self.kind} {self.name}"

    @property
    def project(self) -> str:
        """The project whose program makes it."""
        return self.urn.split("::")[1]

    @property
    def is_provider(self) -> bool:
        return self.type.startswith(PROVIDER)
