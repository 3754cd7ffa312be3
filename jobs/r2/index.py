"""What the vault holds of a bucket: a line for each object, sorted by key (pure).

R2's ETag and the vault's never agree, because the vault encrypts with KMS and may take an object in other parts. So we
keep what R2 said of an object when it was copied, and compare that with what R2 says now.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO, Final, TypeVar
from urllib.parse import quote

from jobs.folders import MIRRORED

FORMAT: Final = 1
_STORE: Final = MIRRORED.rstrip("/")
_LONGEST: Final = 1024  # bytes of a key; source: Amazon S3 User Guide, "Naming Amazon S3 objects"
_RELATIVE: Final = re.compile(r"(?<![^/])\.{1,2}(?![^/])")
_UNSAFE: Final = re.compile(r"[%\x00-\x1f\x7f]")
_SPEED: Final = 1  # of gzip: the fastest
_WRITTEN: Final = ("key", "etag", "size", "uploaded", "place", "version", "sha256")
_WRITTEN_IF_ANY: Final = ("http", "metadata", "deleted")


class IndexDamaged(Exception):
    """An index is not what was written; nothing may be concluded from it."""


@dataclass(frozen=True, slots=True)
class Listed:
    """An object as R2 lists it; ``uploaded`` is UTC to the second, because not every answer is more exact."""

    key: str
    etag: str
    size: int
    uploaded: str


@dataclass(frozen=True, slots=True)
class Entry:
    """An object in the vault: what it was at R2, and in which version of which key it is kept.

    ``http`` are its headers by the names of boto3's arguments, ``metadata`` is the customer's own. ``deleted`` is since
    when R2 has it no more.
    """

    key: str
    etag: str
    size: int
    uploaded: str
    place: str
    version: str
    sha256: str
    http: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)
    deleted: str | None = None

    def is_of(self, listed: Listed) -> bool:
        """Whether it is a copy of what R2 lists under the same key."""
        same = (self.etag, self.size, self.uploaded) == (listed.etag, listed.size, listed.uploaded)
        return same and self.deleted is None

    def gone(self, since: str) -> Entry:
        return replace(self, deleted=since)


def index_key(bucket: str) -> str:
    """Return where a bucket's index is: among the objects, because it lives as they do. An older one is an older
    version of it."""
    return f"{_STORE}/.index/{bucket}.ndjson.gz"


def place_of(bucket: str, key: str) -> str:
    """Return under which key the vault holds an object: its own, as far as S3 takes every key that R2 does.

    S3 refuses keys that lead upward, lists none with control characters in XML, and takes 1,024 bytes, our prefix
    included. The index has the true key in any case.
    """
    spelt = _UNSAFE.sub(lambda found: quote(found[0], safe=""), key)
    spelt = _RELATIVE.sub(lambda found: "%2E" * len(found[0]), spelt)
    place = f"{_STORE}/{bucket}/{spelt}"
    if len(place.encode()) <= _LONGEST:
        return place
    return f"{_STORE}/{bucket}/%/{hashlib.sha256(key.encode()).hexdigest()}"


def merged(old: Iterable[Entry], new: Iterable[Listed]) -> Iterator[tuple[str, Entry | None, Listed | None]]:
    """Yield each key, its entry and what R2 lists of it, None where there is none, in constant memory.

    Raises IndexDamaged where one of both is not sorted: objects would pass for deleted.
    """
    entries, listed = _ascending(old, "the index"), _ascending(new, "R2's list")
    entry, found = next(entries, None), next(listed, None)
    while True:
        if entry is None:
            if found is None:
                return
            yield found.key, None, found
            found = next(listed, None)
        elif found is None or entry.key < found.key:
            yield entry.key, entry, None
            entry = next(entries, None)
        elif found.key < entry.key:
            yield found.key, None, found
            found = next(listed, None)
        else:
            yield entry.key, entry, found
            entry, found = next(entries, None), next(listed, None)


_Keyed = TypeVar("_Keyed", Entry, Listed)


def _ascending(items: Iterable[_Keyed], what: str) -> Iterator[_Keyed]:
    last: str | None = None
    for each in items:
        if last is not None and each.key <= last:
            raise IndexDamaged(f"{what} is not sorted: {each.key!a} comes after {last!a}")
        last = each.key
        yield each


class Writing:
    """Writes an index to a file: a head, a line for each entry, a foot that counts them."""

    def __init__(self, file: BinaryIO, head: Mapping[str, Any]) -> None:
        self._out = gzip.GzipFile(fileobj=file, mode="wb", compresslevel=_SPEED, mtime=0)
        self._hash = hashlib.sha256()
        self.objects = self.bytes = self.deleted = 0
        self._line({"format": FORMAT, **head})

    def add(self, entry: Entry) -> None:
        if entry.deleted is None:
            self.objects += 1
            self.bytes += entry.size
        else:
            self.deleted += 1
        told = {name: value for name in _WRITTEN_IF_ANY if (value := getattr(entry, name))}
        self._line({name: getattr(entry, name) for name in _WRITTEN} | told)

    def close(self) -> None:
        """Write the foot. Without it there is no index."""
        counts = {"objects": self.objects, "bytes": self.bytes, "deleted": self.deleted}
        self._line({**counts, "sha256": self._hash.hexdigest()})
        self._out.close()

    def _line(self, content: Mapping[str, Any]) -> None:
        line = json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
        self._hash.update(line)
        self._out.write(line)


class Reading:
    """Reads an index; ``head`` says of which bucket it is and when it was taken. Raises IndexDamaged."""

    def __init__(self, file: BinaryIO, bucket: str) -> None:
        self._lines = _lines(gzip.GzipFile(fileobj=file, mode="rb"))
        self._hash = hashlib.sha256()
        self.head = self._next()
        if (self.head.get("format"), self.head.get("bucket")) != (FORMAT, bucket):
            raise IndexDamaged(f"this is no index of the bucket {bucket} in the format {FORMAT}")

    def __iter__(self) -> Iterator[Entry]:
        objects = size = deleted = 0
        while True:
            before = self._hash.hexdigest()
            found = self._next()
            if "key" not in found:
                break
            entry = _entry(found)
            yield entry
            objects, size = (objects + 1, size + entry.size) if entry.deleted is None else (objects, size)
            deleted += entry.deleted is not None
        if found != {"objects": objects, "bytes": size, "deleted": deleted, "sha256": before}:
            raise IndexDamaged("the foot of the index does not count what is above it")
        if next(self._lines, None) is not None:  # also reads the checksum that gzip ends with
            raise IndexDamaged("something follows the foot of the index")

    def _next(self) -> dict[str, Any]:
        line = next(self._lines, b"")
        self._hash.update(line)
        try:
            found = json.loads(line)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise IndexDamaged("the index breaks off" if not line.endswith(b"\n") else "a line of the index is no JSON")
        return found


def _lines(file: gzip.GzipFile) -> Iterator[bytes]:
    try:
        yield from file
    except (OSError, EOFError, zlib.error) as error:
        raise IndexDamaged(f"the index cannot be unpacked: {error}") from error


def _entry(found: Mapping[str, Any]) -> Entry:
    try:
        return Entry(**found)
    except TypeError as error:
        raise IndexDamaged(f"an entry of the index has other fields: {error}") from error
