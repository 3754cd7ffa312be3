"""What a program tells the engine, written down as it travels (pure): resources with their options, outputs, messages;
and what a cloud is asked and answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from bulkhead.resources.sentinels import SECRET, SIGNATURE

if TYPE_CHECKING:
    import pulumi

ENVELOPE: Final = {SIGNATURE: SECRET}
"""What makes a mapping the envelope of a secret, which is its ``value``."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """One registered resource, or with ``read`` one that is only looked up, by its ``id``. ``wire`` holds the inputs as
    sent (camelCase), secrets in their envelopes, and ``made`` what the cloud adds; ``sources`` are the URNs that each
    input's value comes from."""

    type: str
    name: str
    urn: str
    id: str
    parent: str
    custom: bool
    provider: str
    wire: Mapping[str, Any]
    protect: bool
    retain_on_delete: bool
    delete_before_replace: bool
    ignore_changes: tuple[str, ...]
    dependencies: frozenset[str]
    sources: Mapping[str, tuple[str, ...]]
    made: Mapping[str, Any] = field(default_factory=dict)
    read: bool = False

    @property
    def inputs(self) -> dict[str, Any]:
        """The inputs as the provider sees them: secrets taken out of their envelopes."""
        revealed: dict[str, Any] = reveal(self.wire)
        return revealed

    @property
    def is_provider(self) -> bool:
        return self.type.startswith("pulumi:providers:")


@dataclass(slots=True)
class Rendered:
    """Everything a program registered, what it exported, and its warnings and errors."""

    resources: list[Recorded] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)

    def of(self, cls: type[pulumi.Resource] | str) -> list[Recorded]:
        """Return the resources of one class, or of one type token."""
        token = cls if isinstance(cls, str) else type_token(cls)
        return [resource for resource in self.resources if resource.type == token]

    def one(self, cls: type[pulumi.Resource] | str, name: str | None = None) -> Recorded:
        """Return the only resource of this class (and logical name). Raises LookupError unless there is one."""
        found = [resource for resource in self.of(cls) if name is None or resource.name == name]
        if len(found) != 1:
            raise LookupError(f"{cls} {name}: {[resource.name for resource in found]}")
        return found[0]

    def before(self, resource: Recorded) -> set[str]:
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


def reveal(value: Any) -> Any:
    """Return ``value`` with every secret taken out of its envelope."""
    if isinstance(value, Mapping):
        return reveal(value["value"]) if is_secret(value) else {key: reveal(item) for key, item in value.items()}
    return [reveal(item) for item in value] if isinstance(value, list) else value


def is_secret(value: Any) -> bool:
    return isinstance(value, Mapping) and value.get(SIGNATURE) == SECRET


def in_the_open(value: Any) -> Iterator[str]:
    """Yield every text of ``value`` that is in no secret's envelope."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from in_the_open(item)
    elif isinstance(value, Mapping) and not is_secret(value):
        for item in value.values():
            yield from in_the_open(item)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a cloud is asked to make: inputs as the provider sees them, and the configuration of that provider."""

    stack: str
    type: str
    name: str
    inputs: Mapping[str, Any]
    provider: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Made:
    """What the cloud answers: an id, and outputs beside the inputs."""

    id: str
    outputs: Mapping[str, Any] = field(default_factory=dict)


Cloud = Callable[[Asked], Made]
