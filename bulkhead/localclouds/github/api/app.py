"""GitHub's REST API as a Starlette application, under / and, as on GitHub Enterprise, under /api/v3.

A request is held against GitHub's own description before anything is done, and so is the answer before it is sent: one
that GitHub would not give is a fault of this server.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import secrets
import time
from collections.abc import Callable, Mapping
from functools import partial
from http import HTTPStatus
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import request_response

from bulkhead.localclouds.api.app import Api, Told
from bulkhead.localclouds.api.faults import FaultPlan
from bulkhead.localclouds.api.journal import Journal, members_of
from bulkhead.localclouds.api.rate import RateLimit
from bulkhead.localclouds.github.api import (
    actions,
    checks,
    code,
    conversations,
    deployments,
    environments,
    people,
    releases,
    repositories,
    rulesets,
    secret_values,
)
from bulkhead.localclouds.github.api.call import Answer, Body, Call, Credential, Refusal, absent
from bulkhead.localclouds.github.api.cloud import GitHub
from bulkhead.localclouds.github.api.credentials import CLOUD, Credentials
from bulkhead.localclouds.github.api.description import Mismatch, Operation, operations
from bulkhead.localclouds.github.api.permissions import accepted

_log = logging.getLogger(__name__)

Handler = Callable[[Call], Answer]

HANDLERS: Final[Mapping[str, Handler]] = {
    **actions.HANDLERS,
    **checks.HANDLERS,
    **code.HANDLERS,
    **conversations.HANDLERS,
    **deployments.HANDLERS,
    **environments.HANDLERS,
    **people.HANDLERS,
    **releases.HANDLERS,
    **repositories.HANDLERS,
    **rulesets.HANDLERS,
    **secret_values.HANDLERS,
}
_ENTERPRISE: Final = "/api/v3"
# What renamed repositories are redirected to, and where go-github, and so the plugin, keeps an environment's secrets
# (google/go-github, actions_secrets.go): no description has it, and everything below /repos/{owner}/{repo} is there.
_BY_NUMBER: Final = re.compile(r"^/repositories/(\d{1,18})(?=/|$)")
_ACCEPTED: Final = re.compile(r"\*/\*|application/(\*|json|vnd\.github)")
_VERSIONS: Final = ("2022-11-28", "2026-03-10")
_QUOTA, _WINDOW = 5000, 3600  # GitHub's reference, "Rate limits": requests of an account in an hour
_DOCUMENTATION: Final = "https://docs.github.com/rest"


class GitHubApi(Api):
    """Answers requests; one object for all operations."""

    def __init__(
        self, cloud: GitHub, credentials: Credentials, journal: Journal, faults: FaultPlan, quota: int
    ) -> None:
        super().__init__(CLOUD, journal, faults)
        self._cloud = cloud
        self._credentials = credentials
        self._limit = RateLimit(quota, _WINDOW)

    async def answer(self, request: Request) -> Response:
        """Answer a request for any path."""
        path = str(request.scope["raw_path"], "ascii")
        inner = path.removeprefix(_ENTERPRISE) if path.startswith(f"{_ENTERPRISE}/") else path
        named = _BY_NUMBER.sub(lambda found: f"/repos/{self._cloud.full_name(int(found[1]))}", inner, count=1)
        operation, at = _operation(request.method, named)
        base = str(request.base_url).rstrip("/") + path.removesuffix(inner)
        serve = partial(self._answer, request, operation, at, base)
        return await self.pass_through(request, operation.path if operation else "", serve)

    def failed(self, request: Request, status: int, why: str) -> Response:
        told = Answer(status, {"message": "Server Error"}) if status == HTTPStatus.BAD_GATEWAY else _broken(why)
        return _response(request, told, {})

    def _answer(
        self,
        request: Request,
        operation: Operation | None,
        at: Mapping[str, str],
        base: str,
        body: bytes,
        told: Told,
    ) -> Response:
        headers: dict[str, str] = {}
        told.resource, told.members = "/".join(at.values()), members_of(body)
        try:
            _require_known_headers(request)
            credential = self._credentials.of(request.headers.get("authorization"))
            told.who = credential.name
            answer = self._result(request, operation, at, credential, base, body, headers)
        except Refusal as refusal:
            answer = _refused(refusal, operation)
            first = refusal.errors[0] if refusal.errors else ""
            told.code = first if isinstance(first, str) else str(first["code"])
        return _response(request, answer, headers)

    def _result(
        self,
        request: Request,
        operation: Operation | None,
        at: Mapping[str, str],
        credential: Credential,
        base: str,
        body: bytes,
        headers: dict[str, str],
    ) -> Answer:
        """Serve a request, if it may be made and fits; put what is said of it beside the answer into ``headers``."""
        rate = self._spent(credential, free=operation is not None and operation.id == "rate-limit/get")
        headers |= {f"X-RateLimit-{name.capitalize()}": str(value) for name, value in rate.items()}
        headers["X-RateLimit-Resource"] = "core"
        if rate["used"] > rate["limit"]:
            raise Refusal(403, f"API rate limit exceeded for {credential.login}.")
        if operation is None:
            raise absent()
        if "owner" in at and not credential.reaches(at["owner"], at["repo"]):
            raise absent()  # GitHub does not say that it is there
        needed = accepted(operation.method.upper(), operation.path) or frozenset()
        headers |= {"X-Accepted-GitHub-Permissions": _least(needed)} if needed else {}
        if not credential.may(needed):
            raise Refusal(403, f"Resource not accessible by {credential.kind}")
        place, unknown = operation.understood(at, "path")
        if unknown:
            raise absent()  # nothing has such an id
        query, faults = operation.understood(request.query_params, "query")
        content = _json(body)
        faults += operation.body_faults(content)
        if faults:
            raise Refusal(422, "Validation Failed", list(map(_error, faults)))
        raw = "raw" in request.headers.get("accept", "")
        call = Call(self._cloud, operation, credential, base, place, query, content or {}, rate, raw)
        return _held(operation, HANDLERS[operation.id](call))

    def _spent(self, credential: Credential, *, free: bool) -> dict[str, int]:
        """Count a request, and return how its account stands, in GitHub's words."""
        left = self._limit.count(credential.login, 0 if free else 1)
        used = left.quota - left.remaining + left.refused
        reset = int(time.time()) + left.reset
        return {"limit": left.quota, "remaining": left.remaining, "reset": reset, "used": used}


