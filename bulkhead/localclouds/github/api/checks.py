"""What is said of a commit: commit statuses, by anybody, and check runs, by apps."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

from bulkhead.localclouds.github.api import apps, people, repositories
from bulkhead.localclouds.github.api.call import WEB, Answer, Call, Refusal, invalid, require_short
from bulkhead.localclouds.github.api.cloud import Facts
from bulkhead.localclouds.providers.rules import now

_LONGEST: Final = 140  # characters of a description
_SHA: Final = re.compile(r"[0-9a-f]{40}", re.IGNORECASE)
_GIVEN: Final = ("name", "external_id", "details_url", "status", "conclusion", "started_at", "completed_at")


def states(call: Call, sha: str) -> dict[str, str]:
    """Return the newest commit status of each context."""
    return {one["context"]: one["state"] for one in _statuses(call, sha)}


def _commit(call: Call, name: str) -> str:
    """Return the id of a commit by a branch, a tag or itself. Raises Refusal when there is none."""
    sha = call.repository.git.resolve(name)
    if sha is None:
        raise Refusal(422, f"No commit found for SHA: {name}")
    return sha


def _pushed(call: Call, sha: str) -> str:
    """Return the whole id of a commit: what is said of one names it so, and neither by a branch nor in short."""
    if not _SHA.fullmatch(sha):
        raise Refusal(422, f"No commit found for SHA: {sha}")
    return _commit(call, sha)


def _statuses(call: Call, sha: str) -> list[Facts]:
    found = call.cloud.every("status", call.repository.owner, call.repository.name)
    return [one for one in found if one["sha"] == sha]


def _simple_status(call: Call, facts: Facts) -> dict[str, Any]:
    told = ("id", "state", "description", "target_url", "context", "created_at", "updated_at")
    return {
        "url": call.within("statuses", facts["sha"]),
        "avatar_url": people.user(call, facts["login"])["avatar_url"],
        "node_id": people.node_id("SC", facts["id"]),
        **{name: facts[name] for name in told},
    }


def _status(call: Call, facts: Facts) -> dict[str, Any]:
    return {**_simple_status(call, facts), "creator": people.user(call, facts["login"])}


def _add_status(call: Call) -> Answer:
    require_short("Status", "description", call.body.get("description"), _LONGEST)
    if not (call.body.get("target_url") or "https:").startswith(("http:", "https:")):
        raise invalid("Status", "target_url", "custom", "target_url must use http(s) scheme")
    facts = {
        "sha": _pushed(call, call.at["sha"]),
        "state": call.body["state"],
        "context": call.body.get("context", "default"),
        "description": call.body.get("description"),
        "target_url": call.body.get("target_url"),
        **call.credential.author,
    }
    return Answer(201, _status(call, call.cloud.add("status", call.repository, facts)))


def _list_statuses(call: Call) -> Answer:
    found = _statuses(call, _commit(call, call.at["ref"]))
    return call.paged(found[::-1], shown=lambda one: _status(call, one))


def _combine(call: Call) -> Answer:
    sha = _commit(call, call.at["ref"])
    newest = {one["context"]: one for one in _statuses(call, sha)}
    page = call.paged(list(newest.values()), shown=lambda one: _simple_status(call, one))
    body = {
        "state": _combined(states(call, sha).values()),
        "statuses": page.body,
        "sha": sha,
        "total_count": len(newest),
        "repository": repositories.shown(call, call.repository),
        "commit_url": call.within("commits", sha),
        "url": call.within("commits", sha, "status"),
    }
    return Answer(200, body, page.headers)


def _combined(found: Iterable[str]) -> str:
    seen = set(found)
    if seen & {"error", "failure"}:
        return "failure"
    return "success" if seen == {"success"} else "pending"


def _shown(call: Call, facts: Facts) -> dict[str, Any]:
    address = call.within("check-runs", facts["id"])
    name = f"{call.repository.owner}/{call.repository.name}"
    output = {**dict.fromkeys(("title", "summary", "text")), **(facts["output"] or {})}
    notes = output.pop("annotations", None) or []
    output.pop("images", None)
    return {
        "id": facts["id"],
        "node_id": people.node_id("CR", facts["id"]),
        "head_sha": facts["head_sha"],
        **{given: facts[given] for given in _GIVEN},
        "url": address,
        "html_url": f"{WEB}/{name}/runs/{facts['id']}",
        "output": {**output, "annotations_count": len(notes), "annotations_url": f"{address}/annotations"},
        "check_suite": None,
        "app": apps.shown(call, facts["app"]),
        "pull_requests": [],
    }


def _require_app(call: Call) -> None:
    if not call.credential.app:
        raise Refusal(403, "You must authenticate via a GitHub App.")


def _settled(body: dict[str, Any]) -> dict[str, Any]:
    """Return what a check run is, with what follows from the rest: a conclusion completes it."""
    if body.get("conclusion") == "stale":
        raise invalid("CheckRun", "conclusion", "invalid", "only GitHub itself calls a check run stale")
    if body.get("conclusion"):
        body |= {"status": "completed", "completed_at": body.get("completed_at") or now()}
    if body.get("status") == "completed" and not body.get("conclusion"):
        raise invalid("CheckRun", "conclusion", "missing_field", "is needed when the status is completed")
    return body


def _start(call: Call) -> Answer:
    _require_app(call)
    sha = _pushed(call, call.body["head_sha"])
    given = {name: call.body.get(name) for name in (*_GIVEN, "output")}
    given |= {"status": call.body.get("status", "queued"), "started_at": call.body.get("started_at") or now()}
    facts = {**_settled(given), "head_sha": sha, "app": call.credential.app}
    return Answer(201, _shown(call, call.cloud.add("check-run", call.repository, facts)))


def _change(call: Call) -> Answer:
    _require_app(call)
    old = _one(call)
    if old["app"] != call.credential.app:
        raise Refusal(403, "Invalid app_id `" + str(apps.shown(call, call.credential.app)["id"]) + "` - check run")
    given = {name: value for name, value in call.body.items() if name in (*_GIVEN, "output")}
    if "output" in given:
        given["output"] = {**(old["output"] or {}), **given["output"]}
    if call.body.get("status", "completed") != "completed":
        given |= {"conclusion": None, "completed_at": None}
    changed = _settled({**old, **given})
    return Answer(200, _shown(call, call.cloud.change("check-run", call.repository, changed)))


def _one(call: Call) -> Facts:
    return call.cloud.one("check-run", call.repository, call.at["check_run_id"])


def _list(call: Call) -> Answer:
    sha, query = _commit(call, call.at["ref"]), call.query
    found = [
        one
        for one in call.cloud.every("check-run", call.repository.owner, call.repository.name)
        if one["head_sha"] == sha
        and query.get("check_name", one["name"]) == one["name"]
        and query.get("status", one["status"]) == one["status"]
        and query.get("app_id") in (None, apps.shown(call, one["app"])["id"])
    ]
    if query.get("filter", "latest") == "latest":
        found = list({(one["app"], one["name"]): one for one in found}.values())
    return call.paged(found[::-1], "check_runs", lambda one: _shown(call, one))


HANDLERS: Final = {
    "checks/create": _start,
    "checks/get": lambda call: Answer(200, _shown(call, _one(call))),
    "checks/list-for-ref": _list,
    "checks/update": _change,
    "repos/create-commit-status": _add_status,
    "repos/get-combined-status-for-ref": _combine,
    "repos/list-commit-statuses-for-ref": _list_statuses,
}
