"""What a program tells the engine (pure): resources with their options, outputs, messages; what a cloud is asked and
answers; and how values travel between the three."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bulkhead.resources.planned import PlannedResource, Sealed
from bulkhead.resources.sentinels import SECRET, SIGNATURE, UNKNOWN_STRING, is_secret
from bulkhead.resources.values import UNKNOWN

if TYPE_CHECKING:
    import pulumi


@dataclass(slots=True)
class Rendered:
    """Everything a program registered, what it exported, and its warnings and errors."""

    resources: list[PlannedResource] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)

    def of(self, cls: type[pulumi.Resource] | str) -> list[PlannedResource]:
        """Return the resources of one class, or of one type token."""
        token = cls if isinstance(cls, str) else type_token(cls)
        return [resource for resource in self.resources if resource.type == token]

    def one(self, cls: type[pulumi.Resource] | str, name: str | None = None) -> PlannedResource:
        """Return the only resource of this class (and logical name). Raises LookupError unless there is one."""
        found = [resource for resource in self.of(cls) if name is None or resource.name == name]
        if len(found) != 1:
            raise LookupError(f"{cls} {name}: {[resource.name for resource in found]}")
        return found[0]

    def before(self, resource: PlannedResource) -> set[str]:
        """Return the URNs of everything that must exist before ``resource``, directly or through others."""
        by_urn = {other.urn: other for other in self.resources}
        reached: set[str] = set()
        waiting = set(resource.dependencies)
        while waiting:
            urn = waiting.pop()
            if urn not in reached and urn in by_urn:
                reached.add(urn)
                waiting |= by_urn[urn].dependencies
        return reached


def type_token(cls: type[pulumi.Resource]) -> str:
    return str(cls.pulumi_type)  # type: ignore[attr-defined]


def from_wire(value: Any) -> Any:
    """Return a value as the provider sees it, from how it travels: a secret ``Sealed``, UNKNOWN what is not known."""
    if isinstance(value, Mapping):
        if is_secret(value):
            return Sealed(from_wire(value["value"]))
        return {str(key): from_wire(item) for key, item in value.items()}
    if isinstance(value, list):
        return [from_wire(item) for item in value]
    return UNKNOWN if value == UNKNOWN_STRING else value


def to_wire(value: Any) -> Any:
    """Return how a value travels: what ``from_wire`` reads."""
    if isinstance(value, Sealed):
        return {SIGNATURE: SECRET, "value": to_wire(value.content)}
    if isinstance(value, Mapping):
        return {key: to_wire(item) for key, item in value.items()}
    if isinstance(value, list):
        return [to_wire(item) for item in value]
    return UNKNOWN_STRING if value is UNKNOWN else value


@dataclass(frozen=True, slots=True)
class CreateRequest:
    """What a cloud is asked to make: inputs as the provider sees them, and the configuration of that provider, both
    without the seals of secrets."""

    stack: str
    type: str
    name: str
    inputs: Mapping[str, Any]
    provider: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CreateResponse:
    """What the cloud answers: an id, and outputs beside the inputs."""

    id: str
    outputs: Mapping[str, Any] = field(default_factory=dict)


Cloud = Callable[[CreateRequest], CreateResponse]
