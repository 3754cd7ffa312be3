"""Cloudflare's and GitHub's HTTP APIs as far as something is looked for in them, over the records of the local clouds.

The answers have the shapes that the real APIs document: Cloudflare's envelope with its two ways to count pages and the
lists that come whole, GitHub's bare lists and lists within an object, and what each says of what is not there.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

from bulkhead.clients.endpoints import CLOUDFLARE, GITHUB, Apis
from bulkhead.localclouds.providers.store import Record

Records = Callable[[], Iterable[Record]]
Query = Mapping[str, str]
Answer = tuple[int, Any]

_CLOUDFLARE: Final = re.compile(r"/client/v4/accounts/(?P<account>[^/]+)/(?P<rest>.+)")
_GITHUB: Final = re.compile(r"/repos/(?P<owner>[^/]+)/(?P<repository>[^/]+)(?P<rest>/.*)?")
_ENVIRONMENT: Final = "github:index/repositoryEnvironment:RepositoryEnvironment"

_VARIABLE: Final = "github:index/actionsEnvironmentVariable:ActionsEnvironmentVariable"
_POLICY: Final = "github:index/repositoryEnvironmentDeploymentPolicy:RepositoryEnvironmentDeploymentPolicy"

# Each list of Cloudflare's: the type in it, the members of an item and the properties they are, and how it counts.
_LISTS: Final[Mapping[str, tuple[str, Mapping[str, str], str | None]]] = {
    "d1/database": ("d1Database:D1Database", {"uuid": "uuid", "name": "name"}, "total_count"),
    "storage/kv/namespaces": ("workersKvNamespace:WorkersKvNamespace", {"id": "id", "title": "title"}, "total_count"),
    "queues": ("queue:Queue", {"queue_id": "queueId", "queue_name": "queueName"}, "total_pages"),
    "tokens": ("accountToken:AccountToken", {"id": "id", "name": "name"}, "total_count"),
    "workers/workers": ("worker:Worker", {"id": "id", "name": "name"}, "total_pages"),
    "workers/domains": ("workersCustomDomain:WorkersCustomDomain", {"id": "id", "hostname": "hostname"}, None),
}


class CloudApis:
    """Both APIs on one free port of 127.0.0.1. ``asked`` holds what was asked for, in order. Pages of Cloudflare hold
    ``most`` items at most, whatever is asked for; a token that is not its vendor's in ``tokens`` is refused."""

    def __init__(self, records: Records, tokens: Mapping[str, str], most: int = 1000) -> None:
        self.asked: list[str] = []
        self.tokens = tokens
        self._records = records
        self._most = most
        apis = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body = apis.answer(self.path, str(self.headers.get("Authorization", "")))
                text = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    def answer(self, target: str, authorization: str) -> Answer:
        """Return the status and the body of one answer."""
        url = urlsplit(target)
        self.asked.append(target)
        match = _CLOUDFLARE.fullmatch(url.path)
        query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        if authorization != f"Bearer {self.tokens['Cloudflare' if match else 'GitHub']}":
            return 403, {"success": False, "errors": [{"code": 10000, "message": "Authentication error"}]}
        if match:
            return self._cloudflare(match["account"], match["rest"], query)
        match = _GITHUB.fullmatch(url.path)
        return self._github(match, query) if match else _NOTHING

    def _cloudflare(self, account: str, rest: str, query: Query) -> Answer:
        if rest in _LISTS:
            type_, members, counted = _LISTS[rest]
            items = [_picked(one, members) for one in self._of(f"cloudflare:index/{type_}", account)]
            return 200, self._page(items, query, counted)
        if match := re.fullmatch(r"r2/buckets/([^/]+)", rest):
            named = [b for b in self._of("cloudflare:index/r2Bucket:R2Bucket", account) if b.id == match[1]]
            return (200, _envelope({"name": named[0].id, "location": "APAC"})) if named else _absent(10006)
        if match := re.fullmatch(r"queues/([^/]+)/consumers", rest):
            found = self._of("cloudflare:index/queueConsumer:QueueConsumer", account)
            members = {"consumer_id": "id", "script": "scriptName", "type": "type"}
            return 200, _envelope([_picked(one, members) for one in found if one.inputs["queueId"] == match[1]])
        if match := re.fullmatch(r"workers/scripts/([^/]+)/schedules", rest):
            if match[1] not in {w.outputs["name"] for w in self._of("cloudflare:index/worker:Worker", account)}:
                return _absent(10007)
            triggers = self._of("cloudflare:index/workersCronTrigger:WorkersCronTrigger", account)
            crons = [cron for one in triggers if one.id == match[1] for cron in one.inputs["schedules"]]
            return 200, _envelope({"schedules": crons})
        return _absent(7003)

    def _page(self, items: list[Any], query: Query, counted: str | None) -> Any:
        """Return the envelope of one page; a list that does not count comes whole, whatever page is asked for."""
        if counted is None:
            return _envelope(items)
        page, size = int(query["page"]), min(int(query["per_page"]), self._most)
        shown = items[(page - 1) * size : page * size]
        total = {"total_count": len(items)} if counted == "total_count" else {"total_pages": -(-len(items) // size)}
        return _envelope(shown) | {"result_info": {"count": len(shown), "page": page, "per_page": size, **total}}

    def _github(self, match: re.Match[str], query: Query) -> Answer:
        owner, repository, rest = match["owner"], match["repository"], unquote(match["rest"] or "")
        if not any(one.inputs["repository"] == repository for one in self._of(_ENVIRONMENT, owner)):
            return _NOTHING
        if not rest:
            return 200, {"name": repository, "default_branch": "main"}
        if rest == "/rulesets":
            own = self._of("github:index/repositoryRuleset:RepositoryRuleset", owner)
            rules = [{"id": int(one.id), "name": one.inputs["name"], "source_type": "Repository"} for one in own]
            above = [{"id": 1, "name": one["name"], "source_type": "Organization"} for one in rules]
            return 200, _sliced(rules if query.get("includes_parents") == "false" else above + rules, query)
        _, _, environment, *parts = rest.split("/")
        return self._github_environment(owner, {"repository": repository, "environment": environment}, parts, query)

    def _github_environment(self, owner: str, place: Mapping[str, str], parts: list[str], query: Query) -> Answer:
        match parts:
            case []:
                found = self._in(_ENVIRONMENT, owner, place)
                return (200, {"name": place["environment"]}) if found else _NOTHING
            case ["variables", name]:
                found = self._in(_VARIABLE, owner, {**place, "variableName": name})
                return (200, {"name": name}) if found else _NOTHING
            case ["deployment-branch-policies"]:
                policies = [_policy(one) for one in self._in(_POLICY, owner, place)]
                return 200, {"total_count": len(policies), "branch_policies": _sliced(policies, query)}
        return _NOTHING

    def _of(self, type_: str, account: str) -> list[Record]:
        return [one for one in self._records() if one.type == type_ and one.account == account]

    def _in(self, type_: str, account: str, inputs: Mapping[str, str]) -> list[Record]:
        return [one for one in self._of(type_, account) if inputs.items() <= one.inputs.items()]


@contextmanager
def serving(apis: CloudApis) -> Iterator[Apis]:
    """Serve the APIs; yield where they are."""
    thread = threading.Thread(target=apis.server.serve_forever)
    thread.start()
    try:
        here = f"http://127.0.0.1:{apis.server.server_port}"
        yield Apis(CLOUDFLARE.at(f"{here}/client/v4"), GITHUB.at(here))
    finally:
        apis.server.shutdown()
        apis.server.server_close()
        thread.join()


_NOTHING: Final[Answer] = (404, {"message": "Not Found"})


def _absent(code: int) -> Answer:
    return 404, {"success": False, "result": None, "errors": [{"code": code, "message": "is not there"}]}


def _envelope(result: Any) -> dict[str, Any]:
    return {"success": True, "errors": [], "messages": [], "result": result}


def _picked(record: Record, members: Mapping[str, str]) -> dict[str, Any]:
    known = {"id": record.id, **record.outputs}
    return {member: known[property_] for member, property_ in members.items()}


def _policy(record: Record) -> dict[str, Any]:
    kind = "branch" if "branchPattern" in record.inputs else "tag"
    return {"id": record.outputs["policyId"], "name": record.inputs[f"{kind}Pattern"], "type": kind}


def _sliced(items: list[Any], query: Query) -> list[Any]:
    page, size = int(query["page"]), int(query["per_page"])
    return items[(page - 1) * size : page * size]
