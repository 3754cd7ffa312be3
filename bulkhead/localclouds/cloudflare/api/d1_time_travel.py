"""Time Travel of D1: bookmarks, and the way back to one.

Miniflare keeps no history. A bookmark is a copy of the database at the moment when somebody asks for one, so that each
can really be restored. A moment is known when somebody asked before it and after it and the database was the same both
times; any other is refused. Source: D1, "Time Travel".
"""

from __future__ import annotations

import os
import threading
from collections import defaultdict
from datetime import datetime
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
        """Answer with the bookmark of the database as it is now, or as it was at ``timestamp``."""
        if "timestamp" in call.query:
            return Result({"bookmark": self._then(call, record)})
        return Result({"bookmark": self.take(call, record)})

    def restore(self, call: Call, record: Record) -> Result:
        """Make the database what it was at a bookmark."""
        wanted = self._then(call, record) if "timestamp" in call.query else call.query.get("bookmark")
        if not wanted:
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
                os.utime(folder / f"{last}{_SUFFIX}", (now, now))
                return last
            number = int(last.partition("-")[0] or "0", 16) + 1
            bookmark = f"{number:08x}-00000000-{int(now):08x}-{content}"
            os.utime(copy, (now, now))
            copy.replace(folder / f"{bookmark}{_SUFFIX}")
            return bookmark

    def _then(self, call: Call, record: Record) -> str:
        """Return the bookmark of the database as it was at the timestamp that the call names."""
        said, now = call.query["timestamp"], call.cloud.clock()
        try:
            moment = datetime.fromisoformat(said)
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            raise Refusal(400, (7400, f"The request is malformed: timestamp {said!r} is none with a time zone"))
        at = moment.timestamp()
        if at > now:
            raise Refusal(400, (7400, f"The request is malformed: timestamp {said!r} is still to come"))
        with self._lock:
            kept = _kept(call.stage_of(record).d1_bookmarks(record.id), now)
            found = [each for each, file in kept.items() if _taken(each) <= int(at) <= file.stat().st_mtime]
        if not found:
            raise _no_history(said)
        return max(found)


def _taken(bookmark: str) -> int:
    return int(bookmark.split("-")[2], 16)


def _kept(folder: Path, now: float) -> dict[str, Path]:
    """Return the copies that are not too old, by bookmark."""
    found = {file.name.removesuffix(_SUFFIX): file for file in folder.glob(f"*{_SUFFIX}")}
    for bookmark in [each for each in found if _taken(each) < now - _KEPT]:
        found.pop(bookmark).unlink()
    return found


def _no_history(moment: str) -> Refusal:
    reason = "the local Cloudflare keeps no history of a database, and nobody asked for a bookmark around that moment"
    return Refusal(400, (UNKNOWN_CODE, f"timestamp {moment}: {reason}"))
