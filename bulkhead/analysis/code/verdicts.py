"""Holds what the Workers' code does against what the product grants (pure): every disagreement, with its mending."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from typing import Final

from bulkhead.analysis.code.reader import Beyond, Error, Facts, Loss, SourceLocation, Use
from bulkhead.analysis.code.types import kind
from bulkhead.model.bindings import KV, R2, Binding, DurableObject
from bulkhead.model.faults import Fault
from bulkhead.model.product import Escape, Product, Worker

# What a loss means, where the word says more than "some code that nobody checks".
_LOOKS_AT_ALL: Final = {
    "throw": "is thrown, and whoever catches it sees anything",
    "computed key": "is read by a name that only the run time knows",
    "arguments": "can be read through `arguments`, which has no types",
}


def faults(product: Product, facts: Mapping[str, Facts]) -> list[Fault]:
    """Return everything in which code and product disagree, Worker by Worker."""
    return [fault for worker in product.workers for fault in _worker(worker, facts[worker.name], product)]


def _worker(worker: Worker, facts: Facts, product: Product) -> Iterator[Fault]:
    found = [
        *(_error(worker, error) for error in facts.errors),
        *(_missing(worker, name) for name in facts.missing),
        *_ungranted(worker, facts.uses, product),
        *_without_any(worker, facts.kinds),
        *(_beyond(worker, one) for one in facts.beyond),
        *_losses(worker, facts),
    ]
    yield from found
    if not found:  # each of them may hide a use
        yield from _unused(worker, facts)


def _key(worker: Worker, binding: str) -> str:
    return f"workers.{worker.name}.bindings.{binding}"


def _error(worker: Worker, error: Error) -> Fault:
    consequence = "what that does with the env cannot be seen"
    return Fault(f"workers.{worker.name}", f"{error.message}; {consequence}", "mend or install it", str(error.place))


def _missing(worker: Worker, name: str) -> Fault:
    what = "handlers" if name == "default" else "class"
    message = f"does not export {name!r}: requests to it would fail, or the upload be refused"
    return Fault(f"workers.{worker.name}", message, f"export the {what} there", worker.entry)


def _ungranted(worker: Worker, uses: Iterable[Use], product: Product) -> Iterator[Fault]:
    wanted: defaultdict[str, list[SourceLocation]] = defaultdict(list)
    for use in sorted(uses, key=lambda one: (one.binding, _order(one.place))):
        if not use.optional and use.binding not in worker.granted():
            wanted[use.binding].append(use.place)
    for binding, at in wanted.items():
        message = f"`{worker.name}` uses {binding}{_also(at)}, which the product does not grant it"
        consequence = "at run time it is undefined, and what needs it fails"
        line = _as_granted_elsewhere(binding, product) or f'<kind>("{binding}", ...)'
        fix = f'grant it in Worker(name="{worker.name}", bindings=(..., {line})), or do without it'
        yield Fault(_key(worker, binding), f"{message}: {consequence}", fix, str(at[0]))


def _without_any(worker: Worker, kinds: Iterable[str]) -> Iterator[Fault]:
    """Yield a fault for each kind of which a framework uses all there are, and nothing is granted."""
    for wanted in kinds:
        if all(kind(binding) != wanted for binding in worker.bindings):
            own = " or ".join(f'DurableObject("{name}", "{name}")' for name in worker.owns)
            message = f"`{worker.name}` gives its env to a framework that uses every {wanted}, and is granted none"
            fix = f'grant it in Worker(name="{worker.name}", bindings=(..., {own or "<one>"}))'
            yield Fault(f"workers.{worker.name}.bindings", f"{message}: it would find nothing", fix, worker.entry)


def _also(at: Sequence[SourceLocation]) -> str:
    """Return how many places there are besides the first, which stands beside the fault."""
    return f", here and in {len(at) - 1} more places" if len(at) > 1 else ""


def _as_granted_elsewhere(name: str, product: Product) -> str:
    """Return the line that grants another Worker what is called so, empty when nobody has it."""
    for owner in product.workers:
        for binding in owner.bindings:
            if binding.name == name:
                if isinstance(binding, DurableObject) and binding.worker is None:
                    return _line(replace(binding, worker=owner.name))
                return _line(binding)
    return ""


def _beyond(worker: Worker, found: Beyond) -> Fault:
    names = " or ".join(found.bindings)
    how = f"wants {', '.join(found.members)}" if found.members else "loses the type that says so"
    message = f"`{worker.name}` is granted {names} for reading, and here it {how}"
    fix = " or ".join(
        _line(replace(binding, access="read-write"))
        for binding in worker.bindings
        if binding.name in found.bindings and isinstance(binding, KV | R2)
    )
    consequence = "Cloudflare would let it write, so nothing but this check stops it"
    return Fault(
        _key(worker, found.bindings[0]),
        f"{message}; {consequence}",
        f"only read, or grant more: {fix}",
        str(found.place),
    )


def _line(binding: Binding) -> str:
    """Return a binding as it is written in a product."""
    given = [getattr(binding, field.name) for field in fields(binding) if getattr(binding, field.name) != field.default]
    written = [json.dumps(value) if isinstance(value, str) else repr(value) for value in given]
    return f"{type(binding).__name__}({', '.join(written)})"


def _losses(worker: Worker, facts: Facts) -> Iterator[Fault]:
    declared = {(escape.file, escape.into): escape for escape in worker.escapes}
    met: defaultdict[tuple[str, str], list[Loss]] = defaultdict(list)
    for loss in sorted(facts.losses, key=lambda one: _order(one.place)):
        met[loss.place.file, loss.into].append(loss)
    yield from (_loss(worker, at) for site, at in met.items() if site not in declared)
    for site, escape in declared.items():
        if site not in met and site not in facts.followed:
            message = f"declares that env goes into {escape.into!r} there, and it does not (any more)"
            yield Fault(f"workers.{worker.name}.escapes", message, f"remove {_escape(escape)}", escape.file)


def _loss(worker: Worker, losses: Sequence[Loss]) -> Fault:
    """Return one fault for all places of a file in which the env goes into the same."""
    loss = losses[0]
    also = _also([one.place for one in losses])
    how = _LOOKS_AT_ALL.get(loss.into, f"goes into `{loss.into}`, which does not say what it does with it")
    what = f"imports `{loss.into}`, which is not there" if loss.absent else f"its env {how}"
    message = f"`{worker.name}`: {what}{also}, so nobody can say which bindings are used"
    wanted = _escape(Escape(loss.place.file, loss.into, "<why that may be>"))
    mend = "install or build it" if loss.absent else "pass only what is needed"
    fix = f'{mend}; or declare it in Worker(name="{worker.name}", escapes=({wanted},))'
    return Fault(f"workers.{worker.name}", message, fix, str(loss.place))


def _escape(escape: Escape) -> str:
    return f'Escape("{escape.file}", "{escape.into}", "{escape.reason}")'


def _unused(worker: Worker, facts: Facts) -> Iterator[Fault]:
    used = {use.binding for use in facts.uses} | {name for escape in worker.escapes for name in escape.uses}
    for binding in worker.bindings:
        if binding.name not in used and kind(binding) not in facts.kinds:
            message = f"is granted to `{worker.name}`, and its code never uses it"
            consequence = "should the Worker be taken over, it would be lost for nothing"
            fix = f'remove {_line(binding)} from Worker(name="{worker.name}")'
            yield Fault(_key(worker, binding.name), f"{message}: {consequence}", fix, worker.entry)


def places(facts: Facts) -> dict[str, list[str]]:
    """Return where each name of the env is used, sorted."""
    found: defaultdict[str, set[SourceLocation]] = defaultdict(set)
    for use in facts.uses:
        found[use.binding].add(use.place)
    return {name: [str(place) for place in sorted(found[name], key=_order)] for name in sorted(found)}


def _order(place: SourceLocation) -> tuple[str, int, int]:
    return (place.file, place.line, place.column)
