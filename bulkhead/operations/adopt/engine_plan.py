"""The engine's plan of an `up`, and the interface to ask for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

State = Mapping[str, Any]
"""One resource as the engine describes it: urn, type, inputs, parent, propertyDependencies ..."""
Digest = Mapping[str, Any]
"""What `pulumi preview --json` prints."""


class Engine(Protocol):
    """The stack's engine; see bulkhead.engine.stack.StackCli."""

    def plan(self, import_file: Path) -> dict[str, Any]:
        """Return what an `up` would do; write what it would make, in the form of an import, into ``import_file``."""

    def take(self, import_file: Path, *, protect: bool) -> None:
        """Import what ``import_file`` names."""


def created(digest: Digest) -> dict[str, State]:
    """Return what an `up` would make, by URN, in the engine's order: what something depends on comes before it."""
    return {step["urn"]: step["newState"] for step in digest["steps"] if step["op"] == "create"}


def sources(state: State, property_: str) -> list[str]:
    """Return the URNs of the resources that a property's value comes from."""
    return list((state.get("propertyDependencies") or {}).get(property_) or ())


def ancestors(states: Mapping[str, State], urn: str) -> Iterator[str]:
    """Yield the URNs of the components that a resource is in, the nearest first, as far as ``states`` has them."""
    while urn in states:
        urn = states[urn].get("parent") or ""
        yield urn


def name_of(urn: str) -> str:
    """Return the logical name in a URN."""
    return urn.rpartition("::")[2]


def kind_of(type_: str) -> str:
    """Return the last word of a type: D1Database."""
    return type_.rpartition(":")[2]


def stack_of(urn: str) -> str:
    """Return the name of the stack in a URN, which is ``urn:pulumi:STACK::PROJECT::TYPE::NAME``."""
    return urn.partition("::")[0].rpartition(":")[2]
