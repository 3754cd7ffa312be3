"""Which Durable Object classes a product exports, and by which Worker (pure; BAK-14)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bulkhead.model.bindings import DurableObject, Secret
from bulkhead.model.faults import Fault

if TYPE_CHECKING:
    from bulkhead.model.product import Product, Worker


@dataclass(frozen=True, slots=True)
class Exports:
    """The Worker that exports, the stage's secret that is its key, and by class the Worker that owns it."""

    worker: Worker
    key: str
    classes: Mapping[str, str]


def exports_of(product: Product) -> Exports | None:
    """Return what a product exports, None where nothing is."""
    for worker in product.workers:
        if worker.exports:
            owners = {each: owner.name for owner in product.workers for each in owner.owns if each in worker.exports}
            return Exports(worker, _keys(worker, product)[0], owners)
    return None


def unexported(product: Product) -> tuple[str, ...]:
    """Return the classes whose objects no backup holds, sorted; every report names them."""
    exported = {each for worker in product.workers for each in worker.exports}
    return tuple(sorted(each for worker in product.workers for each in worker.owns if each not in exported))


def faults(product: Product) -> Iterator[Fault]:
    """Yield why what a product wants to export could not be."""
    exporting = [worker for worker in product.workers if worker.exports]
    for other in exporting[1:]:
        message = f"exports, and so does {exporting[0].name}: the jobs have one address and one key"
        yield Fault(f"workers.{other.name}.exports", message, f"let {exporting[0].name} export all of them")
    for worker in exporting[:1]:
        place = f"workers.{worker.name}.exports"
        reached = {each.class_name for each in worker.bindings if isinstance(each, DurableObject)}
        owned = {each for owner in product.workers for each in owner.owns}
        for each in worker.exports:
            if each not in reached or each not in owned:
                fix = f'bind it: DurableObject("...", "{each}", worker="<owner>")'
                yield Fault(place, f"{each} is no class of the product that this Worker reaches", fix)
        if worker.host is None:
            message = "the jobs come from another cloud, and this Worker has no hostname"
            yield Fault(place, message, 'give it one: host="export"')
        if len(_keys(worker, product)) != 1:
            message = (
                "binds no secret, or more than one, that the stage's jobs have as well: it is the key of the export"
            )
            yield Fault(place, message, 'StageSecret("exportKey", jobs=True), and Secret("EXPORT_KEY", "exportKey")')


def _keys(worker: Worker, product: Product) -> list[str]:
    bound = {each.secret for each in worker.bindings if isinstance(each, Secret)}
    return [each.name for each in product.secrets if each.jobs and each.name in bound]
