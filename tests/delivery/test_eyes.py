"""What users met reaches a rollout, also where another process began it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bulkhead.delivery.answers import overrides
from bulkhead.delivery.eyes import StageEyes
from bulkhead.delivery.observed import Count
from bulkhead.delivery.plan import Move

LATE = 5
NOW = 29_000_000
MOVES = (Move("web", "harbor-staging-worker-web", "e" * 64, "web-1"),)


class Users:
    """Each version has had as many requests in a minute as the minute's number says; the last five are not known."""

    def minute(self, _script: str, versions: Iterable[str], at: int) -> Mapping[str, Count] | None:
        return None if at >= self.now - LATE else {version: Count(at % 1000 + 1) for version in versions}

    def edge(self, _host: str, _at: int) -> Count | None:
        return None

    now = NOW


class Silent:
    """A prober without probes, which asks for versions as the real one does."""

    def pairs(self, *asked: Mapping[str, str]) -> tuple[()]:
        for versions in asked:
            overrides(versions, {"web": "harbor-staging-worker-web", "clerk": "harbor-staging-worker-clerk"})
        return ()


def eyes(users: Users) -> StageEyes:
    prober: Any = Silent()
    signals: Any = users
    return StageEyes(prober, signals, {})


def told(found: Mapping[str, Any]) -> list[int]:
    return [minute.at for minute in found["web"] if minute.new is not None]


def test_each_minute_of_a_rollout_is_told_once_when_it_is_known() -> None:
    users = Users()
    own = eyes(users)
    own.before(NOW, MOVES)
    seen = []
    for minute in range(NOW, NOW + 10):
        users.now = minute
        seen += told(own.look(minute, MOVES, {"web": "web-2"}))
    assert seen == list(range(NOW, NOW + 10 - 1 - LATE))


def test_who_goes_on_with_a_rollout_is_told_what_users_met_before_and_meet_from_then_on() -> None:
    users = Users()
    seen = told(eyes(users).look(NOW, MOVES, {"web": "web-2"}))
    assert seen[-1] == NOW - LATE - 1
    assert len(seen) > LATE, "the minutes in which nobody looked are missing"


def test_the_first_version_of_a_worker_is_compared_with_nothing() -> None:
    own = eyes(Users())
    moves = (*MOVES, Move("clerk", "harbor-staging-worker-clerk", "e" * 64, stable=""))
    assert set(own.loads(NOW, moves)) == set(own.before(NOW, moves)) == {"web"}
    assert set(own.look(NOW, moves, {"web": "web-2", "clerk": "clerk-1"})) == {"web"}
