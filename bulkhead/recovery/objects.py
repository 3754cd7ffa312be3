"""Objects of an R2 bucket brought back out of the vault's mirror: what is missing, and by choice what is another one.

Nothing is ever deleted. A restore that was cut off is run again: what it wrote is not missing any more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from bulkhead.model.aws_scope import aws_scope_of
from bulkhead.model.faults import Fault, Refused
from bulkhead.model.naming import Kind
from bulkhead.model.settings import StageSettings
from bulkhead.recovery.restore.moments import refused
from jobs.local_time import shown
from jobs.mirror import parts_of
from jobs.r2.copies import R2_METADATA, CopyDamaged, Source, Target, copy
from jobs.r2.index import Entry, IndexDamaged, Listed, index_key, merged
from jobs.r2.sides import Sides, accepted_key

_NAMED: Final = 10  # objects that a plan or a message names


@dataclass(slots=True)
class Plan:
    """What a restore would do. ``taken`` is when the mirror was made that it brings back, ``version`` its index's.

    ``unmirrored`` of the objects that are other ones were written after the last mirror: nothing else has them.
    """

    taken: datetime
    version: str
    missing: int = 0
    others: int = 0
    unmirrored: int = 0
    same: int = 0
    bytes: int = 0
    named: list[str] = field(default_factory=list)

    def writes(self, *, overwrite: bool) -> int:
        """Return how many objects would be written."""
        return self.missing + (self.others if overwrite else 0)

    def told(self, zone: str, *, overwrite: bool) -> list[str]:
        """Return what would be done, a line each, for the person who decides."""
        count = self.writes(overwrite=overwrite)
        left = f"{self.same} are there already"
        if not overwrite:
            left += f", {self.others} are other ones by now and stay (--overwrite replaces them)"
        lines = [f"{count} objects, {self.bytes} bytes, as of the mirror of {shown(self.taken, zone)}; {left}"]
        if overwrite and self.others:
            lines.append(f"{self.others} of them replace other ones")
        if overwrite and self.unmirrored:
            lines.append(f"{self.unmirrored} of those were written after the last mirror: nothing else has them")
        if self.named:
            more = f" and {count - len(self.named)} more" if count > len(self.named) else ""
            lines.append(f"{', '.join(self.named)}{more}")
        return lines


@dataclass(slots=True)
class Restored:
    """What a restore did; ``failed`` says of each object that was not written why."""

    written: int = 0
    replaced: int = 0
    failed: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Mirror:
    """The mirror of one bucket, and what is wanted of it. ``zone`` is the stage's."""

    sides: Sides
    zone: str
    prefix: str = ""
    overwrite: bool = False

    def plan(self, at: datetime | None) -> Plan:
        """Return what would be written, as of the last mirror before ``at``. Raises Refused where there is none."""
        versions = self._versions()
        if not versions:
            raise refused(self.sides.name, "was never mirrored, so nothing of it can come back")
        found = self.newest(at)
        if found is None:
            message = f"is before the first mirror that is kept, of {shown(versions[-1][0], self.zone)}"
            raise refused("--at", message, "name a later time")
        plan, last = Plan(*found), self.sides.taken()
        for entry, there in self._compared(plan.version):
            if there is None:
                plan.missing += 1
            elif _is_same(entry, there):
                plan.same += 1
                continue
            else:
                plan.others += 1
                plan.unmirrored += there.uploaded >= last
                if not self.overwrite:
                    continue
            plan.bytes += entry.size
            if len(plan.named) < _NAMED:
                plan.named.append(entry.key)
        return plan

    def restore(self, plan: Plan, progress: Callable[[Restored], None] = lambda _done: None) -> Restored:
        """Write what the plan says, as far as it is still to be written; ``progress`` is told after each object."""
        done = Restored()
        for entry, there in self._compared(plan.version):
            if there is not None and (not self.overwrite or _is_same(entry, there)):
                continue
            try:
                self._write(entry)
            except CopyDamaged as damaged:
                done.failed[entry.key] = f"{damaged}; an older version may be whole: --at TIME"
            except (BotoCoreError, ClientError, OSError) as error:
                done.failed[entry.key] = str(error)
            else:
                done.written += there is None
                done.replaced += there is not None
            progress(done)
        return done

    def _write(self, entry: Entry) -> None:
        sides = self.sides
        source = Source(
            sides.s3, sides.vault, entry.place, entry.size, version=entry.version or None, sha256=entry.sha256
        )
        target = Target(sides.r2, sides.bucket, entry.key, room=R2_METADATA)
        copy(source, target, {**entry.http, "Metadata": dict(entry.metadata)})

    def _compared(self, version: str) -> Iterator[tuple[Entry, Listed | None]]:
        """Yield what the mirror had by a version of its index, and what R2 has under the same key."""
        live = (each for each in self.sides.old(version) if each.deleted is None and each.key.startswith(self.prefix))
        try:
            for _, entry, there in merged(live, self.sides.listed(prefix=self.prefix)):
                if entry is not None:
                    yield entry, there
        except IndexDamaged as damaged:
            fix = "name an earlier time: --at TIME"
            raise Refused("Nothing was restored.", [Fault(index_key(self.sides.name), str(damaged), fix)]) from damaged

    def newest(self, at: datetime | None) -> tuple[datetime, str] | None:
        """Return when the last mirror before ``at`` was made, and its version; None where there is none."""
        return next((each for each in self._versions() if at is None or each[0] <= at), None)

    def _versions(self) -> list[tuple[datetime, str]]:
        """Return when each index that is kept was made, and its version, the newest first, as S3 lists them."""
        key = index_key(self.sides.name)
        pages = self.sides.s3.get_paginator("list_object_versions").paginate(Bucket=self.sides.vault, Prefix=key)
        found = [one for page in pages for one in page.get("Versions", ()) if one["Key"] == key]
        return [(one["LastModified"].astimezone(UTC), one["VersionId"]) for one in found]


def _is_same(entry: Entry, there: Listed) -> bool:
    return (entry.etag, entry.size) == (there.etag, there.size)


def sides_of(settings: StageSettings, product: str, bucket: str, *, s3: Any, r2: Any) -> Sides:
    """Return a bucket of a stage, as the product calls it, and its mirror."""
    label = settings.label(product)
    scope = aws_scope_of(label, settings)
    return Sides(r2, s3, bucket, label.name(Kind.R2, bucket), scope.vault, scope.state, parts_of(bucket))


def accept(sides: Sides, count: int) -> None:
    """Let the next run of the mirror mark so many objects as deleted."""
    sides.s3.put_object(Bucket=sides.state, Key=accepted_key(sides.parts), Body=str(count).encode())
