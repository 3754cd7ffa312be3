"""What goes when a stage goes: named, counted, emptied. The resources themselves are the engine's to remove.

A bucket that holds anything cannot be deleted, so whatever is in it has to go first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from infra.faults import Fault, Refused
from infra.naming import Stage
from operations.empty import Emptied, empty_bucket

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

_NO_BUCKET: Final = frozenset({"NoSuchBucket", "404"})
_MOST: Final = 10_000  # objects counted before a bucket is called large; a thousand take one request

Progress = Callable[[str, Emptied], None]


@dataclass(frozen=True, slots=True)
class Doomed:
    """What a destroyed stage loses, by physical name. ``workers`` pairs a Worker with the Durable Object classes in
    it; ``vault`` are the buckets of the backups and of their access log, none where the stage has no vault."""

    environment: str
    hostname: str
    databases: tuple[str, ...]
    namespaces: tuple[str, ...]
    buckets: tuple[str, ...]
    queues: tuple[str, ...]
    workers: tuple[tuple[str, tuple[str, ...]], ...]
    vault: tuple[str, ...]
    locked: bool


def refuse_production(stack: str, stage: Stage | None) -> None:
    """Raise Refused unless ``stack`` may be destroyed at all."""
    if stage is None:
        message = "is no stage; a stage is development, staging or the stack of a pull request, such as pr-42"
        raise Refused("There is nothing to destroy.", [Fault(stack, message, "pulumi stack ls")])
    if stage is Stage.PRODUCTION:
        message = (
            "is never destroyed by a command: its data, its backups and the site would be gone, and every resource is "
            "protected against exactly this"
        )
        fix = (
            "to give production up, take the protection away in a reviewed change of infra/stage.py, then remove "
            "each resource by hand"
        )
        raise Refused("Nothing was done.", [Fault(stack, message, fix)])


def doomed(manifest: Mapping[str, Any]) -> Doomed:
    """Return what a stage with this manifest (infra.manifest) loses. Raises Refused for production."""
    refuse_production(manifest["environment"], Stage(manifest["stage"]))
    vault = manifest["vault"]
    return Doomed(
        environment=manifest["environment"],
        hostname=manifest["cloudflare"]["hostname"],
        databases=_names(manifest["databases"]),
        namespaces=_names(manifest["namespaces"]),
        buckets=_names(manifest["buckets"]),
        queues=_names(manifest["queues"]),
        workers=tuple((one["name"], tuple(one["owns"])) for _, one in sorted(manifest["workers"].items())),
        vault=() if vault is None else (vault["bucket"], vault["accessLogBucket"]),
        locked=vault is not None and vault["lockDays"] is not None,
    )


def unfinished(stack: str) -> Doomed:
    """Return what a stage loses that never came up whole, so that it has no manifest and nothing ran in it yet."""
    return Doomed(stack, "", (), (), (), (), (), (), locked=False)


def count(doomed: Doomed, *, r2: S3Client | None, s3: S3Client | None) -> dict[str, int | None]:
    """Return how many objects each bucket holds, at most 10,000; None where there is no such bucket any more."""
    return {bucket: _objects(client, bucket) for bucket, client in _each_bucket(doomed, r2, s3)}


def losses(doomed: Doomed, counts: Mapping[str, int | None]) -> list[str]:
    """Return, for a person who has to decide, what will be lost."""
    owned = [f"Durable Objects {', '.join(classes)} in Worker {name}" for name, classes in doomed.workers if classes]
    return [
        *(f"D1 database {name}, with every table" for name in doomed.databases),
        *(f"KV namespace {name}, with every key" for name in doomed.namespaces),
        *(f"R2 bucket {name}: {_objects_said(counts, name)}" for name in doomed.buckets),
        *owned,
        *(f"queue {name}, with the messages in it" for name in doomed.queues),
        *(f"backups in {name}: {_objects_said(counts, name)}" for name in doomed.vault[:1]),
        *(f"access log in {name}: {_objects_said(counts, name)}" for name in doomed.vault[1:]),
        *(
            [f"{_counted(len(doomed.workers), 'Worker')}, and the answers at {doomed.hostname}"]
            if doomed.workers
            else []
        ),
    ]


def empty(
    doomed: Doomed, *, r2: S3Client | None, s3: S3Client | None, progress: Progress = lambda _bucket, _emptied: None
) -> dict[str, Emptied]:
    """Empty the stage's buckets, R2's first; return how much was removed from each that there still is.

    ``r2`` and ``s3`` may be None where the stage has no bucket there. ``progress`` is told a bucket and its count after
    each page. Can be repeated. Raises Refused where a service keeps something back.
    """
    emptied = {}
    for bucket, client in _each_bucket(doomed, r2, s3):

        def tell(so_far: Emptied, bucket: str = bucket) -> None:
            progress(bucket, so_far)

        try:
            # A stage that is not protected has no lock, and its role no right to bypass one.
            emptied[bucket] = empty_bucket(client, bucket, bypass_governance=doomed.locked, progress=tell)
        except ClientError as error:
            if error.response["Error"]["Code"] not in _NO_BUCKET:
                raise
    return emptied


def _each_bucket(doomed: Doomed, r2: S3Client | None, s3: S3Client | None) -> Iterator[tuple[str, S3Client]]:
    for buckets, client in ((doomed.buckets, r2), (doomed.vault, s3)):
        for bucket in buckets:
            if client is None:
                raise ValueError(f"no client for {bucket}")  # a fault of the caller
            yield bucket, client


def _objects(client: S3Client, bucket: str) -> int | None:
    found = 0
    try:
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            found += page["KeyCount"]
            if found >= _MOST:
                break
    except ClientError as error:
        if error.response["Error"]["Code"] not in _NO_BUCKET:
            raise
        return None
    return found


def _objects_said(counts: Mapping[str, int | None], bucket: str) -> str:
    found = counts[bucket]
    if found is None:
        return "gone already"
    if found >= _MOST:
        return f"{_MOST:,} objects or more"
    return _counted(found, "object")


def _counted(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def _names(parts: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
    return tuple(sorted(part["name"] for part in parts.values()))
