"""What users met reaches a rollout, also where another process began it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from bulkhead.delivery.answers import Answer, Outcome, Pair, overrides
from bulkhead.delivery.eyes import StageEyes, UsersIfCounted
from bulkhead.delivery.observed import Count, Minute, Probes
from bulkhead.delivery.plan import Move
from bulkhead.model.faults import Fault, Refused

LATE = 5
NOW = 29_000_000
MOVES = (Move("web", "harbor-staging-worker-web", "e" * 64, "web-1"),)


class Users:
    """Each version has had as many requests in a minute as the minute's number says; the last five are not known."""

    def minute(self, _script: str, versions: Iterable[str], at: int) -> Mapping[str, Count] | None:
        return None if at >= self.now - LATE else {version: Count(at % 1000 + 1) for version in versions}

    def all(self, script: str, at: int) -> Count | None:
        found = self.minute(script, ("web-1", "web-2"), at)
        return None if found is None else sum(found.values(), Count())

    def edge(self, _host: str, _at: int) -> Count | None:
        return None

    now = NOW


class Silent:
    """A prober without probes, which asks for versions as the real one does."""

    def pairs(self, *asked: Mapping[str, str]) -> tuple[()]:
        for versions in asked:
            overrides(versions, {"web": "harbor-staging-worker-web", "clerk": "harbor-staging-worker-clerk"})
        return ()


class Asking:
    """A prober that asks two probes of whatever it is told to ask; the new version fails one."""

    def pairs(self, new: Mapping[str, str], stable: Mapping[str, str]) -> tuple[Pair, ...]:
        return tuple(Pair(one, other) for one, other in zip(self.alone(new), self.alone(stable), strict=True))

    def alone(self, versions: Mapping[str, str]) -> tuple[Answer, ...]:
        passed = Answer("home", Outcome.PASSED, 200, 10, tuple(versions.items()))
        failing = versions["web"] == "web-2"
        return passed, replace(passed, probe="bookings", outcome=Outcome.FAILED if failing else Outcome.PASSED)


def eyes(users: Users) -> StageEyes:
    prober: Any = Silent()
    signals: Any = users
    return StageEyes(prober, signals, {})


class Few(Users):
    """Each version has had as many requests in a minute as there are probes, and one user's."""

    def minute(self, _script: str, versions: Iterable[str], at: int) -> Mapping[str, Count] | None:
        return None if at >= self.now - LATE else {version: Count(3) for version in versions}


def test_what_probes_asked_is_not_counted_as_what_users_met() -> None:
    users, prober = Few(), Asking()
    signals: Any = users
    asking: Any = prober
    own = StageEyes(asking, signals, {})
    own.before(NOW, MOVES)
    seen: list[Minute] = []
    for minute in range(NOW, NOW + 10):
        users.now = minute
        seen += own.look(minute, MOVES, {"web": "web-2"}, control=True)["web"]
    counted = [(minute.new, minute.stable) for minute in seen if minute.new is not None]
    assert counted == [(Count(1), Count(1))] * 3


def test_where_no_other_version_can_be_asked_the_new_one_is_asked_alone() -> None:
    signals: Any = Users()
    asking: Any = Asking()
    [*_, last] = StageEyes(asking, signals, {}).look(NOW, MOVES, {"web": "web-2"}, control=False)["web"]
    assert last.probes == Probes(asked=2, new_alone=1)


def told(found: Mapping[str, Any]) -> list[int]:
    return [minute.at for minute in found["web"] if minute.new is not None]


def test_each_minute_of_a_rollout_is_told_once_when_it_is_known() -> None:
    users = Users()
    own = eyes(users)
    own.before(NOW, MOVES)
    seen = []
    for minute in range(NOW, NOW + 10):
        users.now = minute
        seen += told(own.look(minute, MOVES, {"web": "web-2"}, control=True))
    assert seen == list(range(NOW + 1, NOW + 10 - 1 - LATE)), "the first minute is half the smoke test's"


def test_who_goes_on_with_a_rollout_is_told_what_users_met_before_and_meet_from_then_on() -> None:
    users = Users()
    seen = told(eyes(users).look(NOW, MOVES, {"web": "web-2"}, control=True))
    assert seen[-1] == NOW - LATE - 1
    assert len(seen) > LATE, "the minutes in which nobody looked are missing"


def test_the_first_version_of_a_worker_is_compared_with_nothing() -> None:
    own = eyes(Users())
    moves = (*MOVES, Move("clerk", "harbor-staging-worker-clerk", "e" * 64, stable=""))
    assert set(own.loads(NOW, moves)) == set(own.before(NOW, moves)) == {"web"}
    assert set(own.look(NOW, moves, {"web": "web-2", "clerk": "clerk-1"}, control=True)) == {"web"}


class Moved(Users):
    """Users that the new version has got, all of them: 60 a minute."""

    def minute(self, _script: str, versions: Iterable[str], at: int) -> Mapping[str, Count] | None:
        return None if at >= self.now - LATE else {each: Count(60 if each == "web-2" else 0) for each in versions}


def test_traffic_that_has_moved_to_the_new_version_is_the_workers_traffic_still() -> None:
    """Who goes on with a rollout asks anew which Workers have users enough to decide it."""
    assert eyes(Moved()).loads(NOW, MOVES)["web"].minute == 60


def test_traffic_of_which_nobody_tells_is_not_known_and_not_none() -> None:
    silent = Users()
    silent.now = NOW - 60
    assert not eyes(silent).loads(NOW, MOVES)["web"].known
    assert eyes(Users()).loads(NOW, MOVES)["web"].known


class Refusing(Users):
    """An account whose analytics tell nothing of Workers."""

    def minute(self, _script: str, versions: Iterable[str], at: int) -> Mapping[str, Count] | None:
        raise Refused("Cloudflare's workersInvocationsAdaptive cannot be used.", [Fault("plan", "has no such field")])

    def edge(self, _host: str, _at: int) -> Count | None:
        raise Refused("Cloudflare's httpRequestsAdaptiveGroups cannot be used.", [Fault("plan", "has no such field")])


def test_where_probes_decide_nobody_has_to_count_users() -> None:
    prober: Any = Asking()
    lenient = StageEyes(prober, UsersIfCounted(Refusing()), {"web": "staging.harbor.example"})
    assert lenient.loads(NOW, MOVES)["web"].known is False
    assert lenient.before(NOW, MOVES)["web"].record == Count()
    (minute,) = lenient.look(NOW, MOVES, {"web": "web-2"}, control=True)["web"]
    assert minute.probes is not None


def test_where_users_decide_it_is_said_that_nobody_counts_them() -> None:
    with pytest.raises(Refused, match="cannot be used"):
        eyes(Refusing()).loads(NOW, MOVES)
