"""GitHub's REST API as a Starlette application, under / and, as on GitHub Enterprise, under /api/v3.

A request is held against GitHub's own description before anything is done, and so is the answer before it is sent: one
that GitHub would not give is a fault of this server.
"""

from __future__ import annotations

import hashlib
import json
import logging
import secrets
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

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
from bulkhead.localclouds.github.api.description import Mismatch, Operation, operations
from bulkhead.localclouds.github.api.limits import RateLimits, as_headers

_log = logging.getLogger(__name__)

Handler = Callable[[Call], Answer]
Accepted = Callable[[str, str], frozenset[str] | None]

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
_VERSIONS: Final = ("2022-11-28", "2026-03-10")
_DOCUMENTATION: Final = "https://docs.github.com/rest"


class Api:
    """Answers requests. ``credential_of`` knows the tokens; ``accepted`` the permissions of which one is enough for a
    method and a path, none or None where any token will do. ``asked_for`` holds what was asked for and is not served.
    """

    def __init__(
        self, cloud: GitHub, credential_of: Callable[[str], Credential | None], accepted: Accepted, limit: int = 5000
    ) -> None:
        self.asked_for: list[str] = []
        self._cloud = cloud
        self._credential_of = credential_of
        self._accepted = accepted
        self._limits = RateLimits(limit)

    async def __call__(self, request: Request) -> Response:
        path, body = str(request.scope["raw_path"], "ascii"), await request.body()
        return await run_in_threadpool(self._answer, request, path, body)

    def _answer(self, request: Request, path: str, body: bytes) -> Response:
        base = str(request.base_url).rstrip("/")
        if path.startswith(f"{_ENTERPRISE}/"):
            path, base = path.removeprefix(_ENTERPRISE), base + _ENTERPRISE
        found = self._operation(request.method, path)
        headers: dict[str, str] = {}
        try:
            answer = self._served(request, found, base, body, headers)
            faults = found[0].answer_faults(answer.status, answer.body) if found and not _is_raw(answer) else []
        except Refusal as refusal:
            answer, faults = _refused(refusal, found and found[0]), []
        except Exception:
            _log.exception("%s %s failed", request.method, path)
            answer, faults = _broken("a fault of the local GitHub itself"), []
        if faults:
            told = "; ".join(fault.message for fault in faults)
            _log.error("%s %s would be answered as GitHub never does: %s", request.method, path, told)
            answer = _broken(f"the local GitHub's answer is none of GitHub's: {told}")
        return _response(request, answer, headers)

    def _operation(self, method: str, path: str) -> tuple[Operation, dict[str, str]] | None:
        method = "get" if method == "HEAD" else method.lower()
        for operation in operations():
            at = (operation.match(path) or operation.match(path.rstrip("/"))) if operation.method == method else None
            if at is not None:
                return operation, at
        self.asked_for.append(f"{method.upper()} {path}")
        return None

    def _served(
        self,
        request: Request,
        found: tuple[Operation, dict[str, str]] | None,
        base: str,
        body: bytes,
        headers: dict[str, str],
    ) -> Answer:
        _require_known_version(request)
        credential = self._credential(request)
        asks_for_limit = found is not None and found[0].id == "rate-limit/get"
        within, rate = self._limits.spend(credential.login, free=asks_for_limit)
        headers |= as_headers(rate)
        if not within:
            raise Refusal(403, f"API rate limit exceeded for {credential.login}.")
        if found is None:
            raise absent()
        operation, at = found
        if "owner" in at and not credential.reaches(at["owner"], at["repo"]):
            raise absent()  # GitHub does not say that it is there
        needed = self._accepted(operation.method.upper(), operation.path) or frozenset()
        headers |= {"X-Accepted-GitHub-Permissions": "; ".join(sorted(needed)).replace(":", "=")} if needed else {}
        if not credential.may(needed):
            raise Refusal(403, f"Resource not accessible by {credential.kind}")
        path, faults = operation.understood(at, "path")
        query, more = operation.understood(request.query_params, "query")
        if faults:
            raise absent()  # such an id is nothing's
        content = _json(body)
        more += operation.body_faults(content)
        if more:
            raise Refusal(422, "Validation Failed", list(map(_error, more)))
        raw = "raw" in request.headers.get("accept", "")
        call = Call(self._cloud, operation, credential, base, path, query, content or {}, rate, raw)
        return HANDLERS[operation.id](call)

    def _credential(self, request: Request) -> Credential:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if not token:
            raise Refusal(401, "Requires authentication")
        credential = self._credential_of(token.strip()) if scheme.lower() in ("bearer", "token") else None
        if credential is None:
            raise Refusal(401, "Bad credentials")
        return credential


def application(api: Api) -> Starlette:
    """Return the application that serves everything by ``api``."""
    methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    return Starlette(routes=[Route("/{path:path}", api.__call__, methods=methods)])


def _require_known_version(request: Request) -> None:
    version = request.headers.get("x-github-api-version", _VERSIONS[0])
    if version not in _VERSIONS:
        raise Refusal(400, f"The X-GitHub-Api-Version {version!r} is not supported: {', '.join(_VERSIONS)}")


def _json(body: bytes) -> Body | None:
    if not body:
        return None
    try:
        content = json.loads(body)
    except ValueError:
        raise Refusal(400, "Problems parsing JSON") from None
    if not isinstance(content, dict):
        raise Refusal(400, "Body should be a JSON object")
    return content


def _error(fault: Mismatch) -> dict[str, str]:
    return {"resource": "request", "field": fault.field, "code": fault.code, "message": fault.message}


def _refused(refusal: Refusal, operation: Operation | None) -> Answer:
    documentation = operation.documentation if operation else _DOCUMENTATION
    body = {"message": refusal.message, "documentation_url": documentation, "status": str(refusal.status)}
    return Answer(refusal.status, {**body, "errors": refusal.errors} if refusal.errors else body)


def _broken(message: str) -> Answer:
    return Answer(500, {"message": message, "documentation_url": _DOCUMENTATION, "status": "500"})


def _is_raw(answer: Answer) -> bool:
    return isinstance(answer.body, bytes)


def _response(request: Request, answer: Answer, headers: Iterable[tuple[str, str]] | Mapping[str, str]) -> Response:
    content = answer.body if isinstance(answer.body, bytes) else b"" if answer.body is None else _written(answer.body)
    told = {
        "X-GitHub-Media-Type": "github.v3; format=json",
        "X-GitHub-Request-Id": ":".join(secrets.token_hex(2).upper() for _ in range(4)),
        "X-GitHub-Api-Version-Selected": request.headers.get("x-github-api-version", _VERSIONS[0]),
        **dict(headers),
        **answer.headers,
    }
    if request.method in ("GET", "HEAD") and answer.status == 200:  # noqa: PLR2004
        told["ETag"] = f'W/"{hashlib.sha256(content).hexdigest()}"'
        if told["ETag"] in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=told)
    media = "application/octet-stream" if _is_raw(answer) else "application/json; charset=utf-8"
    return Response(content, answer.status, told, media if content else None)


def _written(body: Any) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()
