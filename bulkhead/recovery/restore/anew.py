"""A database that is gone, or that is kept for looking at, is made anew from a backup, and the state of the stack
learns that it is this one now: so no `up` replaces anything, and a deployment only binds the Workers to it.

Every step may be done again. Until the state has learned it, giving up deletes what was made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

from bulkhead.clients import d1
from bulkhead.clients.d1 import D1
from bulkhead.delivery.journal import END, Outcome, Run
from bulkhead.engine.stack import settling
from bulkhead.engine.state import with_another
from bulkhead.model.faults import Fault, Refused
from bulkhead.operations.backups.place import dump_of
from bulkhead.preview.losses.switches import bound
from bulkhead.preview.losses.workers import UPLOADS
from bulkhead.recovery.restore.desk import Desk
from bulkhead.recovery.restore.moments import refused
from bulkhead.recovery.restore.plan import Cause, Plan
from bulkhead.recovery.restore.waiting import Waiting, checked, facts_of, noted
from bulkhead.resources import types as t
from jobs.d1.load import LoadFailed
from jobs.d1.wipe import drops, replacing

MAKE: Final = "make"
MADE: Final = "made"
LOADED: Final = "loaded"
LEARN: Final = "learn"
GIVE_UP: Final = "give up"


class Stack(Protocol):
    """The stage's stack, as far as its state is concerned."""

    def export(self) -> Mapping[str, Any]: ...

    def put(self, exported: Mapping[str, Any]) -> None: ...

    def refresh(self, urns: Sequence[str]) -> None: ...

    def cancel(self) -> None: ...


@dataclass(frozen=True, slots=True)
class States:
    """What the state of a stack says of a database."""

    stack: Stack
    stage: str

    def exported(self) -> Mapping[str, Any]:
        """Return the state. Raises Refused where an `up` was cut off: what it has made is not in there."""
        exported = self.stack.export()
        if (exported.get("deployment") or {}).get("pending_operations"):
            message = "holds what an up had begun when it was cut off"
            raise refused(f"the state of {self.stage}", message, settling(self.stage))
        return exported

    def known(self, name: str) -> str:
        """Return the id of the database that the state knows by its name, empty where it knows none."""
        for each in _resources(self.exported()):
            if each["type"] == t.D1_DATABASE and each["inputs"].get("name") == name:
                return str(each["id"])
        return ""

    def learn(self, plan: Plan, made: D1, *, again: bool) -> None:
        """Let the state know the database that was made in the place of the one that it knows. Can be repeated:
        ``again`` says that a process may have been killed in it, which leaves the engine's lock."""
        if again:
            self.stack.cancel()
        exported = self.exported()
        ids = (plan.id, made.id)
        urns = [each["urn"] for each in _resources(exported) if each["type"] == t.D1_DATABASE and each["id"] in ids]
        if not urns:
            message = f"knows neither {plan.id} nor {made.id}: somebody else has changed it meanwhile"
            raise refused(f"the state of {self.stage}", message, f"{plan.again} --undo gives it up")
        self.stack.put(with_another(exported, urns[0], made.id, {"name": made.name}))
        self.stack.refresh(urns[:1])

    def bound(self, id_: str) -> tuple[str, ...]:
        """Return the URNs of the Workers' uploads that are bound to a database."""
        uploads = [each for each in _resources(self.stack.export()) if each["type"] in UPLOADS]
        return tuple(each["urn"] for each in uploads if ("d1", id_) in bound(each.get("inputs") or {}).values())


