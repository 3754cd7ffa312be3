"""What a stage would consist of, before any of it exists (pure). `bulkhead/analysis/plan.py` makes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bulkhead.model.naming import Kind, Label
from bulkhead.model.product import Product
from bulkhead.model.settings import StageSettings


@dataclass(frozen=True, slots=True)
class Sealed:
    """A secret. ``content`` is a placeholder, or what the program itself said and made secret; it is never printed."""

    content: Any = field(repr=False)


def unsealed(value: Any) -> Any:
    """Return a value with the content of secrets in their place: to judge it, never to print it."""
    if isinstance(value, Sealed):
        return unsealed(value.content)
    if isinstance(value, Mapping):
        return {key: unsealed(item) for key, item in value.items()}
    return [unsealed(item) for item in value] if isinstance(value, list) else value


@dataclass(frozen=True, slots=True, eq=False)
class Planned:
    """One resource. ``inputs`` are as the provider sees them (camelCase), secrets ``Sealed``, and UNKNOWN where only a
    cloud can tell; ``made`` is what can be told of that beforehand. ``provider`` and ``parent`` are URNs; ``sources``
    are, by top-level input, the URNs that its value comes from. With ``read`` it is looked up, by ``id``, not made."""

    type: str
    name: str
    urn: str
    id: str
    inputs: Mapping[str, Any]
    made: Mapping[str, Any] = field(default_factory=dict)
    parent: str = ""
    provider: str = ""
    custom: bool = True
    read: bool = False
    protect: bool = False
    retain_on_delete: bool = False
    ignore_changes: tuple[str, ...] = ()
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
        return self.type.startswith("pulumi:providers:")


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Everything one stage would consist of, by URN, and what it would export."""

    product: Product
    settings: StageSettings
    resources: tuple[Planned, ...]
    outputs: Mapping[str, Any] = field(default_factory=dict)

    @property
    def environment(self) -> str:
        return self.settings.environment

    @property
    def label(self) -> Label:
        return self.settings.label(self.product.name)

    @property
    def prefix(self) -> str:
        """What every name of the stage begins with, and no other stage's does: ``harbor-staging``."""
        return self.label.name(Kind.D1).removesuffix(f"-{Kind.D1}")

    @property
    def hostnames(self) -> tuple[str, ...]:
        """The stage's own hostname, and those of its public Workers."""
        apex = self.settings.cloudflare.hostname
        return tuple(dict.fromkeys([apex, *self.product.hostnames(apex).values()]))

    def of(self, *types: str) -> tuple[Planned, ...]:
        return tuple(each for each in self.resources if each.type in types)

    def provider_of(self, resource: Planned) -> Planned | None:
        """Return the provider that makes a resource, None where the plan has no such provider."""
        return next((each for each in self.resources if each.is_provider and each.urn == resource.provider), None)
