"""A backup out of the vault, read through before anybody relies on it; where it is bad, the next good one is named."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from botocore.exceptions import ClientError

from bulkhead.model.faults import Fault, Refused
from bulkhead.operations.backups.place import Place, dump_of
from jobs.d1.load import LoadFailed, verify
from jobs.d1.manifest import Manifest
from jobs.streams import StreamFailed
from jobs.vault import Backup, Vault
from jobs.verify import manifest_of

_SUMMARY: Final = "Nothing was restored."
_TRIED: Final = 10  # backups that are read in search of a good one


@dataclass(frozen=True, slots=True)
class Kept:
    """A backup that was read, with its manifest; ``key`` is where it was found, which may be a copy that is held."""

    backup: Backup
    manifest: Manifest
    key: str


@dataclass(frozen=True, slots=True)
class Backups:
    """The backups of one database of a stage."""

    place: Place
    database: str

    def named(self, key: str) -> tuple[Vault, Backup]:
        """Return the backup that a key names, and where it lies. Raises Refused for another stage's or database's."""
        vault, backup = self.place.named(key)
        if backup.database != self.database:
            message = f"is a backup of the database {backup.database}, and this restores {self.database}"
            fix = f"bulkhead restore {self.place.stage} {backup.database} --from {key}, or another key"
            raise Refused(_SUMMARY, [Fault(key, message, fix)])
        return vault, backup

    def fetch(self, key: str, file: Path) -> Kept:
        """Write the SQL of the backup that a key names into ``file``. Raises Refused as `named` does, or where it is
        not the one that its manifest is of."""
        vault, backup = self.named(key)
        try:
            with file.open("wb") as sql:
                return Kept(backup, self._read(vault, backup, sql.write), dump_of(key))
        except (LoadFailed, StreamFailed) as failed:
            reasons = failed.reasons if isinstance(failed, LoadFailed) else (str(failed),)
            good, again = self._good(backup), f"bulkhead backup {self.place.stage} list"
            fix = (
                f"--from {good.key}, which was read now and is good" if good else f"none of the others is good; {again}"
            )
            raise Refused(_SUMMARY, [Fault(key, reason, fix) for reason in reasons]) from failed

    def _read(self, vault: Vault, backup: Backup, write: Callable[[bytes], object] = len) -> Manifest:
        manifest = manifest_of(vault, backup)
        with vault.open(backup.key) as packed:
            verify(packed, manifest, source=self.place.source(self.database), write=write)
        return manifest

    def _good(self, bad: Backup) -> Backup | None:
        return next((each for each in self._others(bad) if self._is_good(each)), None)

    def _others(self, bad: Backup) -> Iterator[Backup]:
        """Yield the others, those before the bad one first, each the nearest to it first."""
        there = [each for each in self.place.backups(self.database) if each.at != bad.at]
        near = sorted(there, key=lambda each: (each.at > bad.at, abs(each.at - bad.at)))
        yield from near[:_TRIED]

    def _is_good(self, backup: Backup) -> bool:
        try:
            self._read(self.place.vault, backup)
        except (LoadFailed, StreamFailed, ClientError):
            return False
        return True
