"""Brings a plan about, step by step, each noted in the journal before it is done: what is killed is continued there.

Every step may be done again, because the one that was noted last may be half done. States and ways between them:
docs/delivery.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Protocol

from bulkhead.clients.d1 import D1
from bulkhead.clients.workers import Traffic
from bulkhead.delivery import shares
from bulkhead.delivery.backing_up import Backup, backed_up
from bulkhead.delivery.commits import message
from bulkhead.delivery.journal import CONTINUE, Entry, Outcome, Run
from bulkhead.delivery.lease import Lost
from bulkhead.delivery.live import uploaded
from bulkhead.delivery.migrations import run as migrations
from bulkhead.delivery.migrations.stage import Folder
from bulkhead.delivery.plan import Move, Plan
from bulkhead.delivery.strategy import EVERYBODY, Road, Step
from bulkhead.delivery.watching import MINUTE, Held, Returned, Watch
from bulkhead.model.failures import Failed
from bulkhead.model.faults import Fault, Refused

FACTS: Final = "facts"
UPLOAD: Final = "upload"
TRIGGERS: Final = "triggers"
BACKUP: Final = "backup"
_UNSEEN: Final = frozenset({"bookmark", BACKUP, UPLOAD, "migrate", "smoke at 0 %"})
RETURN: Final = "return"
WATCH: Final = "watch"


def step_of(run: Run) -> Entry:
    """Return the entry of the step at which a run stands."""
    entries = run.entries()
    return next((each for each in reversed(entries) if each.step not in {CONTINUE, FACTS, MINUTE}), entries[0])


class Stack(Protocol):
    """The stage's stack, as a deployment drives it."""

    def up(self, *, triggers: bool, keep: Sequence[str] = ()) -> None:
        """Bring the stage up to what the program says; without ``triggers``, what sends requests to a Worker stays as
        it is. What has a URN in ``keep`` stays, too. Raises Refused or Failed."""

    def settle(self) -> None:
        """After an `up` was cut off: take its lock away, and into the state what it has made. Raises Refused where a
        person has to look."""

    def resources(self) -> Sequence[Mapping[str, Any]]:
        """Return the resources of the state."""


class Visits(Protocol):
    """Who looks at the stage as a visitor does."""

    def smoke(self, versions: Mapping[str, str], *, forced: bool) -> Sequence[str]:
        """Return what is wrong with the main functions, which are to be answered by ``versions``. Unless ``forced``,
        that is not asked for: everybody has them."""

    def freshen(self) -> Sequence[str]:
        """Purge the caches and ask again for what is asked most; return what did not work."""


@dataclass(frozen=True)
class World:
    """What a deployment acts on. ``databases`` are those that exist, each with its migrations. ``backup`` keeps a copy
    of some of them in the vault, and returns its keys; none where the stage has no vault."""

    traffic: Traffic
    stack: Stack
    databases: Callable[[], Sequence[tuple[Folder, D1]]]
    backup: Backup
    visits: Visits
    watch: Watch
    say: Callable[[str], None]


