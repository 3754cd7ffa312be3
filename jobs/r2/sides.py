"""The two sides of a mirror: a bucket of R2, and what is kept of it in the vault and, between two runs, beside it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, BinaryIO, Final

from botocore.exceptions import ClientError

from jobs.listing import listed
from jobs.r2.copies import S3
from jobs.r2.index import Entry, Listed, Reading, index_key

ABSENT: Final = frozenset({"404", "NoSuchKey", "NotFound"})
_CHUNK: Final = 1 << 20
_TAKEN: Final = "taken"


@dataclass(frozen=True, slots=True)
class Sides:
    """A bucket of R2 and its vault. ``name`` is what the product calls it, ``given`` what the vault wants beside an
    object; ``state`` is the bucket, and ``parts`` the prefix in it, of what is written between two runs. Entries of
    deleted objects are kept for ``life``."""

    r2: S3
    s3: S3
    name: str
    bucket: str
    vault: str
    state: str
    parts: str
    given: Mapping[str, Any] = field(default_factory=dict)
    life: timedelta = timedelta(days=28)

    def listed(self, after: str = "", prefix: str = "") -> Iterator[Listed]:
        """Yield what R2 has, sorted by key."""
        said = {"StartAfter": after} if after else {}
        for each in listed(self.r2, self.bucket, prefix, **said):
            yield _listed(each["Key"], each["ETag"], each["Size"], each["LastModified"])

    def looked_at(self, key: str) -> Listed:
        found = self.r2.head_object(Bucket=self.bucket, Key=key)
        return _listed(key, found["ETag"], found["ContentLength"], found["LastModified"])

    def old(self, version: str | None = None) -> Iterator[Entry]:
        """Yield what the vault has by its index, or by an older version of that; nothing before the first run."""
        exact = {"VersionId": version} if version else {}
        try:
            body = self.s3.get_object(Bucket=self.vault, Key=index_key(self.name), **exact)["Body"]
        except ClientError as error:
            if code_of(error) in ABSENT and version is None:
                return
            raise
        with _on_disk(body) as file:  # a connection that waits while large objects are copied breaks off
            yield from Reading(file, self.name)

    def put_index(self, file: BinaryIO, taken: str) -> None:
        """Make an index count; ``taken`` is when its run began."""
        told = {"Metadata": {_TAKEN: taken}, **self.given}
        self.s3.put_object(Bucket=self.vault, Key=index_key(self.name), Body=file, **told)

    def taken(self) -> str:
        """Return when the last run began that was finished."""
        found = self.s3.head_object(Bucket=self.vault, Key=index_key(self.name))
        return str(found["Metadata"][_TAKEN])

    def keep(self, number: int, part: BinaryIO) -> None:
        """Keep a part of the new index until the next run."""
        part.seek(0)
        self.s3.put_object(Bucket=self.state, Key=self._part(number), Body=part)

    @contextmanager
    def kept(self, number: int) -> Iterator[BinaryIO]:
        with _on_disk(self.s3.get_object(Bucket=self.state, Key=self._part(number))["Body"]) as file:
            yield file

    def forget_parts(self) -> None:
        for each in listed(self.s3, self.state, f"{self.parts}parts/"):
            self.s3.delete_object(Bucket=self.state, Key=each["Key"])

    def accepted(self) -> int:
        """Return how many deletions a person has said were meant."""
        try:
            said = self.s3.get_object(Bucket=self.state, Key=accepted_key(self.parts))["Body"].read()
        except ClientError as error:
            if code_of(error) in ABSENT:
                return 0
            raise
        return int(said)

    def forget_accepted(self) -> None:
        self.s3.delete_object(Bucket=self.state, Key=accepted_key(self.parts))

    def _part(self, number: int) -> str:
        return f"{self.parts}parts/{number:06d}.ndjson.gz"


def accepted_key(parts: str) -> str:
    """Return where a person says how many objects were meant to be deleted."""
    return f"{parts}accepted"


def code_of(error: ClientError) -> str:
    return str(error.response["Error"]["Code"])


def _listed(key: str, etag: str, size: int, at: datetime) -> Listed:
    return Listed(key, etag.strip('"'), size, at.astimezone(UTC).replace(microsecond=0).isoformat())


@contextmanager
def _on_disk(body: Any) -> Iterator[BinaryIO]:
    with tempfile.TemporaryFile() as file:
        for chunk in body.iter_chunks(_CHUNK):
            file.write(chunk)
        file.seek(0)
        yield file
