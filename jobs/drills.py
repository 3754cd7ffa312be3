"""What became of rehearsed restores, and whether one is overdue (BAK-12).

The records lie beside the stage's state, where whoever lets a release go to production may read them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from jobs.listing import listed

DRILLS: Final = "jobs/drills/"
BACKUPS: Final = "jobs/runs/backup/"
"""Where the runs of the task that makes the first backup are recorded."""
FORMAT: Final = 1
COUNTS: Final = timedelta(days=35)
"""How long a drill counts: a month, and the days in which one that failed is done again."""
_SUNDAY: Final = 6


@dataclass(frozen=True, slots=True)
class Tried:
    """Of one database. ``seconds`` are by step, ``restore`` all that it takes until its data is there, and proven;
    ``reasons`` are why it failed. ``passed_over`` are newer backups that are known to be no good."""

    backup: str
    rows: int
    seconds: Mapping[str, float]
    reasons: tuple[str, ...] = ()
    passed_over: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Drill:
    """A drill of all databases that have a backup, and when it ended."""

    at: datetime
    databases: Mapping[str, Tried]
    without_backup: tuple[str, ...] = ()

    @property
    def is_good(self) -> bool:
        return bool(self.databases) and not any(each.reasons for each in self.databases.values())

    def text(self) -> str:
        """Return it as JSON."""
        said = {"format": FORMAT, "good": self.is_good, **asdict(self), "at": self.at.isoformat()}
        return json.dumps(said, indent=1) + "\n"


@dataclass(frozen=True, slots=True)
class Standing:
    """``last`` is when the last good drill ended; where there is none, ``first`` is when the stage had its first
    backup, or its first drill, which had one."""

    first: datetime | None
    last: datetime | None

    @property
    def counts_until(self) -> datetime | None:
        """Until when nothing is overdue; None where there is nothing that could be drilled with."""
        since = self.last or self.first
        return since and since + COUNTS

    def age_days(self, now: datetime) -> float | None:
        """Return for how long there was no good drill, None as above."""
        since = self.last or self.first
        return None if since is None else max(0.0, (now - since) / timedelta(days=1))


def place(run: str) -> str:
    """Return the key of the record of a run."""
    return f"{DRILLS}{run}.json"


def tried(said: Mapping[str, Any]) -> Tried:
    """Return what was made of a Tried for JSON."""
    return Tried(**{**said, "reasons": tuple(said["reasons"]), "passed_over": tuple(said["passed_over"])})


def parsed(text: bytes | str) -> Drill | None:
    """Return what `Drill.text` wrote, None for what is none: then it proves nothing."""
    try:
        said: dict[str, Any] = dict(json.loads(text))
        if said.pop("format") != FORMAT:
            return None
        good = said.pop("good")
        databases = {name: tried(each) for name, each in said.pop("databases").items()}
        at = datetime.fromisoformat(said.pop("at")).astimezone(UTC)
        drill = Drill(at, databases, tuple(said.pop("without_backup")))
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    return drill if drill.is_good is good and not said else None


def standing(s3: Any, bucket: str) -> Standing:
    """Return how it stands, from the records in the bucket of the stage's state."""
    oldest = None
    for key in sorted(_keys(s3, bucket, DRILLS), reverse=True):
        drill = parsed(_read(s3, bucket, key))
        if drill is not None and drill.is_good:
            return Standing(None, drill.at)
        oldest = drill.at if drill else oldest
    known = [each for each in (oldest, _first(s3, bucket)) if each is not None]
    return Standing(min(known, default=None), None)


def is_due(last: datetime | None, now: datetime, zone: ZoneInfo) -> bool:
    """Whether a drill is to be held: none was good since the last first Sunday of a month, today's as well."""
    today = now.astimezone(zone).date()
    sunday = _first_sunday(today)
    if today < sunday:
        sunday = _first_sunday(today.replace(day=1) - timedelta(days=1))
    return last is None or last.astimezone(zone).date() < sunday


def _first_sunday(day: date) -> date:
    first = day.replace(day=1)
    return first + timedelta(days=(_SUNDAY - first.weekday()) % 7)


def _first(s3: Any, bucket: str) -> datetime | None:
    """Return when the first run of the backup succeeded."""
    for key in _keys(s3, bucket, BACKUPS):
        try:
            said = json.loads(_read(s3, bucket, key))
            if said["status"] == "done" and said["summary"]["databases"]:
                return datetime.fromisoformat(said["at"]).astimezone(UTC)
        except (ValueError, TypeError, KeyError):
            continue
    return None


def _keys(s3: Any, bucket: str, prefix: str) -> Iterator[str]:
    return (str(each["Key"]) for each in listed(s3, bucket, prefix))


def _read(s3: Any, bucket: str, key: str) -> bytes:
    content: bytes = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    return content
