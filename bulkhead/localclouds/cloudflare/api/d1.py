"""The routes of D1: a database by its id or its name, and the SQL that is run in it. Source: D1's API reference."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from bulkhead.clients.sql import statements
from bulkhead.localclouds.cloudflare.api import crud
from bulkhead.localclouds.cloudflare.api.answers import Result
from bulkhead.localclouds.cloudflare.api.call import Call, Route
from bulkhead.localclouds.cloudflare.api.d1_body import fault, malformed, members
from bulkhead.localclouds.cloudflare.api.d1_time_travel import TimeTravel
from bulkhead.localclouds.cloudflare.api.d1_transfers import Transfers
from bulkhead.localclouds.cloudflare.api.stores import DATABASES
from bulkhead.localclouds.cloudflare.client import Query, Ran, SqlError
from bulkhead.localclouds.providers.store import Record

_BYTE: Final = range(256)


class Databases(crud.Served):
    """Serves the databases themselves."""

    def create(self, call: Call) -> Result:
        _refuse_null(call)
        return super().create(call)

    def update(self, call: Call, *, patches: bool) -> Result:
        _refuse_null(call)
        return super().update(call, patches=patches)

    def show(self, call: Call) -> Result:
        """Answer with a database, or only with the members that ``fields`` names."""
        shown: Mapping[str, Any] = super().show(call).value
        chosen = call.query["fields"].split(",") if "fields" in call.query else [*shown]
        if unknown := [name for name in chosen if name not in shown]:
            raise malformed(f"Invalid property: fields => {', '.join(unknown)}")
        return Result({name: shown[name] for name in chosen})


def _refuse_null(call: Call) -> None:
    """Unlike others, D1 takes null for no member that is left out (cloudflare/terraform-provider-cloudflare#6309)."""
    for name, value in call.json().items():
        if value is None:
            raise malformed(f"Invalid property: {name} => Expected object, received null")


def routes() -> list[Route]:
    """Return the routes of D1, with what only they remember: imports, exports, restores."""
    databases, travel = Databases(DATABASES), TimeTravel()
    transfers = Transfers(travel)

    def within(serve: Callable[[Call, Record], Result]) -> Callable[[Call], Result]:
        return lambda call: serve(call, databases.find(call))

    def unless_busy(serve: Callable[[Call, Record], Result]) -> Callable[[Call], Result]:
        def served(call: Call, record: Record) -> Result:
            transfers.require_idle(call, record)
            return serve(call, record)

        return within(served)

    item = DATABASES.item
    return [
        *crud.routes(DATABASES, databases),
        Route("POST", f"{item}/query", unless_busy(_query), "database_id"),
        Route("POST", f"{item}/raw", unless_busy(_raw), "database_id"),
        Route("POST", f"{item}/import", within(transfers.import_), "database_id"),
        Route("POST", f"{item}/export", within(transfers.export), "database_id"),
        Route("GET", f"{item}/time_travel/bookmark", unless_busy(travel.bookmark), "database_id"),
        Route("POST", f"{item}/time_travel/restore", unless_busy(travel.restore), "database_id"),
    ]


def _query(call: Call, record: Record) -> Result:
    return Result([{"results": ran.objects(), "success": True, "meta": ran.meta} for ran in _ran(call, record)])


def _raw(call: Call, record: Record) -> Result:
    return Result(
        [
            {"results": {"columns": ran.columns, "rows": ran.rows}, "success": True, "meta": ran.meta}
            for ran in _ran(call, record)
        ]
    )


def _ran(call: Call, record: Record) -> Sequence[Ran]:
    body = call.json()
    if "batch" in body:
        (batch,) = members(body, batch=list)
        if not all(isinstance(each, dict) for each in batch):
            raise malformed("Invalid property: batch => Expected objects")
    else:
        batch = [body]
    try:
        return call.stage_of(record).d1_run(record.id, [query for each in batch for query in _queries(each)])
    except SqlError as error:
        raise fault(error.summary) from error


def _queries(body: Mapping[str, Any]) -> list[Query]:
    sql, params = members(body, sql=str, params=[list])
    for index, param in enumerate(params or ()):
        is_blob = isinstance(param, list) and all(type(byte) is int and byte in _BYTE for byte in param)
        if isinstance(param, bool) or not (param is None or isinstance(param, int | float | str) or is_blob):
            raise malformed(
                f"Invalid property: params.{index} => Expected a string, a number, null or an array of bytes"
            )
    divided = statements(sql)
    if not params:
        return [Query(each) for each in divided]
    if len(divided) != 1:
        raise malformed("params with multiple statements is not supported")
    return [Query(divided[0], params)]
