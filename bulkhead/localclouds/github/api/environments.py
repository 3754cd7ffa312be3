"""Environments, and the refs that they admit."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote

from bulkhead.localclouds.github.api import people
from bulkhead.localclouds.github.api.call import WEB, Answer, Call, Refusal, absent, invalid
from bulkhead.localclouds.github.properties import environment_properties, json_of, policy_body, policy_properties
from bulkhead.localclouds.providers.store import Record
from bulkhead.resources import types as t

_MOST_REVIEWERS: Final = 6
_LONGEST_NAME: Final = 255  # characters (GitHub's documentation, "Managing environments for deployment")


def find(call: Call, name: str) -> Record | None:
    """Return an environment of the call's repository, whatever letters are capital."""
    found = call.cloud.records(t.GITHUB_REPOSITORY_ENVIRONMENT, call.repository)
    return next((one for one in found if one.outputs["environment"].lower() == name.lower()), None)


def named(call: Call) -> Record:
    """Return the environment of the path. Raises Refusal when there is none."""
    found = find(call, call.at["environment_name"])
    if found is None:
        raise absent()
    return found


def put(call: Call, name: str, settings: dict[str, Any]) -> Record:
    """Make an environment or change one; what is left out becomes GitHub's default, as with its own API."""
    old = find(call, name)
    if len(name) > _LONGEST_NAME or not name.isprintable():
        raise Refusal(422, f"The environment's name is invalid: at most {_LONGEST_NAME} characters that can be seen")
    repository, own = call.repository.name, old.outputs["environment"] if old else name
    inputs = {"repository": repository, "environment": own, **settings}
    return call.cloud.write(call.credential, t.GITHUB_REPOSITORY_ENVIRONMENT, inputs, old)


def shown(call: Call, record: Record) -> dict[str, Any]:
    name, policy = record.outputs["environment"], record.outputs.get("deploymentBranchPolicy")
    number = _number(record.id)
    return {
        "id": number,
        "node_id": people.node_id("EN", number),
        "name": name,
        "url": call.within("environments", name),
        "html_url": f"{WEB}/{record.account}/{record.outputs['repository']}/deployments/activity_log"
        f"?environments_filter={quote(name, safe='')}",
        **call.cloud.dates(record),
        "can_admins_bypass": record.outputs["canAdminsBypass"],
        "protection_rules": list(_protection(call, record)),
        "deployment_branch_policy": json_of(policy) if policy else None,
    }


def _protection(call: Call, record: Record) -> Iterator[dict[str, Any]]:
    settings = record.outputs
    reviewers = [
        {"type": kind, "reviewer": seen}
        for group in settings.get("reviewers") or ()
        for kind, seen in (
            *(("Team", people.team_of(call, record.account, number)) for number in group.get("teams") or ()),
            *(("User", people.user_of(call, number)) for number in group.get("users") or ()),
        )
    ]
    if settings.get("waitTimer"):
        yield {**_rule(record, "wait_timer"), "wait_timer": settings["waitTimer"]}
    if reviewers:
        told = {"prevent_self_review": settings.get("preventSelfReview", False), "reviewers": reviewers}
        yield {**_rule(record, "required_reviewers"), **told}
    if settings.get("deploymentBranchPolicy"):
        yield _rule(record, "branch_policy")


def _rule(record: Record, type_: str) -> dict[str, Any]:
    number = _number(f"{record.id}:{type_}")
    return {"id": number, "node_id": people.node_id("GA", number), "type": type_}


def _number(name: str) -> int:
    """Return the id of something that the provider knows by name."""
    return zlib.crc32(name.encode())


def _list(call: Call) -> Answer:
    found = call.cloud.records(t.GITHUB_REPOSITORY_ENVIRONMENT, call.repository)
    return call.paged(found, "environments", lambda one: shown(call, one))


def _get(call: Call) -> Answer:
    return Answer(200, shown(call, named(call)))


