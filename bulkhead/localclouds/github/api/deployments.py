"""Deployments and their statuses."""

from __future__ import annotations

from typing import Any, Final

from bulkhead.localclouds.github.api import apps, checks, environments, people
from bulkhead.localclouds.github.api.call import Answer, Call, Refusal, absent, require_short
from bulkhead.localclouds.github.api.cloud import Facts

_LONGEST: Final = 140  # characters of a status's description
_ENDED: Final = ("inactive", "error", "failure")


def _shown(call: Call, facts: Facts) -> dict[str, Any]:
    address = call.within("deployments", facts["id"])
    return {
        "url": address,
        "node_id": people.node_id("DE", facts["id"]),
        **{name: value for name, value in facts.items() if name not in ("app", "login")},
        "original_environment": facts["environment"],
        "creator": people.user(call, facts["login"]),
        "statuses_url": f"{address}/statuses",
        "repository_url": call.within(),
        **apps.performing(call, facts["app"]),
    }


def _create(call: Call) -> Answer:
    repository, body = call.repository, call.body
    sha = repository.git.resolve(body["ref"])
    if sha is None:
        raise Refusal(422, f"No ref found for: {body['ref']}")
    _require_merged(call, body["ref"], sha)
    _require_contexts(call, sha)
    name = body.get("environment", "production")
    known = environments.find(call, name)
    if known is None:
        known = environments.put(call, name, {})  # GitHub makes an environment of whatever is deployed to
    facts = {
        "sha": sha,
        "ref": body["ref"],
        "task": body.get("task", "deploy"),
        "payload": body.get("payload", {}),
        "environment": known.outputs["environment"],
        "description": body.get("description"),
        "transient_environment": body.get("transient_environment", False),
        "production_environment": body.get("production_environment", name == "production"),
        **call.credential.author,
    }
    return Answer(201, _shown(call, call.cloud.add("deployment", repository, facts)))


def _require_merged(call: Call, ref: str, sha: str) -> None:
    """GitHub merges the default branch into a ref that lacks some of it, unless it is told not to. Nothing is merged
    here, so that is the answer of a merge with a conflict."""
    git, default = call.repository.git, call.repository.default_branch
    head = git.ref(f"refs/heads/{default}")
    is_branch = git.ref(f"refs/heads/{ref}") is not None
    if call.body.get("auto_merge", True) and is_branch and head and not git.contains(head.sha, sha):
        raise Refusal(409, f"Conflict merging {default} into {ref}.")


def _require_contexts(call: Call, sha: str) -> None:
    """All commit statuses must have succeeded, or those that the deployment names; an empty list names none."""
    wanted, seen = call.body.get("required_contexts"), checks.states(call, sha)
    failing = [name for name in (seen if wanted is None else wanted) if seen.get(name) != "success"]
    if failing:
        contexts = [{"context": name, "state": seen.get(name, "pending")} for name in failing]
        error = {"contexts": contexts, "resource": "Deployment", "field": "required_contexts", "code": "invalid"}
        raise Refusal(409, f"Conflict: Commit status checks failed for {call.body['ref']}.", [error])


def _list(call: Call) -> Answer:
    wanted = {name: call.query[name] for name in ("sha", "ref", "task", "environment") if name in call.query}
    found = [one for one in _every(call) if wanted.items() <= one.items()]
    return call.paged(found[::-1], shown=lambda one: _shown(call, one))


def _every(call: Call) -> list[Facts]:
    return call.cloud.every("deployment", call.repository.owner, call.repository.name)


def _one(call: Call) -> Facts:
    return call.cloud.one("deployment", call.repository, call.at["deployment_id"])


def _delete(call: Call) -> Answer:
    deployment, repository = _one(call), call.repository
    others = [one for one in _every(call) if one["environment"] == deployment["environment"] and one != deployment]
    states = [one["state"] for one in _statuses(call, deployment)]
    if others and (not states or states[-1] not in _ENDED):
        message = "We cannot delete an active deployment unless it is the only deployment in a given environment."
        raise Refusal(422, message)
    for status in _statuses(call, deployment):
        call.cloud.drop("deployment-status", repository, status["id"])
    call.cloud.drop("deployment", repository, deployment["id"])
    return Answer(204)


def _statuses(call: Call, deployment: Facts) -> list[Facts]:
    repository = call.repository
    found = call.cloud.every("deployment-status", repository.owner, repository.name)
    return [one for one in found if one["deployment"] == deployment["id"]]


def _shown_status(call: Call, facts: Facts) -> dict[str, Any]:
    deployment = call.within("deployments", facts["deployment"])
    return {
        "url": f"{deployment}/statuses/{facts['id']}",
        "node_id": people.node_id("DES", facts["id"]),
        **{name: value for name, value in facts.items() if name not in ("app", "login", "deployment")},
        "creator": people.user(call, facts["login"]),
        "deployment_url": deployment,
        "repository_url": call.within(),
        **apps.performing(call, facts["app"]),
    }


def _add_status(call: Call) -> Answer:
    deployment, body = _one(call), call.body
    require_short("DeploymentStatus", "description", body.get("description"), _LONGEST)
    made = _status(
        call,
        deployment,
        state=body["state"],
        description=body.get("description", ""),
        environment=body.get("environment", deployment["environment"]),
        target_url=body.get("target_url", body.get("log_url", "")),
        log_url=body.get("log_url", body.get("target_url", "")),
        environment_url=body.get("environment_url", ""),
    )
    if body["state"] == "success" and body.get("auto_inactive", True):
        _end_others(call, deployment)
    return Answer(201, _shown_status(call, made))


def _status(call: Call, deployment: Facts, **facts: Any) -> Facts:
    told = {"deployment": deployment["id"], **facts, **call.credential.author}
    return call.cloud.add("deployment-status", call.repository, told)


def _end_others(call: Call, deployment: Facts) -> None:
    """What was deployed before to the same environment is inactive now, unless that one is transient or production."""
    for other in _every(call):
        if other["environment"] != deployment["environment"] or other["id"] == deployment["id"]:
            continue
        lasting = other["transient_environment"] or other["production_environment"]
        states = [one["state"] for one in _statuses(call, other)]
        if not lasting and states and states[-1] == "success":
            urls = {"target_url": "", "log_url": "", "environment_url": ""}
            _status(call, other, state="inactive", description="", environment=other["environment"], **urls)


def _list_statuses(call: Call) -> Answer:
    return call.paged(_statuses(call, _one(call))[::-1], shown=lambda one: _shown_status(call, one))


def _get_status(call: Call) -> Answer:
    for status in _statuses(call, _one(call)):
        if status["id"] == call.at["status_id"]:
            return Answer(200, _shown_status(call, status))
    raise absent()


HANDLERS: Final = {
    "repos/create-deployment": _create,
    "repos/create-deployment-status": _add_status,
    "repos/delete-deployment": _delete,
    "repos/get-deployment": lambda call: Answer(200, _shown(call, _one(call))),
    "repos/get-deployment-status": _get_status,
    "repos/list-deployment-statuses": _list_statuses,
    "repos/list-deployments": _list,
}
