"""The least keys (pure): which permissions the calls that were made with a token need, and which it has beyond them.

A route of Cloudflare accepts any one of several permissions, so what a token needs is a smallest set that has one for
each call. What would be missing without a permission is found by asking each call again without it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from bulkhead.resources.token_policies import Policy, Target, granted, names_in

_READS: Final = " Read"


@dataclass(frozen=True, slots=True)
class Use:
    """A call: a method of a route, what it was about, and the permissions of which one is enough."""

    method: str
    route: str
    accepted: frozenset[str]
    target: Target

    def __str__(self) -> str:
        return f"{self.method} {self.route}"


@dataclass(frozen=True, slots=True)
class Keys:
    """What a token's permissions and its calls say of each other. ``needed`` is the least that the calls need,
    ``by`` has for each permission of the token the calls that would be refused without it, and ``refused`` are the
    calls that the token is not good for."""

    needed: frozenset[str]
    by: Mapping[str, tuple[Use, ...]]
    refused: tuple[Use, ...]

    @property
    def beyond(self) -> tuple[str, ...]:
        """The permissions that no call needs, or for which a lesser one would do."""
        return tuple(sorted(self.by.keys() - self.needed))


def keys(policies: Iterable[Policy], uses: Iterable[Use], breadth: Mapping[str, int]) -> Keys:
    """Compare a token with its calls. ``breadth`` says how much a permission opens; of two that would do, the one that
    opens less is needed."""
    held, asked = tuple(policies), tuple(dict.fromkeys(uses))
    refused = _refused(held, asked)
    served = [use for use in asked if use not in refused]
    by = {name: tuple(_refused([policy.without(name) for policy in held], served)) for name in sorted(names_in(held))}
    return Keys(least(asked, breadth), by, tuple(refused))


def least(uses: Iterable[Use], breadth: Mapping[str, int]) -> frozenset[str]:
    """Return the smallest set of permissions that has one for each call: as few that write as possible, then as few
    as possible, then those that open the least, then by name. A call that any token may make needs none."""
    wanted = {use.accepted for use in uses if use.accepted}
    # a call that accepts all that another one accepts is served by whatever serves that one
    wanted = {each for each in wanted if not any(other < each for other in wanted)}

    def cost(names: frozenset[str]) -> tuple[int, int, int, list[str]]:
        writing = sum(not name.endswith(_READS) for name in names)
        return writing, len(names), sum(breadth.get(name, 0) for name in names), sorted(names)

    best: frozenset[str] | None = None

    def search(chosen: frozenset[str], left: list[frozenset[str]]) -> None:
        nonlocal best
        if best is not None and cost(chosen)[:2] > cost(best)[:2]:
            return
        if not left:
            best = chosen if best is None else min(best, chosen, key=cost)
            return
        hardest = min(left, key=len)
        for name in sorted(hardest):
            search(chosen | {name}, [each for each in left if name not in each])

    search(frozenset(), sorted(wanted, key=sorted))
    return best or frozenset()


def _refused(policies: Iterable[Policy], uses: Iterable[Use]) -> list[Use]:
    held = tuple(policies)
    return [use for use in uses if use.accepted and not use.accepted & granted(held, use.target)]
