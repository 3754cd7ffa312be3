"""Looks at both versions of each Worker: asks probes of them now, and Cloudflare what users met some minutes ago."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from bulkhead.delivery.answers import Answer, counted, uncompared
from bulkhead.delivery.observed import NOTHING, Count, Minute
from bulkhead.delivery.plan import Move
from bulkhead.delivery.probes import Prober
from bulkhead.delivery.strategy import Load
from bulkhead.delivery.verdict import LATE, Evidence
from bulkhead.model.faults import Refused

_BEFORE: Final = 10  # known minutes before a rollout that say what is usual: each is a question of its own
_LONGEST: Final = 30  # minutes of silence that are asked for again after a pause


class Users(Protocol):
    """What Cloudflare counts of users, by the minute; None where that is not known."""

    def minute(self, script: str, versions: Iterable[str], at: int) -> Mapping[str, Count] | None: ...

    def all(self, script: str, at: int) -> Count | None: ...

    def edge(self, host: str, at: int) -> Count | None: ...


@dataclass(frozen=True)
class UsersIfCounted:
    """Users of a stage whose releases probes decide: where the plan or the token does not tell them, nothing is known
    of them, and that stops nothing."""

    users: Users

    def minute(self, script: str, versions: Iterable[str], at: int) -> Mapping[str, Count] | None:
        with suppress(Refused):
            return self.users.minute(script, versions, at)
        return None

    def all(self, script: str, at: int) -> Count | None:
        with suppress(Refused):
            return self.users.all(script, at)
        return None

    def edge(self, host: str, at: int) -> Count | None:
        with suppress(Refused):
            return self.users.edge(host, at)
        return None


@dataclass
class StageEyes:
    """Who looks at one stage. ``hosts`` are the hostnames of the public Workers, by their names in the product. A
    Worker's first version is not looked at: there is nothing to compare it with. ``_told`` is the last minute of each
    Worker that was known; ``_own``, how many of a minute's requests to a version were our probes: Cloudflare counts
    them as it counts users, and probes that pass let nothing go on."""

    prober: Prober
    users: Users
    hosts: Mapping[str, str]
    _told: dict[str, int] = field(default_factory=dict)
    _own: Counter[tuple[int, str, str]] = field(default_factory=Counter)

    def look(
        self, at: int, moves: Sequence[Move], new: Mapping[str, str], *, control: bool
    ) -> Mapping[str, Sequence[Minute]]:
        stable = {move.worker: move.stable for move in _followers(moves)}
        moving = {worker: new[worker] for worker in stable}
        if control:
            pairs = self.prober.pairs(moving, stable)
            probes, answers = counted(pairs), [each for pair in pairs for each in (pair.new, pair.stable)]
        else:
            answers = list(self.prober.alone(moving))
            probes = uncompared(answers)
        self._remember(at, answers)
        return {
            move.worker: [*self._known(at, move, new[move.worker]), Minute(at, probes=probes)]
            for move in _followers(moves)
        }

    def before(self, at: int, moves: Sequence[Move]) -> Mapping[str, Evidence]:
        return {move.worker: self._usual(at, move) for move in _followers(moves)}

    def loads(self, at: int, moves: Sequence[Move]) -> Mapping[str, Load]:
        """Return what is known of each Worker's traffic before the minute ``at``."""
        return {move.worker: self._load(at, move) for move in _followers(moves)}

    def _known(self, at: int, move: Move, new: str) -> Sequence[Minute]:
        """Return the minutes that have become known since the last look. Who goes on with another process's rollout has
        not looked yet, and is told the last ones again, of which evidence counts none twice."""
        found = []
        for minute in range(max(self._told.get(move.worker, 0), at - _LONGEST) + 1, at):
            counts = self.users.minute(move.script, [move.stable, new], minute)
            if counts is None:
                break
            host = self.hosts.get(move.worker)
            edge = self.users.edge(host, minute) if host else None
            stable, fresh = (self._users(move, version, minute, counts) for version in (move.stable, new))
            found.append(Minute(minute, stable, fresh, edge=edge))
            self._told[move.worker] = minute
        return found

    def _remember(self, at: int, answers: Iterable[Answer]) -> None:
        self._own.update((at, *named) for answer in answers for named in answer.versions)

    def _users(self, move: Move, version: str, at: int, counts: Mapping[str, Count]) -> Count:
        found = counts.get(version, NOTHING)
        return replace(found, requests=max(found.errors, found.requests - self._own[at, move.worker, version]))

    def _usual(self, at: int, move: Move) -> Evidence:
        counts, edges = NOTHING, NOTHING
        host = self.hosts.get(move.worker)
        for minute in range(at - LATE - _BEFORE, at - LATE):
            counts += self._stable(move, minute) or NOTHING
            edges += (self.users.edge(host, minute) if host else None) or NOTHING
        self._told[move.worker] = at  # of this minute, a part of the requests was the smoke test's
        return Evidence(record=counts, edge_before=edges)

    def _load(self, at: int, move: Move) -> Load:
        """The rate is that of all versions: who goes on with a rollout finds users on the new one already."""
        minutes = range(at - LATE - _BEFORE, at - LATE)
        known = [each for minute in minutes if (each := self.users.all(move.script, minute)) is not None]
        record = sum((self._stable(move, minute) or NOTHING for minute in minutes), NOTHING)
        return Load(sum(known, NOTHING).requests / len(known), record) if known else Load(known=False)

    def _stable(self, move: Move, minute: int) -> Count | None:
        found = self.users.minute(move.script, [move.stable], minute)
        return None if found is None else found.get(move.stable, NOTHING)


def _followers(moves: Sequence[Move]) -> Sequence[Move]:
    return [move for move in moves if move.stable]
