"""Waits at one step of a rollout, looks once a minute, and says when it is over."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Protocol

from bulkhead.delivery.journal import Entry, Run
from bulkhead.delivery.observed import Minute
from bulkhead.delivery.orders import Asked
from bulkhead.delivery.plan import Move
from bulkhead.delivery.strategy import Step
from bulkhead.delivery.verdict import Decision, Evidence, Terms, Verdict, together

MINUTE: Final = "minute"
_GLANCE: Final = 2.0  # seconds between two looks at what is asked from another terminal


class Returned(Exception):
    """All traffic goes back to the version that was stable; the text says why."""


class Held(Exception):
    """Nothing that is known decides it, so traffic stays as it is and a person does; the text says why."""


def orders_of(run: Run, since: Entry) -> Asked:
    """Return what is asked of a run whose present wait began with ``since``. Raises Returned where it was aborted."""
    asked = run.asked(since)
    if asked.abort:
        raise Returned(f"{asked.abort.by} has aborted it")
    return asked


class Clock:
    """The time, in minutes since 1970. A test has another one."""

    length = 60.0  # seconds of a minute

    def minute(self) -> int:
        return int(time.time() // self.length)

    def minute_of(self, at: datetime) -> int:
        return int(at.timestamp() // self.length)

    def wait(self, seconds: float) -> None:
        time.sleep(seconds)


class Eyes(Protocol):
    """Who looks at both versions."""

    def look(
        self, at: int, moves: Sequence[Move], new: Mapping[str, str], *, control: bool
    ) -> Mapping[str, Sequence[Minute]]:
        """Return, by Worker, what is known in the minute ``at``: its probes, and what users met in earlier ones.
        ``control``: whether the stable versions can be asked as well."""

    def before(self, at: int, moves: Sequence[Move]) -> Mapping[str, Evidence]:
        """Return the evidence that each Worker begins with: what stable showed until the minute ``at``."""


@dataclass
class Watch:
    """Looks with ``eyes`` by ``clock`` and tells each minute's decision to ``say``."""

    eyes: Eyes
    say: Callable[[str], None]
    clock: Clock = field(default_factory=Clock)

    def until(
        self, run: Run, step: Step, moves: Sequence[Move], new: Mapping[str, str], intact: Callable[[], None]
    ) -> None:
        """Return when the step is passed, or somebody promotes it. Raises Returned and Held, and what ``intact`` raises
        where somebody else has moved the traffic meanwhile."""
        if step.terms is None:
            return
        begun, evidence = self._entered(run, step.terms, moves)
        while True:
            at = self.clock.minute()
            intact()
            seen = self.eyes.look(at, moves, new, control=step.terms.control)
            for worker, minutes in seen.items():
                for minute in minutes:
                    evidence[worker] = evidence[worker].after(minute)
            decision = together({worker: each.decision for worker, each in evidence.items()}, step.judges)
            self.say(f"  {datetime.now(UTC):%H:%M} UTC: {decision.verdict}: {decision.reason}")
            facts = {"evidence": decision.reason, "known": {name: each.as_json() for name, each in evidence.items()}}
            run.note(MINUTE, {**facts, "step": step.terms.step})
            if self._over(run, begun, decision, at):
                return

    def allowed(self, run: Run, since: Entry) -> None:
        """Return when a run may take its next step: nothing is done to a stage that somebody has paused. Raises
        Returned where it was aborted."""
        told = False
        while pause := orders_of(run, since).pause:
            if not told:
                self.say(f"  {pause.by} has paused it")
                told = True
            self.clock.wait(_GLANCE)

    def _over(self, run: Run, begun: Entry, decision: Decision, at: int) -> bool:
        """Whether the step is passed; else return when the next minute has begun."""
        if decision.verdict is Verdict.BACK:
            raise Returned(decision.reason)
        while True:
            asked = orders_of(run, begun)
            if asked.promote:
                self.say(f"  {asked.promote.by} promotes it")
                return True
            if not asked.pause and decision.verdict is Verdict.ON:
                return True
            if not asked.pause and decision.verdict is Verdict.HOLD:
                raise Held(decision.reason)
            if self.clock.minute() > at:
                return False
            self.clock.wait(_GLANCE)

    def _entered(self, run: Run, terms: Terms, moves: Sequence[Move]) -> tuple[Entry, dict[str, Evidence]]:
        """Return the entry with which this step began, before whoever goes on with it, and what is known at its
        beginning, or was when it was cut off."""
        entries = run.entries()
        minutes = [entry for entry in entries if entry.step == MINUTE]
        begun = next(entry for entry in entries if entry.step == terms.step)
        if minutes:
            evidence = {name: Evidence.of_json(each) for name, each in minutes[-1].facts["known"].items()}
        else:
            # Everybody may have had the new version since the `up`: then only what came before the run was stable's.
            before = self.clock.minute() if terms.control else self.clock.minute_of(entries[0].at)
            evidence = dict(self.eyes.before(before, moves))
        if not minutes or minutes[-1].facts["step"] != terms.step:
            evidence = {name: each.entering(terms, self.clock.minute()) for name, each in evidence.items()}
        return begun, evidence