def _put(call: Call) -> Answer:
    reviewers = call.body.get("reviewers") or []
    owner = call.repository.owner
    if len(reviewers) > _MOST_REVIEWERS:
        raise Refusal(422, f"reviewers: at most {_MOST_REVIEWERS} users or teams")
    unknown = [each for each in reviewers if not people.is_known(call, each.get("type"), owner, each.get("id"))]
    if unknown:
        raise Refusal(422, f"reviewers: GitHub knows no {unknown[0].get('type')} of id {unknown[0].get('id')}")
    record = put(call, call.at["environment_name"], environment_properties(call.body))
    if not (record.outputs.get("deploymentBranchPolicy") or {}).get("customBranchPolicies"):
        for policy in _policies(call, record):
            call.cloud.delete(call.credential, policy)
    return Answer(200, shown(call, record))


def _delete(call: Call) -> Answer:
    record, repository = named(call), call.repository
    call.cloud.delete(call.credential, record)
    call.cloud.drop("key", repository, record.outputs["environment"])
    return Answer(204)


def _policies(call: Call, environment: Record) -> list[Record]:
    where = {"environment": environment.outputs["environment"]}
    return call.cloud.records(t.GITHUB_REPOSITORY_ENVIRONMENT_DEPLOYMENT_POLICY, call.repository, **where)


def _policy(call: Call) -> Record:
    for record in _policies(call, named(call)):
        if record.outputs["policyId"] == call.at["branch_policy_id"]:
            return record
    raise absent()


def _shown_policy(record: Record) -> dict[str, Any]:
    number = record.outputs["policyId"]
    return {"id": number, "node_id": people.node_id("GBP", number), **policy_body(record.outputs)}


def _list_policies(call: Call) -> Answer:
    return call.paged(_policies(call, named(call)), "branch_policies", _shown_policy)


def _add_policy(call: Call) -> Answer:
    environment = named(call)
    if not (environment.outputs.get("deploymentBranchPolicy") or {}).get("customBranchPolicies"):
        raise absent()
    _require_pattern(call)
    wanted = policy_properties(call.body)
    for known in _policies(call, environment):
        if wanted.items() <= known.outputs.items():
            return Answer(303, None, {"Location": call.within("environments", environment.outputs["environment"])})
    inputs = {"repository": call.repository.name, "environment": environment.outputs["environment"], **wanted}
    made = call.cloud.write(call.credential, t.GITHUB_REPOSITORY_ENVIRONMENT_DEPLOYMENT_POLICY, inputs)
    return Answer(200, _shown_policy(made))


def _require_pattern(call: Call) -> None:
    if not call.body["name"].strip():
        raise invalid("DeploymentBranchPolicy", "name", "missing_field", "name can't be blank")


def _change_policy(call: Call) -> Answer:
    old = _policy(call)
    _require_pattern(call)
    kind = policy_body(old.outputs)["type"]
    inputs = {**old.inputs, f"{kind}Pattern": call.body["name"]}
    return Answer(200, _shown_policy(call.cloud.write(call.credential, old.type, inputs, old)))


def _delete_policy(call: Call) -> Answer:
    call.cloud.delete(call.credential, _policy(call))
    return Answer(204)


def _list_custom_rules(call: Call) -> Answer:
    """There are no apps here that could protect an environment by rules of their own."""
    named(call)
    return Answer(200, {"total_count": 0, "custom_deployment_protection_rules": []})


HANDLERS: Final = {
    "repos/create-deployment-branch-policy": _add_policy,
    "repos/create-or-update-environment": _put,
    "repos/delete-an-environment": _delete,
    "repos/delete-deployment-branch-policy": _delete_policy,
    "repos/get-all-deployment-protection-rules": _list_custom_rules,
    "repos/get-all-environments": _list,
    "repos/get-deployment-branch-policy": lambda call: Answer(200, _shown_policy(_policy(call))),
    "repos/get-environment": _get,
    "repos/list-deployment-branch-policies": _list_policies,
    "repos/update-deployment-branch-policy": _change_policy,
}
