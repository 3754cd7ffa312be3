"""A deployment to which anything happens at any moment: kills, orders, a rollback, a release that turns out bad."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest

from bulkhead.clients.workers import Share
from bulkhead.delivery.journal import CONTINUE, Journal, Outcome
from bulkhead.delivery.observed import Count, Probes
from bulkhead.delivery.orders import OrderKind
from bulkhead.machine.owner import Owner
from tests.support.memory_s3 import MemoryS3
from tests.support.moving_stage import NEW, SCRIPTS, STABLE, FastClock, Killed, Outside, delivery, plan

MOST = 60  # processes that one run may take


@dataclass
class Life:
    """One run, and what happens to it. ``back`` is how much traffic had been moved when somebody rolled it back."""

    chance: Random
    bucket: MemoryS3 = field(default_factory=MemoryS3)
    outside: Outside = field(default_factory=Outside)
    processes: int = 0
    back: int | None = None

    def __post_init__(self) -> None:
        self.watch = self.chance.choice((0, 3))
        self.bad, self.rolls_back = self.chance.random() < 0.3, self.chance.random() < 0.3
        self.outside.shows, self.outside.wrong, self.outside.waited = self.shows, self.wrong, self.waited

    def journal(self) -> Journal:
        self.processes += 1
        client: Any = self.bucket
        owner = Owner("alice", "laptop", f"boot-{self.processes}", 4000 + self.processes, float(self.processes))
        return Journal(client, "a-bucket", "production", me=owner, patience=0.05)

    def shows(self, _at: int, percent: int) -> tuple[Count, Count, Probes]:
        self.something()
        rotten = self.bad and percent >= 50
        return Count(9000, 9), Count(1000, 300 if rotten else 1), Probes(asked=5, new_alone=2 if rotten else 0)

    def wrong(self, versions: Mapping[str, str] | None) -> Sequence[str]:
        self.something()
        return ["another version answered"] if versions is None and self.outside.percent() < 100 else ()

    def waited(self, _clock: FastClock) -> None:
        self.something()
        if self.chance.random() < 0.3:
            self.order(OrderKind.RESUME)

    def something(self) -> None:
        if self.rolls_back and self.back is None and self.chance.random() < 0.15:
            self.roll_back()
        for kind, odds in ((OrderKind.PAUSE, 0.02), (OrderKind.PROMOTE, 0.02), (OrderKind.ABORT, 0.005)):
            if self.chance.random() < odds:
                self.order(kind)

    def order(self, kind: OrderKind) -> None:
        if run := self.journal().open_run():
            run.order(kind)

    def roll_back(self) -> None:
        for worker in reversed(list(SCRIPTS)):
            if NEW[worker] in self.outside.live()[worker]:
                self.outside.deploy(SCRIPTS[worker], [Share(STABLE[worker], 100)], "rollback to release a")
                self.back = len(self.outside.history)

    def lived(self, strategy: str) -> Outcome:
        """Go on with new processes until the run has ended."""
        for _ in range(MOST):
            journal = self.journal()
            dies = self.outside.calls + self.chance.randint(1, 12), self.chance.random() < 0.5
            self.outside.kill_at = dies if self.chance.random() < 0.5 else None
            try:
                with journal.held():
                    run = journal.open_run()
                    begun = run is not None
                    run = run or journal.begin({})
                    own = delivery(self.outside, journal, run, plan(strategy), watch_minutes=self.watch)
                    if begun:
                        run.note(CONTINUE, {})
                        if self.chance.random() < 0.1:
                            return own.give_up("another commit")[0]
                    outcome, _why = own.go()
            except Killed:
                continue
            if outcome:
                return outcome
            self.order(self.chance.choice([OrderKind.PROMOTE, OrderKind.ABORT]))
        raise AssertionError("it never ends")


@pytest.mark.parametrize("strategy", ["canary", "blue-green"])
def test_whatever_happens_a_run_ends_with_one_version_and_brings_back_nothing_that_was_taken_back(
    strategy: str,
) -> None:
    ends = set()
    for seed in range(60):
        life = Life(Random(f"{strategy} {seed}"))  # noqa: S311 - nothing is secret
        outcome = life.lived(strategy)
        serving = NEW if outcome is Outcome.DONE else STABLE
        assert life.outside.live() == {worker: {version: 100} for worker, version in serving.items()}, seed
        assert life.journal().open_run() is None, seed
        later = life.outside.history[life.back :] if life.back is not None else []
        brought = [share for _script, shares in later for share in shares if share[0] in NEW.values() and share[1]]
        assert not brought, seed
        ends.add((outcome, life.back is not None))
    assert ends >= {(Outcome.DONE, False), (Outcome.STOPPED, False), (Outcome.STOPPED, True)}
