"""A database of D1 that is made to try a restore in, and removed again. Its name says what it is for, so that the next
run finds what a killed one has left.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from jobs.cloudflare import D1, Cloudflare, CloudflareFailed
from jobs.d1.load import by_import
from jobs.d1.schema import Query

MARK: Final = "-drill"
"""With what the name of such a database ends."""
_DATABASES: Final = "/d1/database"
_LOOPBACK: Final = "127.0.0.1"
_UPLOAD_SECONDS: Final = 300.0
_ASKED: Final = 5  # times that the list of databases is read until it no longer has what was deleted
_PAUSE: Final = 2.0
_ABSENT: Final = 404


class NotGone(Exception):
    """A database of this kind could not be removed; the text says how it is."""


@dataclass(frozen=True, slots=True)
class Scratch:
    """One of them. Every method raises CloudflareFailed."""

    api: Cloudflare
    id: str

    @property
    def query(self) -> Query:
        return self._database.query

    def load(self, file: Path, patience: float) -> None:
        """Load a file of SQL by D1's import. Raises LoadFailed where D1 refuses it, or needs more than ``patience``."""
        by_import(file, self._import, _upload, patience=patience)

    def write(self, statements: Sequence[str]) -> None:
        """Run statements as one transaction."""
        self.api.post(f"{self._database.path}/query", {"sql": "\n".join(statements)})

    def bookmark(self) -> str:
        return self._database.bookmark()

    def travel(self, to: datetime | str) -> None:
        """Bring it back to how it was at a time, or at a bookmark."""
        query = {"timestamp": to.isoformat(timespec="seconds")} if isinstance(to, datetime) else {"bookmark": to}
        self.api.request("POST", f"{self._database.path}/time_travel/restore", query=query, repeatable=True)

    def _import(self, body: Mapping[str, str]) -> Mapping[str, Any]:
        again = body["action"] != "ingest"  # the second time, D1 has taken the file that it names
        return dict(self.api.post(f"{self._database.path}/import", dict(body), repeatable=again) or {})

    @property
    def _database(self) -> D1:
        return self.api.database(self.id)


def make(api: Cloudflare, name: str, location: str) -> Scratch:
    """Make an empty one near a location, as the stage's own are; "" leaves it to D1."""
    near = {"primary_location_hint": location} if location else {}
    return Scratch(api, str(api.post(_DATABASES, {"name": name, **near})["uuid"]))


def remove(api: Cloudflare, name: str, keep: Collection[str]) -> bool:
    """Remove the database of this name, and prove that it is gone; return whether there was one. ``keep`` are the ids
    and names of the stage's own databases. Raises NotGone."""
    if not name.endswith(MARK) or name in keep:
        raise NotGone(f"{name} is the name of a database of the stage. fix: call that database otherwise")
    found = _found(api, name)
    for each in found:
        if each in keep:
            raise NotGone(f"{name} is one of the stage's own databases, {each}, and stays")
        try:
            api.request("DELETE", f"{_DATABASES}/{each}", repeatable=True)
        except CloudflareFailed as failed:
            if failed.status != _ABSENT:
                raise
    for attempt in range(_ASKED if found else 0):
        if not _found(api, name):
            return True
        time.sleep(_PAUSE * attempt)
    if found:
        raise NotGone(f"{name} was deleted, and Cloudflare still lists it. fix: npx wrangler d1 delete {name}")
    return False


def _found(api: Cloudflare, name: str) -> list[str]:
    listed = api.get(_DATABASES, name=name)  # the API's filter takes a part of a name
    return [str(each["uuid"]) for each in listed if each["name"] == name]


def _upload(url: str, file: Path) -> None:
    """Put a file to an address that Cloudflare has signed. No token goes there."""
    at = urlsplit(url)
    is_local = at.scheme == "http" and at.hostname == _LOOPBACK
    if at.hostname is None or (at.scheme != "https" and not is_local):
        raise CloudflareFailed("D1 said to upload a dump to an address that is not https")
    kind = HTTPConnection if is_local else HTTPSConnection
    connection = kind(at.hostname, at.port, timeout=_UPLOAD_SECONDS)
    try:
        with file.open("rb") as content:
            size = {"Content-Length": str(file.stat().st_size)}
            connection.request("PUT", f"{at.path}?{at.query}", content, size)
            status = connection.getresponse().status
    except (HTTPException, OSError) as error:
        raise CloudflareFailed(f"the dump was not uploaded ({type(error).__name__})") from error
    finally:
        connection.close()
    if status >= 300:  # noqa: PLR2004
        raise CloudflareFailed(f"the dump was not uploaded: {status}", status)
