"""A backup out of the vault, read back before anybody relies on it; where it is bad, the next good one is named."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from botocore.exceptions import ClientError

from bulkhead.model.faults import Fault, Refused
from jobs.d1 import manifest as manifests
from jobs.d1.load import LoadFailed, into_file, verify
from jobs.d1.manifest import Manifest, Unreadable
from jobs.streams import Reading, StreamFailed
from jobs.vault import DATABASES, Backup, Tier, Vault

SUMMARY: Final = "Nothing was restored."
_TRIED: Final = 10  # backups that are read in search of a good one
_ABSENT: Final = frozenset({"404", "NoSuchKey"})


@dataclass(frozen=True, slots=True)
class Kept:
    """A backup whose manifest was read."""

    backup: Backup
    manifest: Manifest


class Bad(Exception):
    """A backup is not what it says; ``reasons`` say in what."""

    def __init__(self, *reasons: str) -> None:
        self.reasons = reasons
        super().__init__("; ".join(reasons))


@dataclass(frozen=True, slots=True)
class Backups:
    """The backups of one database of a stage. ``source`` is what their manifests call it."""

    vault: Vault
    stage: str
    database: str
    source: str

    def named(self, key: str) -> Kept:
        """Return the backup that a key names. Raises Refused for another stage's or database's, or a bad one."""
        backup = Backup.of(key)
        if backup is None:
            raise _refused(key, f"is no key of a backup, such as {self._example}", f"bulkhead backup {self.stage} list")
        faults = []
        if backup.stage != self.stage:
            faults.append(Fault(key, f"is a backup of {backup.stage}: no stage gets another one's data", self._list))
        if backup.database != self.database:
            message = f"is a backup of the database {backup.database}, and this restores {self.database}"
            fix = f"bulkhead restore {self.stage} {backup.database} --from {key}, or another key"
            faults.append(Fault(key, message, fix))
        if faults:
            raise Refused(SUMMARY, faults)
        try:
            return self._kept(backup)
        except Bad as bad:
            raise self._refused(backup, bad) from bad

    def fetch(self, key: str, file: Path) -> Kept:
        """Write the SQL of the backup that a key names into ``file``. Raises Refused as `named` does, or where it is
        not the one that its manifest is of."""

        def read(packed: Reading, manifest: Manifest) -> None:
            with file.open("wb") as sql:
                verify(packed, manifest, source=self.source, write=sql.write)

        return self._read(key, read)

    def load(self, key: str, file: Path) -> Kept:
        """Load the backup that a key names into a new file of SQLite. Raises Refused as `fetch` does."""
        return self._read(key, lambda packed, manifest: into_file(packed, manifest, file, source=self.source))

    def _read(self, key: str, read: Callable[[Reading, Manifest], object]) -> Kept:
        kept = self.named(key)
        try:
            self._through(kept, read)
        except Bad as bad:
            raise self._refused(kept.backup, bad) from bad
        return kept

    def _through(self, kept: Kept, read: Callable[[Reading, Manifest], object]) -> None:
        try:
            with self.vault.open(kept.backup.key) as packed:
                read(packed, kept.manifest)
        except LoadFailed as failed:
            raise Bad(*failed.reasons) from failed
        except StreamFailed as failed:
            raise Bad(str(failed)) from failed
        except ClientError as error:
            raise _absent(error, "its SQL is not there") from error

    def _refused(self, backup: Backup, bad: Bad) -> Refused:
        """Return what to raise for a bad backup: in what it is bad, and which one is good."""
        good = next((each for each in self._others(backup) if self._is_good(each)), None)
        fix = (
            f"--from {good.key}, which was read now and is good"
            if good
            else f"none of the others is good; {self._list}"
        )
        return Refused(SUMMARY, [Fault(backup.key, reason, fix) for reason in bad.reasons])

    @property
    def _list(self) -> str:
        return f"bulkhead backup {self.stage} list"

    @property
    def _example(self) -> str:
        place = f"{DATABASES}{Tier.DAILY}/{self.database}"
        return f"{place}/backup_{self.stage}_{self.database}_20261130T170000Z.sql.gz"

    def _kept(self, backup: Backup) -> Kept:
        try:
            return Kept(backup, manifests.parsed(self.vault.get(backup.manifest).decode()))
        except (Unreadable, UnicodeDecodeError) as error:
            raise Bad(str(error)) from error
        except StreamFailed as failed:
            raise Bad(str(failed)) from failed
        except ClientError as error:
            raise _absent(error, "it has no manifest, so it is no whole backup") from error

    def _others(self, bad: Backup) -> Iterator[Backup]:
        """Yield the others, those before the bad one first, each the nearest to it first."""
        there = [each for tier in Tier for each in self.vault.backups(tier, self.database) if each.at != bad.at]
        near = sorted(there, key=lambda each: (each.at > bad.at, abs(each.at - bad.at)))
        yield from near[:_TRIED]

    def _is_good(self, backup: Backup) -> bool:
        try:
            self._through(self._kept(backup), lambda packed, manifest: verify(packed, manifest, source=self.source))
        except (Bad, ClientError):
            return False
        return backup.stage == self.stage


def _absent(error: ClientError, why: str) -> Exception:
    return Bad(why) if error.response["Error"]["Code"] in _ABSENT else error


def _refused(key: str, message: str, fix: str) -> Refused:
    return Refused(SUMMARY, [Fault(key, message, fix)])
