"""The job that keeps the values of KV namespaces, of those that a stage chooses (BAK-14).

A line is what `wrangler kv bulk put` takes: key, value, and where there are any expiration, metadata and base64. KV has
no moment at which all values are true, so a copy never says that it is of one.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final
from urllib.parse import quote

from jobs import lines
from jobs.cloudflare import Cloudflare, CloudflareFailed
from jobs.folders import NAMESPACES
from jobs.lines import LinesDamaged, Written
from jobs.run import MARGIN, Done, HandOver, Job, JobFailed, Outcome, handler_of
from jobs.streams import StreamFailed
from jobs.vault import stamp

_AT_ONCE: Final = 100  # keys of a request; source: KV's API, "bulk get"
_PAGE: Final = 1000
_TOO_MUCH: Final = 413
_ABSENT: Final = 404
_REPLACED: Final = "\ufffd"  # what JSON has in the place of bytes that are no text


@dataclass(slots=True)
class _Cursor:
    """Which namespaces are kept already, and which failed; of the next one, which parts are, and where its list goes
    on."""

    kept: dict[str, Any] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    parts: list[dict[str, Any]] = field(default_factory=list)
    after: str = ""

    def begin(self) -> None:
        """Stand at the beginning of another namespace."""
        self.parts, self.after = [], ""


def work(job: Job) -> Outcome:
    """Keep every namespace, one after the other."""
    cursor = _Cursor(**(job.cursor or {}))
    for name in sorted(job.config.namespaces):
        if name in cursor.kept or name in cursor.problems:
            continue
        try:
            is_whole = _keep(job, name, cursor)
        except (CloudflareFailed, LinesDamaged, StreamFailed) as failed:
            cursor.problems[name] = f"{name}: {failed}"
            cursor.begin()
            continue
        if not is_whole:
            return HandOver(asdict(cursor))
    if cursor.problems:
        raise JobFailed("\n".join(cursor.problems.values()))
    return Done({"namespaces": cursor.kept})


def _keep(job: Job, name: str, cursor: _Cursor) -> bool:
    """Go on with a namespace; return whether all of it is kept."""
    api, id_ = job.cloudflare, job.config.namespaces[name].id
    path = f"/storage/kv/namespaces/{id_}"
    stem = f"{NAMESPACES}{name}/backup_{job.config.stage}_{name}_{stamp(job.scheduled)}"
    pages = _Pages(api, path, cursor)

    def found() -> Iterator[dict[str, Any]]:
        for keys in pages:
            yield from values(api, path, keys)
            if job.remaining_seconds() < 2 * MARGIN:
                return

    job.require()
    written = lines.write(job.vault, f"{stem}.{len(cursor.parts) + 1}{lines.LINES}", found())
    cursor.parts.append(asdict(written))
    if not pages.is_over:
        return False
    parts = [Written(**each) for each in cursor.parts]
    told = {"namespace": name, "id": id_, "stage": job.config.stage}
    manifest = lines.close(job, name, stem, parts, **told)
    cursor.kept[name] = {"manifest": f"{stem}.json", "count": manifest["count"], "bytes": manifest["bytes"]}
    cursor.begin()
    return True


class _Pages:
    """The keys of a namespace, a page at a time, from where ``cursor`` stands."""

    def __init__(self, api: Cloudflare, path: str, cursor: _Cursor) -> None:
        self._api, self._path, self._cursor = api, path, cursor
        self.is_over = False

    def __iter__(self) -> Iterator[Sequence[Mapping[str, Any]]]:
        while not self.is_over:
            keys, self._cursor.after = self._api.page(f"{self._path}/keys", self._cursor.after, limit=_PAGE)
            self.is_over = not self._cursor.after
            yield keys


def values(api: Cloudflare, path: str, keys: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield what is under the keys of a list, but for what has gone meanwhile."""
    for start in range(0, len(keys), _AT_ONCE):
        some = keys[start : start + _AT_ONCE]
        found = _read(api, path, [each["name"] for each in some])
        for each in some:
            value = found.get(each["name"])
            told = {"value": value} if value is not None and _REPLACED not in value else _told(api, path, each["name"])
            if told is not None:
                beside = {name: each[name] for name in ("expiration", "metadata") if each.get(name) is not None}
                yield {"key": each["name"], **told, **beside}


def _read(api: Cloudflare, path: str, names: list[str]) -> dict[str, str | None]:
    """Return values as text. A request whose answer would be too large is made in halves, and at last not at all."""
    try:
        found: dict[str, str | None] = api.post(f"{path}/bulk/get", {"keys": names, "type": "text"}, repeatable=True)[
            "values"
        ]
    except CloudflareFailed as failed:
        if failed.status != _TOO_MUCH:
            raise
        if len(names) == 1:
            return {}
        half = len(names) // 2
        return _read(api, path, names[:half]) | _read(api, path, names[half:])
    return found


def _told(api: Cloudflare, path: str, name: str) -> dict[str, Any] | None:
    """Return a value as a line has it, read by itself; None where there is none any more."""
    try:
        content = api.request("GET", f"{path}/values/{quote(name, safe='')}").body
    except CloudflareFailed as failed:
        if failed.status == _ABSENT:
            return None
        raise
    try:
        return {"value": content.decode()}
    except UnicodeDecodeError:
        return {"value": b64encode(content).decode(), "base64": True}


handler = handler_of(work)