@dataclass(frozen=True, slots=True)
class Anew:
    """One database to be made anew. The ``desk``'s is the one that the state knows, be it there or gone; ``name`` is
    what the new one is called, and ``hint`` where it lies."""

    desk: Desk
    states: States
    name: str
    hint: str | None = None

    def planned(self, key: str, now: datetime) -> Plan:
        """Return what would be done; changes nothing. Raises Refused where it must not be."""
        self.desk.journal.require_ended()  # what an open run has made is no stranger's
        old, stage, store = self.desk.database, self.desk.stage, self.desk.store.name
        found, is_there = d1.find(old.api, old.account, self.name), self._old_is_there()
        again = f"bulkhead restore {stage} {store} --from {key}"
        if not old.id:
            message = f"is not in the state of {stage}, so no other one can take its place there"
            fix = f"bulkhead deploy {stage} makes an empty one; then {again}"
            raise refused(old.name, message, fix)
        if found is not None and found.id == old.id:
            fix = f"{again} fills it in its place; to keep it for looking at: --name NAME"
            raise refused(self.name, "is not gone", fix)
        if found is not None:
            message = f"is a database already ({found.id}), and the stage's is {old.id}: nobody knows what is in it"
            raise refused(self.name, message, "--name NAME, or delete it where nobody needs it")
        plan = self.desk.planned_anew(key, self.name, now, is_there=is_there)
        self.states.exported()
        return plan

    def require_same(self, key: str | None, name: str | None, run: Run, plan: Plan) -> None:
        """Raise Refused unless the same is meant as by a run that has no end."""
        named = ((key and dump_of(key), plan.source), (name, plan.database))
        other = [said for said, begun in named if said not in (None, begun)]
        if plan.cause is not Cause.ANEW or plan.store != self.desk.store.name or other:
            message = f"brings {plan.store} back from {plan.source}, as {plan.database}, and has not ended"
            raise refused(run.id, message, f"{plan.again} continues it, and with --undo gives it up")

    def carry_out(self, plan: Plan, run: Run) -> tuple[Outcome, str]:
        """Do what is left of it; return how it ended and why. When it is done, users still wait: the Workers are bound
        to the database that was before. Raises Refused where a cloud cannot be asked: then the run has no end."""
        if given_up := noted(run, GIVE_UP):
            return self._given_up(plan, run, str(given_up["reason"]))
        self._waiting(run).begin()
        made = self._made(plan, run)
        if isinstance(made, str):
            return self.give_up(plan, run, made)
        if noted(run, LOADED) is None:
            if wrong := self._loaded(plan, made):
                return self.give_up(plan, run, f"{made.name} was not right, and is deleted again: {wrong}")
            run.note(LOADED)
        again = noted(run, LEARN) is not None
        if not again:
            run.note(LEARN, {"from": plan.id, "to": made.id})
        self.desk.say("The state learns its id ...")
        self.states.learn(plan, made, again=again)
        reason = f"{made.name} holds {plan.source}, and the state of {plan.stage} knows it as {plan.store}"
        # Once it has ended nothing may fail any more before a person is told what is left.
        run.end(Outcome.DONE, {"reason": reason, "uploads": list(self.states.bound(plan.id))})
        return Outcome.DONE, reason

    def give_up(self, plan: Plan, run: Run, reason: str) -> tuple[Outcome, str]:
        """End it with everything as it was before it. Raises Refused where the state may know the new one already."""
        if noted(run, LEARN) is not None:
            message = "cannot be given up: the state of the stack may know the new database already"
            raise Refused("Nothing was given up.", [Fault(run.id, message, f"{plan.again} continues it")])
        run.note(GIVE_UP, {"reason": reason})
        return self._given_up(plan, run, reason)

    def _given_up(self, plan: Plan, run: Run, reason: str) -> tuple[Outcome, str]:
        found = self._mine(plan, run)
        if found is not None:
            found.delete()
        reason += self._waiting(run).end(plan.stage)
        run.end(Outcome.STOPPED, {"reason": reason})
        return Outcome.STOPPED, reason

    def _made(self, plan: Plan, run: Run) -> D1 | str:
        """Return the database of this run, or why there can be none."""
        old = self.desk.database
        if (made := noted(run, MADE)) is not None:
            return D1(old.api, old.account, str(made["id"]), plan.database)
        begun = noted(run, MAKE) is not None
        found = d1.find(old.api, old.account, plan.database)
        if found is not None and not (begun and self._mine(plan, run)):
            return f"somebody else has made a database {plan.database} meanwhile"
        if not begun:
            run.note(MAKE)
        if found is None:
            self.desk.say(f"Making {plan.database} ...")
            found = d1.create(old.api, old.account, plan.database, self.hint)
        run.note(MADE, {"id": found.id})
        return found

    def _mine(self, plan: Plan, run: Run) -> D1 | None:
        """Return the database that a run has made, None where there is none. What was made before its id was noted is
        empty: another one of that name is somebody's."""
        old = self.desk.database
        found = d1.find(old.api, old.account, plan.database)
        if found is None or found.id == plan.id or noted(run, MAKE) is None:
            return None
        made = noted(run, MADE)
        mine = found.id == made["id"] if made is not None else not drops(found.raw)
        return found if mine else None

    def _loaded(self, plan: Plan, made: D1) -> str:
        """Return in what the database is not right after it was loaded, over whatever a killed run has left."""
        dump = self.desk.dump(plan)
        self.desk.say(f"Loading the backup into {made.name} ...")
        whole = dump.file.with_name("whole.sql")
        replacing(made.raw, dump.file, whole)
        try:
            made.load(whole)
        except LoadFailed as failed:
            return str(failed)
        finally:
            whole.unlink(missing_ok=True)
        wrong, notes = checked(made, dump.manifest)
        for note in notes:
            self.desk.say(f"as it was: {note}")
        return wrong

    def _waiting(self, run: Run) -> Waiting:
        return Waiting(self.desk.maintenance, run, self.desk.lasted, self.desk.say)

    def _old_is_there(self) -> bool:
        old = self.desk.database
        found = d1.find(old.api, old.account, old.name)
        return found is not None and found.id == old.id


def result_of(run: Run) -> tuple[str, tuple[str, ...]]:
    """Return the id of the database that a run which is done has made, and the URNs of the Workers' uploads that are
    bound to the one before."""
    return str(facts_of(run, MADE)["id"]), tuple(facts_of(run, END)["uploads"])


def _resources(exported: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    there = (exported.get("deployment") or {}).get("resources") or []
    return [each for each in there if each.get("id") and not each.get("delete")]
