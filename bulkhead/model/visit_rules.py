"""What may be asked of a running stage (pure): probes, journeys, and the paths that are warmed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from bulkhead.model.bindings import VersionMetadata
from bulkhead.model.faults import Fault

if TYPE_CHECKING:
    from bulkhead.model.product import Cleaning, Journey, Probe, Product

_PATH: Final = re.compile(r"/[!-~]*")
_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_READING: Final = ("GET", "HEAD")
_ANSWERS: Final = range(200, 500)
_REFUSALS: Final = range(400, 500)

Calls = Mapping[str, set[str]]


def faults(product: Product, calls: Calls) -> Iterator[Fault]:
    """Yield what is wrong with what ``product`` lets others ask of it; ``calls`` are its Workers' of one another."""
    for kind in ("journeys", "probes"):
        for name, count in Counter(each.name for each in getattr(product, kind)).items():
            if not name.strip():
                yield Fault(kind, "one has no name, so no report could say that it failed")
            if count > 1:
                yield Fault(f"{kind}.{name}", f"is the name of {count}, so no report could say which of them failed")
    for journey in product.journeys:
        yield from _journey(journey, product)
    for probe in product.probes:
        yield from _probe(probe, product, calls)
    for worker, path in product.warm:
        yield from _begins(f"warm.{path}", worker, path, product)


def _begins(place: str, worker: str, path: str, product: Product) -> Iterator[Fault]:
    """Yield why no visitor could begin there."""
    if worker not in {each.name for each in product.public_workers}:
        yield Fault(place, f"Worker {worker!r} has no hostname, so no visitor can begin there")
    if not _PATH.fullmatch(path) or "#" in path:
        yield Fault(place, f"{path!r} is no path: it begins with / and has neither blanks nor a fragment")


def _journey(journey: Journey, product: Product) -> Iterator[Fault]:
    place = f"journeys.{journey.name}"
    stores = {
        "database": [each.name for each in product.databases],
        "namespace": [each.name for each in product.namespaces],
        "bucket": [each.name for each in product.buckets],
        "object": [class_name for worker in product.workers for class_name in worker.owns],
    }
    yield from _begins(place, journey.worker, journey.path, product)
    yield from _method(place, journey.method)
    if "{mark}" not in f"{journey.path}{journey.body}":
        yield Fault(place, "neither path nor body holds {mark}, so its traces could not be told from others")
    for kind, store in journey.leaves:
        if store not in stores[kind]:
            yield Fault(place, f"leaves a trace in {kind} {store!r}, which the product does not have")
    if journey.cleans is not None:
        yield from _cleaning(f"{place}.cleans", journey.cleans, journey, product)


def _cleaning(place: str, cleaning: Cleaning, journey: Journey, product: Product) -> Iterator[Fault]:
    yield from _begins(place, journey.worker, cleaning.path, product)
    yield from _method(place, cleaning.method)
    if cleaning.method in _READING:
        yield Fault(place, f"{cleaning.method} takes nothing back", 'method="DELETE", or what the product has for it')
    if not cleaning.members:
        message = "names nothing of the journey, so it would take back the same thing each time, or everything"
        yield Fault(place, message, f'Cleaning("{cleaning.path}/{{id}}"): a member of the answer, or {{mark}}')


def _probe(probe: Probe, product: Product, calls: Calls) -> Iterator[Fault]:
    place = f"probes.{probe.name}"
    yield from _begins(place, probe.worker, probe.path, product)
    yield from _method(place, probe.method)
    if probe.status not in _ANSWERS:
        yield Fault(place, f"{probe.status} is no answer of a Worker that works; say a status from 200 to 499")
    if not (probe.method in _READING or probe.status in _REFUSALS or probe.writes_nothing.strip()):
        message = f"a {probe.method} that answers {probe.status} may write, and a probe is asked of people's own data"
        fix = "let it expect a refusal (status 400 to 499), say why it writes_nothing, or make it a Journey that cleans"
        yield Fault(place, message, fix)
    if probe.method in _READING and probe.body is not None:
        yield Fault(place, f"a {probe.method} has no body")
    if probe.method == "HEAD" and probe.holds:
        yield Fault(place, "the answer to a HEAD has no text, so it can hold none")
    workers = {worker.name: worker for worker in product.workers}
    behind = _behind(probe.worker, calls)
    for name in probe.reaches:
        if name not in behind:
            called = ", ".join(sorted(behind)) or "nobody"
            yield Fault(place, f"reaches {name!r}, which {probe.worker!r} does not call (it calls {called})")
    for name in probe.asked:
        if name in workers and not any(isinstance(each, VersionMetadata) for each in workers[name].bindings):
            message = f"Worker {name!r} is not told its version, so no answer could say which one it comes from"
            yield Fault(place, message, f'add VersionMetadata("VERSION") to the bindings of {name}')


def _method(place: str, method: str) -> Iterator[Fault]:
    if method not in _METHODS:
        yield Fault(place, f"{method!r} is none of {', '.join(_METHODS)}")


def _behind(worker: str, calls: Calls) -> set[str]:
    """Return the Workers that a request to ``worker`` may come to."""
    found, ahead = set[str](), {worker}
    while ahead:
        ahead = {target for name in ahead for target in calls.get(name, ())} - found
        found |= ahead
    return found
