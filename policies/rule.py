"""What a rule is, and what it says (pure). A rule sees what the engine shows, and never asks the program."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from bulkhead.model.naming import Stage
from bulkhead.resources.values import at
from policies.world import World

Scope = Literal["resource", "stack"]
Level = Literal["advisory", "mandatory"]  # as the engine spells them


def level_in(stage: Stage | None) -> Level:
    """Return how strict the rules are in a stage: they advise in development and stop everything else."""
    return "advisory" if stage is Stage.DEVELOPMENT else "mandatory"


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """One resource as the engine shows it. ``props`` are plain values under their camelCase names: inputs for a rule
    about one resource, outputs for a rule about the stack. ``parent`` is a URN; ``provider`` and ``provider_props`` are
    its provider's URN and configuration. ``depends``, for stack rules only, are the resources from which a property's
    value comes, by the property's name."""

    type: str
    name: str
    urn: str
    props: Mapping[str, Any]
    protect: bool = False
    ignore_changes: tuple[str, ...] = ()
    parent: str = ""
    provider: str = ""
    provider_props: Mapping[str, Any] = field(default_factory=dict)
    depends: dict[str, tuple[Seen, ...]] = field(default_factory=dict)

    def __getitem__(self, path: str) -> Any:
        """Return the property at a dotted path (``lockConfiguration.rules``), UNKNOWN or MISSING."""
        return at(self.props, *path.split("."))

    @property
    def kind(self) -> str:
        """The last word of the type: ``Bucket``."""
        return self.type.rpartition(":")[2]

    def sources(self, property_: str, *types: str) -> tuple[Seen, ...]:
        """Return the resources of ``types`` that a top-level property's value comes from."""
        return tuple(each for each in self.depends.get(property_, ()) if not types or each.type in types)


@dataclass(frozen=True, slots=True)
class Violation:
    """``wrong`` says what is wrong, ``causes`` what it could lead to, ``fix`` what to write instead; sentences without
    a full stop, and never a secret. ``about`` is the resource; a rule about one resource need not name it."""

    wrong: str
    causes: str
    fix: str
    about: Seen | None = None

    def __str__(self) -> str:
        place = f"{self.about.kind} {self.about.name}: " if self.about else ""
        return f"{place}{self.wrong}. {self.causes}.\n  fix: {self.fix}"


@dataclass(frozen=True, slots=True)
class Stack:
    """Every resource that the stack will have; those that are about to be deleted are not shown."""

    resources: tuple[Seen, ...]

    def of(self, *types: str) -> tuple[Seen, ...]:
        return tuple(each for each in self.resources if each.type in types)


Judge = Callable[[Seen, World], Iterable[Violation]]
StackJudge = Callable[[Stack, World], Iterable[Violation]]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that is asked about each resource of ``types``, of all types where there are none. ``requirements`` are
    ids of docs/requirements.yaml. ``reason`` is one sentence: what the rule keeps true."""

    name: str
    requirements: tuple[str, ...]
    reason: str
    types: tuple[str, ...]
    judge: Judge

    scope: Scope = field(default="resource", init=False)


@dataclass(frozen=True, slots=True)
class StackRule:
    """A rule that needs siblings, or that something exists at all: it is asked once, about all resources."""

    name: str
    requirements: tuple[str, ...]
    reason: str
    judge: StackJudge

    scope: Scope = field(default="stack", init=False)


AnyRule = Rule | StackRule
