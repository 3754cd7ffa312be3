"""The list of a stage's backups, and how much of it would be lost now."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from botocore.exceptions import ClientError

from bulkhead.model.exports import unexported
from bulkhead.operations.backups.place import Place
from jobs.d1.load import LoadFailed
from jobs.d1.manifest import Manifest
from jobs.streams import StreamFailed
from jobs.vault import Backup, minutes
from jobs.verified import Verdict
from jobs.verify import manifest_of

_AT_ONCE: Final = 8  # questions to S3


@dataclass(frozen=True, slots=True)
class Entry:
    """A backup in the list. ``fault`` is why its manifest cannot be used; then nothing is known of it."""

    backup: Backup
    manifest: Manifest | None
    fault: str
    verdict: Verdict | None

    @property
    def is_usable(self) -> bool:
        """Whether nothing speaks against it; that it was read back is another question."""
        return self.manifest is not None and (self.verdict is None or self.verdict.is_good)

    @property
    def rows(self) -> int | None:
        return self.manifest.rows if self.manifest else None

    @property
    def bytes(self) -> int | None:
        return self.manifest.gzip.bytes if self.manifest and self.manifest.gzip else None


@dataclass(frozen=True, slots=True)
class Exposure:
    """What would be lost of one database were Cloudflare's copy gone now: all that was written since ``since``, None
    where there is no usable backup. ``goal`` is the most minutes that the stage promises, None where it does not."""

    database: str
    since: datetime | None
    minutes: float | None
    goal: int | None

    @property
    def is_met(self) -> bool | None:
        if self.goal is None:
            return None
        return self.minutes is not None and self.minutes <= self.goal


def entries(place: Place, database: str, most: int) -> list[Entry]:
    """Return the newest ``most`` backups of a database, the newest first."""
    found = place.backups(database)[-most:][::-1]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(partial(_entry, place), found))


def exposure(place: Place, database: str, known: Sequence[Entry], now: datetime) -> Exposure:
    """Return what would be lost now, as far as the ``known`` backups tell."""
    newest = next((each.backup.at for each in known if each.is_usable), None)
    age = None if newest is None else minutes(newest, now)
    return Exposure(database, newest, age, place.settings.dr.rpo_minutes)


def uncovered(place: Place) -> list[str]:
    """Return which stores of the product no copy in the vault has, a line each (BAK-14)."""
    product, chosen = place.product, place.settings.backup.kv
    left = [each.name for each in product.namespaces if each.name not in chosen]
    return [
        *(f"KV namespace {name}: backup.kv does not name it" for name in left),
        *(f"Durable Object class {each}: no Worker exports it (docs/backup-scope.md)" for each in unexported(product)),
    ]


def unsurvived(place: Place) -> list[str]:
    """Return which losses no copy of the stage outlives, a line each (BAK-9, DRP-5)."""
    settings = place.settings
    region = f"region {settings.region.primary}: no other region has a copy of the vault (backup.replicaRegion)"
    copy = "the vault" if settings.backup.replica_region is None else "the vault, its copy"
    account = f"AWS account {settings.aws.account_id}: {copy}, their keys and the stack's state are all in it"
    return [account, *([region] if settings.backup.replica_region is None else [])]


def _entry(place: Place, backup: Backup) -> Entry:
    verdict = place.verdict(backup)
    try:
        return Entry(backup, manifest_of(place.vault, backup), "", verdict)
    except (LoadFailed, StreamFailed) as failed:
        return Entry(backup, None, str(failed), verdict)
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchKey":
            raise
        return Entry(backup, None, "its manifest went while the list was made", verdict)
