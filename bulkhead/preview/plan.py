"""What an `up` would do to a stack, one value a resource (pure), whichever form its events came in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
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


@dataclass(frozen=True, slots=True)
class PolicyMessage:
    """A message of a policy. ``level`` is advisory, mandatory or remediate, as the engine spells it."""

    level: str
    policy: str
    message: str
    urn: str = ""


@dataclass(frozen=True, slots=True)
class UpdatePlan:
    """What an `up` would do to a whole stack. ``source`` is ``stream`` or ``digest``; ``counts`` are the engine's own;
    ``packs`` are the policy packs that were asked; ``errors`` are why it failed, if it did."""

    source: Literal["stream", "digest"]
    stack: str
    changes: tuple[ResourceChange, ...]
    counts: Mapping[str, int]
    packs: tuple[str, ...] = ()
    policies: tuple[PolicyMessage, ...] = ()
    errors: tuple[str, ...] = ()
    failed: bool = False
    _of_type: Mapping[str, list[ResourceChange]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        of_type: dict[str, list[ResourceChange]] = {}
        for change in self.changes:
            of_type.setdefault(change.type, []).append(change)
        object.__setattr__(self, "_of_type", of_type)

    def of(self, *types: str) -> Iterator[ResourceChange]:
        """Yield the changes of these types, one type after the other."""
        return (change for type_ in types for change in self._of_type.get(type_, ()))

    def host_goes(self, change: ResourceChange) -> bool:
        """Whether the bucket or the Worker that a side resource belongs to is deleted or replaced: a loss of its own,
        told once. One that is retained stays, with what is in it."""
        going = (one for one in self._hosts(change) if one.action in {"delete", "replace"} and not one.retained)
        return any(_belongs(change.was(change.host_path), host) for host in going)

    def host_is_new(self, change: ResourceChange) -> bool:
        """Whether the bucket or the Worker that a side resource will belong to is made, or made anew, by the same `up`:
        then nothing is in it. One that no resource of the stack manages is taken to exist."""
        wanted = change.becomes(change.host_path)
        hosts = self._hosts(change)
        fresh = [host for host in hosts if host.action in {"create", "replace"}]
        if isinstance(wanted, str):
            return wanted in [host.becomes(host.named_by) for host in fresh]
        stay = [host for host in hosts if host.action not in {"create", "replace", "same", "delete"}]
        if change.old is None and not self._left(change):
            # Of a host that stays, the name is known to whom it is handed on, unless it is not even known to itself.
            stay = [host for host in stay if not isinstance(host.becomes(host.named_by), str)]
        return change.action != "update" and bool(fresh) and not stay

    def _hosts(self, change: ResourceChange) -> list[ResourceChange]:
        return list(self.of(*change.host.to)) if change.host else []

    def predecessor(self, change: ResourceChange) -> ResourceChange | None:
        """Return what a creation writes over: a sibling of the same type that leaves the state, deleted or not, and is
        of the same bucket or Worker, or may be."""
        if change.action != "create" or change.old is not None:
            return None
        path = change.host_path
        wanted = change.becomes(path)
        if wanted is UNKNOWN and self.host_is_new(change):
            return None
        left = self._left(change)
        surely = [one for one in left if one.was(path) == wanted]
        return next(iter([*surely, *(one for one in left if _may_be_one(one.was(path), wanted))]), None)

    def _left(self, change: ResourceChange) -> list[ResourceChange]:
        """Return the siblings of the same type that leave the state, or their bucket or Worker."""
        leaving = (one for one in self.of(change.type) if one.urn != change.urn and one.old is not None)
        return [one for one in leaving if one.action == "delete" or (one.action == "replace" and one.moves)]

    def over_predecessor(self, change: ResourceChange) -> ResourceChange:
        """Return a creation that writes over something, or makes again what was found missing, as the update that it
        amounts to, all else as it is."""
        if change.action != "create" or change.new is None:
            return change
        before = change if change.old is not None else self.predecessor(change)
        if before is None:
            return change
        return replace(change, action="update", old=before.old, paths=tuple(change.new.inputs))

    def managed_by(self, provider: str) -> Iterator[ResourceChange]:
        """Yield what the state holds and the provider with this URN manages, before or after."""
        for one in self.changes:
            if one.custom and one.old is not None:
                references = (one.old.provider, one.provider)
                if provider in [reference.rpartition("::")[0] for reference in references]:
                    yield one

    def provider(self, reference: str) -> ResourceChange | None:
        """Return the provider that a reference (its URN and id) names, None where the plan does not show it."""
        urn = reference.rpartition("::")[0]
        return next((one for one in self.changes if one.urn == urn), None)

    def version_of(self, change: ResourceChange) -> str:
        """Return the version of the provider's plugin that a resource is managed by, "" where nothing says so."""
        version = self.from_provider(change, "version")
        return version if isinstance(version, str) else ""

    def from_provider(self, change: ResourceChange, path: str) -> Any:
        """Return what the provider that manages a resource is told at a dotted path, MISSING where nothing says so."""
        provider = self.provider(change.provider)
        values = (side[path] for side in (provider.new, provider.old) if side is not None) if provider else ()
        return next((value for value in values if isinstance(value, str)), MISSING)


def _may_be_one(was: Any, wanted: Any) -> bool:
    return UNKNOWN in (was, wanted) or wanted is MISSING


def _within(path: str, outer: str) -> bool:
    return path == outer or path.startswith((f"{outer}.", f"{outer}["))


def _belongs(name: Any, host: ResourceChange) -> bool:
    return isinstance(name, str) and host.old is not None and name in {host.old.id, host.was(host.named_by)}
