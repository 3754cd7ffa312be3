"""What users met in a minute, as Cloudflare counted it: the requests of each version of a Worker, a hostname's replies.

Both are told minutes late, and only what can be complete is believed. None is "not known yet", which is not zero.

Source: Cloudflare's GraphQL Analytics API. A plan has its own fields, and a query that names another one is refused as
a whole; so the settings node is asked first. The numbers are estimates of the whole also where only one request in many
was looked at: ``avg.sampleInterval`` says in how many.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

from bulkhead.clients.refusals import ApiRefused
from bulkhead.clients.rest import Rest
from bulkhead.delivery.observed import Count
from bulkhead.model.faults import Fault, Refused
from bulkhead.model.instants import instant_of

DELAY: Final = 300.0  # seconds until what Cloudflare tells of a moment is complete, as those report who poll it
_PAUSE: Final = 15.0  # seconds without a question after one that nobody answered
_MOST: Final = 10_000  # rows of an answer
_SERVER_ERRORS: Final = 500  # and above, as a reply's status
_PATH: Final = "/graphql"
# GraphQL documentation, "Error responses": what is said of rates and of Cloudflare's own faults.
_PASSING: Final = re.compile(
    r"budget depleted|try again later|limit reached|quota exceeded|internal server error", re.I
)
_Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Source:
    """A dataset: ``scope`` is the node that it is below and ``tag`` that node's name in a filter. ``optional`` fields
    are left out where a plan lacks them; without the ``needed`` ones nothing can be told, which is no fault where it
    ``may_lack``."""

    dataset: str
    scope: str
    tag: str
    filtered_by: str
    needed: tuple[str, ...]
    optional: tuple[str, ...] = ()
    may_lack: bool = False


_WORKERS: Final = _Source(
    "workersInvocationsAdaptive",
    "accounts",
    "accountTag",
    "scriptName",
    ("dimensions_scriptVersion", "sum_requests", "sum_errors", "avg_sampleInterval"),
    ("quantiles_wallTimeP95",),
)
_EDGE: Final = _Source(
    "httpRequestsAdaptiveGroups",
    "zones",
    "zoneTag",
    "clientRequestHTTPHost",
    ("dimensions_clientRequestHTTPHost", "dimensions_edgeResponseStatus", "count", "avg_sampleInterval"),
    ("dimensions_requestSource", "quantiles_edgeTimeToFirstByteMsP95"),
    may_lack=True,
)
_FROM_USERS: Final = "eyeball"  # a Worker that asks a hostname of the zone has another source


@dataclass(slots=True)
class Signals:
    """What Cloudflare's analytics tell of one stage. A minute is ``span`` seconds, counted since 1970, and is known
    ``delay`` seconds after its end. What is known is asked once; while nobody answers, one question in 15 seconds.
    ``problem`` says why nothing is known of a minute that could be.

    Raises Refused where the answer will not come by waiting: a token without the permission, a plan without the fields.
    """

    api: Rest
    account: str
    zone: str
    delay: float = DELAY
    span: int = 60
    clock: Callable[[], float] = time.time
    problem: str = field(default="", init=False)
    _fields: dict[str, frozenset[str]] = field(default_factory=dict, init=False)
    _known: dict[tuple[str, str, int], tuple[_Row, ...]] = field(default_factory=dict, init=False)
    _silent_until: float = field(default=0.0, init=False)

    def minute(self, script: str, versions: Iterable[str], at: int) -> Mapping[str, Count] | None:
        """Return the requests that each version of a Worker has had in a minute. A failed one is an exception of its
        code or a limit that it hit: a reply of 500 is a success to Cloudflare, and is seen by the edge alone."""
        rows = self._rows(_WORKERS, self.account, script, at)
        if rows is None:
            return None
        by_version = {row["dimensions"]["scriptVersion"]: _invocations(row) for row in rows}
        return {version: by_version.get(version, Count()) for version in versions}

    def all(self, script: str, at: int) -> Count | None:
        """Return the requests of a Worker in a minute, whichever versions answered them."""
        rows = self._rows(_WORKERS, self.account, script, at)
        return None if rows is None else sum(map(_invocations, rows), Count())

    def edge(self, host: str, at: int) -> Count | None:
        """Return the replies that visitors of a hostname got in a minute; failed are those of 500 and above. None, too,
        where the zone's plan does not tell hostnames apart."""
        rows = self._rows(_EDGE, self.zone, host, at)
        return None if rows is None else sum((_replies(row) for row in rows), Count())

    def _rows(self, source: _Source, tag: str, name: str, at: int) -> tuple[_Row, ...] | None:
        first, end = at * self.span, (at + 1) * self.span
        if self.clock() < end + self.delay:
            self.problem = ""
            return None
        key = (source.dataset, name, at)
        if key not in self._known:
            fields = self._available(source, tag)
            if fields is None:
                return None
            if lacking := ", ".join(sorted(set(source.needed) - fields)):
                if not source.may_lack:
                    raise _lacks(source, lacking)
                self.problem = f"{source.dataset}: the plan has no {lacking}"
                return None
            query, variables = _query(source, fields, tag, name, first, end)
            answer = self._asked(source, query, variables)
            if answer is None:
                return None
            self._known[key] = tuple(answer["told"])
        return self._known[key]

    def _available(self, source: _Source, tag: str) -> frozenset[str] | None:
        """Return the fields that the plan has of a dataset, none where it is not enabled; None when nobody answers."""
        if source.dataset not in self._fields:
            asked = f"settings{{{source.dataset}{{enabled availableFields}}}}"
            answer = self._asked(source, f"query($tag:string!){{{_below(source, asked)}}}", {"tag": tag})
            if answer is None:
                return None
            settings = (answer.get("settings") or {}).get(source.dataset) or {}
            found = settings.get("availableFields") or () if settings.get("enabled") else ()
            self._fields[source.dataset] = frozenset(found)
        return self._fields[source.dataset]

    def _asked(self, source: _Source, query: str, variables: Mapping[str, Any]) -> _Row | None:
        """Return the node below which the answer is, None when nobody answers now."""
        if self.clock() < self._silent_until:
            return None
        body = {"query": query, "variables": variables}
        try:
            answer = self.api.post(_PATH, body, repeatable=True) or {}
        except ApiRefused as refused:
            if not _passes(refused):
                raise
            self.problem = str(refused.faults[0])
            self._silent_until = self.clock() + _PAUSE
            return None
        nodes = ((answer.get("data") or {}).get("viewer") or {}).get(source.scope)
        if not nodes:
            raise Refused(
                f"Cloudflare tells nothing of {variables['tag']}.",
                [Fault(source.dataset, "the token sees no such account or zone", _REGRANT)],
            )
        self.problem = ""
        node: _Row = nodes[0]
        return node


