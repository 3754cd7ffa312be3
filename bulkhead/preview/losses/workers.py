"""Workers: Durable Objects live in the Worker that owns their class, and go with it or with the class.

The Worker's code upload decides about a class's data: `exports` state the intended state of every class, `migrations`
list the steps. Every change of an upload is a replacement, so a dangerous one looks like any other. Sources:
developers.cloudflare.com, Durable Objects, "Durable Objects migrations"; the provider's `WorkerVersion`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import replace
from typing import Any, Final

from bulkhead.preview.change import ResourceChange, names_before
from bulkhead.preview.losses.loss import UNSHOWN, Loss
from bulkhead.preview.plan import UpdatePlan
from bulkhead.resources import types as t
from bulkhead.resources.values import MISSING, UNKNOWN, Absent, at, leaves, listed

_SCRIPTS: Final = (t.WORKERS_SCRIPT, t.WORKER_SCRIPT)  # a Worker and its code in one
UPLOADS: Final = (t.WORKER_VERSION, *_SCRIPTS)
_ALIVE: Final = (MISSING, "created", "expecting-transfer")  # any other state than these and _ENDS is one nobody knows
_ENDS: Final = {
    "deleted": "every object of the class {name} is deleted, with its storage",
    "renamed": "the objects of the class {name} are handed to another class; no older version finds them again",
    "transferred": "the objects of the class {name} are handed to another Worker; this one cannot take them back",
}
_NAMESPACE: Final = "durable_object_namespace"
_TAKEN: Final = "the objects of the class {name} are taken from the Worker {script}, which cannot take them back"
_BACKUP: Final = "export what its objects hold first; then ask for a waiver in docs/ops/waivers.yaml"


def gone(change: ResourceChange, plan: UpdatePlan) -> Iterator[Loss]:
    """A Worker that owns Durable Objects is deleted, replaced, already gone, or renamed."""
    if change.type not in t.SCRIPTS:
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
    elif change.action == "update" and change.differs(change.named_by):
        lost = f"the Worker gets another name, and {holds}: they are found by the Worker's name"
        yield Loss("worker-renamed", change, lost, "leave its name, or make a second Worker and transfer the classes")


def _owned(worker: ResourceChange, plan: UpdatePlan) -> tuple[str, ...]:
    """Return the Durable Object classes of a Worker before the change; a description of them if they are not known."""
    if worker.old is None:
        return ()
    known_as = {name for name in names_before(worker) if name is UNKNOWN or (isinstance(name, str) and name)}
    uploads = [worker] if worker.type in _SCRIPTS else list(_versions(known_as, plan))
    if not uploads and plan.source == "digest":
        return ("any that it owns, which a digest does not show",)
    classes: dict[str, None] = {}
    for upload in uploads:
        before = classes_of(upload.old.inputs, {*known_as, UNKNOWN}) if upload.old else {}
        if before is None:
            return ("any that it owns, which are secret or not known",)
        classes |= dict.fromkeys(alive(before))
    bound = plan.once("bound classes", lambda: _bound_anywhere(plan))
    for name in known_as:  # a binding that names this Worker shows that it owns the class
        classes |= dict.fromkeys(bound.get(name, ()))
    return tuple(classes)


def _bound_anywhere(plan: UpdatePlan) -> dict[Any, list[str]]:
    """Return the classes of each Worker that another one's upload binds by its name."""
    found: dict[Any, list[str]] = {}
    for upload in plan.of(*UPLOADS):
        for each in listed(upload.old.inputs, "bindings") if upload.old else ():
            script = at(each, "scriptName")
            if at(each, "type") == _NAMESPACE and isinstance(script, str):
                found.setdefault(script, []).append(str(at(each, "className")))
    return found


def _versions(known_as: Set[Any], plan: UpdatePlan) -> Iterator[ResourceChange]:
    """Yield the uploads of a Worker, and those whose Worker is not shown."""
    of_worker = plan.by("Worker before", [t.WORKER_VERSION], _worker_before)
    return (one for name in {*known_as, UNKNOWN} for one in of_worker.get(name, ()))


def _worker_before(upload: ResourceChange) -> tuple[Any, ...]:
    return (upload.was("workerId"),) if upload.old else ()


def _names(upload: ResourceChange, plan: UpdatePlan) -> set[Any]:
    """Return the names by which an upload may refer to its own Worker."""
    paths = ("workerId", "scriptName")
    of = {name for path in paths for name in (upload.was(path), upload.becomes(path)) if isinstance(name, str)}
    workers = plan.by("names before", [t.WORKER], names_before)
    names = {worker.was("name") for name in of for worker in workers.get(name, ())}
    return of | {name for name in names if isinstance(name, str)}


def classes(change: ResourceChange, plan: UpdatePlan) -> Iterator[Loss]:
    """A new upload ends a class of an earlier one, or no longer mentions it."""
    if change.type not in UPLOADS or change.action not in {"create", "update", "replace"} or change.new is None:
        return
    over = over_earlier(change, plan)
    if over.action == "create" and change.becomes("workerId") in (UNKNOWN, MISSING):
        return  # the Worker is made by this very up
    own = _names(over, plan)
    before = classes_of(over.old.inputs, {*own, UNKNOWN}) if over.old else {}
    after = classes_of(change.new.inputs, own)
    if before is None or after is None:
        if over.differs("exports") or over.differs("migrations"):
            lost = f"what the Durable Object classes are to be {UNSHOWN}"
            yield Loss("class-dropped", change, lost, "give exports plain values that do not depend on what is made")
        return
    endings = {(name, state): _ENDS[state].format(name=name) for name, state in after.items() if state in _ENDS}
    ended = {end: lost for end, lost in endings.items() if before.get(end[0]) != end[1]} | _newly_migrated(over)
    for (name, state), lost in ended.items():
        yield Loss(f"class-{state}", change, lost, f"keep {name} as it is, or {_BACKUP}")
    for name, state in after.items():
        if state not in (*_ALIVE, *_ENDS) and before.get(name) != state:
            lost = f"the class {name} gets a state that nobody knows, {state!r}, so whether its objects stay {UNSHOWN}"
            yield Loss("class-dropped", change, lost, f"say of {name} what it is to be: alive, or {', '.join(_ENDS)}")
    # Migrations may be removed once they were applied; only exports must mention every class.
    if all(at(side.inputs, "exports") is MISSING for side in (over.old, change.new) if side is not None):
        return
    for name in alive(before):
        if name not in after:
            lost = f"the class {name} is no longer spoken of, so whether its objects stay {UNSHOWN}"
            yield Loss("class-dropped", change, lost, f"say of {name} what it is to be: alive, or retired")


