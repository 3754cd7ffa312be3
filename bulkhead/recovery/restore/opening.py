"""Opens everything that a restore of a stage's database needs, with the credentials of whoever runs it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bulkhead.clients import clouds, d1
from bulkhead.clients.d1 import D1
from bulkhead.clients.endpoints import Apis
from bulkhead.clients.rest import Rest
from bulkhead.clients.visits import Visitor
from bulkhead.delivery.journal import RESTORE, Journal, journal_of
from bulkhead.delivery.migrations.stage import folders
from bulkhead.model.naming import Kind
from bulkhead.model.product import Database, Product
from bulkhead.model.settings import StageSettings
from bulkhead.model.settings.product_reference import product_of
from bulkhead.operations.backups.place import Place, place_of
from bulkhead.operations.maintenance.switch import Maintenance
from bulkhead.recovery.restore.backups import Backups
from bulkhead.recovery.restore.desk import Desk
from bulkhead.recovery.restore.moments import refused


@contextmanager
def at_desk(
    root: Path,
    settings: StageSettings,
    apis: Apis,
    token: str,
    profile: str | None,
    store: str,
    say: Callable[[str], None],
    *,
    waits: bool = True,
    id_of: Callable[[str], str] | None = None,
) -> Iterator[Desk]:
    """Open everything that a restore of a stage's ``store`` needs; ``waits`` says whether its users do meanwhile.
    ``id_of`` tells the id of a database by its name, where that may be gone."""
    product = product_of(settings)
    database = next((each for each in product.databases if each.name == store), None)
    if database is None:
        known = ", ".join(each.name for each in product.databases) or "none"
        raise refused(store, f"is no database of {product.name}; those are: {known}", "name one of them")
    journal = journal_of(settings, product.name, profile, say).of(RESTORE)
    kept = settings.backup.full != "none"
    place = place_of(settings, product, clouds.aws(settings, profile)) if kept else None
    with (
        Rest(apis.cloudflare, token) as api,
        Visitor(apis.sites) as visitor,
        TemporaryDirectory(prefix="bulkhead-restore-") as folder,
    ):
        yield made(
            root,
            settings,
            product,
            database,
            journal,
            api,
            visitor,
            place,
            Path(folder),
            say,
            waits=waits,
            id_of=id_of,
        )


def made(
    root: Path,
    settings: StageSettings,
    product: Product,
    store: Database,
    journal: Journal,
    api: Rest,
    visitor: Visitor,
    place: Place | None,
    folder: Path,
    say: Callable[[str], None],
    *,
    waits: bool = True,
    id_of: Callable[[str], str] | None = None,
) -> Desk:
    """Return what a restore of ``store`` is decided with; ``place`` is where the stage's backups lie, None where it
    keeps none."""
    files = folders(root, product, settings, store.name)[0].migrations if store.migrations else ()
    switch = Maintenance(api, settings, product, journal.documents.objects, journal.require, visitor=visitor, say=say)
    return Desk(
        settings,
        product,
        store,
        tuple(files),
        _found(api, settings, product, store.name, id_of),
        journal,
        Backups(place, store.name) if place else None,
        switch if waits else None,
        folder,
        say,
        lambda: switch.is_on() and not switch.status().as_recorded,
    )


def _found(api: Rest, settings: StageSettings, product: Product, store: str, id_of: Callable[[str], str] | None) -> D1:
    name, account = settings.label(product.name).name(Kind.D1, store), settings.cloudflare.account_id
    if id_of is not None:
        return D1(api, account, id_of(name), name)
    database = d1.find(api, account, name)
    if database is None:
        message = f"is not in account {account}: it was deleted, or never made"
        anew = f"bulkhead restore anew {settings.environment} {store} --from KEY makes it again from a backup"
        raise refused(name, message, anew)
    return database
