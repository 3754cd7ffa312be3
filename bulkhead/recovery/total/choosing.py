"""Makes the plan of a recovery: reads the copies that are left, and takes the newest good one of each store."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from bulkhead.model.faults import Fault, Refused
from bulkhead.model.product import Product
from bulkhead.model.settings import StageSettings
from bulkhead.model.settings.keys import required_secrets
from bulkhead.model.settings.paths import secret_command
from bulkhead.model.settings.recovery import copies_apart_minutes, recovery_order
from bulkhead.operations.backups.books import uncovered
from bulkhead.operations.backups.place import Place
from bulkhead.recovery.objects import Mirror
from bulkhead.recovery.total.into import place_in_words
from bulkhead.recovery.total.plan import Copy, Mirrored, Plan, ordered_buckets, ordered_databases
from jobs import verify

_TRIED: Final = 10  # backups of a database that are read in search of a good one
MirrorOf = Callable[[str], Mirror]


def plan_of(books: Place, new: StageSettings, mirror: MirrorOf, lost_at: datetime, say: Callable[[str], None]) -> Plan:
    """Return what a recovery of the stage would do; writes nothing. ``mirror`` gives a bucket's. Raises Refused with
    every database that has no good backup."""
    product, old = books.product, books.settings
    copies, faults = list[Copy](), list[Fault]()
    for database in ordered_databases(new, product):
        say(f"Reading the backups of {database.name} ...")
        found = newest_good(books, database.name, lost_at)
        if isinstance(found, Copy):
            copies.append(found)
        else:
            fix = "name an earlier --lost-at, or the vault's copy in the other region: --from replica"
            faults += [Fault(f"database {database.name}", each, fix) for each in found]
    if faults:
        raise Refused(f"{old.environment} cannot be recovered.", faults)
    mirrors, unmirrored = _mirrors(new, product, mirror, lost_at)
    return Plan(
        stage=old.environment,
        old=place_in_words(old),
        new=place_in_words(new),
        vault=books.vault.bucket,
        lost_at=lost_at,
        order=recovery_order(new, product),
        copies=tuple(copies),
        mirrors=tuple(mirrors),
        gone=(*unmirrored, *uncovered(books)),
        by_hand=tuple(_by_hand(new, product)),
        apart=copies_apart_minutes(old),
        rpo_goal=old.dr.rpo_minutes,
        rto_goal=old.dr.rto_minutes,
    )


def newest_good(books: Place, database: str, lost_at: datetime) -> Copy | list[str]:
    """Return the newest backup from before the loss that was loaded and compared just now, or why there is none."""
    there = [each for each in books.backups(database) if each.at <= lost_at]
    if not there:
        return [f"has no backup in {books.vault.bucket} from before the loss"]
    bad = list[str]()
    with TemporaryDirectory(prefix="bulkhead-recover-") as folder:
        for backup in there[::-1][:_TRIED]:
            verdict = verify.read_back(books.vault, backup, of=books.source(database), folder=Path(folder))
            if verdict.is_good:
                return Copy(database, backup.key, backup.at, verdict.rows, verdict.seconds, tuple(bad))
            bad.append(f"{backup.key}: {'; '.join(verdict.reasons)}")
    return bad


def _mirrors(
    new: StageSettings, product: Product, mirror: MirrorOf, lost_at: datetime
) -> tuple[Sequence[Mirrored], Sequence[str]]:
    found, missing = list[Mirrored](), list[str]()
    for bucket in ordered_buckets(new, product):
        kept = mirror(bucket)
        at = kept.newest(lost_at)
        if at is None:
            missing.append(f"bucket {bucket}: no mirror of it from before the loss")
        else:
            found.append(Mirrored(bucket, at[0], sum(each.deleted is None for each in kept.sides.old(at[1]))))
    return found, missing


def _by_hand(new: StageSettings, product: Product) -> Iterator[str]:
    """Yield what has a copy that no command writes back, and what nobody copies on purpose."""
    stage, scope = new.environment, "docs/backup-scope.md"
    yield from (f"KV namespace {each}: its copy is below kv/ ({scope})" for each in new.backup.kv)
    exported = {each for worker in product.workers for each in worker.exports}
    yield from (f"Durable Object class {each}: its copy is below objects/ ({scope})" for each in sorted(exported))
    yield from (f"secret {each}: {secret_command(each, stage)}" for each in required_secrets(product))
    yield f"the name servers of {new.cloudflare.hostname}, at its registrar: those of the new zone"
