"""Durable Objects that stay behind: their code goes to another Worker, where their class begins empty."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from typing import Any, Final

from bulkhead.preview.losses.loss import Loss
from bulkhead.preview.losses.workers import UPLOADS, alive, classes_of
from bulkhead.preview.plan import ResourceChange, UpdatePlan
from bulkhead.resources import types as t
from bulkhead.resources.values import MISSING, UNKNOWN

_FIX: Final = (
    "leave the upload with its Worker, or transfer the class: state `transferred` there, `expecting-transfer` here"
)
_STATED: Final = "expecting-transfer"


def left(change: ResourceChange, plan: UpdatePlan) -> Iterator[Loss]:
    """An upload's Worker is another one from now on, and nothing speaks for the classes of the former one."""
    if change.type not in UPLOADS or change.old is None or change.was(change.host_path) in (UNKNOWN, MISSING):
        return
    names, going = _former(change, plan)
    if going or _spoken_for(change, names, plan):
        return
    before = classes_of(change.old.inputs, {MISSING, UNKNOWN, *names})
    # What is secret may hold any class: then it is lost if the upload itself goes elsewhere.
    classes = ["any class of it"] if before is None else alive(before)
    elsewhere = [] if change.host is None else _elsewhere([change], names, plan)
    if change.action == "delete":
        classes, elsewhere = [] if before is None else classes, _elsewhere(plan.of(change.type), names, plan)
        continued = {name for one in elsewhere if one.new for name in _here(one.new.inputs)}
        classes = [name for name in classes if name in continued]
    if elsewhere and classes:
        lost = (
            f"the objects of {', '.join(classes)} stay with the former Worker, where no code of the program finds them"
        )
        yield Loss("class-left-behind", change, lost, _FIX)


def _former(change: ResourceChange, plan: UpdatePlan) -> tuple[set[Any], bool]:
    """Return the names of the Worker that an upload was of, and whether that one goes, which is told of it."""
    name = change.was(change.host_path)
    if change.host is None:  # a Worker and its code in one
        return {name}, change.deletes or change.action == "replace"
    workers = [one for one in plan.of(t.WORKER) if one.old and name in (one.old.id, one.was(one.named_by))]
    names = {name} | {other for one in workers if one.old for other in (one.old.id, one.was(one.named_by))}
    return names, any(one.deletes or one.action == "replace" or _made_again(one) for one in workers)


def _made_again(worker: ResourceChange) -> bool:
    return worker.action == "create" and worker.old is not None


def _spoken_for(change: ResourceChange, names: Set[Any], plan: UpdatePlan) -> bool:
    """Whether another upload is of the former Worker: it is judged by the classes that it names."""
    others = (one for one in plan.of(*UPLOADS) if one.urn != change.urn and one.new is not None)
    return any(one.becomes(one.host_path) in names for one in others)


def _elsewhere(uploads: Iterable[ResourceChange], names: Set[Any], plan: UpdatePlan) -> list[ResourceChange]:
    """Return the uploads that go to another Worker than before. One that is not known yet is the Worker that the same
    `up` makes, if it makes one: of one that stays, the id is known."""
    fresh = any(one.action == "create" for one in plan.of(t.WORKER))
    found = []
    for one in uploads:
        to = one.becomes(one.host_path)
        other = fresh if to is UNKNOWN else to is not MISSING and to not in names
        if one.action in {"create", "update", "replace"} and one.new is not None and other:
            found.append(one)
    return found


def _here(inputs: Mapping[str, Any]) -> list[str]:
    """Return the classes that an upload begins anew."""
    classes = classes_of(inputs, {MISSING}) or {}
    return [name for name in alive(classes) if classes[name] != _STATED]
