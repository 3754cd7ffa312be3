"""The migrations of a stage: which databases have some, which files, and whether what they take away is agreed to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bulkhead.clients import d1
from bulkhead.clients.d1 import D1
from bulkhead.clients.rest import Rest
from bulkhead.delivery.migrations import files
from bulkhead.delivery.migrations.files import Migration
from bulkhead.delivery.migrations.plan import Plan
from bulkhead.model.faults import Fault, Refused
from bulkhead.model.naming import Kind, Stage
from bulkhead.model.product import Database, Product
from bulkhead.model.settings import StageSettings
from bulkhead.preview.waivers import CONTRACT, PATH, Waivers


@dataclass(frozen=True, slots=True)
class Folder:
    """The migrations of one database. ``path`` is their folder, from the checkout's root; ``physical`` is what the
    database is called in its account."""

    database: str
    physical: str
    path: str
    migrations: Sequence[Migration]

    def file(self, migration: Migration) -> str:
        return f"{self.path}/{migration.name}"


def folders(root: Path, product: Product, settings: StageSettings, name: str | None = None) -> list[Folder]:
    """Return the migrations of the stage's databases, or of the one called ``name``. Raises Refused with every fault of
    all files at once."""
    found, faults = list[Folder](), list[Fault]()
    for database in _chosen(product, name):
        if database.migrations is None:
            continue
        physical = settings.label(product.name).name(Kind.D1, database.name)
        try:
            migrations = files.read(root / database.migrations)
        except Refused as refused:
            faults += refused.faults
        else:
            found.append(Folder(database.name, physical, database.migrations, migrations))
    if faults:
        raise Refused("Migrations cannot be applied as they are.", faults)
    return found


def _chosen(product: Product, name: str | None) -> Sequence[Database]:
    if name is None:
        return product.databases
    chosen = [each for each in product.databases if each.name == name and each.migrations]
    if not chosen:
        known = ", ".join(each.name for each in product.databases if each.migrations) or "none"
        message = f"is no database of {product.name} that has migrations; those are: {known}"
        raise Refused("There is no such database.", [Fault(f"--database {name}", message, "name one of them")])
    return chosen


def found(api: Rest, settings: StageSettings, folder: Folder) -> D1:
    """Return a folder's database, by its name. Raises Refused when the account has none of that name."""
    database = d1.find(api, settings.cloudflare.account_id, folder.physical)
    if database is None:
        message = f"is not in account {settings.cloudflare.account_id}"
        fix = f"pulumi up -s {settings.environment} --policy-pack policies"
        raise Refused("There is no database to migrate.", [Fault(folder.physical, message, fix)])
    return database


def unagreed(stage: Stage, folder: Folder, plan: Plan, waivers: Waivers) -> Iterator[Fault]:
    """Yield what stops a run: faults, and outside development each contract that nobody has agreed to."""
    yield from plan.faults
    if stage is Stage.DEVELOPMENT:
        return
    for planned in plan.pending:
        file = folder.file(planned.migration)
        if not (planned.unjudged or planned.taken) or waivers.of_migration(file) is not None:
            continue
        waiver = f"a waiver on the default branch, in {PATH}: resource {file}, loss {CONTRACT}, stage {stage}"
        if planned.unjudged:
            message = f"cannot be judged: {planned.unjudged}"
            fix = plan.baseline or f"mend it; where it is right and D1 takes it all the same, {waiver}"
        else:
            message = f"takes away what running code may still use: {planned.taken}"
            fix = f"deploy the code that does without it first; then {waiver}"
        yield Fault("", message, fix, file)
