"""A bucket of R2 and its vault, both on one S3, and an R2 that answers what a test wants."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from jobs.r2.index import Entry, Reading, index_key
from jobs.r2.mirroring import Progress, mirror
from jobs.r2.sides import Sides

NAME, SOURCE, VAULT, STATE = "files", "harbor-staging-files", "vault", "state"
PLENTY = 900.0  # seconds
_FIRST = datetime(2026, 1, 1, 18, tzinfo=UTC)


class Watched:
    """Boto3's client, with what a test does before some of its calls; ``calls`` are the operations in their order."""

    def __init__(self, client: Any, before: Callable[[str, dict[str, Any]], None] = lambda _name, _given: None) -> None:
        self._client = client
        self.before = before
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Any:
        made = getattr(self._client, name)
        if name == "get_paginator":
            return lambda operation: _Pages(self, made(operation))

        def call(**given: Any) -> Any:
            self.calls.append(name)
            self.before(name, given)
            return made(**given)

        return call


@dataclass
class _Pages:
    watched: Watched
    pages: Any

    def paginate(self, **given: Any) -> Iterator[Any]:
        for page in self.pages.paginate(**given):
            self.watched.calls.append("list_objects_v2")
            yield page


@dataclass
class Mirrored:
    """``r2`` and ``s3`` are boto3's clients, which a test may watch."""

    r2: Any
    s3: Any
    days: Iterator[int] = field(default_factory=itertools.count)
    progress: Progress = field(default_factory=lambda: Progress(""))

    @property
    def sides(self) -> Sides:
        return Sides(self.r2, self.s3, NAME, SOURCE, VAULT, STATE, f"jobs/mirror/{NAME}/", life=timedelta(days=28))

    def prepare(self) -> None:
        for bucket in (SOURCE, VAULT, STATE):
            self.s3.create_bucket(Bucket=bucket)
        self.s3.put_bucket_versioning(Bucket=VAULT, VersioningConfiguration={"Status": "Enabled"})

    def put(self, key: str, body: bytes = b"1", **described: Any) -> None:
        self.r2.put_object(Bucket=SOURCE, Key=key, Body=body, **described)

    def delete(self, *keys: str) -> None:
        for key in keys:
            self.r2.delete_object(Bucket=SOURCE, Key=key)

    def run(self, day: int | None = None, remaining: Callable[[], float] = lambda: PLENTY) -> dict[str, Any]:
        """Run to the end, through as many continuations as it takes."""
        day = next(self.days) if day is None else day
        self.progress = Progress((_FIRST + timedelta(days=day)).isoformat())
        while (told := mirror(self.sides, self.progress, remaining)) is None:
            pass
        return told

    def index(self) -> dict[str, Entry]:
        body = self.s3.get_object(Bucket=VAULT, Key=index_key(NAME))["Body"]
        return {entry.key: entry for entry in Reading(body, NAME)}

    def kept(self, entry: Entry) -> bytes:
        """Return what the vault keeps of an object, also after it was deleted."""
        answer = self.s3.get_object(Bucket=VAULT, Key=entry.place, VersionId=entry.version)
        body: bytes = answer["Body"].read()
        assert hashlib.sha256(body).hexdigest() == entry.sha256
        return body

    def is_shown(self, place: str) -> bool:
        """Whether somebody who looks into the vault sees an object there."""
        found = self.s3.list_objects_v2(Bucket=VAULT, Prefix=place)
        return place in {one["Key"] for one in found.get("Contents", ())}


def refused(code: str, status: int, operation: str = "GetObject") -> ClientError:
    answer: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, operation)
