"""A stage that a deployment acts on, in memory: its traffic, its stack, what visitors and the two versions show.

``kill`` says at which call of the outside world the process dies; what had been asked then has been done, or not.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from bulkhead.clients.d1 import D1
from bulkhead.clients.workers import Deployment, Share
from bulkhead.delivery.backing_up import Backup
from bulkhead.delivery.journal import Journal, Run
from bulkhead.delivery.migrations.stage import Folder
from bulkhead.delivery.observed import Count, Minute, Probes
from bulkhead.delivery.plan import Move, Plan
from bulkhead.delivery.run import Deployment as Delivery
from bulkhead.delivery.run import World
from bulkhead.delivery.strategy import Load, road
from bulkhead.delivery.verdict import Evidence
from bulkhead.delivery.watching import Clock, Watch
from bulkhead.resources import types as t
from tests.support.settings_fixture import make_settings

SCRIPTS = {"booking": "harbor-production-worker-booking", "web": "harbor-production-worker-web"}
STABLE = {"booking": "booking-1", "web": "web-1"}
NEW = {"booking": "booking-2", "web": "web-2"}
COMMIT = "c" * 40
LOAD = Load(1000.0, Count(10_000, 10))


class Killed(BaseException):
    """The process was killed."""


class FastClock(Clock):
    """A minute passes with each wait."""

    def __init__(self, waited: Callable[[FastClock], None] = lambda _clock: None) -> None:
        self.now = 29_000_000
        self._waited = waited

    def minute(self) -> int:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += 1
        self._waited(self)


@dataclass
class Outside:
    """What exists outside of any process, and what happened to it."""

    deployments: dict[str, list[Deployment]] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=lambda: {SCRIPTS[w]: v for w, v in STABLE.items()})
    ups: list[str] = field(default_factory=list)
    kept: list[tuple[str, ...]] = field(default_factory=list)
    settled: int = 0
    freshened: int = 0
    calls: int = 0
    kill_at: tuple[int, bool] | None = None  # the call, and whether it is still done
    wrong: Callable[[Mapping[str, str] | None], Sequence[str]] = lambda _versions: ()
    shows: Callable[[int, int], tuple[Count, Count, Probes]] = lambda _at, _percent: (
        Count(900, 0),
        Count(100, 0),
        Probes(asked=5),
    )
    before: Callable[[int], None] = lambda _at: None
    up_fails: Exception | None = None
    at_once: Collection[str] = ()  # the Workers whose new version serves by its upload
    waited: Callable[[FastClock], None] = lambda _clock: None
    databases: Callable[[], Sequence[tuple[Folder, D1]]] = list
    backup: Backup = lambda _databases: ()
    history: list[tuple[str, tuple[tuple[str, float], ...]]] = field(default_factory=list)
    _numbers: Any = field(default_factory=count)

    def __post_init__(self) -> None:
        for worker, script in SCRIPTS.items():
            self.deploy(script, [Share(STABLE[worker], 100)], "b" * 12 + " done")

    def deploy(self, script: str, shares: Sequence[Share], message: str) -> Deployment:
        at = datetime(2026, 11, 30, tzinfo=UTC) + timedelta(seconds=next(self._numbers))
        made = Deployment(f"d{at.second}", at, "ci@harbor.example", message, tuple(shares))
        self.deployments.setdefault(script, []).insert(0, made)
        self.history.append((script, tuple((share.version, share.percent) for share in shares)))
        return made

    def live(self) -> dict[str, dict[str, float]]:
        return {
            worker: {share.version: share.percent for share in self.deployments[script][0].shares}
            for worker, script in SCRIPTS.items()
        }

    def percent(self) -> int:
        return int(self.deployments[SCRIPTS["web"]][0].percent_of(NEW["web"]))

    def call(self, do: Callable[[], Any]) -> Any:
        """Do something outside, unless the process is killed before, or is killed once it is done."""
        self.calls += 1
        dies = self.kill_at if self.kill_at and self.kill_at[0] == self.calls else None
        if dies and not dies[1]:
            raise Killed
        answer = do()
        if dies:
            raise Killed
        return answer


class MovingTraffic:
    def __init__(self, outside: Outside) -> None:
        self._outside = outside

    def deployments(self, script: str) -> list[Deployment]:
        return list(self._outside.deployments.get(script, ()))

    def live(self, script: str) -> Deployment | None:
        return next(iter(self.deployments(script)), None)

    def deploy(self, script: str, shares: Sequence[Share], message: str, *, force: bool = False) -> Deployment:
        assert abs(sum(share.percent for share in shares) - 100) < 0.01
        made: Deployment = self._outside.call(lambda: self._outside.deploy(script, shares, message))
        return made


class MovingStack:
    def __init__(self, outside: Outside) -> None:
        self._outside = outside

    def up(self, *, triggers: bool, keep: Sequence[str] = ()) -> None:
        def do() -> None:
            self._outside.kept.append(tuple(keep))
            if self._outside.up_fails:
                raise self._outside.up_fails
            self._outside.ups.append("all" if triggers else "without triggers")
            self._outside.versions = {SCRIPTS[worker]: version for worker, version in NEW.items()}
            for worker in self._outside.at_once:
                if self._outside.live()[worker] != {NEW[worker]: 100.0}:
                    self._outside.deploy(SCRIPTS[worker], [Share(NEW[worker], 100)], "Automatic deployment on upload.")

        self._outside.call(do)

    def settle(self) -> None:
        self._outside.settled += 1

    def resources(self) -> Sequence[Mapping[str, Any]]:
        names = [{"type": t.WORKER, "id": f"id-{script}", "outputs": {"name": script}} for script in SCRIPTS.values()]
        return names + [
            {"type": t.WORKER_VERSION, "id": version, "inputs": {"workerId": f"id-{script}"}}
            for script, version in self._outside.versions.items()
        ]


class MovingVisits:
    def __init__(self, outside: Outside) -> None:
        self._outside = outside

    def smoke(self, versions: Mapping[str, str], *, forced: bool) -> Sequence[str]:
        found: Sequence[str] = self._outside.call(lambda: self._outside.wrong(versions if forced else None))
        return found

    def freshen(self) -> Sequence[str]:
        def do() -> Sequence[str]:
            self._outside.freshened += 1
            return ()

        found: Sequence[str] = self._outside.call(do)
        return found


class MovingEyes:
    def __init__(self, outside: Outside) -> None:
        self._outside = outside

    def look(
        self, at: int, moves: Sequence[Move], new: Mapping[str, str], *, control: bool
    ) -> Mapping[str, Sequence[Minute]]:
        stable, fresh, probes = self._outside.shows(at, self._outside.percent())
        if control != all(len(self._outside.live()[move.worker]) > 1 for move in moves):
            probes = Probes(probes.asked, unapplied=probes.asked)
        return {move.worker: [Minute(at, stable, fresh, probes)] for move in moves}

    def before(self, at: int, moves: Sequence[Move]) -> Mapping[str, Evidence]:
        self._outside.before(at)
        return {move.worker: Evidence(record=Count(10_000, 10)) for move in moves}


def plan(strategy: str = "canary", **changes: Any) -> Plan:
    document: dict[str, Any] = {
        "stage": "production",
        "commit": COMMIT,
        "tree": "d" * 40,
        "live": "b" * 12,
        "strategy": strategy,
        "steps": (),
        "moves": tuple(Move(worker, SCRIPTS[worker], "e" * 64, STABLE[worker]) for worker in SCRIPTS),
        "changes": (),
        "migrations": (),
        "classes": (),
        "cannot": (),
        **changes,
    }
    return Plan(**document)


def delivery(
    outside: Outside,
    journal: Journal,
    run: Run,
    shown: Plan,
    say: Callable[[str], None] = lambda _: None,
    watch_minutes: int = 3,
) -> Delivery:
    traffic: Any = MovingTraffic(outside)
    watch = Watch(MovingEyes(outside), say, FastClock(outside.waited))
    world = World(traffic, MovingStack(outside), outside.databases, outside.backup, MovingVisits(outside), watch, say)
    settings = make_settings(
        "production", {"rollout": {"strategy": shown.strategy, "bakeMinutes": 3, "watchMinutes": watch_minutes}}
    )
    return Delivery(
        world, shown, road(settings.rollout, dict.fromkeys(SCRIPTS, LOAD), shown.classes, shown.strategy), run
    )
