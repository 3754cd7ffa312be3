"""A backup as a file of SQLite on this machine: loaded, compared, and closed to everybody else."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from botocore.exceptions import ClientError

from bulkhead.machine.git import git
from bulkhead.model.faults import Fault, Refused
from bulkhead.operations.backups.place import Place
from jobs import verify
from jobs.d1.load import Loaded, LoadFailed, into_file
from jobs.d1.manifest import Manifest
from jobs.streams import StreamFailed
from jobs.vault import Backup, Vault, stamp
from jobs.verified import Verdict
from jobs.verify import manifest_of

_READ_ONLY: Final = 0o400


@dataclass(frozen=True, slots=True)
class Opened:
    """A backup that was loaded; its values are those of the manifest."""

    file: Path
    manifest: Manifest
    loaded: Loaded


def open_into(place: Place, vault: Vault, backup: Backup, folder: Path, root: Path) -> Opened:
    """Load a backup into a file of ``folder`` that nobody can write and only this user can read. ``root`` is the
    checkout, into which nothing goes that git would take along. Raises Refused."""
    file = folder / f"{place.stage}-{backup.database}-{stamp(backup.at)}.sqlite"
    if file.exists():
        raise Refused("Nothing was opened.", [Fault(str(file), "is there already", f"open it, or: rm {file}")])
    _require_apart(file, root)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with loaded(place, vault, backup, folder) as opened:
        opened.file.chmod(_READ_ONLY)
        opened.file.rename(file)
        return Opened(file, opened.manifest, opened.loaded)


@contextmanager
def loaded(place: Place, vault: Vault, backup: Backup, below: Path | None = None) -> Iterator[Opened]:
    """Load a backup into a file that is gone afterwards, in a folder that only this user can enter. Raises Refused."""
    with tempfile.TemporaryDirectory(prefix=".bulkhead-", dir=below) as folder:
        file = Path(folder) / "backup.sqlite"
        try:
            manifest = manifest_of(vault, backup)
            with vault.open(backup.key) as dump:
                found = into_file(dump, manifest, file, source=place.source(backup.database))
        except LoadFailed as failed:
            fix = f"bulkhead backup {place.stage} list, and take another"
            raise Refused(
                "The backup is no good.", [Fault(backup.key, each, fix) for each in failed.reasons]
            ) from failed
        except StreamFailed as failed:
            raise Refused("The backup was not read.", [Fault(backup.key, str(failed), "do it again")]) from failed
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchKey":
                raise
            fault = Fault(backup.key, "went while it was read", f"bulkhead backup {place.stage} list")
            raise Refused("The backup was not read.", [fault]) from error
        yield Opened(file, manifest, found)


def read_back(place: Place, key: str) -> Verdict:
    """Load and compare the backup of a key as the job does, with all the time that it needs. Raises Refused."""
    vault, backup = place.named(key)
    with tempfile.TemporaryDirectory() as folder:
        try:
            return verify.read_back(vault, backup, of=place.source(backup.database), folder=Path(folder))
        except StreamFailed as failed:
            raise Refused("The backup was not read.", [Fault(key, str(failed), "do it again")]) from failed


def _require_apart(file: Path, root: Path) -> None:
    """Raise Refused where git would see the file: whoever commits it publishes people's data."""
    if not file.resolve().is_relative_to(root.resolve()):
        return
    if git(root, "rev-parse", "--git-dir") is not None and git(root, "check-ignore", "--quiet", str(file)) is None:
        message = "lies in the checkout, and git does not ignore it: a commit could publish people's data"
        raise Refused("Nothing was opened.", [Fault(str(file), message, "name another folder with --into")])
