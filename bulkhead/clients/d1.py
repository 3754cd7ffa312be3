"""A D1 database over Cloudflare's API: what it answers to SQL, and the way back to how it was."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from bulkhead.clients.refusals import ApiRefused, Uncertain
from bulkhead.clients.rest import Rest
from bulkhead.model.instants import instant
from jobs.d1.load import by_import

_SQL_FAILED: Final = 7500
_BUSY: Final = "long-running"
_PAUSE: Final = 2.0  # seconds until a database that is being imported is asked again
_LOST: Final = 3  # answers to imports of one file
_PATIENCE: Final = 1800.0  # seconds for an import: 5 GB are the most

Rows = Sequence[dict[str, Any]]


class SqlFailed(Exception):
    """D1 refused SQL. Nothing of what was sent with it was done. ``reasons`` are D1's own words."""

    def __init__(self, reasons: Sequence[str]) -> None:
        self.reasons = tuple(reasons)
        super().__init__("; ".join(reasons))


@dataclass(frozen=True, slots=True)
class D1:
    """One database by its id; ``name`` is what people call it. Methods raise ApiRefused as `Rest` does."""

    api: Rest
    account: str
    id: str
    name: str

    def read(self, *sql: str) -> list[Rows]:
        """Return the rows of each statement, none of which changes anything."""
        return self._query(sql, repeatable=True) if sql else []

    def write(self, *sql: str) -> list[Rows]:
        """Run statements as one transaction: all of them are done, or none. Raises SqlFailed, and Uncertain where the
        answer was lost."""
        return self._query(sql, repeatable=False)

    def raw(self, sql: str) -> Iterable[Sequence[Any]]:
        """Return the rows of one statement that changes nothing, values in the order of their columns."""
        try:
            answers = self.api.post(f"{self._path}/raw", {"sql": sql}, repeatable=True)
        except ApiRefused as refused:
            raise _told(refused) from refused
        rows: list[Sequence[Any]] = (answers or [{}])[-1]["results"]["rows"]
        return rows

    def created(self) -> datetime:
        """Return when the database was made."""
        return datetime.fromisoformat(str((self.api.get(self._path) or {})["created_at"]))

    def bookmark(self, at: datetime | None = None) -> str:
        """Return the bookmark of the database as it is now, or as it was, to which Time Travel can bring it back. For
        30 days."""
        query = {"timestamp": instant(at)} if at else {}
        answer = self.api.get(f"{self._path}/time_travel/bookmark", **query) or {}
        return str(answer["bookmark"])

    def travel(self, bookmark: str) -> None:
        """Make the database what it was at a bookmark. Doing it twice comes to the same while nobody writes."""
        self.api.post(f"{self._path}/time_travel/restore", params={"bookmark": bookmark}, repeatable=True)

    def load(self, file: Path) -> None:
        """Run a file of SQL as one transaction, during which the database answers nobody. An import that runs already
        is waited for, and one whose answer was lost is made again, so the file has to come to the same when it is run
        twice. Raises LoadFailed where D1 refuses it: then nothing was done."""
        ends, lost = time.monotonic() + _PATIENCE, 0
        while True:
            try:
                by_import(file, self._import, self.api.upload, patience=max(0.0, ends - time.monotonic()))
            except ApiRefused as refused:
                is_busy = any(_BUSY in reason.message for reason in refused.reasons)
                lost += isinstance(refused, Uncertain)
                if not (is_busy or isinstance(refused, Uncertain)) or lost == _LOST or time.monotonic() > ends:
                    raise
                time.sleep(_PAUSE if is_busy else 0)
            else:
                return

    def delete(self) -> None:
        """Delete the database with all that is in it."""
        self.api.delete(self._path)

    def _import(self, body: Any) -> dict[str, Any]:
        again = body["action"] != "ingest"  # the second time, D1 has taken the file that it names
        return dict(self.api.post(f"{self._path}/import", dict(body), repeatable=again) or {})

    @property
    def _path(self) -> str:
        return f"{_path(self.account)}/{self.id}"

    def _query(self, sql: Sequence[str], *, repeatable: bool) -> list[Rows]:
        try:
            answers = self.api.post(f"{self._path}/query", {"sql": "\n".join(sql)}, repeatable=repeatable)
        except ApiRefused as refused:
            raise _told(refused) from refused
        return [answer["results"] for answer in answers or ()]


def find(api: Rest, account: str, name: str) -> D1 | None:
    """Return the database of this name, None where the account has none."""
    listed = api.every(_path(account), name=name)  # the API's filter takes a part of a name
    return next((D1(api, account, each["uuid"], name) for each in listed if each["name"] == name), None)


def create(api: Rest, account: str, name: str, hint: str | None = None) -> D1:
    """Make a database of this name, near the location ``hint``. Raises Uncertain where it may have been made: `find`
    tells."""
    made = api.post(_path(account), {"name": name} | ({"primary_location_hint": hint} if hint else {})) or {}
    return D1(api, account, str(made["uuid"]), name)


def _told(refused: ApiRefused) -> Exception:
    return SqlFailed([each.message for each in refused.reasons]) if refused.has(_SQL_FAILED) else refused


def _path(account: str) -> str:
    return f"/accounts/{account}/d1/database"
