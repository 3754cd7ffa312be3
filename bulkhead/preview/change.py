"""What becomes of one resource (pure): its two sides, and what the catalogue says of its type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from bulkhead.resources.catalogue import row_of
from bulkhead.resources.kind import Link, Reference, ResourceType
from bulkhead.resources.values import MISSING, UNKNOWN, at, leaves

Action = Literal["same", "create", "update", "replace", "delete", "import", "read", "refresh", "discard"]

_HOSTS: Final = frozenset({Link.BUCKET, Link.WORKER})


@dataclass(frozen=True, slots=True)
class Side:
    """A resource before or after. What is not known yet, and what is secret, is `bulkhead.resources.values.UNKNOWN`:
    nothing can be shown of either."""

    id: str = ""
    protect: bool = False
    retained: bool = False
    inputs: Mapping[str, Any] = field(default_factory=dict)
    outputs: Mapping[str, Any] = field(default_factory=dict)
    external: bool = False  # only ever read; a digest says so, a stream does not
    provider: str = ""  # the provider's URN with its id

    def __getitem__(self, path: str) -> Any:
        """Return the input at a dotted path, the output where the program has left it out."""
        found = at(self.inputs, *path.split("."))
        return at(self.outputs, *path.split(".")) if found is MISSING else found


@dataclass(frozen=True, slots=True)
class ResourceChange:
    """What becomes of one resource. ``reasons`` are the properties that force a replacement, ``paths`` those that
    differ, nested where the provider says so; ``provider`` is the provider's URN with its id. ``deleted_first``: a
    replacement deletes the old one before it creates the new one. A ``create`` with an old side makes again what a
    refresh found missing in its cloud."""

    action: Action
    urn: str
    type: str
    custom: bool
    old: Side | None
    new: Side | None
    reasons: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    provider: str = ""
    deleted_first: bool = False

    @property
    def name(self) -> str:
        return self.urn.split("::", 3)[-1]

    @property
    def kind(self) -> str:
        """The last word of the type: ``Bucket``."""
        return self.type.rpartition(":")[2]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"

    @property
    def row(self) -> ResourceType | None:
        """What the catalogue knows of the type, None where it has no row of it."""
        return row_of(self.type)

    @property
    def holds_data(self) -> str:
        """What is lost with the resource, "" where nothing is."""
        return self.row.holds_data if self.row else ""

    @property
    def left_behind(self) -> str:
        """What stays in the cloud although its provider deletes it, "" where the delete removes it."""
        return self.row.left_behind if self.row else ""

    @property
    def named_by(self) -> str:
        """The input that holds the resource's own name, "" where none does."""
        return self.row.named_by if self.row else ""

    @property
    def host(self) -> Reference | None:
        """Where a side resource names the bucket or the Worker that it belongs to."""
        return next((one for one in self.row.references if one.link in _HOSTS), None) if self.row else None

    @property
    def host_path(self) -> str:
        """Where it names that; of what only connects two things, the first of them; of a Worker and its code in one,
        its own name; "" for no place."""
        if self.host or self.row is None:
            return self.host.path if self.host else ""
        return next(iter(self.row.connects), self.named_by)

    @property
    def retained(self) -> bool:
        """Whether the resource stays in its cloud when it leaves the state."""
        return self.old is not None and self.old.retained

    @property
    def deletes(self) -> bool:
        """Whether the resource is removed from its cloud for good, as far as the engine can say."""
        return self.action == "delete" and self.old is not None and not self.retained

    def was(self, path: str) -> Any:
        return MISSING if self.old is None else self.old[path]

    def becomes(self, path: str) -> Any:
        return MISSING if self.new is None else at(self.new.inputs, *path.split("."))

    def differs(self, path: str) -> bool:
        """Whether the two sides differ at a dotted path, or may: of what is not known on both of them, only the engine
        can tell, by the paths that it names."""
        was, becomes = self.was(path), self.becomes(path)
        named = any(_within(one, path) or _within(path, one) for one in (*self.paths, *self.reasons))
        return was != becomes or (UNKNOWN in leaves(was) and named)

    @property
    def place_path(self) -> str:
        """Where it names what it is of: a bucket, a Worker, or an account with one such setting; "" for none."""
        one_each = self.row.identity_inputs if self.row and not self.host_path else ()
        return one_each[0] if len(one_each) == 1 else self.host_path

    @property
    def moves(self) -> bool:
        """Whether a side resource is from now on that of another bucket or account, or may be."""
        path = self.place_path
        return path in self.reasons or (self.becomes(path) is not MISSING and self.differs(path))

    @property
    def leaves_its_bucket(self) -> bool:
        """Whether its provider takes a side resource away from the bucket that it was of."""
        return self.deletes or (self.action == "replace" and self.moves and not self.retained)


def names_before(change: ResourceChange) -> tuple[Any, ...]:
    """Return what others may call a resource before the change: by its id, or by its name."""
    return () if change.old is None else (change.old.id, change.was(change.named_by))


def _within(path: str, outer: str) -> bool:
    return path == outer or path.startswith((f"{outer}.", f"{outer}["))
