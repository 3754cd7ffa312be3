"""Whether a new version is slower than the one that stands, by probes and by users (pure).

Times scatter, and one slow answer says nothing: what counts is that the new version is the slower one again and again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from bulkhead.delivery.observed import NOTHING, Count

SLOWER: Final = 1.5  # times as long as stable
_BY: Final = 50.0  # and ms longer: what nobody notices is no reason to go back
FEWEST: Final = 100  # requests of each version for a p95: of fewer, it is little more than the slowest of them
_PROBE_SLOW: Final = 10  # pairs, net; even where times scatter by half, one of 10,000 good versions comes that far
_PROBE_SUSPECTED: Final = 5
_USERS_SLOW: Final = 5  # comparisons, net


@dataclass(frozen=True, slots=True)
class Pace:
    """How much oftener each probe was slower on the new version than not, and the same of users' p95. Each of those is
    taken over as many minutes as it needs to be one of enough requests; ``new`` and ``stable`` are of these minutes.
    ``compared`` counts them in this step; ``told`` is the last."""

    probes: Mapping[str, int] = field(default_factory=dict)
    users: int = 0
    compared: int = 0
    new: Count = NOTHING
    stable: Count = NOTHING
    told: str = ""

    def probed(self, times: Mapping[str, tuple[float, float]]) -> Pace:
        """Return the pace after a minute's pairs of milliseconds, the new version's first."""
        moved = {name: _moved(self.probes.get(name, 0), new, stable) for name, (new, stable) in times.items()}
        return Pace({**self.probes, **moved}, self.users, self.compared, self.new, self.stable, self.told)

    def counted(self, new: Count, stable: Count, record: Count) -> Pace:
        """Return the pace after a minute of users. ``record`` is what stable showed before, for when it has none."""
        new, stable = self.new + new, self.stable + stable
        other = stable if stable.requests >= FEWEST else record
        if new.p95 is None or other.p95 is None:
            return self
        if min(new.requests, other.requests) < FEWEST:
            return Pace(self.probes, self.users, self.compared, new, stable, self.told)
        told = f"95 of 100 of {new.requests} requests took up to {new.p95:.0f} ms, stable's up to {other.p95:.0f} ms"
        return Pace(self.probes, _moved(self.users, new.p95, other.p95), self.compared + 1, told=told)

    def entering(self) -> Pace:
        """Return the pace at the beginning of a step: what is suspected stays, what was seen has to be seen anew."""
        return Pace(self.probes, self.users)

    @property
    def slow(self) -> str:
        """Why the new version counts as slow, empty where it does not."""
        if self.users >= _USERS_SLOW:
            return f"users wait: {self.told}, for the {self.users}th time net"
        return self._slower(_PROBE_SLOW)

    @property
    def suspected(self) -> str:
        """What must be seen again before it can be trusted, empty where nothing."""
        if self.users:
            return self.told or "users waited longer than on stable in the step before"
        return self._slower(_PROBE_SUSPECTED)

    @property
    def untold(self) -> str:
        """Why nobody can say yet how long users wait, empty where somebody can, or never will."""
        since = self.new.requests
        if not since or (self.compared and since < FEWEST / 2):  # what came last counts: it may have become slow
            return ""
        return f"the last {since} requests have no p95 that says anything; {FEWEST} have"

    def _slower(self, least: int) -> str:
        slow = {name: ahead for name, ahead in self.probes.items() if ahead >= least}
        if not slow:
            return ""
        names, most = ", ".join(sorted(slow)), max(slow.values())
        return f"probe {names} took over {SLOWER:g} times as long as on stable in {most} minutes, net"


def _moved(ahead: int, new: float, stable: float) -> int:
    slower = new > SLOWER * stable and new > stable + _BY
    return ahead + 1 if slower else max(0, ahead - 1)
