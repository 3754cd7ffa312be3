"""What is kept a line of JSON each, packed, and read back before it counts: values of KV, rows of Durable Objects."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, BinaryIO, Final, cast

from jobs.run import Job
from jobs.vault import MANIFEST, Vault, minutes

LINES: Final = ".ndjson.gz"
FORMAT: Final = 1
_SPEED: Final = 1  # of gzip: the fastest


class LinesDamaged(Exception):
    """What is read back is not what was written."""


@dataclass(frozen=True, slots=True)
class Written:
    """An object of lines: how many, their bytes and SHA-256 as they are before they are packed."""

    key: str
    count: int
    bytes: int
    sha256: str


def write(vault: Vault, key: str, lines: Iterable[Mapping[str, Any]]) -> Written:
    """Write lines as they come, in constant memory, and read them back. Raises LinesDamaged."""
    digest, count, size = hashlib.sha256(), 0, 0
    with (
        vault.writing({key: {"ContentType": "application/gzip"}}) as out,
        gzip.GzipFile("", "wb", _SPEED, cast(BinaryIO, out), mtime=0) as packed,
    ):
        for each in lines:
            line = json.dumps(each, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
            packed.write(line)
            digest.update(line)
            count += 1
            size += len(line)
    written = Written(key, count, size, digest.hexdigest())
    verify(vault, written)
    return written


def verify(vault: Vault, written: Written) -> None:
    """Raise LinesDamaged unless the vault has what was written."""
    digest, count, size = hashlib.sha256(), 0, 0
    with vault.open(written.key) as reading:
        try:
            for line in gzip.GzipFile(fileobj=io.BufferedReader(reading)):
                digest.update(line)
                count += 1
                size += len(line)
        except (EOFError, OSError, zlib.error) as error:
            raise LinesDamaged(f"{written.key} cannot be unpacked: {error}") from error
    found = Written(written.key, count, size, digest.hexdigest())
    if found != written:
        raise LinesDamaged(f"{written.key} has {count} lines and {size} bytes, and not what was written")


def close(job: Job, store: str, stem: str, parts: Iterable[Written], **told: Any) -> dict[str, Any]:
    """Write the manifest of a store, which makes a copy count, put its age and size, and return it."""
    listed = [asdict(each) for each in parts]
    document = {
        "format": FORMAT,
        "parts": listed,
        "count": sum(each["count"] for each in listed),
        "bytes": sum(each["bytes"] for each in listed),
        **told,
        "at": job.scheduled.isoformat(),
    }
    job.vault.put(f"{stem}{MANIFEST}", json.dumps(document, indent=1).encode())
    job.metric("BackupAgeMinutes", minutes(job.scheduled, job.now()), store=store)
    job.metric("BackupBytes", document["bytes"], "Bytes", store=store)
    return document
