"""Durable Objects that stay behind: their code goes to another Worker, where their class begins empty."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set
from typing import Final

from bulkhead.preview.change import ResourceChange, names_before
from bulkhead.preview.losses.loss import Loss
from bulkhead.preview.losses.workers import UPLOADS, alive, classes_of
from bulkhead.preview.plan import UpdatePlan
from bulkhead.resources import types as t
from bulkhead.resources.values import MISSING, UNKNOWN

_FIX: Final = (
    "leave the upload with its Worker, or transfer the class: state `transferred` there, `expecting-transfer` here"
)
_STATED: Final = "expecting-transfer"


def left(change: ResourceChange, plan: UpdatePlan) -> Iterator[Loss]:
    """An upload's Worker is another one from now on, and nothing speaks for the classes of the former one."""
    if change.type not in UPLOADS or change.old is None or not isinstance(change.was(change.host_path), str):
        return
    names, going = _former(change, plan)
    if going or _spoken_for(change, names, plan):
        return
    before = classes_of(change.old.inputs, {MISSING, UNKNOWN, *names})
    secret = before is None and change.action != "delete"
    classes = ["any class of it"] if secret else alive(before or {})
    if change.action == "delete":
        classes = [name for name in classes if any(_goes(one, names, plan) for one in _begun(change.type, name, plan))]
    elif change.host is None or not _goes(change, names, plan):
        return
    if classes:
        lost = (
            f"the objects of {', '.join(classes)} stay with the former Worker, where no code of the program finds them"
        )
        yield Loss("class-left-behind", change, lost, _FIX)


def _former(change: ResourceChange, plan: UpdatePlan) -> tuple[set[str], bool]:
    """Return the names of the Worker that an upload was of, and whether that one goes, which is told of it."""
    name = change.was(change.host_path)
    if change.host is None:  # a Worker and its code in one
        return {name}, change.deletes or change.action == "replace"
    workers = plan.by("names before", [t.WORKER], names_before).get(name, [])
    names = {name, *(other for one in workers for other in names_before(one) if isinstance(other, str))}
    return names, any(one.deletes or one.action == "replace" or _made_again(one) for one in workers)


def _made_again(worker: ResourceChange) -> bool:
    return worker.action == "create" and worker.old is not None


def _spoken_for(change: ResourceChange, names: Set[str], plan: UpdatePlan) -> bool:
    """Whether another upload is of the former Worker: it is judged by the classes that it names."""
    after = plan.by("Worker after", UPLOADS, lambda one: [one.becomes(one.host_path)])
    return any(one.urn != change.urn for name in names for one in after.get(name, ()))


def _goes(upload: ResourceChange, names: Set[str], plan: UpdatePlan) -> bool:
    """Whether an upload goes to another Worker than before. One that is not known yet is the Worker that the same `up`
    makes, if it makes one: of one that stays, the id is known."""
    to = upload.becomes(upload.host_path)
    fresh = plan.once("fresh Workers", lambda: any(one.action == "create" for one in plan.of(t.WORKER)))
    changes = upload.action in {"create", "update", "replace"} and upload.new is not None
    return changes and (fresh if to is UNKNOWN else to is not MISSING and not (isinstance(to, str) and to in names))


def _begun(type_: str, class_: str, plan: UpdatePlan) -> Sequence[ResourceChange]:
    """Return the uploads of a type that begin a class anew."""

    def here(upload: ResourceChange) -> Iterable[str]:
        classes = classes_of(upload.new.inputs, {MISSING}) if upload.new and upload.action != "same" else {}
        return [name for name in alive(classes or {}) if (classes or {})[name] != _STATED]

    return plan.by("classes begun", [type_], here).get(class_, [])
