"""The local Cloudflare's API as an ASGI application.

Every call goes the same way: whose token is it, does the route exist, may the token do this, serve. So no route can
forget one of these, and none is kinder than the real API.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from http import HTTPStatus
from typing import Final, NoReturn

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route as HttpRoute

from bulkhead.localclouds.api.app import METHODS, Api, Told, caller_of
from bulkhead.localclouds.api.faults import FaultPlan
from bulkhead.localclouds.api.journal import Journal, members_of
from bulkhead.localclouds.api.permissions import UNSAID, variables_in
from bulkhead.localclouds.api.rate import Allowance, RateLimit
from bulkhead.localclouds.cloudflare.api import (
    access,
    d1,
    kv_values,
    queue_messages,
    queue_pulls,
    r2_beside,
    r2_objects,
    s3,
    signed,
    stores,
    tokens,
    workers,
    workers_assets,
    workers_objects,
    workers_scripts,
    workers_secrets,
    workers_triggers,
    workers_versions,
    zones,
)
from bulkhead.localclouds.cloudflare.api.analytics import queries
from bulkhead.localclouds.cloudflare.api.answers import Refusal, Result, no_route, refusal
from bulkhead.localclouds.cloudflare.api.call import Call, Cloudflare, Route
from bulkhead.localclouds.cloudflare.api.credentials import CLOUD, Credential, Credentials
from bulkhead.localclouds.cloudflare.api.permissions import least
from bulkhead.localclouds.providers.handler import ApiRefusal

PREFIX: Final = "/client/v4"
_QUOTA, _WINDOW = 1200, 300  # Cloudflare's API reference, "Rate limits": requests of a token in five minutes


def routes() -> list[Route]:
    """Return every route of the API."""
    products = (
        access,
        stores,
        kv_values,
        queue_messages,
        queue_pulls,
        r2_beside,
        r2_objects,
        queries,
        tokens,
        workers,
        workers_assets,
        workers_objects,
        workers_scripts,
        workers_secrets,
        workers_triggers,
        workers_versions,
        zones,
    )
    return [*d1.routes(), *(route for product in products for route in product.ROUTES)]


def application(cloud: Cloudflare, credentials: Credentials, journal: Journal, faults: FaultPlan) -> Starlette:
    """Return the API over ``cloud``."""
    api = CloudflareApi(cloud, credentials, journal, faults)

    def http(prefix: str, known: Iterable[Route]) -> Iterator[HttpRoute]:
        for path, by_method in _by_path(known):
            yield HttpRoute(f"{prefix}{path}", partial(api.answer, by_method), methods=METHODS)

    rest = HttpRoute("/{anything:path}", partial(api.answer, {}), methods=METHODS)
    by_s3 = s3.S3(cloud, credentials, journal, faults).answer
    buckets = [HttpRoute(path, by_s3, methods=METHODS) for path in (s3.ENDPOINT, s3.TEMPLATE)]
    return Starlette(routes=[*http(PREFIX, routes()), *http("", signed.ROUTES), *buckets, rest])


def _by_path(known: Iterable[Route]) -> Sequence[tuple[str, dict[str, Route]]]:
    """Return the routes of each path, a path without variables before one that would match it, too."""
    paths: dict[str, dict[str, Route]] = {}
    for route in known:
        methods = paths.setdefault(route.path, {})
        if route.method in methods:
            raise ValueError(f"two routes for {route.method} {route.path}")
        methods[route.method] = route
    return sorted(paths.items(), key=lambda item: variables_in(item[0]))


class CloudflareApi(Api):
    """Answers requests; one object for all routes."""

    def __init__(self, cloud: Cloudflare, credentials: Credentials, journal: Journal, faults: FaultPlan) -> None:
        super().__init__(CLOUD, journal, faults)
        self._cloud = cloud
        self._credentials = credentials
        self._limit = RateLimit(_QUOTA, _WINDOW)

    async def answer(self, by_method: Mapping[str, Route], request: Request) -> Response:
        """Answer a request for a path, whose routes are those of ``by_method``."""
        route = by_method.get(request.method)
        if "" in request.path_params.values():  # a key that may have slashes may have no characters as well
            route = None
        return await self.pass_through(request, route.path if route else "", partial(self._answer, route, request))

    def failed(self, request: Request, status: int, why: str) -> Response:
        if status == HTTPStatus.BAD_GATEWAY:  # by Cloudflare's edge, and not by its API
            return Response(f"error code: {status}", status)
        return JSONResponse(Refusal(status, (10001, why)).envelope(), status)

    def _answer(self, route: Route | None, request: Request, body: bytes, told: Told) -> Response:
        allowance = None
        told.members = members_of(body)
        try:
            credential = self._credential(route, request)
            told.who = credential.name
            if route is None or route.signer is None:
                allowance = self._limit.count(credential.id)
                if allowance.refused:
                    _refuse_more(allowance)
            told.resource = str(request.path_params.get(route.resource, "")) if route else ""
            answer = self._result(route, credential, request, body)
            told.note = answer.note if isinstance(answer, Result) else ""
            response = JSONResponse(answer.envelope(), answer.status) if isinstance(answer, Result) else answer
        except (Refusal, ApiRefusal) as refused:
            known = refused if isinstance(refused, Refusal) else refusal(refused.reasons)
            told.code = str(known.errors[0][0])
            response = JSONResponse(known.envelope(), known.status, dict(known.headers))
        if allowance is not None:
            response.headers["ratelimit"] = f'"default";r={allowance.remaining};t={allowance.reset}'
            response.headers["ratelimit-policy"] = f'"default";q={allowance.quota};w={allowance.window}'
        return response

    def _credential(self, route: Route | None, request: Request) -> Credential:
        if route is None or route.signer is None:
            return self._credentials.of(request.headers.get("authorization"), caller_of(request))
        return route.signer(self._cloud, request)

    def _result(self, route: Route | None, credential: Credential, request: Request, body: bytes) -> Result | Response:
        if route is None:
            raise no_route(request.url.path)
        call = Call(
            self._cloud,
            credential,
            request.path_params,
            request.query_params,
            request.headers,
            body,
            str(request.base_url).rstrip("/"),
        )
        _require_account(call)
        _require_permission(route, call)
        return route.serve(call)


def _refuse_more(allowance: Allowance) -> NoReturn:
    message = "Please wait and consider throttling your request speed"
    raise Refusal(429, (971, message), headers={"retry-after": str(allowance.reset)})


def _require_account(call: Call) -> None:
    """Refuse a token of another account, as the API does for one that it does not know there."""
    account = call.path.get("account_id")
    if account is not None and account != call.credential.account:
        raise Refusal(403, (10000, "Authentication error"))
    zone = call.path.get("zone_id")
    if zone is not None and zone not in call.credential.tenant.zones:
        raise Refusal(403, (10000, "Authentication error"))


def _require_permission(route: Route, call: Call) -> None:
    """Refuse a token that has none of the permissions that the route accepts on what is asked about."""
    accepted = UNSAID if route.signer else least(route.method, route.path)
    if accepted and not call.credential.has_one_of(accepted, call.target):
        raise Refusal(403, (10000, "Authentication error"))
