"""Makes the plan of a deployment from what is known, and says what stops it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from bulkhead.clients.workers import DEPLOYABLE
from bulkhead.delivery.build import Source
from bulkhead.delivery.commits import Way, short
from bulkhead.delivery.door import PASS
from bulkhead.delivery.live import LiveWorker
from bulkhead.delivery.migrations.plan import Plan as Migrations
from bulkhead.delivery.migrations.schema import Kind
from bulkhead.delivery.migrations.stage import Folder, unagreed
from bulkhead.delivery.plan import Move, Pending, Plan
from bulkhead.delivery.probes import reaching
from bulkhead.delivery.strategy import Road
from bulkhead.model.faults import Fault
from bulkhead.model.naming import Stage
from bulkhead.model.product import Product
from bulkhead.model.product_rules import visited
from bulkhead.model.settings import StageSettings
from bulkhead.operations.maintenance.record import Record, State
from bulkhead.preview.losses.switches import SWITCHED
from bulkhead.preview.verdict import Verdict
from bulkhead.preview.waivers import Waivers
from bulkhead.resources import types as t
from jobs.local_time import shown


@dataclass(frozen=True, slots=True)
class Known:
    """Everything that was asked before a plan is made. ``changed`` are files that are in no commit; ``way`` is None
    where no deployment says of which commit it is; ``maintenance`` is the last one, if there was any, and ``has_pass``
    says that probes get through it."""

    settings: StageSettings
    source: Source
    changed: tuple[str, ...]
    way: Way | None
    live_workers: Sequence[LiveWorker]
    moves: tuple[Move, ...]
    verdict: Verdict
    migrations: Sequence[tuple[Folder, Migrations]]
    waivers: Waivers
    product: Product
    maintenance: Record | None = None
    has_pass: bool = False

    @property
    def asked(self) -> bool:
        """Whether a probe reaches a Worker that moves."""
        return bool(reaching(self.product, _moving(self.moves)))


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person has said to know. ``instead_of`` is the live commit that may be left; ``again`` deploys what was
    taken back before; ``now`` sends everybody to it at once."""

    instead_of: str = ""
    again: bool = False
    now: bool = False


def planned(known: Known, road: Road) -> Plan:
    """Return the plan of going that road."""
    pending = [
        Pending(folder.file(each.migration), each.migration.checksum, tuple(map(str, each.kinds)))
        for folder, plan in known.migrations
        for each in plan.pending
    ]
    return Plan(
        stage=known.settings.environment,
        commit=known.source.commit,
        tree=known.source.tree,
        live=known.way.live if known.way else "",
        strategy=road.strategy,
        steps=tuple(step.name for step in road.steps),
        moves=known.moves,
        changes=tuple(f"{change.action} {change}" for change in known.verdict.changes),
        migrations=tuple(pending),
        classes=(classes := classes_of(known)),
        cannot=tuple(_cannot(known, pending, classes)),
        goes=tuple(change.urn for change in known.verdict.changes if change.action == "delete"),
        commits=known.way.since if known.way else (),
        sees=tuple(said for step in road.steps for said in step.sees),
        notes=(*([road.why] if road.why else []), *_notes(known)),
        switched=switched_of(known),
    )


def classes_of(known: Known) -> tuple[str, ...]:
    """Return the Workers whose version is followed by one that deploys itself, because its classes are others."""
    changing = {
        each.old.id
        for each in known.verdict.changes
        if each.type == t.WORKER_VERSION
        and each.old is not None
        and each.new is not None
        and each.new["deploy"] is True
    }
    return tuple(one.worker for one in known.live_workers if one.uploaded in changing)


def switched_of(known: Known) -> tuple[str, ...]:
    """Return the Workers whose version is followed by one that is bound to another store."""
    switching = {
        judged.loss.change.old.id
        for judged in known.verdict.losses
        if judged.loss.kind == SWITCHED and judged.loss.change.old is not None
    }
    return tuple(one.worker for one in known.live_workers if one.uploaded in switching)


def _cannot(known: Known, pending: Sequence[Pending], classes: Sequence[str]) -> Iterator[str]:
    for each in pending:
        what = "takes away what code before it uses" if Kind.CONTRACT in each.kinds else "stays when the code goes back"
        yield f"migration {each.file} {what}"
    if switched := switched_of(known):
        yield f"{', '.join(switched)} go on with another store: what was written into the one before is not in it"
    if classes:
        yield f"classes of {', '.join(classes)} change: everybody gets the release at once, and none before comes back"
    for change in known.verdict.changes:
        if change.action in {"delete", "replace"} and change.holds_data:
            yield f"{change.action} of {change}: {change.holds_data}"


def _notes(known: Known) -> Iterator[str]:
    if known.way is None:
        yield "what is live does not say of which commit it is, so nobody can say what is new"
    elif not known.way.known:
        yield f"this checkout does not have {known.way.live}, which is live: git fetch --unshallow"
    for one in known.live_workers:
        if one.live is not None and len([share for share in one.live.shares if share.percent > 0]) > 1:
            divided = ", ".join(f"{share.version} {share.percent:g} %" for share in one.live.shares)
            yield f"{one.script} is divided now: {divided}"


