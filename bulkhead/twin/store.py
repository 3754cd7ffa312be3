"""Where twins are stored: in a folder, or in an S3 bucket whose readers can open every object.

`twins/<project>/<stack>.json` below the place that was named; one JSON document::

    {"format": 1,
     "about":  {"published": "2026-11-21T20:15:00Z", "commit": "…", "engine": "3.250.0"},
     "redacted": {"<type of resource>": <number of values>},
     "digest": "<SHA-256 of the twin>",
     "twin":   {"version": 3, "deployment": {…}}}

It is written atomically, and only if more than the time differs.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from bulkhead.model.faults import Fault, Refused
from bulkhead.model.settings import read_settings
from bulkhead.model.settings.paths import stack_file
from bulkhead.twin.state import Twin, read_twin

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

_FORMAT: Final = 1
_S3: Final = "s3://"


class TwinPlace(Protocol):
    """Holds documents by key (`twins/bulkhead/staging.json`)."""

    def read(self, key: str) -> bytes | None:
        """Return a document, None when there is none."""

    def write(self, key: str, document: bytes) -> None:
        """Store a document atomically."""

    def where(self, key: str) -> str:
        """Return where a document is, for a message."""


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of this machine."""

    path: Path

    def read(self, key: str) -> bytes | None:
        file = self.path / key
        return file.read_bytes() if file.exists() else None

    def write(self, key: str, document: bytes) -> None:
        file = self.path / key
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=file.parent, prefix=".", delete=False) as half:
            try:
                half.write(document)
                half.close()
                os.replace(half.name, file)  # noqa: PTH105 - of two names, not of a path
            except BaseException:
                Path(half.name).unlink(missing_ok=True)
                raise

    def where(self, key: str) -> str:
        return str(self.path / key)


@dataclass(frozen=True, slots=True)
class Bucket:
    """A prefix of an S3 bucket. ``owner`` is the AWS account that must own the bucket; None checks nothing."""

    client: S3Client
    name: str
    prefix: str
    owner: str | None = None

    def read(self, key: str) -> bytes | None:
        with _as_refusals("fetching the twin"):
            try:
                return self.client.get_object(**self._at(key))["Body"].read()
            except self.client.exceptions.NoSuchKey:
                return None

    def write(self, key: str, document: bytes) -> None:
        # Always SSE-S3, whatever the bucket's default: with a KMS key, a reader would need the right to use that too.
        with _as_refusals("publishing the twin"):
            self.client.put_object(
                **self._at(key), Body=document, ContentType="application/json", ServerSideEncryption="AES256"
            )

    def where(self, key: str) -> str:
        return f"{_S3}{self.name}/{self._key(key)}"

    def _key(self, key: str) -> str:
        return f"{self.prefix}/{key}" if self.prefix else key

    def _at(self, key: str) -> Any:
        owner = {"ExpectedBucketOwner": self.owner} if self.owner else {}
        return {"Bucket": self.name, "Key": self._key(key), **owner}


def place_of(place: str, checkout: Path, stack: str, profile: str | None, *, reading: bool = False) -> TwinPlace:
    """Return the folder or bucket that ``place`` names. ``checkout`` has the stage's settings. A publisher must be in
    the stage's account; a reader may be anybody, but the bucket must belong to that account.
    """
    found = split_s3(place)
    if found is None:
        return Folder(Path(place))
    import boto3  # noqa: PLC0415 (half a second, which a folder need not wait for)

    from bulkhead.clients import clouds  # noqa: PLC0415

    settings = read_settings(checkout / stack_file(stack))
    with _as_refusals("looking for credentials"):
        client = (
            boto3.Session(profile_name=profile, region_name=settings.region.primary).client("s3")
            if reading
            else clouds.aws(settings, profile)("s3")
        )
    return Bucket(client, *found, settings.aws.account_id)


@contextmanager
def _as_refusals(doing: str) -> Iterator[None]:
    """Turn S3's errors into faults that a user can mend."""
    from bulkhead.clients import clouds  # noqa: PLC0415 (boto3, as above)

    with clouds.said_plainly("S3", doing):
        yield


def split_s3(place: str) -> tuple[str, str] | None:
    """Return bucket and prefix of ``s3://bucket/prefix``, None for a folder. Raises Refused without a bucket."""
    if not place.startswith(_S3):
        return None
    bucket, _, prefix = place.removeprefix(_S3).partition("/")
    if not bucket:
        raise Refused("Nothing was done.", [Fault(place, "names no bucket", "s3://<bucket>/<prefix>")])
    return bucket, prefix.strip("/")


def key_of(project: str, stack: str) -> str:
    """Return the key of a stack's twin."""
    return f"twins/{project}/{stack}.json"


def publish(twin: Twin, place: TwinPlace, about: Mapping[str, Any], *, now: str) -> bool:
    """Store the twin, and return whether that was necessary. ``about`` is its provenance; ``now`` is the time in ISO
    8601."""
    key = key_of(twin.project, twin.stack)
    before = _parsed(place.read(key))
    was_about = {name: value for name, value in before.get("about", {}).items() if name != "published"}
    if before.get("format") == _FORMAT and before.get("digest") == twin.digest() and was_about == dict(about):
        return False
    document = {
        "format": _FORMAT,
        "about": {"published": now, **about},
        "redacted": dict(twin.redacted),
        "digest": twin.digest(),
        "twin": twin.body(),
    }
    place.write(key, json.dumps(document, indent=1, sort_keys=True).encode())
    return True


def fetch(place: TwinPlace, project: str, stack: str) -> tuple[Twin, Mapping[str, Any]]:
    """Return a stack's twin and its provenance. Raises Refused when there is none, or when it was changed."""
    key = key_of(project, stack)
    data = place.read(key)
    if data is None:
        raise _refused(place.where(key), "does not exist, so no twin of this stack was published there", stack)
    document = _parsed(data)
    if document.get("format") != _FORMAT or not isinstance(document.get("twin"), Mapping):
        raise _refused(place.where(key), f"is no twin of format {_FORMAT}", stack)
    twin = read_twin(document["twin"], project, stack)
    if twin.digest() != document.get("digest"):
        raise _refused(place.where(key), "was changed after it was published: its digest does not fit", stack)
    return twin, document.get("about") or {}


def _parsed(data: bytes | None) -> dict[str, Any]:
    try:
        document = json.loads(data or b"{}")
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _refused(where: str, message: str, stack: str) -> Refused:
    fix = f"bulkhead twin publish {stack} --to <place>, after the next `up`"
    return Refused(f"There is no usable twin of {stack}.", [Fault(where, message, fix)])