def application(
    cloud: GitHub, credentials: Credentials, journal: Journal, faults: FaultPlan, quota: int = _QUOTA
) -> Starlette:
    """Return the API over ``cloud``; ``quota`` is how many requests an hour an account has."""
    api = GitHubApi(cloud, credentials, journal, faults, quota)
    served = Starlette()
    served.router.default = request_response(api.answer)  # a route would leave some paths and methods out
    return served


def _operation(method: str, path: str) -> tuple[Operation | None, dict[str, str]]:
    """Return what a request asks for, and the parameters in its path."""
    method = "get" if method == "HEAD" else method.lower()
    for operation in operations():
        if operation.method != method:
            continue
        for form in (path, path.rstrip("/"), f"{path}/"):  # the last: a repository's files, of no path
            at = operation.match(form)
            if at is not None:
                return operation, at
    return None, {}


def _held(operation: Operation, answer: Answer) -> Answer:
    """Return an answer that GitHub could give: another one is a fault of this server, and says so."""
    if isinstance(answer.body, bytes):
        return answer
    faults = operation.answer_faults(answer.status, answer.body)
    if not faults:
        return answer
    told = "; ".join(fault.message for fault in faults)
    _log.error("%s %s would be answered as GitHub never does: %s", operation.method.upper(), operation.path, told)
    return _broken(f"the local GitHub's answer is none of GitHub's: {told}")


def _least(accepted_: frozenset[str]) -> str:
    """Return the permissions as GitHub's header names them: to write is not named where to read is enough."""
    least = (each for each in accepted_ if f"{each.partition(':')[0]}:read" not in accepted_ - {each})
    return "; ".join(sorted(least)).replace(":", "=")


def _require_known_headers(request: Request) -> None:
    """Refuse what GitHub refuses before it looks at anything else (REST API, "Getting started", "Headers")."""
    if not request.headers.get("user-agent"):
        message = "Request forbidden by administrative rules. Please make sure your request has a User-Agent header"
        raise Refusal(403, message)
    accepts = request.headers.get("accept", "*/*")
    if not _ACCEPTED.search(accepts):
        raise Refusal(415, f"Unsupported 'Accept' header: {accepts!r}. Must accept 'application/json'.")
    version = request.headers.get("x-github-api-version", _VERSIONS[0])
    if version not in _VERSIONS:
        raise Refusal(400, f"The X-GitHub-Api-Version {version!r} is not supported: {', '.join(_VERSIONS)}")


def _json(body: bytes) -> Body | None:
    if not body:
        return None
    try:
        content = json.loads(body, parse_constant=_no_number)
        _written(content, ascii_only=False)  # half of a surrogate pair is no text
    except (ValueError, RecursionError):
        raise Refusal(400, "Problems parsing JSON") from None
    if not isinstance(content, dict):
        raise Refusal(400, "Body should be a JSON object")
    return content


def _no_number(word: str) -> None:
    raise ValueError(word)


def _error(fault: Mismatch) -> dict[str, str]:
    return {"resource": "request", "field": fault.field, "code": fault.code, "message": fault.message}


def _refused(refusal: Refusal, operation: Operation | None) -> Answer:
    documentation = operation.documentation if operation else _DOCUMENTATION
    body = {"message": refusal.message, "documentation_url": documentation, "status": str(refusal.status)}
    return Answer(refusal.status, {**body, "errors": refusal.errors} if refusal.errors else body)


def _broken(message: str) -> Answer:
    return Answer(500, {"message": message, "documentation_url": _DOCUMENTATION, "status": "500"})


def _response(request: Request, answer: Answer, headers: Mapping[str, str]) -> Response:
    content = answer.body if isinstance(answer.body, bytes) else b"" if answer.body is None else _written(answer.body)
    told = {
        "X-GitHub-Media-Type": "github.v3; format=json",
        "X-GitHub-Request-Id": ":".join(secrets.token_hex(2).upper() for _ in range(4)),
        "X-GitHub-Api-Version-Selected": request.headers.get("x-github-api-version", _VERSIONS[0]),
        **headers,
        **answer.headers,
    }
    if request.method in ("GET", "HEAD") and answer.status == 200:  # noqa: PLR2004
        told["ETag"] = f'W/"{hashlib.sha256(content).hexdigest()}"'
        if told["ETag"] in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=told)
    media = f"application/{'vnd.github.raw' if isinstance(answer.body, bytes) else 'json'}; charset=utf-8"
    return Response(content, answer.status, told, media if content else None)


def _written(body: Any, *, ascii_only: bool = True) -> bytes:
    return json.dumps(body, separators=(",", ":"), ensure_ascii=ascii_only).encode()
