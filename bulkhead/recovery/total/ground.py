"""The new place as the clouds are: what every recovery does there, whoever drives the engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from bulkhead.clients import d1
from bulkhead.clients.d1 import D1
from bulkhead.clients.rest import Rest
from bulkhead.clients.workers import Traffic
from bulkhead.delivery.live import serve_uploaded
from bulkhead.delivery.migrations.run import catch_up
from bulkhead.delivery.run import Stack, Visits
from bulkhead.model.failures import Failed
from bulkhead.model.faults import Fault, Refused
from bulkhead.model.naming import Kind
from bulkhead.model.product import Product
from bulkhead.model.settings import StageSettings
from bulkhead.model.settings.recovery import recovery_order
from bulkhead.operations import bootstrap
from bulkhead.operations.bootstrap.clients import Clients
from bulkhead.recovery.objects import Mirror

_FAILED: Final = 5  # objects that a message names
_MESSAGE: Final = "recovered after a total loss"


@dataclass(frozen=True)
class Ground:
    """``settings`` are those of the new place, ``lost_at`` is when the old one was lost. ``open_api`` opens the API of
    Cloudflare with the token that the identities have made, so it works only after them. ``mirror`` gives the copy of a
    bucket that is left, and the bucket it goes into."""

    root: Path
    settings: StageSettings
    product: Product
    lost_at: datetime
    clients: Clients
    bring_identities: Callable[[], str]
    stack: Stack
    open_api: Callable[[], AbstractContextManager[Rest]]
    mirror: Callable[[str, Rest], Mirror]
    visits: Callable[[Rest], AbstractContextManager[Visits]]

    def bootstrap(self) -> str:
        return bootstrapped(self.product, self.settings, self.clients)

    def identities(self) -> str:
        return self.bring_identities()

    def up(self, *, reachable: bool) -> str:
        self.stack.settle()  # after a kill; where none was, there is nothing to settle
        self.stack.up(triggers=reachable)
        return f"{len(self.stack.resources())} resources"

    @contextmanager
    def database(self, name: str) -> Iterator[D1]:
        physical, account = (
            self.settings.label(self.product.name).name(Kind.D1, name),
            self.settings.cloudflare.account_id,
        )
        with self.open_api() as api:
            found = d1.find(api, account, physical)
            if found is None:
                message = f"is not in account {account}, although the stage is up: somebody has deleted it"
                fix = f"bulkhead adopt {self.settings.environment}"
                raise Refused("Nothing was loaded.", [Fault(physical, message, fix)])
            yield found

    def migrate(self, database: D1, name: str) -> str:
        folder = next(each.migrations for each in self.product.databases if each.name == name)
        applied = catch_up(database, self.root / folder) if folder else []
        return f"migrations since: {', '.join(applied)}" if applied else "its migrations are those of this checkout"

    def objects(self, bucket: str) -> str:
        with self.open_api() as api:
            mirror = self.mirror(bucket, api)
            done = mirror.restore(mirror.plan(self.lost_at))
        if done.failed:
            told = [f"{key}: {why}" for key, why in list(done.failed.items())[:_FAILED]]
            raise Failed(f"{len(done.failed)} objects of {bucket} were not brought back.", told)
        return f"{done.written} objects written"

    def serve(self) -> str:
        label = self.settings.label(self.product.name)
        order = [label.name(Kind.WORKER, each) for each in recovery_order(self.settings, self.product)]
        with self.open_api() as api:
            traffic = Traffic(api, self.settings.cloudflare.account_id)
            serve_uploaded(traffic, self.stack.resources(), _MESSAGE, order)
        return f"{len(order)} Workers at 100 %"

    def ill(self) -> Sequence[str]:
        with self.open_api() as api, self.visits(api) as visits:
            return visits.smoke({}, forced=False)


def bootstrapped(product: Product, settings: StageSettings, clients: Clients) -> str:
    """Make what must exist before the stacks of a stage can; return how much of it was made."""
    aim = bootstrap.target(product.name, settings)
    made = bootstrap.plan(aim, clients)
    bootstrap.apply(made, lambda _step: None)
    bootstrap.require_done(bootstrap.plan(aim, clients))
    return f"{len(made.pending)} of {len(made.steps)} made"
