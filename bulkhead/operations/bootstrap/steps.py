"""The steps of a bootstrap, and what they compare: what AWS has, and what is wanted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Effect(StrEnum):
    """What a step will do."""

    EXISTS = "exists"
    CREATE = "create"
    CHANGE = "change"


@dataclass(frozen=True, slots=True)
class BootstrapStep:
    """One thing that must be there: what it is, why it is needed, and what has to be done about it now."""

    what: str
    why: str
    effect: Effect
    act: Callable[[], object] = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class BootstrapPlan:
    """The steps of one stage, in the order in which they are done."""

    steps: tuple[BootstrapStep, ...]

    @property
    def pending(self) -> tuple[BootstrapStep, ...]:
        """The steps that would change something."""
        return tuple(step for step in self.steps if step.effect is not Effect.EXISTS)


def covers(current: Any, wanted: Any) -> bool:
    """Whether ``current`` has everything ``wanted`` says. Members that AWS adds by itself do not matter; further items
    of a list do."""
    if isinstance(wanted, Mapping):
        return isinstance(current, Mapping) and all(covers(current.get(key), value) for key, value in wanted.items())
    if isinstance(wanted, list):
        same_length = isinstance(current, list) and len(current) == len(wanted)
        return same_length and all(map(covers, current, wanted))
    return bool(current == wanted)
