"""Switches: a Worker that goes on with another store under the same binding finds none of what it wrote before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from bulkhead.model.bindings import STORES
from bulkhead.preview.change import ResourceChange
from bulkhead.preview.losses.loss import Loss
from bulkhead.preview.losses.workers import UPLOADS, over_earlier
from bulkhead.preview.plan import UpdatePlan
from bulkhead.resources.values import MISSING, UNKNOWN, at, listed
from policies.rules.worker_carriers import TARGETS

SWITCHED: Final = "store-switched"


def switched(change: ResourceChange, plan: UpdatePlan) -> Iterator[Loss]:
    """A new upload binds another store in the place of an earlier one's, be it a restored one or, after a change is
    taken back, the one that was given up. A store that is not known yet is made by this very `up`, and a loss itself
    where it replaces another (`stores.gone`)."""
    if change.type not in UPLOADS or change.action not in {"create", "update", "replace"} or change.new is None:
        return
    over = over_earlier(change, plan)
    before = bound(over.old.inputs) if over.old else {}
    for name, store in bound(change.new.inputs).items():
        if before.get(name, store) != store and UNKNOWN not in (store, before[name]):
            lost = f"{name} is bound to another store: what was written into {before[name][1]} is not found any more"
            fix = "leave the stage's setting `stores` as it is, or ask for a waiver once the other one holds the data"
            yield Loss(SWITCHED, change, lost, fix)


def bound(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the kind and the id of each store that an upload binds, UNKNOWN for one that is not known."""
    found: dict[str, Any] = {}
    for binding in listed(inputs, "bindings"):
        kind, name = at(binding, "type"), at(binding, "name")
        if kind in STORES and isinstance(name, str):
            ids = [each for each in (at(binding, property_) for property_ in TARGETS[kind][0]) if each is not MISSING]
            known = next((each for each in ids if each is not UNKNOWN), UNKNOWN)
            found[name] = UNKNOWN if known is UNKNOWN else (kind, known)
    return found
