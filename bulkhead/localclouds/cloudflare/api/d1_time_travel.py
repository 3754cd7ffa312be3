"""Time Travel of D1: bookmarks, and the way back to one.

Miniflare keeps no history. A bookmark is a copy of the database at the moment when somebody asks for one, so that each
can really be restored; a moment at which nobody asked is refused. Source: D1, "Time Travel".
"""

from __future__ import annotations

import threading
from collections import defaultdict
from pathlib import Path
from typing import Final

from bulkhead.localclouds.cloudflare import disk
from bulkhead.localclouds.cloudflare.api.answers import UNKNOWN_CODE, Refusal, Result
from bulkhead.localclouds.cloudflare.api.call import Call
from bulkhead.localclouds.providers.store import Record

_SUFFIX: Final = ".sqlite"
_KEPT: Final = 30 * 86400.0  # seconds
_RESTORES: Final = 10  # within
_WINDOW: Final = 600.0  # seconds


class TimeTravel:
    """The bookmarks of all databases. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._restored: dict[str, list[float]] = defaultdict(list)

    def bookmark(self, call: Call, record: Record) -> Result:
        """Answer with the bookmark of the database as it is now."""
        if "timestamp" in call.query:
            raise _no_history()
        return Result({"bookmark": self.take(call, record)})

    def restore(self, call: Call, record: Record) -> Result:
        """Make the database what it was at a bookmark."""
        if "timestamp" in call.query:
            raise _no_history()
        if not (wanted := call.query.get("bookmark")):
            raise Refusal(400, (7400, "The request is malformed: bookmark or timestamp is required"))
        stage, now = call.stage_of(record), call.cloud.clock()
        with self._lock:
            file = _kept(stage.d1_bookmarks(record.id), now).get(wanted)
            if file is None:
                raise Refusal(400, (UNKNOWN_CODE, f"bookmark: the local Cloudflare kept none of this name: {wanted}"))
            recent = [at for at in self._restored[record.id] if at > now - _WINDOW]
            if len(recent) >= _RESTORES:
                raise Refusal(429, (UNKNOWN_CODE, f"{_RESTORES} restores of a database in 10 minutes are the most"))
            self._restored[record.id] = [*recent, now]
            previous = self.take(call, record)
            stage.d1_replace(record.id, file)
            new = self.take(call, record)
        return Result({"bookmark": new, "previous_bookmark": previous, "message": "Database restored"})

    def take(self, call: Call, record: Record) -> str:
        """Return a bookmark of the database as it is now: the last one, if nothing has changed since."""
        stage, now = call.stage_of(record), call.cloud.clock()
        with self._lock:
            folder = stage.d1_bookmarks(record.id)
            folder.mkdir(parents=True, exist_ok=True)
            if not stage.d1_file(record.id).exists():
                stage.d1_query(record.id, "SELECT 1")
            copy = folder / "copy.new"
            disk.copy(stage.d1_file(record.id), copy)
            content, last = disk.digest(copy), max(_kept(folder, now), default="")
            if last.endswith(content):
                copy.unlink()
                return last
            number = int(last.partition("-")[0] or "0", 16) + 1
            bookmark = f"{number:08x}-00000000-{int(now):08x}-{content}"
            copy.replace(folder / f"{bookmark}{_SUFFIX}")
            return bookmark


def _kept(folder: Path, now: float) -> dict[str, Path]:
    """Return the copies that are not too old, by bookmark."""
    found = {file.name.removesuffix(_SUFFIX): file for file in folder.glob(f"*{_SUFFIX}")}
    for bookmark in [each for each in found if int(each.split("-")[2], 16) < now - _KEPT]:
        found.pop(bookmark).unlink()
    return found


def _no_history() -> Refusal:
    reason = "the local Cloudflare keeps no history of a database; it can be restored to a bookmark that was asked for"
    return Refusal(400, (UNKNOWN_CODE, f"timestamp: {reason}"))
