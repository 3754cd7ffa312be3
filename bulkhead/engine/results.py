"""The result of an operation of the engine, collected from its events (pure)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pulumi.automation import EngineEvent

from bulkhead.engine.events import Diagnostic, Event, PolicySpoke, ResourceStarted, ResourceStep
from bulkhead.resources.kind import STACK

_UNCHANGED: Final = frozenset({"same", "read", "refresh"})


@dataclass(frozen=True, slots=True)
class Result:
    """What an operation did, or a preview would do.

    ``changes`` counts steps by their name in the engine, components and the stack itself included; ``steps`` are those
    that changed something. ``outputs`` are the stack's, after an `up`; a secret one reads ``[secret]``. ``policies``
    are the messages of policies, ``packs`` the names of the packs that ran.
    """

    stack: str
    operation: str
    seconds: float
    changes: Mapping[str, int]
    steps: tuple[ResourceStep, ...]
    diagnostics: tuple[Diagnostic, ...]
    policies: tuple[PolicySpoke, ...]
    outputs: Mapping[str, Any]
    log: Path
    packs: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether anything was, or would be, created, changed or removed."""
        return any(count and action not in _UNCHANGED for action, count in self.changes.items())


@dataclass
class Record:
    """Collects the events of a running operation."""

    changes: Counter[str] = field(default_factory=Counter)
    steps: list[ResourceStep] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    policies: list[PolicySpoke] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)
    packs: list[str] = field(default_factory=list)

    def add(self, event: Event) -> None:
        """Add an event that the progress display gets as well."""
        match event:
            case ResourceStarted() if event.action not in _UNCHANGED:
                self.steps.append(event)
            case Diagnostic():
                self.diagnostics.append(event)
            case PolicySpoke():
                self.policies.append(event)

    def add_engine_event(self, event: EngineEvent) -> None:
        """Add what only the engine's own events have: its counts, and the stack's outputs."""
        if event.summary_event:
            self.changes.update(event.summary_event.resource_changes)
            # The engine calls a pack in a folder `name|local|folder`.
            self.packs += sorted(name.partition("|")[0] for name in event.summary_event.policy_packs or {})
        done = event.res_outputs_event
        if done and done.metadata.type == STACK and done.metadata.new:
            self.outputs = {name: _visible(value) for name, value in (done.metadata.new.outputs or {}).items()}

    def result(self, stack: str, operation: str, seconds: float, log: Path) -> Result:
        """Return the result, once the operation has ended."""
        return Result(
            stack,
            operation,
            seconds,
            dict(self.changes),
            tuple(self.steps),
            tuple(self.diagnostics),
            tuple(self.policies),
            self.outputs,
            log,
            tuple(self.packs),
        )

    def complaints(self) -> list[str]:
        """Return why an operation failed, each reason once: broken policies first, then what the engine says."""
        broken = (f"{p.policy}: {p.message}" for p in self.policies if p.level == "mandatory")
        errors = (d.message for d in self.diagnostics if d.severity == "error")
        return list(dict.fromkeys([*broken, *errors]))


def _visible(value: Any) -> Any:
    """Return an output as the engine shows it: a secret arrives as a marked object around the word [secret]."""
    return "[secret]" if isinstance(value, dict) and value.get("ciphertext") == "[secret]" else value
