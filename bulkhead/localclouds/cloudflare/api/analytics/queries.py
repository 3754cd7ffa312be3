"""The GraphQL Analytics API: takes a query, asks what was counted, and answers or refuses as Cloudflare does.

Sources: Cloudflare's GraphQL documentation, "Error responses", "Limits", "Settings node"; how an unknown field is told
is in cloudflare/cloudflare-docs#3471, how a wide range is in GitLab's incident production#1904.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from graphql import (
    ExecutionResult,
    FieldNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLIncludeDirective,
    GraphQLResolveInfo,
    GraphQLSchema,
    GraphQLSkipDirective,
    InlineFragmentNode,
    SelectionNode,
    SelectionSetNode,
    execute_sync,
    get_directive_values,
    parse,
    validate,
)
from starlette.responses import JSONResponse

from bulkhead.localclouds.cloudflare.api.analytics import rows
from bulkhead.localclouds.cloudflare.api.analytics.datasets import DATASETS, Dataset, Scope
from bulkhead.localclouds.cloudflare.api.analytics.schema import field_of, schema
from bulkhead.localclouds.cloudflare.api.call import Call, Route
from bulkhead.localclouds.cloudflare.counted import Counted
from bulkhead.resources import types as t
from bulkhead.resources.token_policies import Target

Info = GraphQLResolveInfo[Call]
PATH: Final = "/graphql"
_MOST_ZONES: Final = 10
_UNKNOWN: Final = re.compile(r"Cannot query field '(\w+)'.*", re.DOTALL)
_DEPLETED: Final = "rate limiter budget depleted, try again after 5 minutes"
_TOO_MANY: Final = "in combination, your request queries too many nodes, zones and accounts"


def _ask(call: Call) -> JSONResponse:
    allowance = call.cloud.queries.count(call.credential.id)
    if allowance.refused:
        return _answer(None, [GraphQLError(_DEPLETED)], 429)
    asked = call.json()
    query, variables = asked.get("query"), asked.get("variables")
    if not isinstance(query, str) or not isinstance(variables, Mapping | None):
        return _answer(None, [GraphQLError("query contains error, please review it and retry")])
    built = schema(_resolve)
    try:
        document = parse(query)
        faults: Sequence[GraphQLError] = validate(built, document)
        result = (
            ExecutionResult(None, list(faults))
            if faults
            else execute_sync(
                built,
                document,
                root_value={"viewer": {"budget": allowance.remaining}},
                context_value=call,
                variable_values=dict(variables or {}),
                operation_name=asked.get("operationName"),
            )
        )
    except GraphQLError as error:  # of its syntax
        return _answer(None, [error])
    return _answer(result.data, result.errors or [])


def _answer(data: Any, errors: Sequence[GraphQLError], status: int = 200) -> JSONResponse:
    """Return the answer: what is wrong anywhere is said alone, and with 200."""
    if not errors:
        return JSONResponse({"data": data, "errors": None})
    at = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    told = [
        {
            "message": _UNKNOWN.sub(r'unknown field "\1"', error.message),
            "path": [str(part) for part in error.path] if error.path else None,
            "extensions": {"timestamp": at},
        }
        for error in errors
    ]
    return JSONResponse({"data": None, "errors": told}, status)


def _resolve(built: GraphQLSchema) -> None:
    field_of(built, "viewer", "accounts").resolve = _accounts
    field_of(built, "viewer", "zones").resolve = _zones
    for dataset in DATASETS:
        field_of(built, dataset.scope.value, dataset.name).resolve = _Node(dataset)


def _accounts(_viewer: Any, info: Info, filter: Mapping[str, str] | None = None) -> Any:
    call = info.context
    account = (filter or {}).get("accountTag", call.credential.account)
    if account != call.credential.account or not _may(call, Scope.ACCOUNT, Target(account)):
        raise GraphQLError("not authorized for that account")
    return [{"accountTag": account, "settings": _settings(Scope.ACCOUNT)}]


def _zones(
    _viewer: Any,
    info: Info,
    filter: Mapping[str, Any] | None = None,
    limit: int | None = None,
) -> Any:
    call = info.context
    known, wanted = call.credential.tenant.zones, filter or {}
    asked = [wanted["zoneTag"]] if "zoneTag" in wanted else wanted.get("zoneTag_in", list(known))
    closed = [
        zone for zone in asked if zone not in known or not _may(call, Scope.ZONE, Target(call.credential.account, zone))
    ]
    if closed:
        raise GraphQLError(f"zones [{' '.join(closed)}] are not authorized")
    if len(asked) > _MOST_ZONES:
        raise GraphQLError(_TOO_MANY)
    return [{"zoneTag": zone, "settings": _settings(Scope.ZONE)} for zone in asked][:limit]


def _may(call: Call, scope: Scope, target: Target) -> bool:
    return call.credential.has_one_of(frozenset({scope.permission.name}), target)


def _settings(scope: Scope) -> dict[str, Any]:
    return {
        dataset.name: {
            "availableFields": list(dataset.fields),
            "enabled": True,
            "maxDuration": dataset.max_duration,
            "maxNumberOfFields": dataset.max_number_of_fields,
            "maxPageSize": dataset.max_page_size,
            "notOlderThan": dataset.not_older_than,
        }
        for dataset in DATASETS
        if dataset.scope is scope
    }


class _Node:
    """Answers a query for one dataset."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset

    def __call__(
        self,
        above: Mapping[str, Any],
        info: Info,
        filter: Mapping[str, Any],
        limit: int,
        orderBy: Sequence[str] = (),  # noqa: N803 - the name is Cloudflare's
    ) -> list[dict[str, Any]]:
        call = info.context
        fields = list(dict.fromkeys(_asked(info, info.field_nodes)))
        now = call.cloud.clock()
        for fault in self._faults(above, fields, filter, limit, orderBy, now):
            raise GraphQLError(fault)
        first, last = rows.bounds(filter, now)
        counted = self._counted(call, above, first, min(last, now - call.cloud.analytics_delay))
        return rows.grouped(rows.select(counted, filter), fields, orderBy, limit)

    def _faults(
        self,
        above: Mapping[str, Any],
        fields: Sequence[str],
        wanted: Mapping[str, Any],
        limit: int,
        order: Sequence[str],
        now: float,
    ) -> Iterator[str]:
        mine = self._dataset
        if not 0 < limit <= mine.max_page_size:
            yield f"limit must be positive number and not greater than {mine.max_page_size}"
        if len(fields) > mine.max_number_of_fields:
            yield f"number of fields can't be more than {mine.max_number_of_fields}"
        first, last = rows.bounds(wanted, now)
        if (width := round(last - first)) > mine.max_duration:
            which = f'{mine.scope.value} "{above[f"{mine.scope.value}Tag"]}"'
            message = f"query time range is too large for {which}. Time range can't be wider than {mine.max_duration}s"
            yield f"{message}, but it's {width}s"
        if first < now - mine.not_older_than:
            yield f"cannot request data older than {mine.not_older_than}s"
        for each in order:
            if (name := each.rsplit("_", 1)[0]) in mine.dimensions and f"dimensions_{name}" not in fields:
                yield f'error parsing args for "{mine.name}": orderBy {each} is of no dimension that is asked for'

    def _counted(self, call: Call, above: Mapping[str, Any], first: float, last: float) -> Iterator[Counted]:
        """Yield what every environment in the account has counted; of a zone, what was asked of its hostnames."""
        zone = call.credential.tenant.zones.get(above.get("zoneTag", ""))
        here = call.cloud.resources.store.all(type_=t.WORKER, account=call.credential.account)
        for environment in sorted({worker.environment for worker in here}):
            for row in call.cloud.stage(environment).counted(self._dataset.name, first, last):
                if zone is None or f".{row.dimensions['clientRequestHTTPHost']}".endswith(f".{zone}"):
                    yield row


def _asked(info: Info, nodes: Iterable[SelectionNode], above: str = "") -> Iterator[str]:
    """Yield the fields below some nodes, as ``availableFields`` spells them."""
    for node in nodes:
        for each in _selected(info, getattr(node, "selection_set", None)):
            name = f"{above}{each.name.value}"
            if each.selection_set is None:
                yield name
            else:
                yield from _asked(info, [each], f"{name}_")


def _selected(info: Info, selection: SelectionSetNode | None) -> Iterator[FieldNode]:
    for node in selection.selections if selection else ():
        if not _is_included(info, node):
            continue
        match node:
            case FieldNode():
                if not node.name.value.startswith("__"):
                    yield node
            case InlineFragmentNode():
                yield from _selected(info, node.selection_set)
            case FragmentSpreadNode():
                yield from _selected(info, info.fragments[node.name.value].selection_set)


def _is_included(info: Info, node: SelectionNode) -> bool:
    skip = get_directive_values(GraphQLSkipDirective, node, info.variable_values) or {"if": False}
    include = get_directive_values(GraphQLIncludeDirective, node, info.variable_values) or {"if": True}
    return bool(include["if"]) and not skip["if"]


ROUTES: Final = (Route("POST", PATH, _ask),)
