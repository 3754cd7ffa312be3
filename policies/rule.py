"""The types of rules and violations (pure). A rule sees what the engine shows, and never asks the program."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal

from bulkhead.model.naming import Stage
from bulkhead.resources.observed import ObservedResource, ObservedStack
from policies.context import PolicyContext

Scope = Literal["resource", "stack"]
Level = Literal["advisory", "mandatory"]  # as the engine spells them


def level_in(stage: Stage | None) -> Level:
    """Return how strict the rules are in a stage: they advise in development and stop everything else."""
    return "advisory" if stage is Stage.DEVELOPMENT else "mandatory"


@dataclass(frozen=True, slots=True)
class Violation:
    """A violation. ``wrong`` says what is wrong, ``causes`` what it could lead to, ``fix`` what to write instead:
    sentences without a full stop, and never a secret. ``about`` is the resource; a rule about one resource need not
    name it."""

    wrong: str
    causes: str
    fix: str
    about: ObservedResource | None = None

    def __str__(self) -> str:
        place = f"{self.about.kind} {self.about.name}: " if self.about else ""
        return f"{place}{self.wrong}. {self.causes}.\n  fix: {self.fix}"


Judge = Callable[[ObservedResource, PolicyContext], Iterable[Violation]]
StackJudge = Callable[[ObservedStack, PolicyContext], Iterable[Violation]]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule about one resource. It is called for each resource of ``types``, or of all types if ``types`` is empty.
    ``requirements`` are ids of docs/requirements.yaml. ``reason`` is one sentence: what the rule keeps true."""

    name: str
    requirements: tuple[str, ...]
    reason: str
    types: tuple[str, ...]
    judge: Judge

    scope: Scope = field(default="resource", init=False)


@dataclass(frozen=True, slots=True)
class StackRule:
    """A rule that compares resources, or demands that one exists. It is called once, with all resources."""

    name: str
    requirements: tuple[str, ...]
    reason: str
    judge: StackJudge

    scope: Scope = field(default="stack", init=False)


AnyRule = Rule | StackRule