@dataclass
class Deployment:
    """One run of a plan. ``new`` are the versions that take over, by Worker; empty until they are uploaded."""

    world: World
    plan: Plan
    road: Road
    run: Run
    new: Mapping[str, str] = field(default_factory=dict)
    _begun: str = ""  # the step at which another process was cut off

    def go(self) -> tuple[Outcome | None, str]:
        """Go on from the step that was noted last. Return how it ended and why, None where it waits for a person."""
        self._begun = self._cut_off
        if self._last == RETURN:
            return self._return(str(self._entries(RETURN)[-1].facts.get("reason")))
        try:
            for name, act in self._left():
                self.world.watch.allowed(self.run, self.run.entries()[-1])
                self._note(name)
                act()
        except Returned as why:
            return self._return(str(why))
        except Held as why:
            self.run.note(FACTS, {"reason": str(why)})
            return None, str(why)
        except Lost:
            raise
        except (Refused, Failed) as error:
            reason = error.summary
            if self._moving and self._last in _UNSEEN:  # nobody was sent to the new version, so nothing has to go back
                self.run.end(Outcome.STOPPED, {"reason": reason})
            else:
                self.run.note(FACTS, {"reason": reason})
            raise
        self.run.end(Outcome.DONE)
        return Outcome.DONE, "everybody has the new version"

    def give_up(self, why: str) -> tuple[Outcome, str]:
        """Return the traffic, whatever the run was about to do. Where there is nothing to return to, whoever gives it
        up has decided to go forward: the run ends all the same, or no commit could ever mend it."""
        self._begun = self._cut_off
        outcome, reason = self._return(why)
        if outcome is None:
            self.run.end(outcome := Outcome.PERSON, {"reason": reason})
        return outcome, reason

    def _steps(self) -> Iterator[tuple[str, Callable[[], None]]]:
        gradual = bool(self._moving)
        yield "bookmark", self._bookmark
        if self.plan.migrations:
            yield BACKUP, self._backup
        if not gradual:
            yield "expand", self._migrate
        yield UPLOAD, self._upload
        yield "migrate", self._migrate
        if not gradual:
            yield "everybody", self._finish
        if gradual:
            yield "smoke at 0 %", self._smoke_unseen
            steps = [step for step in self.road.steps if step.name != WATCH]
            for before, step in zip([0, *(step.new for step in steps)], steps, strict=False):
                yield step.name, partial(self._share, step, before)
        yield "verify", self._verify
        yield TRIGGERS, self._triggers
        yield "caches", self._caches
        for step in self.road.steps:
            if step.name == WATCH and self._followers:
                yield step.name, partial(self._share, step, step.new)
        if gradual:
            yield "finish", self._finish

    def _left(self) -> Iterator[tuple[str, Callable[[], None]]]:
        """Yield the steps from the one that was noted last."""
        steps = list(self._steps())
        names = [name for name, _ in steps]
        first = names.index(self._begun) if self._begun else 0
        if first > names.index(UPLOAD):
            self.new = self._uploaded()
        return iter(steps[first:])

    @property
    def _moving(self) -> tuple[Move, ...]:
        """The Workers whose traffic is divided here: a first version serves at once, and so do other classes."""
        return () if self.plan.strategy == "all-at-once" else self._followers

    @property
    def _followers(self) -> tuple[Move, ...]:
        return tuple(move for move in self.plan.moves if move.stable)

    # the steps

    def _bookmark(self) -> None:
        marks = {there.name: there.bookmark() for _folder, there in self.world.databases()}
        for name, mark in marks.items():
            self.world.say(f"  {name} as it is now, for 30 days: {mark}")
        if marks:
            self.run.note(FACTS, {"bookmarks": marks})

    def _backup(self) -> None:
        keys = backed_up(self.plan, self.world.databases(), self.world.backup, self.world.say)
        if keys:
            self.run.note(FACTS, {"backups": keys})

    def _migrate(self) -> None:
        agreed = {each.file: each.checksum for each in self.plan.migrations}
        for folder, there in self.world.databases():
            found = migrations.planned(there, folder.migrations, folder.path, "")
            others = [
                folder.file(each.migration)
                for each in found.pending
                if agreed.get(folder.file(each.migration)) != each.migration.checksum
            ]
            if others or found.faults:
                fix = f"bulkhead deploy {self.plan.stage} --plan shows what would be done now"
                faults = [Fault(file, "is pending and is not in the plan", fix) for file in others]
                raise Refused("The migrations are no longer those of the plan.", [*faults, *found.faults])
            for name in migrations.apply(there, found):
                self.world.say(f"  applied to {there.name}: {name}")

    def _upload(self) -> None:
        # The version that serves may use what goes: Cloudflare refuses to delete it then, or users meet the hole.
        self._up(UPLOAD, triggers=not self._moving, keep=self.plan.goes if self._moving else ())
        self.new = self._uploaded()
        self.run.note(FACTS, {"versions": dict(self.new)})

    def _up(self, step: str, *, triggers: bool, keep: Sequence[str] = ()) -> None:
        self._settle(step)
        self.world.stack.up(triggers=triggers, keep=keep)

    def _settle(self, step: str) -> None:
        if self._begun == step:
            self.world.stack.settle()
            self._begun = ""

    def _uploaded(self) -> dict[str, str]:
        there = uploaded(self.world.stack.resources())
        return {move.worker: there[move.script] for move in self.plan.moves if move.script in there}

    def _smoke_unseen(self) -> None:
        self._divide(0, "smoke at 0 %")
        self._require_well(self.world.visits.smoke(self.new, forced=True), "the new version, which nobody has yet,")

    def _share(self, step: Step, before: int) -> None:
        """Send a step's share of the requests, of which the new version has had ``before`` percent until now."""
        self._require_intact(before)
        self._divide(step.new, step.name)
        intact = partial(self._require_intact, step.new)
        self.world.watch.until(self.run, step, self.plan.moves, self.new, intact)

    def _require_intact(self, percent: int) -> None:
        if back := shares.taken_back(self.world.traffic, self._followers, self.new, percent):
            raise Returned(back)

    def _verify(self) -> None:
        self._require_well(self.world.visits.smoke(self.new, forced=False), "the stage")

    def _triggers(self) -> None:
        if self._moving:
            self._require_intact(EVERYBODY)
            self._up(TRIGGERS, triggers=True)

    def _caches(self) -> None:
        for said in self.world.visits.freshen():
            self.world.say(f"  {said}")

    def _finish(self) -> None:
        """Let the new versions be alone. Of a release that goes at once, those that no class makes serve by their
        upload wait for it."""
        if self._moving:
            self._require_intact(EVERYBODY)
        shares.settle(self.world.traffic, self._followers, self.new, self._message("done"))

    # traffic, and the way back

    def _divide(self, percent: int, what: str) -> None:
        changed = shares.divide(self.world.traffic, self._moving, self.new, percent, self._message(what))
        for script in changed:
            self.world.say(f"  {script}: {percent} % of the requests")

    def _require_well(self, wrong: Sequence[str], what: str) -> None:
        if wrong:
            raise Returned(f"{what} does not work: {'; '.join(wrong[:3])}")

    def _return(self, why: str) -> tuple[Outcome | None, str]:
        moved = self._followers
        self._settle(UPLOAD)  # before, because a version may be live of which the state does not know yet
        self.new = self.new or self._uploaded()
        if self.plan.classes or (self.plan.moves and not moved):
            self.run.note(FACTS, {"reason": why})
            return None, f"{why}; there is no version to go back to"
        if self._last != RETURN:
            self._note(RETURN, reason=why)
        changed = shares.give_back(self.world.traffic, moved, self.new, self._message(f"back: {why}"))
        for script in changed:
            self.world.say(f"  {script}: every request goes to the version before")
        self._settle(TRIGGERS)
        self.run.end(Outcome.STOPPED, {"reason": why})
        return Outcome.STOPPED, why

    def _note(self, step: str, **facts: Any) -> Entry:
        self.world.say(f"{self.plan.stage}: {step}")
        return self.run.note(step, {**facts, "commit": self.plan.commit, **self._shares(step)})

    def _shares(self, step: str) -> dict[str, Any]:
        """Return what a step makes of the traffic, as `bulkhead rollout` shows it; nothing where it moves none."""
        percents = {each.name: each.new for each in self.road.steps} | {"smoke at 0 %": 0, RETURN: 0}
        if step not in percents or not self._moving:
            return {}
        new = percents[step]
        split = {m.worker: {m.stable: 100 - new, self.new.get(m.worker, "the new one"): new} for m in self._moving}
        return {"shares": split}

    def _message(self, what: str) -> str:
        said = message(self.plan.commit, f"{what} ({self.run.id})")
        return said.encode()[:_LONGEST].decode(errors="ignore")

    def _entries(self, step: str) -> list[Entry]:
        return [entry for entry in self.run.entries() if entry.step == step]

    @property
    def _last(self) -> str:
        return step_of(self.run).step

    @property
    def _cut_off(self) -> str:
        """The step that was taken last, "" where none was."""
        names = {name for name, _ in self._steps()}
        taken = [entry.step for entry in self.run.entries() if entry.step in names]
        return taken[-1] if taken else ""


_LONGEST: Final = 100  # bytes that Cloudflare keeps of a message
