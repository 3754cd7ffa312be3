"""What the next `up` would change, and whether it would remove anything that exists."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from bulkhead.operations.adopt.engine_plan import Digest, State, kind_of, name_of
from bulkhead.operations.adopt.finding import made_again, told_once
from bulkhead.resources.kind import PROVIDER

_QUIET: Final = frozenset({"same", "read", "refresh"})


@dataclass(frozen=True, slots=True)
class PendingChange:
    """What the next `up` would do to one resource: the engine's operation, and each property that differs: its name
    and, if both are known and not secret, the values ``now`` and ``then``."""

    action: str
    type: str
    name: str
    why: tuple[str, ...]

    @property
    def loses(self) -> bool:
        """Whether something that exists would be lost. A replaced version of a Worker stays usable, and types that are
        overwritten lose nothing. A token is deleted when a person closes its slot."""
        goes = "delete" in self.action or "replace" in self.action
        comes_back = made_again(self.type) or told_once(self.type) or self.type.startswith(PROVIDER)
        return goes and not comes_back

    @property
    def kind(self) -> str:
        """The last word of the type: D1Database."""
        return kind_of(self.type)

    @property
    def loss(self) -> str:
        """What a person is told of the loss."""
        why = f" because of {', '.join(self.why)}" if self.why else ""
        return f"{self.kind}: the next up would {self.action} it{why}, and it would not come back as it was"


def changes(digest: Digest) -> tuple[PendingChange, ...]:
    """Return what an `up` would do to real resources; components have nothing to change."""
    return tuple(_changes(digest))


def _changes(digest: Digest) -> Iterator[PendingChange]:
    for step in digest["steps"]:
        old, new = step.get("oldState") or {}, step.get("newState") or {}
        state = new or old
        if step["op"] in _QUIET or not state.get("custom"):
            continue
        reasons = step.get("replaceReasons") or step.get("diffReasons") or ()
        why = tuple(_difference(property_, old, new) for property_ in reasons)
        yield PendingChange(step["op"], state["type"], name_of(step["urn"]), why)


def _difference(property_: str, old: State, new: State) -> str:
    now, then = (_scalar(state, property_) for state in (old, new))
    return property_ if now is None or then is None else f"{property_} {now} -> {then}"


def _scalar(state: State, property_: str) -> str | None:
    """Return a value that is short enough to be read, None for any other; the engine has masked secrets."""
    value: Any = (state.get("inputs") or {}).get(property_)
    return str(value) if isinstance(value, str | int | float) and len(str(value)) <= 40 else None  # noqa: PLR2004
