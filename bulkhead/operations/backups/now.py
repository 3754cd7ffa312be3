"""A backup at once, by whoever is about to do something risky: by the very library that the job has (BAK-15)."""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from bulkhead.clients import d1
from bulkhead.clients.d1 import D1
from bulkhead.clients.rest import Rest
from bulkhead.model.faults import Fault, Refused
from bulkhead.model.naming import Kind
from bulkhead.model.vault import locks
from bulkhead.operations.backups.place import Place
from jobs import backup as backing_up
from jobs.cloudflare import Cloudflare, CloudflareFailed
from jobs.d1.manifest import Manifest
from jobs.d1.schema import SQLITE, DumpFailed
from jobs.folders import Tier
from jobs.streams import StreamFailed
from jobs.vault import Backup

_FAILURES: Final = (BotoCoreError, ClientError, CloudflareFailed, DumpFailed, StreamFailed)


@dataclass(frozen=True, slots=True)
class Taken:
    """A backup that was just taken."""

    backup: Backup
    manifest: Manifest


def databases(place: Place, api: Rest, chosen: Sequence[str]) -> dict[str, D1]:
    """Return the databases that are called so. Raises Refused with every one that does not exist."""
    account, label = place.settings.cloudflare.account_id, place.settings.label(place.product.name)
    names = {each: label.name(Kind.D1, each) for each in chosen}
    found = {each: d1.find(api, account, name) for each, name in names.items()}
    fix = f"bulkhead deploy {place.stage}"
    if lost := [names[each] for each, there in found.items() if there is None]:
        raise Refused("Nothing was backed up.", [Fault(each, f"is not in account {account}", fix) for each in lost])
    return {each: there for each, there in found.items() if there is not None}


def take(place: Place, database: D1, logical: str, token: str, now: Callable[[], datetime]) -> Taken:
    """Back a database up into the daily tier: every stage that has a vault keeps that one. Raises Refused, and then
    there is no backup."""
    api, began = Cloudflare(database.api.api.base, database.account, lambda: token), now()
    backup = Backup(began.astimezone(UTC).replace(microsecond=0), logical, place.settings.stage, Tier.DAILY)
    versions = {"python": platform.python_version(), "sqlite": ".".join(map(str, SQLITE))}
    try:
        manifest = backing_up.take(
            api.database(database.id),
            place.vault,
            {backup: backing_up.told_of(backup.tier, began, locks(place.settings.backup))},
            of=place.source(logical),
            now=now,
            versions=versions,
            check=lambda: None,
            again=lambda _: True,
        )
    except _FAILURES as failed:
        fix = f"mend that, then: bulkhead backup {place.stage} now"
        raise Refused(f"{database.name} was not backed up.", [Fault(logical, str(failed), fix)]) from failed
    finally:
        api.close()
    return Taken(backup, manifest)
