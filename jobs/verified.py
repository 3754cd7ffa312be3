"""What became of reading a backup back: the verdict, and where it is noted.

It lies beside the state and not in the vault, where a lock would keep every word of it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final

from jobs.listing import listed
from jobs.vault import Backup

VERIFIED: Final = "jobs/verified/"
FORMAT: Final = 1
_END: Final = ".json"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Of one backup. ``reasons`` are why it is no good, none where it is; ``notes`` are what else is to be known of it.
    ``seconds`` is how long it took to load and compare, by ``sqlite`` of that version."""

    key: str
    at: datetime
    reasons: tuple[str, ...]
    notes: tuple[str, ...]
    rows: int
    seconds: float
    sqlite: str

    @property
    def is_good(self) -> bool:
        return not self.reasons

    def text(self) -> str:
        """Return it as JSON."""
        return json.dumps({"format": FORMAT, **asdict(self), "at": self.at.isoformat()}, indent=1) + "\n"


def parsed(text: bytes | str) -> Verdict | None:
    """Return the verdict that `Verdict.text` wrote, None for what is none: then nothing is known."""
    try:
        said: dict[str, Any] = dict(json.loads(text))
        if said.pop("format") != FORMAT:
            return None
        at, reasons, notes = (said.pop(name) for name in ("at", "reasons", "notes"))
        return Verdict(
            at=datetime.fromisoformat(at).astimezone(UTC), reasons=tuple(reasons), notes=tuple(notes), **said
        )
    except (ValueError, TypeError, KeyError):
        return None


def place(backup: Backup) -> str:
    """Return the key of a backup's verdict."""
    return f"{VERIFIED}{backup.key}{_END}"


def times(s3: Any, bucket: str) -> dict[str, datetime]:
    """Return when each backup was verified last, by its key."""
    return {str(each["Key"])[len(VERIFIED) : -len(_END)]: each["LastModified"] for each in listed(s3, bucket, VERIFIED)}
