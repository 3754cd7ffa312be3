"""A bucket of R2 brought to the vault once more: what is new or changed is copied, what is gone is marked.

R2's list and our index are walked side by side, so an object that did not change costs a line of a list. A run that has
no time left writes what it knows so far to the state bucket and is continued from its last key.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import dropwhile
from typing import Any, BinaryIO, Final

from botocore.exceptions import BotoCoreError, ClientError

from jobs.r2.copies import CopyDamaged, Source, Target, copy
from jobs.r2.index import Entry, Listed, Reading, Writing, merged, place_of
from jobs.r2.sides import ABSENT, Sides, code_of

LARGEST: Final = 12 * 2**30
"""Bytes of an object. What is larger does not arrive within one run, so it is named as not mirrored."""
_SPEED: Final = 16 * 2**20  # bytes a second, at least
_RESERVE: Final = 150.0  # seconds to write the index in
_FEW: Final = 100  # objects, and
_SHARE: Final = 0.2  # of all: of more than both, somebody has to say that they were meant to be deleted
_TRIES: Final = 3  # of an object that is written to while it is read
_IN_A_ROW: Final = 20  # failures of a service after which nothing more is tried
_NAMED: Final = 20  # objects that a message names
_MARKED_AT_ONCE: Final = 1000
_CHANGED: Final = frozenset({"412", "PreconditionFailed"})
_READS: Final = frozenset({"GetObject", "HeadObject"})
_SERVER: Final = 500
_NOT_ALLOWED: Final = frozenset({401, 403})


class MirrorFailed(Exception):
    """A bucket is not mirrored as it should be; the text says what is missing and what mends it."""


class _Failed(Exception):
    """An object could not be copied; ``others`` says that no other one can be expected to fare better."""

    def __init__(self, why: str, *, others: bool = False) -> None:
        super().__init__(why)
        self.others = others


class _Vanished(Exception):
    """An object was deleted while it was copied."""


@dataclass(slots=True)
class Progress:
    """How far a run is, through all its continuations. ``known`` objects were in the vault before."""

    began: str
    after: str = ""
    parts: int = 0
    walked: bool = False
    known: int = 0
    copied: int = 0
    copied_bytes: int = 0
    missing: int = 0
    failed: int = 0
    in_a_row: int = 0
    named: list[str] = field(default_factory=list)

    def fail(self, bucket: str, key: str, failed: _Failed) -> None:
        """Note that an object failed. Raises MirrorFailed when there is no use in going on."""
        self.failed += 1
        self.in_a_row = self.in_a_row + 1 if failed.others else 0
        told = f"{key!a}: {failed}"
        if self.in_a_row == _IN_A_ROW:
            raise MirrorFailed(f"{bucket}: {self.in_a_row} objects in a row failed, the last one {told}")
        if len(self.named) < _NAMED:
            self.named.append(told)


def mirror(
    sides: Sides, progress: Progress, remaining: Callable[[], float], require: Callable[[], None] = lambda: None
) -> dict[str, Any] | None:
    """Go on where ``progress`` stands; return what the vault holds then, or None where the time was too short.

    ``remaining`` tells how many seconds are left; ``require`` is called before anything is made to count. Raises
    MirrorFailed when more objects are gone than anybody deletes by the way, and IndexDamaged.
    """
    with tempfile.TemporaryFile() as file:
        if not progress.walked:
            if not progress.after:
                sides.forget_parts()  # of another run; this one's are still needed if its last part is tried again
            part = Writing(file, _head(sides, progress))
            progress.walked = is_whole = _walk(sides, progress, remaining, part)
            part.close()
            if not is_whole or remaining() < _RESERVE / 2:
                require()
                sides.keep(progress.parts, file)
                progress.parts += 1
                return None
        require()
        return _finish(sides, progress, _parts(sides, progress, file))


def _parts(sides: Sides, progress: Progress, last: BinaryIO) -> Iterator[BinaryIO]:
    for number in range(progress.parts):
        with sides.kept(number) as part:
            yield part
    if last.tell():
        last.seek(0)
        yield last


def _walk(sides: Sides, progress: Progress, remaining: Callable[[], float], part: Writing) -> bool:
    """Return whether everything was looked at before the time came to an end."""
    old = dropwhile(lambda each: each.key <= progress.after, sides.old())
    did = False
    for key, known, found in merged(old, sides.listed(progress.after)):
        wanted = found if found is not None and (known is None or not known.is_of(found)) else None
        if did and remaining() < _RESERVE + (wanted.size / _SPEED if wanted is not None else 0):
            return False
        kept = known
        if wanted is not None:
            kept = _carried(sides, progress, known, wanted)
        if known is not None and known.deleted is None:
            progress.known += 1
            if found is None:
                progress.missing += 1
                kept = known.gone(progress.began)
        if kept is not None:
            part.add(kept)
        progress.after, did = key, True
    return True


def _carried(sides: Sides, progress: Progress, known: Entry | None, found: Listed) -> Entry | None:
    """Return the object's new entry, or the one before where it could not be copied."""
    try:
        entry = _copied(sides, found)
    except _Vanished:
        return known  # the next run finds it missing
    except _Failed as failed:
        progress.fail(sides.name, found.key, failed)
        return known
    progress.in_a_row = 0
    progress.copied += 1
    progress.copied_bytes += entry.size
    return entry


