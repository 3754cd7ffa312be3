"""Settles what an `up` had begun when it was cut off: looks whether it exists, and writes that into the state.

The engine wrote down that a creation had begun, not whether it happened. The next `up` would make all of it again: a
second key, a second token; and where names are taken, it would be refused.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from bulkhead.engine.state import CREATING, without_pending_operations
from bulkhead.model.faults import Fault, Refused
from bulkhead.operations.adopt.engine_plan import name_of
from bulkhead.operations.adopt.finding import Finder, Found, Wanted, made_again, told_once
from bulkhead.resources import types as t
from bulkhead.resources.sentinels import SIGNATURE

if TYPE_CHECKING:
    from bulkhead.engine.stack import StackCli

_SUMMARY: Final = "Nothing was settled."


@dataclass(frozen=True, slots=True)
class Begun:
    """A creation that was cut off. ``outcome``: ``exists`` (it is taken into the state, by ``id``), ``absent``,
    ``again`` (the next `up` writes over it), ``useless`` (it exists, but its value was told once: the next `up` makes
    another), or ``unknown`` (nobody can look for it)."""

    wanted: Wanted
    outcome: str
    id: str | None = None


def begun(exported: Mapping[str, Any], finder: Finder, ids: Mapping[str, str]) -> tuple[Begun, ...]:
    """Return what became of each creation that an exported state holds as begun; ``ids`` are those that a person has
    looked up, by logical name. Raises Refused for an id of something that is not begun."""
    deployment = exported.get("deployment") or {}
    there = deployment.get("resources") or []
    operations = deployment.get("pending_operations") or []
    states = [one["resource"] for one in operations if one["type"] == CREATING]
    unheard = [name for name in ids if name not in {name_of(state["urn"]) for state in states}]
    if unheard:
        fix = f"name one of: {', '.join(name_of(state['urn']) for state in states) or 'nothing was cut off'}"
        raise Refused(_SUMMARY, [Fault(f"--found {name}", "is nothing that was begun", fix) for name in unheard])
    known = frozenset(str(one["id"]) for one in there if one.get("id"))
    return tuple(_outcome(state, finder, ids, known) for state in states)


def _outcome(state: Mapping[str, Any], finder: Finder, ids: Mapping[str, str], known: frozenset[str]) -> Begun:
    urn, type_ = state["urn"], state["type"]
    inputs = {key: value for key, value in (state.get("inputs") or {}).items() if not _is_secret(value)}
    several = told_once(type_) or type_ == t.KMS_KEY
    wanted = Wanted(urn, type_, name_of(urn), inputs, known=known if several else frozenset())
    if wanted.name in ids:
        return Begun(wanted, "exists", ids[wanted.name])
    if not state.get("custom"):
        return Begun(wanted, "absent")  # a component is in no cloud
    if made_again(type_):
        return Begun(wanted, "again")
    if not finder.knows(type_):
        return Begun(wanted, "unknown")
    found: Found | None = finder.find(wanted)
    if found is None:
        return Begun(wanted, "absent")
    return Begun(wanted, "useless" if told_once(type_) else "exists", found.id)


def _is_secret(value: Any) -> bool:
    return isinstance(value, Mapping) and SIGNATURE in value


def refuse_doubts(stage: str, found: Sequence[Begun], forgotten: Collection[str], *, protected: bool) -> None:
    """Raise Refused for what nobody can look for, and, where the stage is ``protected``, for what was not found and is
    not among those that a person has said to be ``forgotten``: the wrong account finds nothing either."""
    faults = list(_doubts(stage, found, forgotten, protected=protected))
    if faults:
        raise Refused(_SUMMARY, faults)


def _doubts(stage: str, found: Sequence[Begun], forgotten: Collection[str], *, protected: bool) -> Iterator[Fault]:
    for one in found:
        name, again = one.wanted.name, f"bulkhead settle {stage}"
        if name in forgotten:
            continue
        if one.outcome == "unknown":
            message = f"is a {one.wanted.kind}, which cannot be looked for by name"
            fix = f"look in its cloud; if it is there: {again} --found {name}=<its id>; if not: {again} --forget {name}"
            yield Fault(name, message, fix)
        elif one.outcome == "absent" and protected:
            message = f"was not found; if that is wrong, the next up makes a second {one.wanted.kind}"
            yield Fault(name, message, f"look in its cloud, then: {again} --forget {name}")


def settle(
    stack: StackCli, exported: Mapping[str, Any], found: Sequence[Begun], forgotten: Collection[str]
) -> list[str]:
    """Write what became of each creation into the state, and ask the clouds for the outputs of what exists. Return the
    URNs of that. Can be repeated: what is in the state is no longer begun."""
    ids = {one.wanted.urn: one.id for one in found if one.outcome == "exists" and one.wanted.name not in forgotten}
    stack.put(without_pending_operations(exported, ids.get))
    if ids:
        stack.refresh(list(ids))
    return list(ids)
