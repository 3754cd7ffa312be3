"""Workers: Durable Objects live in the Worker that owns their class, and go with it or with the class.

What a class's data depends on is in the Worker's code upload: `exports`, which say for every class what it is to be, or
`migrations`, which say what to do. Of an upload every change is a replacement, so that one looks like any other.
Sources: developers.cloudflare.com, Durable Objects, "Durable Objects migrations"; the provider's `WorkerVersion`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from policies import tokens as t
from policies.values import MISSING, UNKNOWN, at, listed
from preview.losses.loss import UNSHOWN, Loss
from preview.plan import Change, Plan

_SCRIPTS: Final = (t.WORKERS_SCRIPT, t.WORKER_SCRIPT)  # a Worker and its code in one
UPLOADS: Final = (t.WORKER_VERSION, *_SCRIPTS)
_ALIVE: Final = (MISSING, "created", "expecting-transfer")
_ENDS: Final = {
    "deleted": "every object of the class {name} is deleted, with its storage",
    "renamed": "the objects of the class {name} are handed to another class; no older version finds them again",
    "transferred": "the objects of the class {name} are handed to another Worker; this one cannot take them back",
}
_BACKUP: Final = "export what its objects hold first; then ask for a waiver in docs/ops/waivers.yaml"


def gone(change: Change, plan: Plan) -> Iterator[Loss]:
    """A Worker that owns Durable Objects is deleted, replaced, gone already, or called something else."""
    if change.type not in (t.WORKER, *_SCRIPTS):
        return
    owned = _owned(change, plan)
    if not owned:
        return
    holds = f"the Durable Objects that live in it: {', '.join(owned)}"
    if change.deletes or change.action == "replace":
        yield Loss("worker-deleted", change, f"the Worker is deleted, and with it {holds}", f"keep it, or {_BACKUP}")
    elif change.action == "create" and change.old is not None:
        lost = f"the Worker is gone from Cloudflare already, and with it {holds}"
        yield Loss("worker-deleted", change, lost, "find out who deleted it; the up would make an empty one")
    elif change.action == "update" and change.was("name") != change.becomes("name"):
        lost = f"the Worker gets another name, and {holds}: they are found by the Worker's name"
        yield Loss("worker-renamed", change, lost, "leave its name, or make a second Worker and transfer the classes")


def _owned(worker: Change, plan: Plan) -> tuple[str, ...]:
    """Return the Durable Object classes of a Worker before the change; a word for them where they cannot be told."""
    if worker.old is None:
        return ()
    uploads = [worker] if worker.type in _SCRIPTS else list(_versions(worker, plan))
    if not uploads and plan.source == "digest":
        return ("any that it owns, which a digest does not show",)
    classes: dict[str, None] = {}
    for upload in uploads:
        before = _classes(upload.old.inputs) if upload.old else {}
        if before is None:
            return ("any that it owns, which are secret or not known",)
        classes |= dict.fromkeys(name for name, state in before.items() if state in _ALIVE)
    return tuple(classes)


def _versions(worker: Change, plan: Plan) -> Iterator[Change]:
    known_as = {worker.old.id, worker.was("name")} if worker.old else set()
    return (one for one in plan.of(t.WORKER_VERSION) if one.old and one.was("workerId") in known_as)


def classes(change: Change, _plan: Plan) -> Iterator[Loss]:
    """A new upload ends a class that an earlier one had, or no longer speaks of it."""
    if change.type not in UPLOADS or change.action not in {"create", "update", "replace"} or change.new is None:
        return
    if change.action == "create" and change.becomes("workerId") in (UNKNOWN, MISSING):
        return  # the Worker is made by this very up
    before = _classes(change.old.inputs) if change.old else {}
    after = _classes(change.new.inputs)
    if before is None or after is None:
        if any(path.startswith(("exports", "migrations")) for path in (*change.paths, *change.reasons)):
            lost = f"what the Durable Object classes are to be {UNSHOWN}"
            yield Loss("class-dropped", change, lost, "give exports plain values that do not depend on what is made")
        return
    for name, state in after.items():
        if state in _ENDS and before.get(name) != state:
            yield Loss(f"class-{state}", change, _ENDS[state].format(name=name), f"keep {name} as it is, or {_BACKUP}")
    # Migrations are taken out once they were applied, and change nothing then; exports say of every class what it is.
    if all(at(side.inputs, "exports") is MISSING for side in (change.old, change.new) if side is not None):
        return
    for name, state in before.items():
        if state in _ALIVE and name not in after:
            lost = f"the class {name} is no longer spoken of, so whether its objects stay {UNSHOWN}"
            yield Loss("class-dropped", change, lost, f"say of {name} what it is to be: alive, or retired")


def _classes(inputs: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what an upload makes of each Durable Object class, in the words of `exports`; None where that is not
    known. A class that the upload merely binds as its own is alive."""
    exports, migrations = at(inputs, "exports"), at(inputs, "migrations")
    if UNKNOWN in (exports, migrations):
        return None
    found: dict[str, Any] = {}
    for binding in listed(inputs, "bindings"):
        if at(binding, "type") == "durable_object_namespace" and at(binding, "scriptName") is MISSING:
            found[str(at(binding, "className"))] = MISSING
    for step in [*listed(migrations, "steps"), migrations]:
        found |= _migrated(step)
    for name, export in exports.items() if isinstance(exports, Mapping) else ():
        type_, state = at(export, "type"), at(export, "state")
        if UNKNOWN in (export, type_, state):
            return None
        if type_ == "durable-object":
            found[name] = state
    return None if UNKNOWN in found.values() else found


def _migrated(step: Any) -> dict[str, Any]:
    made = [*listed(step, "newClasses"), *listed(step, "newSqliteClasses")]
    found: dict[str, Any] = {str(name): MISSING for name in made}
    found |= {str(name): "deleted" for name in listed(step, "deletedClasses")}
    for key, state in (("renamedClasses", "renamed"), ("transferredClasses", "transferred")):
        for each in listed(step, key):
            found[str(at(each, "to"))] = MISSING
            found[str(at(each, "from"))] = state
    return found
