"""What an `up` would do to a stack, one value a resource (pure), whatever shape the engine told it in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from policies import tokens as t
from policies.values import MISSING, at

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
# Of several steps of one resource, the one that says what becomes of it.
_WEIGHT: Final = ("replace", "import", "create", "update", "read", "discard", "same", "delete", "refresh")
PROVIDER: Final = "pulumi:providers:"
# Under which input a bucket has its name.
_OWN_NAME: Final = {t.S3_BUCKET: "bucket", t.R2_BUCKET: "name"}


@dataclass(frozen=True, slots=True)
class Side:
    """A resource before or after. What is not known yet, and what is secret, is `policies.values.UNKNOWN`: nothing can
    be shown of either."""

    id: str = ""
    protect: bool = False
    retained: bool = False
    inputs: Mapping[str, Any] = field(default_factory=dict)
    outputs: Mapping[str, Any] = field(default_factory=dict)

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
        return self.urn.rpartition("::")[2]

    @property
    def kind(self) -> str:
        """The last word of the type: ``Bucket``."""
        return self.type.rpartition(":")[2]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"

    @property
    def deletes(self) -> bool:
        """Whether the resource is removed from its cloud for good, as far as the engine can say."""
        return self.action == "delete" and self.old is not None and not self.old.retained

    def was(self, path: str) -> Any:
        return MISSING if self.old is None else self.old[path]

    def becomes(self, path: str) -> Any:
        return MISSING if self.new is None else at(self.new.inputs, *path.split("."))


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

    def bucket_goes(self, side: Change) -> bool:
        """Whether the bucket that a side resource belongs to is deleted or replaced: a loss of its own, told once."""
        going = (bucket for bucket in self.of(*_OWN_NAME) if bucket.deletes or bucket.action == "replace")
        return any(_belongs(side.was(beside(side)), bucket) for bucket in going)

    def bucket_is_new(self, side: Change) -> bool:
        """Whether the bucket that a side resource will belong to is made, or made anew, by the same `up`: then nothing
        is in it. One that no resource of the stack manages is taken to exist."""
        wanted = side.becomes(beside(side))
        type_ = t.R2_BUCKET if side.type.startswith("cloudflare:") else t.S3_BUCKET
        buckets = [bucket for bucket in self.of(type_) if bucket.action not in {"same", "delete"}]
        fresh = [bucket for bucket in buckets if bucket.action in {"create", "replace"}]
        if not isinstance(wanted, str):  # only what is made or changed by the same up has a name that is not known
            return bool(fresh) and len(fresh) == len(buckets)
        return any(bucket.becomes(_OWN_NAME[type_]) == wanted for bucket in fresh)

    def version_of(self, change: Change) -> str:
        """Return the version of the provider's plugin that a resource is managed by, "" where it is not told."""
        urn = change.provider.rpartition("::")[0]
        providers = (one for one in self.changes if one.urn == urn)
        versions = (side["version"] for one in providers for side in (one.new, one.old) if side is not None)
        return next((version for version in versions if isinstance(version, str)), "")


def beside(side: Change) -> str:
    """Return under which input a side resource names its bucket."""
    return "bucketName" if side.type.startswith("cloudflare:") else "bucket"


def _belongs(name: Any, bucket: Change) -> bool:
    own = bucket.was(_OWN_NAME[bucket.type])
    return isinstance(name, str) and bucket.old is not None and name in {bucket.old.id, own}


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
    yield Change(action, main.urn, main.type, main.custom, old, new, main.reasons, main.paths, main.provider, first)
    for step in leftovers:
        yield Change("delete", step.urn, step.type, step.custom, step.old, None, provider=step.provider)


def _id(step: Step) -> str | None:
    return step.old.id if step.old else None
