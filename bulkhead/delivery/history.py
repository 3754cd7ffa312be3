"""What answered a Worker's visitors, when, and what did before: read from its deployments, newest first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from bulkhead.clients.workers import Deployment, Traffic, Version
from bulkhead.model.naming import Kind
from bulkhead.model.product import Product, Worker
from bulkhead.model.settings import StageSettings


@dataclass(frozen=True, slots=True)
class History:
    """One Worker: ``script`` is what it is called in its account. ``versions`` are those that can be deployed, by id,
    newest first; ``deployments`` those that Cloudflare remembers, newest first."""

    worker: Worker
    script: str
    deployments: tuple[Deployment, ...]
    versions: Mapping[str, Version]

    @property
    def live(self) -> Deployment | None:
        return next(iter(self.deployments), None)

    def stable(self, index: int = 0) -> str:
        """Return the version that a deployment would go back to: the only one; of two, the one that answered alone
        before requests were divided between them. The larger share does not tell: a rollout may stand at 90 %."""
        pair = {share.version for share in self.deployments[index].shares}
        if len(pair) > 1:
            for older in range(index + 1, len(self.deployments)):
                if {share.version for share in self.deployments[older].shares} != pair:
                    before = self.stable(older)
                    return before if before in pair else self.deployments[index].stable
        return self.deployments[index].stable

    def before(self) -> str | None:
        """Return the version to go back to from what is live: in a split the one that was there first, else the one
        that answered before. None where none did."""
        live = self.live
        if live is None:
            return None
        if len(live.shares) > 1:
            return self.stable()
        indexes = range(1, len(self.deployments))
        return next((each for each in map(self.stable, indexes) if each != live.stable), None)

    def replaced(self, version: Version) -> str | None:
        """Return the version that was stable when this one first took part, None where none was."""
        named = [index for index, each in enumerate(self.deployments) if version.id in {s.version for s in each.shares}]
        first = max(named, default=len(self.deployments))
        return self.stable(first + 1) if first + 1 < len(self.deployments) else None

    def left(self, version: Version) -> datetime | None:
        """Return until when a version answered anybody, None where it still does. Of one that no remembered deployment
        names only its upload is known."""
        until = None
        for each in self.deployments:
            if each.percent_of(version.id) > 0:
                return until
            until = each.created
        return version.created

    def at(self, moment: datetime) -> str | None:
        """Return the version that was stable at a moment, None where nothing was deployed yet."""
        indexes = (index for index, each in enumerate(self.deployments) if each.created <= moment)
        index = next(indexes, None)
        return None if index is None else self.stable(index)

    def first_stable(self, version: str) -> datetime | None:
        """Return when a version first answered everybody, or most; None where it never did."""
        found = [each.created for index, each in enumerate(self.deployments) if self.stable(index) == version]
        return min(found, default=None)

    def deployed(self) -> Iterable[Version]:
        """Yield the versions that a remembered deployment names."""
        named = {share.version for each in self.deployments for share in each.shares}
        return (version for id_, version in self.versions.items() if id_ in named)


def read(traffic: Traffic, product: Product, settings: StageSettings) -> list[History]:
    """Return the history of each Worker of a stage, callers before what they call. Raises ApiRefused."""
    label = settings.label(product.name)
    workers = product.deployment_order()[::-1]

    def ask(worker: Worker) -> History:
        script = label.name(Kind.WORKER, worker.name)
        deployments = tuple(traffic.deployments(script))
        return History(worker, script, deployments, {each.id: each for each in traffic.versions(script)})

    with ThreadPoolExecutor(max_workers=len(workers)) as pool:  # in an emergency each round trip counts
        return list(pool.map(ask, workers))