def _copied(sides: Sides, found: Listed) -> Entry:
    """Copy an object as it is now, if need be more than once. Raises _Failed and _Vanished."""
    if found.size > LARGEST:
        raise _Failed(f"has {found.size} bytes, and at most {LARGEST} are mirrored")
    place = place_of(sides.name, found.key)
    target = Target(sides.s3, sides.vault, place, sides.given)
    try:
        for _ in range(_TRIES):
            try:
                source = Source(sides.r2, sides.bucket, found.key, found.size, tag=f'"{found.etag}"')
                told = copy(source, target)
            except ClientError as error:
                if code_of(error) not in _CHANGED:
                    raise
                found = sides.looked_at(found.key)
            else:
                kept = (place, told.version, told.sha256, told.http, told.metadata)
                return Entry(found.key, found.etag, found.size, found.uploaded, *kept)
    except ClientError as error:
        if code_of(error) in ABSENT and error.operation_name in _READS:
            raise _Vanished from error
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        raise _Failed(code_of(error), others=status >= _SERVER or status in _NOT_ALLOWED) from error
    except (BotoCoreError, OSError) as error:
        raise _Failed(type(error).__name__, others=True) from error
    except CopyDamaged as error:
        raise _Failed(str(error)) from error
    raise _Failed(f"was written to each of {_TRIES} times while it was copied")


def _finish(sides: Sides, progress: Progress, parts: Iterable[BinaryIO]) -> dict[str, Any]:
    """Write the index of the whole bucket, and mark in the vault what is gone at R2."""
    meant = progress.missing <= max(_FEW, int(progress.known * _SHARE), sides.accepted())
    oldest = (datetime.fromisoformat(progress.began) - sides.life).isoformat()
    marking = _Marking(sides)
    with tempfile.TemporaryFile() as file:
        index = Writing(file, _head(sides, progress))
        for part in parts:
            for each in Reading(part, sides.name):
                entry = each
                if each.deleted == progress.began:
                    if meant:
                        marking.add(each.place)
                    else:
                        entry = replace(each, deleted=None)
                if entry.deleted is None or entry.deleted >= oldest:
                    index.add(entry)
        index.close()
        marking.flush()
        file.seek(0)
        sides.put_index(file, progress.began)
    if not meant:
        raise MirrorFailed(
            f"{sides.name}: {progress.missing} of {progress.known} objects are gone at R2, and none was marked as"
            f" deleted in the vault; what is new was copied. fix: bring them back with `bulkhead restore objects`, or,"
            f" if they were meant to go, say how many: bulkhead restore objects STAGE {sides.name} --accept-deleted"
            f" {progress.missing}"
        )
    sides.forget_accepted()
    return {
        "objects": index.objects,
        "bytes": index.bytes,
        "copied": progress.copied,
        "copied_bytes": progress.copied_bytes,
        "deleted": progress.missing,
        "failed": progress.failed,
    }


class _Marking:
    """Puts delete markers over what is gone. The versions below stay until the bucket's lifecycle takes them."""

    def __init__(self, sides: Sides) -> None:
        self._sides = sides
        self._places = list[str]()

    def add(self, place: str) -> None:
        self._places.append(place)
        if len(self._places) == _MARKED_AT_ONCE:
            self.flush()

    def flush(self) -> None:
        if not self._places:
            return
        named = {"Objects": [{"Key": place} for place in self._places], "Quiet": True}
        errors = self._sides.s3.delete_objects(Bucket=self._sides.vault, Delete=named).get("Errors", [])
        if errors:
            raise MirrorFailed(
                f"{self._sides.name}: {len(errors)} objects could not be marked: {errors[0].get('Code')}"
            )
        self._places = []


def _head(sides: Sides, progress: Progress) -> dict[str, Any]:
    return {"bucket": sides.name, "source": sides.bucket, "taken": progress.began}
