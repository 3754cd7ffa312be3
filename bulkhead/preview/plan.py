"""What an `up` would do to a stack, one value a resource (pure), whatever shape the engine told it in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from bulkhead.resources.catalogue import row_of
from bulkhead.resources.kind import Link, Reference, ResourceType
from bulkhead.resources.values import MISSING, UNKNOWN, at, leaves

Action = Literal["same", "create", "update", "replace", "delete", "import", "read", "refresh", "discard"]

# The engine's words for a step (sdk/go/common/apitype/events.go, `OpType`), and what they amount to. A replacement is
# told in several steps. What was `discard`ed was only ever read; what is to be replaced and is pending no more is gone.
ACTIONS: Final[Mapping[str, Action]] = {
    "same": "same",
    "create": "create",
    "update": "update",
    "delete": "delete",
    "delete-replaced": "delete",
    "replace": "replace",
    "create-replacement": "replace",
    "read-replacement": "replace",
    "import-replacement": "replace",
    "import": "import",
    "read": "read",
    "refresh": "refresh",
    "discard": "discard",
    "discard-replaced": "discard",
    "remove-pending-replace": "discard",
}
_DELETING: Final = ("delete", "delete-replaced")
# Of several steps of one resource, the one that says what becomes of it. What is imported with other inputs than it has
# is updated right afterwards.
_WEIGHT: Final = ("replace", "update", "import", "create", "read", "discard", "same", "delete", "refresh")
PROVIDER: Final = "pulumi:providers:"
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

    def __getitem__(self, path: str) -> Any:
        """Return the input at a dotted path, the output where the program has left it out."""
        found = at(self.inputs, *path.split("."))
        return at(self.outputs, *path.split(".")) if found is MISSING else found


@dataclass(frozen=True, slots=True)
class Step:
    """One step as the engine told it. ``reasons`` are the properties that force a replacement, ``paths`` those that
    differ, nested where the provider says so; ``provider`` is the provider's URN with its id."""

    op: str
    urn: str
    type: str
    custom: bool
    old: Side | None
    new: Side | None
    reasons: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    provider: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of one resource. ``deleted_first`` tells of a replacement that the old one goes before the new one
    comes. A ``create`` with an old side is that of something which a refresh found gone."""

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
    def holds(self) -> str:
        """What is lost with the resource, "" where nothing is."""
        return self.row.holds if self.row else ""

    @property
    def leaves(self) -> str:
        """What stays in the cloud although its provider deletes it, "" where the delete removes it."""
        return self.row.leaves if self.row else ""

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
        """Where it names that: a resource which is a Worker and its code in one, by its own name; "" for no place."""
        return self.host.path if self.host else self.named_by

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
        told = any(_within(one, path) or _within(path, one) for one in (*self.paths, *self.reasons))
        return was != becomes or (UNKNOWN in leaves(was) and told)

    @property
    def moves(self) -> bool:
        """Whether a side resource is from now on that of another bucket, or may be."""
        return self.becomes(self.host_path) is not MISSING and self.differs(self.host_path)

    @property
    def leaves_its_bucket(self) -> bool:
        """Whether its provider takes a side resource away from the bucket that it was of."""
        return self.deletes or (self.action == "replace" and self.moves and not self.retained)


@dataclass(frozen=True, slots=True)
class PolicyMessage:
    """What a policy said. ``level`` is advisory, mandatory or remediate, as the engine spells it."""

    level: str
    policy: str
    message: str
    urn: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything the engine said. ``source`` is ``stream`` or ``digest``; ``counts`` are its own, by its own words;
    ``packs`` are the policy packs that were asked; ``errors`` are why it failed, if it did."""

    source: Literal["stream", "digest"]
    stack: str
    changes: tuple[Change, ...]
    counts: Mapping[str, int]
    packs: tuple[str, ...] = ()
    policies: tuple[PolicyMessage, ...] = ()
    errors: tuple[str, ...] = ()
    failed: bool = False
    _of_type: Mapping[str, list[Change]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        of_type: dict[str, list[Change]] = {}
        for change in self.changes:
            of_type.setdefault(change.type, []).append(change)
        object.__setattr__(self, "_of_type", of_type)

    def of(self, *types: str) -> Iterator[Change]:
        """Yield the changes of these types, one type after the other."""
        return (change for type_ in types for change in self._of_type.get(type_, ()))

    def host_goes(self, side: Change) -> bool:
        """Whether the bucket or the Worker that a side resource belongs to is deleted or replaced: a loss of its own,
        told once. One that is retained stays, with what is in it."""
        going = (one for one in self._hosts(side) if one.action in {"delete", "replace"} and not one.retained)
        return any(_belongs(side.was(side.host_path), host) for host in going)

    def host_is_new(self, side: Change) -> bool:
        """Whether the bucket or the Worker that a side resource will belong to is made, or made anew, by the same `up`:
        then nothing is in it. One that no resource of the stack manages is taken to exist."""
        wanted = side.becomes(side.host_path)
        hosts = self._hosts(side)
        fresh = [host for host in hosts if host.action in {"create", "replace"}]
        if isinstance(wanted, str):
            return wanted in [host.becomes(host.named_by) for host in fresh]
        stay = [host for host in hosts if host.action not in {"create", "replace", "same", "delete"}]
        if side.old is None and not self._left(side):
            # Of a host that stays, the name is known to whom it is handed on, unless it is not even known to itself.
            stay = [host for host in stay if not isinstance(host.becomes(host.named_by), str)]
        return side.action != "update" and bool(fresh) and not stay

    def _hosts(self, side: Change) -> list[Change]:
        return list(self.of(*side.host.to)) if side.host else []

    def predecessor(self, change: Change) -> Change | None:
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

    def _left(self, change: Change) -> list[Change]:
        """Return the siblings of the same type that leave the state, or their bucket or Worker."""
        leaving = (one for one in self.of(change.type) if one.urn != change.urn and one.old is not None)
        return [one for one in leaving if one.action == "delete" or (one.action == "replace" and one.moves)]

    def over_predecessor(self, change: Change) -> Change:
        """Return a creation that writes over something as the update that it amounts to, all else as it is."""
        before = self.predecessor(change)
        if before is None or change.new is None:
            return change
        return replace(change, action="update", old=before.old, paths=tuple(change.new.inputs))

    def version_of(self, change: Change) -> str:
        """Return the version of the provider's plugin that a resource is managed by, "" where it is not told."""
        urn = change.provider.rpartition("::")[0]
        providers = (one for one in self.changes if one.urn == urn)
        versions = (side["version"] for one in providers for side in (one.new, one.old) if side is not None)
        return next((version for version in versions if isinstance(version, str)), "")


def _may_be_one(was: Any, wanted: Any) -> bool:
    return UNKNOWN in (was, wanted) or wanted is MISSING


def _within(path: str, outer: str) -> bool:
    return path == outer or path.startswith((f"{outer}.", f"{outer}["))


def _belongs(name: Any, host: Change) -> bool:
    return isinstance(name, str) and host.old is not None and name in {host.old.id, host.was(host.named_by)}


def fold(steps: Iterable[Step]) -> tuple[Change, ...]:
    """Return what becomes of each resource, in the order in which the engine first spoke of it. One that waits to be
    deleted since an earlier replacement is a change of its own."""
    by_urn: dict[str, list[Step]] = {}
    for step in steps:
        by_urn.setdefault(step.urn, []).append(step)
    return tuple(change for steps_ in by_urn.values() for change in _changes(steps_))


def _changes(steps: list[Step]) -> Iterator[Change]:
    main = min(steps, key=lambda step: _WEIGHT.index(ACTIONS[step.op]))
    action = ACTIONS[main.op]
    own = main.old.id if main.old else None
    leftovers = [
        s for s in steps if s.op in _DELETING and s is not main and not (action == "replace" and _id(s) == own)
    ]
    ops = [step.op for step in steps]
    making = next((i for i, op in enumerate(ops) if ACTIONS[op] == "replace" and op != "replace"), None)
    first = making is not None and "delete-replaced" in ops[:making]
    refreshed = next((step.old for step in steps if step.op == "refresh"), None)
    old = main.old or (refreshed if action == "create" else None)
    new = None if action == "delete" else main.new
    type_ = _current(main.type)
    yield Change(action, main.urn, type_, main.custom, old, new, main.reasons, main.paths, main.provider, first)
    for step in leftovers:
        yield Change("delete", step.urn, type_, step.custom, step.old, None, provider=step.provider)


def _id(step: Step) -> str | None:
    return step.old.id if step.old else None


def _current(type_: str) -> str:
    """Return the token by which a type is known. pulumi-aws 7 calls a bucket and its settings by two; the longer one,
    with V2, is deprecated and means the same resource."""
    shorter = type_.replace("V2", "") if type_.startswith("aws:s3/bucket") else type_
    return shorter if row_of(shorter) else type_