def over_earlier(change: ResourceChange, plan: UpdatePlan) -> ResourceChange:
    """Return an upload as the change of what its Worker had before: of its own old side, of an upload that goes, or of
    one that stays, because another upload is the later one."""
    over = plan.over_predecessor(change)
    if over.action != "create" or change.type != t.WORKER_VERSION or plan.host_is_new(change):
        return over
    wanted = change.becomes("workerId")
    of_worker = plan.by("Worker before", [t.WORKER_VERSION], _worker_before)
    earlier = of_worker.get(wanted, []) if isinstance(wanted, str) else []
    if wanted is UNKNOWN and len(of_worker) == 1:
        earlier = next(iter(of_worker.values()))
    elif wanted is UNKNOWN:
        spoken = classes_of(change.new.inputs, {MISSING}) if change.new else {}
        of_class = plan.by("classes before", [t.WORKER_VERSION], lambda one: _classes_before(one) or ())
        earlier = [one for name in spoken or () for one in of_class.get(name, ())]
    earlier = [one for one in earlier if one.urn != change.urn]
    if not earlier or change.new is None:
        return over
    return replace(change, action="update", old=earlier[-1].old, paths=tuple(change.new.inputs))


def _classes_before(upload: ResourceChange) -> dict[str, Any] | None:
    return classes_of(upload.old.inputs, {MISSING}) if upload.old else {}


def alive(classes: Mapping[str, Any]) -> list[str]:
    """Return the classes whose objects there are, or may be."""
    return [name for name, state in classes.items() if state not in _ENDS]


def classes_of(inputs: Mapping[str, Any], own: Set[Any]) -> dict[str, Any] | None:
    """Return the state of each Durable Object class after an upload, in the words of `exports`; None if it is not
    known. A class that the upload only binds as its own is alive; ``own`` are the names of its Worker."""
    exports, migrations = at(inputs, "exports"), at(inputs, "migrations")
    if exports is UNKNOWN or UNKNOWN in leaves(migrations):
        return None
    found: dict[str, Any] = dict.fromkeys(_bound(inputs, {*own, MISSING}), MISSING)
    for step in _steps(migrations):
        found |= _migrated(step)
    for name, export in exports.items() if isinstance(exports, Mapping) else ():
        type_, state = at(export, "type"), at(export, "state")
        if UNKNOWN in (export, type_, state):
            return None
        if type_ == "durable-object":
            found[name] = state if state is MISSING else str(state)
    return found


def _bound(inputs: Mapping[str, Any], scripts: Set[Any]) -> list[str]:
    """Return the classes of ``scripts`` that an upload binds; MISSING stands for the upload's own Worker."""
    bindings = [one for one in listed(inputs, "bindings") if at(one, "type") == _NAMESPACE]
    named = ((at(one, "className"), at(one, "scriptName")) for one in bindings)
    return [str(class_) for class_, script in named if isinstance(script, str | Absent) and script in scripts]


def _steps(migrations: Any) -> list[Any]:
    return [*listed(migrations, "steps"), migrations]


def _migrated(step: Any) -> dict[str, Any]:
    """Return the state of each class after a migration. A class that it ends and makes again exists, but is empty."""
    moved = [*listed(step, "renamedClasses"), *listed(step, "transferredClasses")]
    made = [*listed(step, "newClasses"), *listed(step, "newSqliteClasses"), *(at(each, "to") for each in moved)]
    return dict(_endings(step)) | {str(name): MISSING for name in made}


def _newly_migrated(upload: ResourceChange) -> dict[tuple[str, str], str]:
    """Return each class that new migrations end, with the kind of end, even if they make it again later: it is empty
    then. Migrations that the old upload has as well were applied before."""
    migrations = upload.becomes("migrations")
    if upload.old is not None and at(upload.old.inputs, "migrations") == migrations:
        return {}
    found: dict[tuple[str, str], str] = {}
    for step in _steps(migrations):
        found |= {(name, state): _ENDS[state].format(name=name) for name, state in _endings(step)}
        for each in listed(step, "transferredClasses"):
            name, script = str(at(each, "from")), at(each, "fromScript")
            if script is not MISSING:
                found[name, "transferred"] = _TAKEN.format(name=name, script=script)
    return found


def _endings(step: Any) -> Iterator[tuple[str, str]]:
    """Yield each of the upload's own classes that a migration ends, and the kind of end."""
    yield from ((str(name), "deleted") for name in listed(step, "deletedClasses"))
    yield from ((str(at(each, "from")), "renamed") for each in listed(step, "renamedClasses"))
    for each in listed(step, "transferredClasses"):
        if at(each, "fromScript") is MISSING:  # otherwise it is a class of that Worker
            yield str(at(each, "from")), "transferred"