def stops(known: Known, wish: Wish) -> Iterator[Fault]:
    """Yield everything that stops the deployment; nothing has been changed yet."""
    strict, stack = known.settings.stage is not Stage.DEVELOPMENT, known.settings.environment
    if known.maintenance is not None:
        yield from _under(known, known.maintenance)
    if strict and known.changed:
        files = ", ".join(known.changed[:5])
        message = f"has changes that are in no commit ({files}): nobody could say later what was deployed"
        yield Fault("the checkout", message, "commit them, or git stash")
    if strict and known.way is not None:
        yield from _way_back(known.way, known.source, wish)
    if strict and not wish.again:
        yield from _taken_back(known)
    yield from _undeployable(known, divided=_divides(known, wish))
    if not known.verdict.passes:
        yield Fault("the preview", known.verdict.sentence, f"bulkhead preview {stack} says each reason")
    if _divides(known, wish):
        yield from _unasked(known)
        yield from _switched(known)
    for folder, plan in known.migrations:
        yield from unagreed(known.settings.stage, folder, plan, known.waivers)


def _under(known: Known, maintenance: Record) -> Iterator[Fault]:
    """Yield why a maintenance stops it. A switch to another store passes with a pass: until the Workers have that,
    whoever they let in writes into the store that is given up."""
    stack, switches = known.settings.environment, bool(switched_of(known))
    if maintenance.state is State.OFF or (maintenance.state is State.ON and switches and known.has_pass):
        return
    since = shown(maintenance.since, known.settings.timezone)
    message = f"is under maintenance since {since}: probes would meet its page, and an `up` could start crons again"
    fix = f"bulkhead maintenance off {stack}; bulkhead rollback {stack} works meanwhile, too"
    if switches:
        fix = f"export {PASS} with what bulkhead maintenance on {stack} --until 1h shows: users wait until it is done"
    yield Fault(stack, message, fix)


def _unasked(known: Known) -> Iterator[Fault]:
    """Yield the Workers that visitors reach and no probe does, where that is so of all that move: a rollout would wait
    for answers that nobody asks for. What queues and crons call, no probe can reach."""
    if known.asked:
        return
    for worker in sorted(_moving(known.moves) & visited(known.product)):
        message = "moves, and no probe reaches it: nothing could show that it is bad before everybody has it"
        fix = f"add a Probe of it to the product, or name {worker} in `reaches` of one that goes through it"
        yield Fault(worker, message, fix)


def _switched(known: Known) -> Iterator[Fault]:
    for worker in switched_of(known):
        message = "goes on with another store: of two versions, some would write into the one and some into the other"
        fix = f"let everybody get it at once: bulkhead deploy {known.settings.environment} --now"
        yield Fault(worker, message, fix)


def _moving(moves: Iterable[Move]) -> set[str]:
    return {move.worker for move in moves if move.stable}


def _way_back(way: Way, source: Source, wish: Wish) -> Iterator[Fault]:
    agreed = bool(wish.instead_of) and (way.live.startswith(wish.instead_of) or wish.instead_of.startswith(way.live))
    if agreed:
        return
    fix = f"deploy a commit that has it; where it is to go: --instead-of {way.live} (or bulkhead rollback)"
    if not way.known:
        message = f"{way.live} is live and this checkout does not have it: {short(source.commit)} may be older"
        yield Fault("the commit", message, f"git fetch --unshallow; {fix}")
    elif way.gone:
        message = (
            f"{len(way.gone)} live commits are not in {short(source.commit)} and would go: {'; '.join(way.gone[:5])}"
        )
        yield Fault("the commit", message, fix)


def _divides(known: Known, wish: Wish) -> bool:
    """Whether requests are divided between two versions on the way."""
    return known.settings.rollout.strategy != "all-at-once" and not classes_of(known) and not wish.now


def _undeployable(known: Known, *, divided: bool) -> Iterator[Fault]:
    """A share goes only to what is among the last uploads, of which each Worker that moves gets one more."""
    standing = {one.worker: one.history.versions for one in known.live_workers}
    at_once = "let this one release go at once: bulkhead deploy STAGE --now"
    anew = "upload it anew: an `up` does where anything of the Worker's code or settings changes"
    for move in known.moves:
        kept = list(standing[move.worker])[: DEPLOYABLE if move.uploaded else DEPLOYABLE - 1]
        for version, which, fix in (
            (move.stable if divided else "", "serves now", at_once),
            (move.uploaded, "is to serve", anew),
        ):
            if version and version not in kept:
                message = f"{version}, which {which}, is not among the last {DEPLOYABLE} uploads: no share can go to it"
                yield Fault(move.script, message, fix)


def _taken_back(known: Known) -> Iterator[Fault]:
    ready = {move.worker for move in known.moves if move.uploaded}
    for one in known.live_workers:
        back = one.taken_back() if one.worker in ready else None
        if back is not None:
            message = (
                f"{one.uploaded} of this very code was live and was taken back on {back.created:%Y-%m-%d %H:%M} UTC "
                f"by {back.author}: {back.message or 'no reason was given'}"
            )
            yield Fault(one.script, message, "mend the code; where it was not at fault: --again")
