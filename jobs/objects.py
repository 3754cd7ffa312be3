"""The job that keeps what Durable Objects hold, of the classes that offer an export (BAK-14).

An object is read in pages. A page says how many writes there were so far: where that number moves, the object is read
once more, and where it never stands still, its end says so.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from jobs import lines
from jobs.cloudflare import Cloudflare, CloudflareFailed
from jobs.exports import Exporter, ExportFailed
from jobs.folders import OBJECTS
from jobs.lines import LinesDamaged, Written
from jobs.run import MARGIN, Done, HandOver, Job, JobFailed, Outcome, handler_of
from jobs.streams import StreamFailed
from jobs.vault import stamp

_CLASSES: Final = "/workers/durable_objects/namespaces"
_PAGE: Final = 1000
_TRIES: Final = 3  # of an object that is written to
_NAMED: Final = 20  # values that a message names
_FAILED: Final = (CloudflareFailed, ExportFailed, LinesDamaged, StreamFailed)


@dataclass(frozen=True, slots=True)
class Offer:
    """What a job is told of the product's objects: where the Worker is that exports them, the SSM parameters of its key
    and of the stage's login, by class the Worker that has it, and the classes that offer nothing."""

    url: str = ""
    key: str = ""
    access: str = ""
    classes: Mapping[str, str] = field(default_factory=dict)
    unexported: tuple[str, ...] = ()


@dataclass(slots=True)
class Cursor:
    """Which classes are kept already, and which failed; of the next one, which parts are, and how far its list is."""

    kept: dict[str, Any] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    parts: list[dict[str, Any]] = field(default_factory=list)
    page: str = ""
    done: int = 0
    objects: int = 0
    fuzzy: int = 0
    unsaid: list[str] = field(default_factory=list)

    def begin(self) -> None:
        """Stand at the beginning of another class."""
        self.parts, self.page, self.done, self.objects, self.fuzzy, self.unsaid = [], "", 0, 0, 0, []


def work(job: Job) -> Outcome:
    """Keep the objects of every class, one after the other."""
    offer, cursor = Offer(**job.config.objects), Cursor(**(job.cursor or {}))
    for name in sorted(offer.classes):
        if name in cursor.kept or name in cursor.problems:
            continue
        try:
            is_whole = _keep(job, offer, name, cursor)
        except _FAILED as failed:
            cursor.problems[name] = f"{name}: {failed}"
            cursor.begin()
            continue
        if not is_whole:
            return HandOver(asdict(cursor))
    if cursor.problems:
        raise JobFailed("\n".join(cursor.problems.values()))
    return Done({"classes": cursor.kept, "out_of_scope": list(offer.unexported)})


def _keep(job: Job, offer: Offer, name: str, cursor: Cursor) -> bool:
    """Go on with a class; return whether all of its objects are kept."""
    exporter, stage = _exporter(job, offer), job.config.stage
    objects = _Objects(job.cloudflare, _listed_at(job.cloudflare, offer.classes[name], name), cursor)
    stem = f"{OBJECTS}{name}/backup_{stage}_{name}_{stamp(job.scheduled)}"

    def found() -> Iterator[dict[str, Any]]:
        for id_ in objects:
            yield from lines_of(exporter, name, id_, cursor)
            if job.remaining_seconds() < 2 * MARGIN:
                return

    job.require()
    written = lines.write(job.vault, f"{stem}.{len(cursor.parts) + 1}{lines.LINES}", found())
    cursor.parts.append(asdict(written))
    if not objects.is_over:
        return False
    told = {"class": name, "stage": stage}
    counted = {"objects": cursor.objects, "fuzzy": cursor.fuzzy, "unsaid": len(cursor.unsaid)}
    manifest = lines.close(job, name, stem, [Written(**each) for each in cursor.parts], **told, **counted)
    cursor.kept[name] = {"manifest": f"{stem}.json", "bytes": manifest["bytes"], **counted}
    if cursor.unsaid:
        cursor.problems[name] = (
            f"{name}: no JSON can say {len(cursor.unsaid)} values: {'; '.join(cursor.unsaid[:_NAMED])}"
        )
    cursor.begin()
    return True


class _Objects:
    """The ids of the objects of a class that hold anything, from where ``cursor`` stands."""

    def __init__(self, api: Cloudflare, path: str, cursor: Cursor) -> None:
        self._api, self._path, self._cursor = api, path, cursor
        self.is_over = False

    def __iter__(self) -> Iterator[str]:
        cursor = self._cursor
        while True:
            found, following = self._api.page(self._path, cursor.page, limit=_PAGE)
            for each in found[cursor.done :]:
                cursor.done += 1
                self.is_over = not following and cursor.done == len(found)
                if each["hasStoredData"]:
                    cursor.objects += 1
                    yield str(each["id"])
            if not following:
                self.is_over = True
                return
            cursor.page, cursor.done = following, 0


def _listed_at(api: Cloudflare, script: str, name: str) -> str:
    """Return where Cloudflare lists the objects of a class."""
    for each in api.get(_CLASSES, per_page=_PAGE):
        if (each["script"], each["class"]) == (script, name):
            return f"{_CLASSES}/{each['id']}/objects"
    raise ExportFailed(f"{script} has no such class. fix: deploy the stage again, which says where it is")


def _exporter(job: Job, offer: Offer) -> Exporter:
    headers = {}
    if offer.access:
        login = json.loads(job.secret(offer.access))
        headers = {"CF-Access-Client-Id": login["id"], "CF-Access-Client-Secret": login["secret"]}
    return Exporter(offer.url, job.secret(offer.key), headers)


def lines_of(exporter: Exporter, name: str, id_: str, cursor: Cursor) -> Iterator[dict[str, Any]]:
    """Yield an object's lines; of several tries, the last one counts."""
    for attempt in range(1, _TRIES + 1):
        about = {"object": id_, "attempt": attempt}
        counters, count, after, unsaid = set[str](), 0, None, list[str]()
        while True:
            page = exporter.page(name, id_, after)
            if not counters:
                yield {**about, **{part: page.get(part) for part in ("alarm", "schema", "columns")}}
            counters.add(page["counter"])
            if len(counters) > 1 and attempt < _TRIES:
                break
            for line in page["lines"]:
                yield {**about, **line}
                if "unsaid" in line:
                    unsaid.append(f"{id_} {line['key']!a} holds a {line['unsaid']}")
            count += len(page["lines"])
            after = page["next"]
            if after is None:
                is_one = len(counters) == 1
                cursor.fuzzy += not is_one
                cursor.unsaid += unsaid
                yield {**about, "end": True, "lines": count, "consistent": is_one}
                return


handler = handler_of(work)
