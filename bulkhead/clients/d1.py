"""A D1 database over Cloudflare's API: what it answers to SQL, and the way back to how it was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from bulkhead.clients.refusals import ApiRefused
from bulkhead.clients.rest import Rest

_SQL_FAILED: Final = 7500

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

    def bookmark(self) -> str:
        """Return the bookmark of the database as it is now, to which Time Travel can bring it back for 30 days."""
        answer = self.api.get(f"{_path(self.account)}/{self.id}/time_travel/bookmark") or {}
        return str(answer["bookmark"])

    def _query(self, sql: Sequence[str], *, repeatable: bool) -> list[Rows]:
        path = f"{_path(self.account)}/{self.id}/query"
        try:
            answers = self.api.post(path, {"sql": "\n".join(sql)}, repeatable=repeatable)
        except ApiRefused as refused:
            if not refused.has(_SQL_FAILED):
                raise
            raise SqlFailed([reason.message for reason in refused.reasons]) from refused
        return [answer["results"] for answer in answers or ()]


def find(api: Rest, account: str, name: str) -> D1 | None:
    """Return the database of this name, None where the account has none."""
    listed = api.every(_path(account), name=name)  # the API's filter takes a part of a name
    return next((D1(api, account, each["uuid"], name) for each in listed if each["name"] == name), None)


def _path(account: str) -> str:
    return f"/accounts/{account}/d1/database"
