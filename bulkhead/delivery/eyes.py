"""Looks at both versions of each Worker: asks probes of them now, and Cloudflare what users met some minutes ago."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from bulkhead.delivery.answers import counted
from bulkhead.delivery.observed import NOTHING, Count, Minute
from bulkhead.delivery.plan import Move
from bulkhead.delivery.probes import Prober
from bulkhead.delivery.signals import Signals
from bulkhead.delivery.strategy import Load
from bulkhead.delivery.verdict import LATE, Evidence

_BEFORE: Final = 10  # known minutes before a rollout that say what is usual: each is a question of its own
_LONGEST: Final = 30  # minutes of silence that are asked for again after a pause


@dataclass
class StageEyes:
    """Who looks at one stage. ``hosts`` are the hostnames of the public Workers, by their names in the product. A
    Worker's first version is not looked at: there is nothing to compare it with. ``_told`` is the last minute of each
    Worker that was known."""

    prober: Prober
    users: Signals
    hosts: Mapping[str, str]
    _told: dict[str, int] = field(default_factory=dict)

    def look(self, at: int, moves: Sequence[Move], new: Mapping[str, str]) -> Mapping[str, Sequence[Minute]]:
        stable = {move.worker: move.stable for move in _followers(moves)}
        probes = counted(self.prober.pairs({worker: new[worker] for worker in stable}, stable))
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
            found.append(Minute(minute, counts.get(move.stable, NOTHING), counts.get(new, NOTHING), edge=edge))
            self._told[move.worker] = minute
        return found

    def _usual(self, at: int, move: Move) -> Evidence:
        counts, edges = NOTHING, NOTHING
        host = self.hosts.get(move.worker)
        for minute in range(at - LATE - _BEFORE, at - LATE):
            counts += self._stable(move, minute) or NOTHING
            edges += (self.users.edge(host, minute) if host else None) or NOTHING
        self._told[move.worker] = at - 1
        return Evidence(record=counts, edge_before=edges)

    def _load(self, at: int, move: Move) -> Load:
        known = [
            each for minute in range(at - LATE - _BEFORE, at - LATE) if (each := self._stable(move, minute)) is not None
        ]
        record = sum(known, NOTHING)
        return Load(record.requests / len(known), record) if known else Load()

    def _stable(self, move: Move, minute: int) -> Count | None:
        found = self.users.minute(move.script, [move.stable], minute)
        return None if found is None else found.get(move.stable, NOTHING)


def _followers(moves: Sequence[Move]) -> Sequence[Move]:
    return [move for move in moves if move.stable]
