"""Empties a bucket of S3, or of any service that speaks S3 such as R2, down to the last version. There is no undo."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from bulkhead.model.faults import Fault, Refused

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client
    from types_boto3_s3.type_defs import ObjectIdentifierTypeDef

# How a service says that it does not know a call: R2 has no versions (R2 documentation, "S3 API compatibility").
_UNKNOWN_CALL: Final = frozenset({"NotImplemented", "501"})
_NAMED_KEYS: Final = 20  # keys shown when a bucket cannot be emptied; the rest are counted


@dataclass(frozen=True, slots=True)
class Emptied:
    """How much was removed. Where a service keeps no versions, each object counts as one version."""

    versions: int = 0
    delete_markers: int = 0
    uploads: int = 0

    def __str__(self) -> str:
        return f"{self.versions} versions, {self.delete_markers} delete markers, {self.uploads} unfinished uploads"


Progress = Callable[[Emptied], None]


def empty_bucket(s3: S3Client, bucket: str, *, progress: Progress | None = None) -> Emptied:
    """Delete every version, delete marker and unfinished multipart upload of ``bucket``; return how many there were.

    ``progress`` is called with the count after each page. Retention is respected, even in governance mode: a command
    must not unlock what a stage has locked.

    Raises Refused, after everything else is gone, naming the keys that the service would not delete.
    """
    removed = Emptied()
    refused: dict[str, str] = {}
    for versions, markers in _one_behind(_pages(s3, bucket)):
        kept = _delete(s3, bucket, [*versions, *markers])
        refused.update({key: reason for (key, _), reason in kept.items()})
        removed = replace(
            removed,
            versions=removed.versions + _gone(versions, kept),
            delete_markers=removed.delete_markers + _gone(markers, kept),
        )
        if progress:
            progress(removed)
    for key, upload in _unfinished_uploads(s3, bucket):
        s3.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=upload)
        removed = replace(removed, uploads=removed.uploads + 1)
        if progress:
            progress(removed)
    if refused:
        raise _held_back(bucket, refused, removed)
    return removed


_Objects = list["ObjectIdentifierTypeDef"]


def _pages(s3: S3Client, bucket: str) -> Iterator[tuple[_Objects, _Objects]]:
    """Yield versions and delete markers, at most 1000 together: as many as one delete request takes."""
    try:
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
            yield (
                [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in page.get("Versions", [])],
                [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in page.get("DeleteMarkers", [])],
            )
    except ClientError as error:
        if error.response["Error"]["Code"] not in _UNKNOWN_CALL:
            raise
        for objects in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            yield [{"Key": one["Key"]} for one in objects.get("Contents", [])], []


def _one_behind(pages: Iterator[tuple[_Objects, _Objects]]) -> Iterator[tuple[_Objects, _Objects]]:
    """Yield each page after fetching the next one: the request for that names this page's last version, and some
    services look it up, so it must not be deleted yet."""
    held = next(pages, None)
    while held is not None:
        following = next(pages, None)
        yield held
        held = following


def _unfinished_uploads(s3: S3Client, bucket: str) -> Iterator[tuple[str, str]]:
    """Yield key and id of each; nothing where the service cannot list them, as Miniflare's R2 cannot."""
    try:
        for page in s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket):
            for upload in page.get("Uploads", []):
                yield upload["Key"], upload["UploadId"]
    except ClientError as error:
        if error.response["Error"]["Code"] not in _UNKNOWN_CALL:
            raise


def _delete(s3: S3Client, bucket: str, objects: _Objects) -> dict[tuple[str, str | None], str]:
    """Return what the service would not delete, with its reason. A service that leaves the version out of its answer
    means every version of that key in this request."""
    if not objects:
        return {}
    errors = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True}).get("Errors", [])
    kept = {}
    for error in errors:
        for one in objects:
            if one["Key"] == error["Key"] and error.get("VersionId", one.get("VersionId")) == one.get("VersionId"):
                kept[one["Key"], one.get("VersionId")] = f"{error.get('Code', '')}: {error.get('Message', '')}"
    return kept


def _gone(objects: _Objects, kept: dict[tuple[str, str | None], str]) -> int:
    return sum((one["Key"], one.get("VersionId")) not in kept for one in objects)


def _held_back(bucket: str, refused: dict[str, str], removed: Emptied) -> Refused:
    fix = "wait until its retention ends, or have the legal hold taken away, then run the same command again"
    shown = sorted(refused.items())[:_NAMED_KEYS]
    faults = [Fault(f"s3://{bucket}/{key}", reason, fix) for key, reason in shown]
    if len(refused) > len(shown):
        faults.append(Fault(f"s3://{bucket}", f"and {len(refused) - len(shown)} more keys like these"))
    return Refused(f"{bucket} still holds {len(refused)} keys that must not be deleted ({removed} are gone)", faults)
