"""One object from bucket to bucket, between two S3 APIs: what arrives is one version of it, or nothing."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

S3 = Any  # boto3's client; its types are not there in AWS Lambda

PART: Final = 8 * 1024 * 1024
"""Bytes of an object that are held at once. S3 takes 10,000 parts, so 78 GiB."""
# Headers of an object that go with it, by the names of boto3's arguments.
HTTP: Final = ("CacheControl", "ContentDisposition", "ContentEncoding", "ContentLanguage", "ContentType")
S3_METADATA: Final = 2048
"""Bytes of an object's metadata; source: Amazon S3 User Guide, "User-defined object metadata"."""
R2_METADATA: Final = 8192
"""The same of R2; source: R2 documentation, "Limits"."""


class CopyDamaged(Exception):
    """What was read is not what it is recognised by; nothing was written."""


@dataclass(frozen=True, slots=True)
class Source:
    """An object as it is read. ``tag`` is its ETag, ``version`` one of its versions: at least one of both is said, so
    that no part comes from what somebody writes meanwhile."""

    s3: S3
    bucket: str
    key: str
    size: int
    tag: str | None = None
    version: str | None = None
    sha256: str | None = None

    @property
    def where(self) -> dict[str, Any]:
        exact = {"IfMatch": self.tag, "VersionId": self.version}
        said = {name: value for name, value in exact.items() if value}
        return {"Bucket": self.bucket, "Key": self.key, **said}


@dataclass(frozen=True, slots=True)
class Target:
    """Where an object is written; ``given`` is what the bucket wants beside it, such as a key, ``room`` how many bytes
    of metadata it takes."""

    s3: S3
    bucket: str
    key: str
    given: Mapping[str, Any] = field(default_factory=dict)
    room: int = S3_METADATA


@dataclass(frozen=True, slots=True)
class Copied:
    """What was written."""

    sha256: str
    version: str
    http: Mapping[str, str]
    metadata: Mapping[str, str]


def copy(source: Source, target: Target, described: Mapping[str, Any] | None = None) -> Copied:
    """Copy an object with its headers and metadata, or with those that ``described`` has in boto3's words.

    Raises CopyDamaged, and what boto3 raises; an upload that was begun is then ended.
    """
    if source.size <= PART:
        answer = source.s3.get_object(**source.where)
        body = answer["Body"].read()
        digest = hashlib.sha256(body).hexdigest()
        _require(source, len(body), digest)
        told = described if described is not None else _described(answer)
        written = target.s3.put_object(
            Bucket=target.bucket,
            Key=target.key,
            Body=body,
            ContentMD5=_md5(body),
            **_taken(told, target.room),
            **target.given,
        )
        return _copied(digest, written, told)
    told = described if described is not None else _described(source.s3.head_object(**source.where))
    return _in_parts(source, target, told)


def _in_parts(source: Source, target: Target, told: Mapping[str, Any]) -> Copied:
    at = {"Bucket": target.bucket, "Key": target.key}
    begun = target.s3.create_multipart_upload(**at, **_taken(told, target.room), **target.given)
    upload = {**at, "UploadId": begun["UploadId"]}
    try:
        digest, parts, size = hashlib.sha256(), list[dict[str, Any]](), 0
        for number, body in enumerate(_pieces(source), 1):
            digest.update(body)
            size += len(body)
            part = target.s3.upload_part(**upload, PartNumber=number, Body=body, ContentMD5=_md5(body))
            parts.append({"PartNumber": number, "ETag": part["ETag"]})
        _require(source, size, digest.hexdigest())
        written = target.s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
    except BaseException:
        target.s3.abort_multipart_upload(**upload)
        raise
    return _copied(digest.hexdigest(), written, told)


def _pieces(source: Source) -> Iterator[bytes]:
    for start in range(0, source.size, PART):
        span = f"bytes={start}-{min(start + PART, source.size) - 1}"
        body: bytes = source.s3.get_object(**source.where, Range=span)["Body"].read()
        yield body


def _md5(body: bytes) -> str:
    """Return the one checksum that S3 and R2 both hold a body against."""
    return base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()


def _require(source: Source, size: int, sha256: str) -> None:
    if size != source.size:
        raise CopyDamaged(f"{source.key}: {size} bytes came, not {source.size}")
    if source.sha256 not in {None, sha256}:
        raise CopyDamaged(f"{source.key}: what came has another hash than what was kept")


def _described(answer: Mapping[str, Any]) -> dict[str, Any]:
    http = {name: answer[name] for name in HTTP if answer.get(name)}
    return {**http, "Metadata": dict(answer.get("Metadata", {}))}


def _taken(told: Mapping[str, Any], room: int) -> dict[str, Any]:
    """Return what a bucket takes of a description."""
    metadata = told.get("Metadata", {})
    fits = sum(len(f"{name}{value}".encode()) for name, value in metadata.items()) <= room
    is_plain = all(f"{name}{value}".isascii() for name, value in metadata.items())
    return {**told, "Metadata": metadata if fits and is_plain else {}}


def _copied(sha256: str, written: Mapping[str, Any], told: Mapping[str, Any]) -> Copied:
    http = {name: value for name, value in told.items() if name != "Metadata"}
    return Copied(sha256, str(written.get("VersionId", "")), http, told.get("Metadata", {}))
