"""Imports and exports of D1 databases, each a job that a client polls.

Source: D1's API reference, "Import SQL into your D1 Database", "Export D1 Database as SQL".
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from bulkhead.clients.sql import statements
from bulkhead.localclouds.cloudflare.api.answers import Result
from bulkhead.localclouds.cloudflare.api.call import Call
from bulkhead.localclouds.cloudflare.api.d1_body import fault, malformed, members
from bulkhead.localclouds.cloudflare.api.d1_time_travel import TimeTravel
from bulkhead.localclouds.cloudflare.api.signed import md5
from bulkhead.localclouds.cloudflare.client import Query, Ran, SqlError
from bulkhead.localclouds.providers.store import Record

_SILENCE: Final = 10.0  # seconds without a poll after which an export is given up; D1 does not say how many
_STATUS: Final = {"active": 202}


@dataclass
class _Job:
    """An import or an export of one database. ``options`` are an export's; ``outcome`` is what the last poll gets."""

    kind: str
    database: str
    bookmark: str
    heard: float
    options: Mapping[str, Any] = field(default_factory=dict)
    outcome: Mapping[str, Any] | None = None

    def answer(self, status: str, **more: Any) -> Result:
        told = {"success": True, "type": self.kind, "status": status, "at_bookmark": self.bookmark, "messages": []}
        return Result({**told, **more}, status=_STATUS.get(status, 200))

    def is_running(self, now: float) -> bool:
        return self.outcome is None and (self.kind == "import" or now - self.heard <= _SILENCE)


class Transfers:
    """The jobs of all databases. Safe to use from several threads."""

    def __init__(self, travel: TimeTravel) -> None:
        self._travel = travel
        self._lock = threading.Lock()
        self._jobs: dict[tuple[str, str], _Job] = {}

    def require_idle(self, call: Call, record: Record) -> None:
        """Raise Refusal while the database is imported into or exported."""
        with self._lock:
            self._require_idle(call, record)

    def import_(self, call: Call, record: Record) -> Result:
        """Serve each step of an import."""
        body = dict(call.json())
        match body.pop("action", None):
            case "init":
                (etag,) = members(body, etag=str)
                return self._init(call, record, etag)
            case "ingest":
                etag, filename = members(body, etag=str, filename=str)
                return self._ingest(call, record, etag, filename)
            case "poll":
                (bookmark,) = members(body, current_bookmark=str)
                return self._polled(call, record, "import", bookmark)
        raise malformed("Invalid property: action => Expected init, ingest or poll")

    def export(self, call: Call, record: Record) -> Result:
        """Begin an export, or go on with one."""
        form, dump, bookmark = members(call.json(), output_format=str, dump_options=[dict], current_bookmark=[str])
        if form != "polling":
            raise malformed("Invalid property: output_format => Expected polling")
        if bookmark is not None:
            return self._polled(call, record, "export", bookmark)
        no_data, no_schema, tables = members(dump or {}, no_data=[bool], no_schema=[bool], tables=[list])
        if not all(isinstance(table, str) for table in tables or ()):
            raise malformed("Invalid property: dump_options.tables => Expected strings")
        options = {"no_data": bool(no_data), "no_schema": bool(no_schema), "tables": tables or []}
        return self._begin(call, record, "export", options).answer("active")

    def _init(self, call: Call, record: Record, etag: str) -> Result:
        name = f"{record.id}.{etag}.sql"
        if call.cloud.files.get(name) is not None:
            return self._ingest(call, record, etag, name)
        url = call.base + call.cloud.files.sign("PUT", name, call.credential, call.cloud.clock())
        return Result({"filename": name, "upload_url": url})

    def _ingest(self, call: Call, record: Record, etag: str, name: str) -> Result:
        content = call.cloud.files.get(name) if name.startswith(f"{record.id}.") else None
        if content is None:
            raise malformed("Invalid property: filename => nothing was uploaded under this name")
        job = self._begin(call, record, "import")
        try:
            queries = [Query(each) for each in statements(_text(content, etag))]
            ran = call.stage_of(record).d1_run(record.id, queries)
        except SqlError as error:
            job.outcome = _failure(error.summary)
        else:
            final = self._travel.take(call, record)
            result = {"num_queries": len(ran), "final_bookmark": final, "meta": _total(ran)}
            job.outcome = {"status": "complete", "messages": [f"Processed {len(ran)} queries."], "result": result}
        finally:
            call.cloud.files.remove(name)
            job.outcome = job.outcome or _failure("the import was cut off; the database is as it was")
        return job.answer("active")  # as D1 does, also for a file that takes no time: who sends it must ask again

    def _polled(self, call: Call, record: Record, kind: str, bookmark: str) -> Result:
        job = self._jobs.get((record.id, bookmark))
        now = call.cloud.clock()
        if job is None or job.kind != kind or (job.outcome is None and not job.is_running(now)):
            told = {"success": False, "type": kind, "messages": [], "error": f"Not currently {kind}ing anything."}
            return Result(told)
        if kind == "export" and job.outcome is None:
            job.heard = now
            job.outcome = self._exported(call, record, job)
        return job.answer(**job.outcome) if job.outcome else job.answer("active")

    def _exported(self, call: Call, record: Record, job: _Job) -> Mapping[str, Any]:
        try:
            lines = call.stage_of(record).d1_export(record.id, **job.options)
        except SqlError as error:
            return _failure(error.summary)
        name = f"{record.id}-{job.bookmark}.sql"
        url = call.base + call.cloud.files.sign("GET", name, call.credential, call.cloud.clock())
        call.cloud.files.put(name, "\n".join(lines).encode())
        return {"status": "complete", "result": {"filename": name, "signed_url": url}}

    def _begin(self, call: Call, record: Record, kind: str, options: Mapping[str, Any] | None = None) -> _Job:
        with self._lock:
            self._require_idle(call, record)
            bookmark = self._travel.take(call, record)
            job = _Job(kind, record.id, bookmark, call.cloud.clock(), options or {})
            self._jobs[record.id, bookmark] = job
        return job

    def _require_idle(self, call: Call, record: Record) -> None:
        now = call.cloud.clock()
        for job in self._jobs.values():
            if job.database == record.id and job.is_running(now):
                raise fault(f"Currently processing a long-running {job.kind}.")


def _text(content: bytes, etag: str) -> str:
    if md5(content) != etag:
        raise SqlError(f"the file that was uploaded has the MD5 {md5(content)}, not {etag}")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise SqlError(f"the file that was uploaded is not UTF-8 at byte {error.start}") from error


def _failure(message: str) -> dict[str, Any]:
    return {"status": "error", "success": False, "error": message, "errors": [message]}


def _total(ran: list[Ran]) -> dict[str, Any]:
    """Return the account of several statements: sums, and the last one's word on the database."""
    summed = {
        name: sum(each.meta[name] for each in ran) for name in ("duration", "changes", "rows_read", "rows_written")
    }
    changed = any(each.meta["changed_db"] for each in ran)
    return {**ran[-1].meta, **summed, "changed_db": changed}
