"""What a stage would consist of, before any of it exists (pure). `bulkhead/analysis/plan.py` makes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bulkhead.model.marks import hostnames_of
from bulkhead.model.naming import Label
from bulkhead.model.product import Product
from bulkhead.model.settings import StageSettings
from bulkhead.resources.planned import PlannedResource


@dataclass(frozen=True, slots=True, eq=False)
class StagePlan:
    """Everything one stage would consist of, by URN, and what it would export."""

    product: Product
    settings: StageSettings
    resources: tuple[PlannedResource, ...]
    outputs: Mapping[str, Any] = field(default_factory=dict)

    @property
    def environment(self) -> str:
        return self.settings.environment

    @property
    def label(self) -> Label:
        return self.settings.label(self.product.name)

    @property
    def hostnames(self) -> tuple[str, ...]:
        """The stage's own hostname, and those of its public Workers."""
        return hostnames_of(self)

    def of(self, *types: str) -> tuple[PlannedResource, ...]:
        return tuple(each for each in self.resources if each.type in types)

    def provider_of(self, resource: PlannedResource) -> PlannedResource | None:
        """Return the provider that makes a resource, None where the plan has no such provider."""
        return next((each for each in self.resources if each.is_provider and each.urn == resource.provider), None)
