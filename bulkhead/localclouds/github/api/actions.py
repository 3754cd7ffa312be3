"""What GitHub Actions may do in a repository: settings that it has, whether or not anybody ever set them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bulkhead.localclouds.github.api.call import Answer, Call, Refusal
from bulkhead.localclouds.github.properties import json_of, properties_of
from bulkhead.localclouds.providers.store import Record
from bulkhead.resources import types as t

_PERMISSIONS: Final = {"enabled": True, "allowedActions": "all", "shaPinningRequired": False}
_SELECTED: Final = {"githubOwnedAllowed": False, "verifiedAllowed": False, "patternsAlloweds": list[str]()}
_WORKFLOW: Final = {"defaultWorkflowPermissions": "read", "canApprovePullRequestReviews": False}
_SELECTION: Final = "selected-actions"


def _record(call: Call, token: str) -> Record | None:
    return next(iter(call.cloud.records(token, call.repository)), None)


def _settings(call: Call, token: str, defaults: Mapping[str, Any]) -> dict[str, Any]:
    record = _record(call, token)
    return {name: record.outputs.get(name, value) for name, value in defaults.items()} if record else {**defaults}


def _set(call: Call, token: str, defaults: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
    """Write the settings; as GitHub's own they are nobody's any more, and there is no record of them."""
    old = _record(call, token)
    inputs = {name: value for name, value in settings.items() if value is not None}
    if inputs == {name: value for name, value in defaults.items() if name in inputs}:
        if old is not None:
            call.cloud.delete(call.credential, old)
        return
    call.cloud.write(call.credential, token, {"repository": call.repository.name, **inputs}, old)


def _get_permissions(call: Call) -> Answer:
    settings = _settings(call, t.GITHUB_ACTIONS_REPOSITORY_PERMISSIONS, _PERMISSIONS)
    if not settings["enabled"]:
        return Answer(200, {"enabled": False})
    chosen = settings["allowedActions"] == "selected"
    address = call.within("actions", "permissions", _SELECTION)
    return Answer(200, {**json_of(settings), **({"selected_actions_url": address} if chosen else {})})


def _set_permissions(call: Call) -> Answer:
    """What is put is the whole setting; the actions that were selected stay while actions are selected."""
    new = {**_PERMISSIONS, **properties_of(call.body)}
    if new["allowedActions"] == "selected":
        was = _settings(call, t.GITHUB_ACTIONS_REPOSITORY_PERMISSIONS, {"allowedActionsConfig": None})
        new["allowedActionsConfig"] = was["allowedActionsConfig"] or _SELECTED
    _set(call, t.GITHUB_ACTIONS_REPOSITORY_PERMISSIONS, _PERMISSIONS, new)
    return Answer(204)


def _selected(call: Call) -> dict[str, Any]:
    settings = _settings(call, t.GITHUB_ACTIONS_REPOSITORY_PERMISSIONS, {**_PERMISSIONS, "allowedActionsConfig": None})
    if settings["allowedActions"] != "selected" or not settings["enabled"]:
        raise Refusal(409, "Conflict: the repository does not allow selected actions only")
    return settings


def _get_selected(call: Call) -> Answer:
    return Answer(200, json_of({**_SELECTED, **(_selected(call)["allowedActionsConfig"] or {})}))


def _set_selected(call: Call) -> Answer:
    settings = _selected(call)
    chosen = {**_SELECTED, **(settings["allowedActionsConfig"] or {}), **properties_of(call.body)}
    changed = {**settings, "allowedActionsConfig": chosen}
    _set(call, t.GITHUB_ACTIONS_REPOSITORY_PERMISSIONS, _PERMISSIONS, changed)
    return Answer(204)


def _get_workflow(call: Call) -> Answer:
    return Answer(200, json_of(_settings(call, t.GITHUB_WORKFLOW_REPOSITORY_PERMISSIONS, _WORKFLOW)))


def _set_workflow(call: Call) -> Answer:
    was = _settings(call, t.GITHUB_WORKFLOW_REPOSITORY_PERMISSIONS, _WORKFLOW)
    _set(call, t.GITHUB_WORKFLOW_REPOSITORY_PERMISSIONS, _WORKFLOW, {**was, **properties_of(call.body)})
    return Answer(204)


HANDLERS: Final = {
    "actions/get-allowed-actions-repository": _get_selected,
    "actions/get-github-actions-default-workflow-permissions-repository": _get_workflow,
    "actions/get-github-actions-permissions-repository": _get_permissions,
    "actions/set-allowed-actions-repository": _set_selected,
    "actions/set-github-actions-default-workflow-permissions-repository": _set_workflow,
    "actions/set-github-actions-permissions-repository": _set_permissions,
}
