"""The calls of which a half-way failure is rehearsed: every write that a provider asks of Cloudflare, one for each of a
type's create, change and delete."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from bulkhead.localclouds.providers.cloudflare_remote import ENDPOINTS
from bulkhead.resources.kind import ResourceType


class Act(StrEnum):
    """What a provider does with a resource."""

    CREATE = "create"
    CHANGE = "change"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Write:
    """The call with which a provider does something with a resource of a type; ``route`` is the path's template."""

    type: ResourceType
    act: Act
    method: str
    route: str


def writes() -> Iterator[Write]:
    """Yield every write."""
    for endpoint in ENDPOINTS:
        type_ = endpoint.type
        yield Write(type_, Act.CREATE, endpoint.create, endpoint.collection or endpoint.item)
        if endpoint.change or not endpoint.collection:
            yield Write(type_, Act.CHANGE, endpoint.update, endpoint.item)
        if not type_.left_behind:
            yield Write(type_, Act.DELETE, "DELETE", endpoint.item)
