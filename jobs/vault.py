"""The vault: what lies where in it, how it gets there, and how it is read.

A backup counts when its manifest is there, which is written last. What was killed before is an upload that the bucket's
lifecycle removes, or a dump without a manifest, which nobody restores.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from jobs.folders import DATABASES, Tier
from jobs.listing import listed
from jobs.streams import CHECKSUM, Reading, Writing

SQL: Final = ".sql.gz"
MANIFEST: Final = ".json"
_STAMP: Final = "%Y%m%dT%H%M%SZ"
_KEY: Final = re.compile(
    DATABASES + r"(?P<tier>[a-z]+)/(?P<database>[^/]+)/backup_(?P<stage>[a-z]+)_(?P=database)_(?P<at>\d{8}T\d{6}Z)"
    r"(?P<end>\.sql\.gz|\.json)"
)


@dataclass(frozen=True, slots=True, order=True)
class Backup:
    """A backup by its place: ``at`` is the second of UTC in which it was begun."""

    at: datetime
    database: str
    stage: str
    tier: Tier

    @property
    def key(self) -> str:
        """The key of the SQL, packed."""
        return self._stem + SQL

    @property
    def manifest(self) -> str:
        """The key of the manifest."""
        return self._stem + MANIFEST

    @property
    def _stem(self) -> str:
        return f"{folder(self.tier, self.database)}backup_{self.stage}_{self.database}_{stamp(self.at)}"

    @classmethod
    def of(cls, key: str) -> Backup | None:
        """Return whose key this is, of the SQL or of the manifest; None for what is no backup's."""
        if not (found := _KEY.fullmatch(key)) or found["tier"] not in set(Tier):
            return None
        try:
            at = moment(found["at"])
        except ValueError:
            return None
        return cls(at, found["database"], found["stage"], Tier(found["tier"]))


def folder(tier: Tier, database: str) -> str:
    return f"{DATABASES}{tier}/{database}/"


def stamp(at: datetime) -> str:
    """Return a moment as it stands in keys: ``20261130T170000Z``."""
    return at.astimezone(UTC).strftime(_STAMP)


def moment(stamped: str) -> datetime:
    """Return the moment of a stamp. Raises ValueError."""
    return datetime.strptime(stamped, _STAMP).replace(tzinfo=UTC)


def minutes(at: datetime, now: datetime) -> float:
    """Return how old something of ``at`` is."""
    return max(0.0, (now - at).total_seconds() / 60)


def due(at: datetime, zone: ZoneInfo, kept: Iterable[str], newest: Mapping[Tier, datetime]) -> list[Tier]:
    """Return the tiers into which a full backup of ``at`` goes: daily, and each other one of ``kept`` that has none of
    this period yet. Weeks begin on Monday; all periods are the stage's zone's. ``newest`` is each tier's newest backup.

    A day on which no backup was taken does not lose the month: the next one is the month's."""
    found = [Tier.DAILY]
    for tier in (Tier.WEEKLY, Tier.MONTHLY, Tier.YEARLY):
        last = newest.get(tier)
        if tier in set(kept) and (last is None or _period(tier, last, zone) != _period(tier, at, zone)):
            found.append(tier)
    return found


def _period(tier: Tier, at: datetime, zone: ZoneInfo) -> tuple[int, ...]:
    day = at.astimezone(zone).date()
    return {
        Tier.WEEKLY: (*day.isocalendar(),)[:2],
        Tier.MONTHLY: (day.year, day.month),
        Tier.YEARLY: (day.year,),
    }[tier]


@dataclass(frozen=True, slots=True)
class Vault:
    """The bucket of one stage's backups, through boto3's client of S3. ``key`` is the ARN of the bucket's KMS key."""

    s3: Any
    bucket: str
    key: str

    def backups(self, tier: Tier, database: str) -> list[Backup]:
        """Return a tier's backups of a database, the oldest first: those that have a manifest."""
        there = set(self.keys(folder(tier, database)))
        found = (Backup.of(key) for key in there if key.endswith(MANIFEST))
        return sorted(each for each in found if each is not None and each.key in there)

    def newest(self, database: str) -> dict[Tier, Backup]:
        """Return the newest backup in each tier that has one."""
        found = {tier: self.backups(tier, database) for tier in Tier}
        return {tier: backups[-1] for tier, backups in found.items() if backups}

    def keys(self, prefix: str) -> Iterator[str]:
        """Return every key below ``prefix``, in order."""
        return (str(each["Key"]) for each in listed(self.s3, self.bucket, prefix))

    def put(self, key: str, body: bytes, content_type: str = "application/json", **told: Any) -> None:
        """Write a small object as a whole; ``told`` is what else S3 is told of it."""
        said = {"ContentType": content_type, "ChecksumAlgorithm": CHECKSUM, **self.encrypted(), **told}
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body, **said)

    def get(self, key: str) -> bytes:
        """Return a small object as a whole."""
        with self.open(key) as reading:
            return reading.readall()

    def writing(self, objects: Mapping[str, Mapping[str, Any]]) -> Writing:
        """Return what writes one content to each of the keys, for use in a ``with``."""
        told = {key: {**self.encrypted(), **each} for key, each in objects.items()}
        return Writing(self.s3, self.bucket, told)

    def open(self, key: str) -> Reading:
        """Return an object as a stream."""
        return Reading(self.s3, self.bucket, key)

    def encrypted(self) -> dict[str, str]:
        """Return what S3 is told of every object: with which key."""
        return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": self.key}
