"""The rulesets of a repository."""

from __future__ import annotations

import fnmatch
from typing import Any, Final

from bulkhead.localclouds.github.api import people
from bulkhead.localclouds.github.api.call import WEB, Answer, Body, Call, Refusal, absent
from bulkhead.localclouds.github.properties import ruleset_body, ruleset_properties
from bulkhead.localclouds.providers.store import Record
from bulkhead.resources import types as t


def guarded(call: Call, branch: str) -> bool:
    """Whether an active ruleset applies to the branch."""
    default = call.repository.default_branch

    def meant(patterns: list[str]) -> bool:
        special = {"~ALL": "refs/heads/*", "~DEFAULT_BRANCH": f"refs/heads/{default}"}
        return any(fnmatch.fnmatchcase(f"refs/heads/{branch}", special.get(one, one)) for one in patterns)

    for record in _every(call):
        refs = (record.outputs.get("conditions") or {}).get("refName", {})
        applies = record.outputs["target"] == "branch" and record.outputs["enforcement"] == "active"
        if applies and meant(refs.get("includes", [])) and not meant(refs.get("excludes", [])):
            return True
    return False


def _every(call: Call) -> list[Record]:
    return call.cloud.records(t.GITHUB_REPOSITORY_RULESET, call.repository)


def _one(call: Call) -> Record:
    wanted = str(call.at["ruleset_id"])
    for record in _every(call):
        if record.id == wanted:
            return record
    raise absent()


def _shown(call: Call, record: Record, *, whole: bool = True) -> dict[str, Any]:
    name = f"{record.account}/{record.outputs['repository']}"
    body = ruleset_body(record.inputs)
    told = {key: body[key] for key in ("name", "target", "enforcement")}
    more = {"bypass_actors": [], "conditions": {}, **body, "current_user_can_bypass": "never"} if whole else {}
    return {
        "id": int(record.id),
        **told,
        "source_type": "Repository",
        "source": name,
        **more,
        "node_id": people.node_id("RRS", record.id),
        "_links": {
            "self": {"href": call.within("rulesets", record.id)},
            "html": {"href": f"{WEB}/{name}/rules/{record.id}"},
        },
        **call.cloud.dates(record),
    }


def _list(call: Call) -> Answer:
    """There are no rulesets of organisations here, so `includes_parents` makes no difference."""
    targets = call.query.get("targets", "")
    found = [one for one in _every(call) if not targets or one.outputs["target"] in targets.split(",")]
    return call.paged(found, "", lambda one: _shown(call, one, whole=False))


def _require_patterns(body: Body) -> None:
    """A pattern is of whole refs. GitHub says no more than this of one that is not."""
    beginnings = {"branch": ("refs/heads/", "~ALL", "~DEFAULT_BRANCH"), "tag": ("refs/tags/", "~ALL")}
    known = beginnings.get(body["target"])
    refs = (body.get("conditions") or {}).get("ref_name") or {}
    if known is None or not refs:
        return
    wrong = [one for side in ("include", "exclude") for one in refs.get(side, [""]) if not one.startswith(known)]
    if wrong:
        raise Refusal(422, "Validation Failed", [f"Invalid target patterns: {', '.join(map(repr, wrong))}"])


def _put(call: Call, body: Body, old: Record | None = None) -> dict[str, Any]:
    _require_patterns(body)
    actors = [{"bypass_mode": "always", **actor} for actor in body.get("bypass_actors") or ()]
    inputs = {"repository": call.repository.name, **ruleset_properties({**body, "bypass_actors": actors})}
    return _shown(call, call.cloud.write(call.credential, t.GITHUB_REPOSITORY_RULESET, inputs, old))


def _make(call: Call) -> Answer:
    return Answer(201, _put(call, {"target": "branch", **call.body}))


def _change(call: Call) -> Answer:
    """A change names only what it changes."""
    old = _one(call)
    return Answer(200, _put(call, {**ruleset_body(old.inputs), **call.body}, old))


def _delete(call: Call) -> Answer:
    call.cloud.delete(call.credential, _one(call))
    return Answer(204)


HANDLERS: Final = {
    "repos/create-repo-ruleset": _make,
    "repos/delete-repo-ruleset": _delete,
    "repos/get-repo-ruleset": lambda call: Answer(200, _shown(call, _one(call))),
    "repos/get-repo-rulesets": _list,
    "repos/update-repo-ruleset": _change,
}
