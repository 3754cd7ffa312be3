"""What an `up` would do to a stack, one value a resource (pure), whichever form its events came in."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any, Literal, TypeVar

from bulkhead.preview.change import ResourceChange, names_before
from bulkhead.resources.values import MISSING, UNKNOWN

Found = TypeVar("Found")
Key = TypeVar("Key", bound=Hashable)


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
    ``packs`` are the policy packs that were asked; ``errors`` are why it failed, if it did; ``begun`` are the URNs of
    what an earlier `up` had begun to make when it was cut off."""

    source: Literal["stream", "digest"]
    stack: str
    changes: tuple[ResourceChange, ...]
    counts: Mapping[str, int]
    packs: tuple[str, ...] = ()
    policies: tuple[PolicyMessage, ...] = ()
    errors: tuple[str, ...] = ()
    failed: bool = False
    begun: tuple[str, ...] = ()
    _found: dict[Hashable, Any] = field(init=False, repr=False, compare=False, default_factory=dict)

    def once(self, key: Hashable, make: Callable[[], Found]) -> Found:
        """Return what ``make`` finds in the plan, found once for a ``key``: a stage of thousands of resources is judged
        in seconds."""
        if key not in self._found:
            self._found[key] = make()
        found: Found = self._found[key]
        return found

    def of(self, *types: str) -> Iterator[ResourceChange]:
        """Yield the changes of these types, one type after the other."""
        of_type = self.once("of", lambda: _grouped((change.type, change) for change in self.changes))
        return (change for type_ in types for change in of_type.get(type_, ()))

    def by(
        self, what: str, types: Sequence[str], names: Callable[[ResourceChange], Iterable[Any]]
    ) -> Mapping[Any, list[ResourceChange]]:
        """Return the changes of these types by what ``names`` yields of each; ``what`` is the name of that. Names that
        are no text are left out, but for UNKNOWN."""
        return self.once(
            (what, tuple(types)),
            lambda: _grouped(
                (name, one)
                for one in self.of(*types)
                for name in names(one)
                if name is UNKNOWN or isinstance(name, str)
            ),
        )

    def host_goes(self, change: ResourceChange) -> bool:
        """Whether the bucket or the Worker that a side resource belongs to is deleted or replaced: a loss of its own,
        told once. One that is retained stays, with what is in it."""
        named = self.by("names before", change.host.to, names_before) if change.host else {}
        name = change.was(change.host_path)
        hosts = named.get(name, []) if isinstance(name, str) else []
        return any(host.action in {"delete", "replace"} and not host.retained for host in hosts)

    def host_is_new(self, change: ResourceChange) -> bool:
        """Whether the bucket or the Worker that a side resource will belong to is made, or made anew, by the same `up`:
        then nothing is in it. One that no resource of the stack manages is taken to exist."""
        types = change.host.to if change.host else ()
        wanted = change.becomes(change.host_path)
        if isinstance(wanted, str):
            named = self.by("name after", types, lambda host: [host.becomes(host.named_by)])
            return any(host.action in {"create", "replace"} for host in named.get(wanted, ()))
        fresh, stay, unnamed = self.once(("hosts", types), lambda: self._hosts(types))
        if change.old is None and not any(True for _ in self._left(change)):
            # Of a host that stays, the name is known to whom it is handed on, unless it is not even known to itself.
            stay = unnamed
        return change.action != "update" and fresh and not stay

    def _hosts(self, types: Sequence[str]) -> tuple[bool, bool, bool]:
        """Return whether there are hosts that are made, that stay otherwise, and that stay without a known name."""
        hosts = list(self.of(*types))
        stay = [host for host in hosts if host.action not in {"create", "replace", "same", "delete"}]
        unnamed = any(not isinstance(host.becomes(host.named_by), str) for host in stay)
        return any(host.action in {"create", "replace"} for host in hosts), bool(stay), unnamed

    def predecessor(self, change: ResourceChange) -> ResourceChange | None:
        """Return what a creation writes over: a sibling of the same type that leaves the state, deleted or not, and is
        of the same bucket or Worker, or may be."""
        if change.action != "create" or change.old is not None:
            return None
        wanted = change.becomes(change.host_path)
        if wanted is UNKNOWN and self.host_is_new(change):
            return None
        if not isinstance(wanted, str):
            return next(self._left(change), None)
        by_host = self.once(
            ("left by host", change.type),
            lambda: _grouped((_known(one.was(one.host_path)), one) for one in self._leaving(change.type)),
        )
        left = chain(by_host.get(wanted, ()), by_host.get(UNKNOWN, ()))
        return next((one for one in left if one.urn != change.urn), None)

    def _left(self, change: ResourceChange) -> Iterator[ResourceChange]:
        """Yield the siblings of the same type that leave the state, or their bucket or Worker."""
        return (one for one in self._leaving(change.type) if one.urn != change.urn)

    def _leaving(self, type_: str) -> list[ResourceChange]:
        def leaves_(one: ResourceChange) -> bool:
            return one.old is not None and (one.action == "delete" or (one.action == "replace" and one.moves))

        return self.once(("leaving", type_), lambda: [one for one in self.of(type_) if leaves_(one)])

    def over_predecessor(self, change: ResourceChange) -> ResourceChange:
        """Return a creation that writes over something, or makes again what was found missing, as the update that it
        amounts to, all else as it is."""
        if change.action != "create" or change.new is None:
            return change
        before = change if change.old is not None else self.predecessor(change)
        if before is None:
            return change
        return replace(change, action="update", old=before.old, paths=tuple(change.new.inputs))

    def managed_by(self, provider: str) -> Sequence[ResourceChange]:
        """Return what the state holds and the provider with this URN manages, before or after."""

        def managed() -> Iterator[tuple[str, ResourceChange]]:
            for one in self.changes:
                if one.custom and one.old is not None:
                    for reference in {one.old.provider, one.provider}:
                        yield reference.rpartition("::")[0], one

        return self.once("managed", lambda: _grouped(managed())).get(provider, [])

    def provider(self, reference: str) -> ResourceChange | None:
        """Return the provider that a reference (its URN and id) names, None where the plan does not show it."""
        by_urn = self.once("by urn", lambda: {one.urn: one for one in reversed(self.changes)})
        return by_urn.get(reference.rpartition("::")[0])

    def version_of(self, change: ResourceChange) -> str:
        """Return the version of the provider's plugin that a resource is managed by, "" where nothing says so."""
        version = self.from_provider(change, "version")
        return version if isinstance(version, str) else ""

    def from_provider(self, change: ResourceChange, path: str) -> Any:
        """Return what the provider that manages a resource is told at a dotted path, MISSING where nothing says so."""
        provider = self.provider(change.provider)
        values = (side[path] for side in (provider.new, provider.old) if side is not None) if provider else ()
        return next((value for value in values if isinstance(value, str)), MISSING)


def _known(value: Any) -> Any:
    return value if isinstance(value, str) else UNKNOWN if value is UNKNOWN else MISSING


def _grouped(pairs: Iterable[tuple[Key, ResourceChange]]) -> dict[Key, list[ResourceChange]]:
    grouped: dict[Key, list[ResourceChange]] = {}
    for key, change in pairs:
        grouped.setdefault(key, []).append(change)
    return grouped