_REGRANT: Final = "bring up the stage's identities, which give the deploy token Analytics Read, and use the new token"


def _query(
    source: _Source, fields: frozenset[str], tag: str, name: str, first: int, end: int
) -> tuple[str, dict[str, Any]]:
    """Return the query for one minute, and its variables."""
    wanted = [each for each in (*source.needed, *source.optional) if each in fields]
    filters = [f"{source.filtered_by}:$name", "datetime_geq:$first", "datetime_lt:$end"]
    if "dimensions_requestSource" in wanted:
        wanted.remove("dimensions_requestSource")
        filters.append(f'requestSource:"{_FROM_USERS}"')
    selected = f"told:{source.dataset}(limit:{_MOST},filter:{{{','.join(filters)}}}){{{' '.join(_selection(wanted))}}}"
    query = f"query($tag:string!,$name:string!,$first:Time!,$end:Time!){{{_below(source, selected)}}}"
    return query, {"tag": tag, "name": name, "first": instant_of(first), "end": instant_of(end)}


def _below(source: _Source, selected: str) -> str:
    return f"viewer{{{source.scope}(filter:{{{source.tag}:$tag}}){{{selected}}}}}"


def _selection(fields: Iterable[str]) -> Iterator[str]:
    groups: dict[str, list[str]] = {}
    for each in fields:
        group, _, member = each.partition("_")
        groups.setdefault(group, []).extend([member] if member else [])
    return (f"{group}{{{' '.join(members)}}}" if members else group for group, members in groups.items())


def _invocations(row: _Row) -> Count:
    p95 = (row.get("quantiles") or {}).get("wallTimeP95")
    return Count(
        int(row["sum"]["requests"]),
        int(row["sum"]["errors"]),
        None if p95 is None else p95 / 1000,  # microseconds
        _sample(row),
    )


def _replies(row: _Row) -> Count:
    replies = int(row["count"])
    failed = replies if row["dimensions"]["edgeResponseStatus"] >= _SERVER_ERRORS else 0
    return Count(replies, failed, (row.get("quantiles") or {}).get("edgeTimeToFirstByteMsP95"), _sample(row))


def _sample(row: _Row) -> float:
    return max(1.0, float(row["avg"]["sampleInterval"]))


def _passes(refused: ApiRefused) -> bool:
    """Whether it may be answered later: nobody was there, it was too much, or a fault of Cloudflare's, which it may say
    with any status."""
    status = refused.status
    if status is None or status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return True
    return any(_PASSING.search(reason.message) for reason in refused.reasons)


def _lacks(source: _Source, lacking: str) -> Refused:
    message = f"the account's analytics have no {lacking}: no version could be told from another"
    fix = "let the stage's rollout be blue-green, which probes decide"
    return Refused(f"Cloudflare's {source.dataset} cannot be used.", [Fault("bulkhead:rollout.strategy", message, fix)])
