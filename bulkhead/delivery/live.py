"""How the Workers of a stage stand: what serves now, what is uploaded, and what would change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from bulkhead.clients.workers import Deployment, Share, Traffic
from bulkhead.delivery import history
from bulkhead.delivery.commits import commit_of, short
from bulkhead.delivery.history import History
from bulkhead.delivery.journal import Outcome, Run
from bulkhead.delivery.plan import Move
from bulkhead.delivery.words import fact
from bulkhead.model.bundles import Bundle
from bulkhead.model.product import Product
from bulkhead.model.settings import StageSettings
from bulkhead.preview.change import ResourceChange
from bulkhead.resources import types as t

_EVERYBODY: Final = 100


@dataclass(frozen=True, slots=True)
class LiveWorker:
    """One Worker: what answered when, and the version that the last `up` uploaded, "" where none did."""

    history: History
    uploaded: str

    @property
    def worker(self) -> str:
        return self.history.worker.name

    @property
    def script(self) -> str:
        return self.history.script

    @property
    def live(self) -> Deployment | None:
        return self.history.live

    @property
    def stable(self) -> str:
        """The version that requests would return to, "" where none serves."""
        return self.history.stable() if self.live else ""

    @property
    def released(self) -> Deployment | None:
        """The deployment with which the stable version came, whoever has moved traffic since."""
        named = [
            each for each in self.history.deployments if any(share.version == self.stable for share in each.shares)
        ]
        return named[-1] if named else None

    def at(self, moment: datetime) -> str:
        """Return the version that requests would have returned to at a moment, "" where none served."""
        return self.history.at(moment) or ""

    def taken_back(self) -> Deployment | None:
        """Return the deployment by which the uploaded version lost its traffic, None where it never had any."""
        had = [deployment.percent_of(self.uploaded) > 0 for deployment in self.history.deployments]
        return self.history.deployments[had.index(True) - 1] if any(had) and not had[0] else None


def live_workers(
    product: Product, settings: StageSettings, traffic: Traffic, resources: Iterable[Mapping[str, Any]]
) -> list[LiveWorker]:
    """Return how each Worker stands, in the order in which traffic moves: what is called before what calls it.
    ``resources`` are those of the stage's state."""
    there = uploaded(resources)
    return [LiveWorker(each, there.get(each.script, "")) for each in reversed(history.read(traffic, product, settings))]


@dataclass(frozen=True, slots=True)
class Done:
    """What the last deployment that ended well has left: its commit, when that was, and the versions it brought."""

    commit: str
    at: datetime
    versions: Mapping[str, str]


def last_done(runs: Iterable[Run]) -> Done | None:
    """Return what the newest of ``runs`` that ended well has left, None where none did. They come newest first."""
    run = next((each for each in runs if each.ended is Outcome.DONE), None)
    if run is None:
        return None
    entries = run.entries()
    versions = [each.facts["versions"] for each in entries if "versions" in each.facts]
    return Done(fact(entries[0], "commit"), entries[-1].at, versions[-1] if versions else {})


def commit_of_live(live_workers: Sequence[LiveWorker], done: Done | None = None) -> str:
    """Return the commit that is live, "" where nobody says one: that of the last deployment, where every Worker still
    is as that left it; else that of the Worker which changed last, by the messages of its deployments."""
    if (
        done
        and done.commit
        and all(one.stable == done.versions.get(one.worker, one.at(done.at)) for one in live_workers)
    ):
        return short(done.commit)
    released = [each for each in (one.released for one in live_workers) if each is not None and commit_of(each.message)]
    return commit_of(max(released, key=lambda each: each.created).message) if released else ""


def uploaded(resources: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return the version of each Worker that a state holds, by the Worker's name at Cloudflare."""
    known = [each for each in resources if not each.get("delete") and each.get("id")]
    names = {each["id"]: each["outputs"]["name"] for each in known if each["type"] == t.WORKER}
    versions = [each for each in known if each["type"] == t.WORKER_VERSION]
    return {
        names[each["inputs"]["workerId"]]: each["id"] for each in versions if each["inputs"].get("workerId") in names
    }


def serve_uploaded(
    traffic: Traffic, resources: Iterable[Mapping[str, Any]], message: str, order: Sequence[str] = ()
) -> None:
    """Send everybody to the versions that the last `up` uploaded; ``resources`` are those of the stage's state. Where a
    stage divides its requests, an `up` alone leaves everybody with the version before. The Workers in ``order``, by
    their names at Cloudflare, come first."""
    found = uploaded(resources)
    for script in sorted(found, key=lambda each: order.index(each) if each in order else len(order)):
        everybody = (Share(found[script], _EVERYBODY),)
        live = traffic.live(script)
        if live is None or live.shares != everybody:
            traffic.deploy(script, everybody, message)


def moves(
    live_workers: Iterable[LiveWorker], changes: Iterable[ResourceChange], bundles: Mapping[str, Bundle]
) -> tuple[Move, ...]:
    """Return the Workers whose version changes: by the `up` whose ``changes`` these are, or because what is uploaded
    does not serve."""
    replaced = {each.old.id for each in changes if each.type == t.WORKER_VERSION and each.old is not None}
    return tuple(
        Move(one.worker, one.script, bundles[one.worker].sha256, one.stable, "" if anew else one.uploaded)
        for one in live_workers
        if (anew := not one.uploaded or one.uploaded in replaced) or one.uploaded != one.stable
    )
