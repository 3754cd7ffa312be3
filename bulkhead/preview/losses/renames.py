"""Renames: the same thing under another logical name, which without an alias is a deletion and a creation."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any, Final

from bulkhead.preview.change import ResourceChange
from bulkhead.preview.losses.loss import Loss
from bulkhead.preview.plan import UpdatePlan
from bulkhead.resources.kind import EACH_NEW, PROVIDER, Scope
from bulkhead.resources.values import MISSING, UNKNOWN, at, leaves

_IDENTIFYING: Final = ("id", "arn", "name")  # how the names of inputs end that say which one it is
_PLACES: Final = frozenset({"accountId", "zoneId"})  # all of a stage's share them: no sign that two are one


def renamed(change: ResourceChange, plan: UpdatePlan) -> Iterator[Loss]:
    """The deletion is of what the creation has just made, or was about to: by name they are one."""
    if change.action != "delete" or change.left_behind or change.type.startswith(PROVIDER):
        return
    if not change.deletes and not change.holds_data:
        return  # it is left in its cloud, and written over
    for other in _candidates(change, plan):
        if other.urn != change.urn and _is_same_thing(change, other, plan):
            holds = f", with {change.holds_data}" if change.holds_data else ""
            made, deleted = (one.name + (f" below a {_below(one)}" if _below(one) else "") for one in (other, change))
            lost = f"it is made again as {made} and then deleted as {deleted}, though both are one{holds}"
            yield Loss("renamed", change, lost, f"say that it was renamed: aliases=[{_alias(change, other)}] on {made}")
            return


def _candidates(change: ResourceChange, plan: UpdatePlan) -> Iterator[ResourceChange]:
    """Yield the creations that may be of the same thing: thousands are told apart by an index, not one by one."""
    if change.row is None or change.row.identity_inputs == EACH_NEW:
        yield from _alike(change, plan)
        return
    *others, last = change.row.identity_inputs
    mine = _sign(change.was(last))
    if mine is not MISSING:
        yield from _created(change.type, last, plan).get(mine, ())
    # By a name that is not known on one side it cannot be told: then something else must be the same.
    for path in others:
        if path not in _PLACES and (shared := _sign(change.was(path))) is not MISSING:
            among = UNKNOWN if isinstance(mine, str) else None
            yield from _created(change.type, path, plan, last, among).get(shared, ())


def _created(
    type_: str, path: str, plan: UpdatePlan, last: str = "", among: Any = None
) -> Mapping[Any, list[ResourceChange]]:
    """Return the creations of a type by the sign of an input; only those with the sign ``among`` at ``last``, if one is
    given."""

    def made() -> dict[Any, list[ResourceChange]]:
        found: dict[Any, list[ResourceChange]] = {}
        for one in plan.of(type_):
            if one.action == "create" and one.new and (among is None or _sign(one.becomes(last)) is among):
                found.setdefault(_sign(one.becomes(path)), []).append(one)
        return found

    return plan.once(("created", type_, path, last, among), made)


def _alike(change: ResourceChange, plan: UpdatePlan) -> Iterator[ResourceChange]:
    """Yield the creations with the same inputs by name, and the same values of those that say which one it is."""
    if change.old is None:
        return
    alike = plan.once(("alike", change.type), lambda: _by_shape(plan.of(change.type)))
    path, found = alike.get(_shape(change.old.inputs), ("", {}))
    mine = _sign(at(change.old.inputs, path))
    yield from found.get(mine, ()) if mine is not UNKNOWN else chain.from_iterable(found.values())
    if isinstance(mine, str):
        yield from found.get(UNKNOWN, ())


def _by_shape(changes: Iterable[ResourceChange]) -> dict[Any, tuple[str, dict[Any, list[ResourceChange]]]]:
    """Return the creations by shape, and there by the input that tells them apart best."""
    shapes: dict[Any, list[ResourceChange]] = {}
    for one in changes:
        if one.action == "create" and one.new is not None:
            shapes.setdefault(_shape(one.new.inputs), []).append(one)
    found = {}
    for shape, alike in shapes.items():
        paths = {path: [_sign(one.becomes(path)) for one in alike] for path in shape[0]}
        best = max(paths, key=lambda path: len(set(paths[path])), default="")
        told: dict[Any, list[ResourceChange]] = {}
        for one, sign in zip(alike, paths.get(best, [MISSING] * len(alike)), strict=True):
            told.setdefault(sign, []).append(one)
        found[shape] = best, told
    return found


def _shape(inputs: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[Any, ...]]:
    keys = tuple(sorted(key for key in inputs if inputs[key] is not None))
    return keys, tuple(_sign(inputs[key]) for key in keys if key.lower().endswith(_IDENTIFYING))


def _sign(value: Any) -> Any:
    """Return a value by which two are told apart: as text, or UNKNOWN if it is not known in full."""
    if value is MISSING:
        return MISSING
    return UNKNOWN if UNKNOWN in leaves(value) else json.dumps(value, sort_keys=True)


def _alias(change: ResourceChange, other: ResourceChange) -> str:
    """Return the alias that says what a resource was called; what it does not say is taken to be as it is now."""
    former = [f"name={change.name!r}"] if change.name != other.name else []
    if _types(change) != _types(other):
        former.append(f"parent=<the {_below(change)} that it had>" if _below(change) else "parent=None")
    return f"pulumi.Alias({', '.join(former)})"


def _below(change: ResourceChange) -> str:
    """Return the type of the component that a resource is a part of, "" where it is of none."""
    return _types(change).rpartition("$")[0].rpartition("$")[2]


def _types(change: ResourceChange) -> str:
    """Return its type after those of all that it is below, the outermost first, as its URN has them."""
    return change.urn.split("::")[2]


def _is_same_thing(change: ResourceChange, other: ResourceChange, plan: UpdatePlan) -> bool:
    """Whether both are one by what the catalogue says of their type; by all of their inputs where that cannot tell."""
    if change.old is None or other.new is None:
        return False
    row, was, becomes = change.row, dict(change.old.inputs), dict(other.new.inputs)
    if row is None or row.identity_inputs == EACH_NEW:
        return _may_be_equal(was, becomes)
    if any(was.get(end) != becomes.get(end) or was.get(end) is UNKNOWN for end in row.connects):
        return False
    # A setting of a bucket is where the bucket is, whose name is taken in all regions.
    if row.scope is Scope.REGION and change.host is None and not _may_share_region(change, other, plan):
        return False
    # What neither of them says is the same on both, and no sign that they are one.
    stated = [path for path in row.identity_inputs if at(was, path) is not MISSING or at(becomes, path) is not MISSING]
    pairs = {path: (change.was(path), other.becomes(path)) for path in stated}
    signs = [pairs[path] for path in stated if path not in _PLACES or row.identity_inputs == (path,)]
    if not all(_may_be_one(*pair) for pair in pairs.values()) or not any(one == two for one, two in signs):
        return False
    # Nor can it be told by a name that is not known, or that neither says: then the cloud makes up one for each.
    told = row.identity_inputs[-1] in stated and not any(UNKNOWN in pair for pair in pairs.values())
    return told or _may_be_equal(was, becomes)


def _may_share_region(change: ResourceChange, other: ResourceChange, plan: UpdatePlan) -> bool:
    """Whether both are in one region: each in the one that it says, else in that of its provider."""
    stated = ((change, change.was("region")), (other, other.becomes("region")))
    regions = [plan.from_provider(one, "region") if region is MISSING else region for one, region in stated]
    return len({region for region in regions if isinstance(region, str)}) <= 1


def _may_be_one(was: Any, becomes: Any) -> bool:
    return was is not MISSING and (was == becomes or UNKNOWN in (was, becomes))


def _may_be_equal(was: dict[str, Any], becomes: dict[str, Any]) -> bool:
    same = [key for key in was if key in becomes and was[key] == becomes[key] and not key.startswith("__")]
    if not same or was.keys() != becomes.keys():
        return False
    named = [key for key in was if key.lower().endswith(_IDENTIFYING)]
    return all(_may_be_one(was[key], becomes[key]) for key in was) and all(was[key] == becomes[key] for key in named)
