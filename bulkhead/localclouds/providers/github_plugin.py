"""What the GitHub provider's plugin asks of the API for each type of resource: the same calls, in the same order.

Source: integrations/terraform-provider-github, resource_github_*.go.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol
from urllib.parse import quote

from nacl.public import PublicKey, SealedBox

from bulkhead.clients.rest import Rest
from bulkhead.localclouds.github import properties as spelt
from bulkhead.localclouds.providers.handler import ApiRefusal, Caller, Properties
from bulkhead.localclouds.providers.remote import ask
from bulkhead.resources import types as t


@dataclass(frozen=True, slots=True)
class RepositoryApi:
    """The part of the API that is about one repository, as one provider asks it. All raise ApiRefusal."""

    api: Rest
    repository: str
    caller: Caller

    def see(self, path: str = "") -> Any | None:
        """Return what is at a path of the repository, None when there is nothing."""
        return self._answer("GET", path, None, may_be_gone=True)

    def ask(self, method: str, path: str = "", body: Any = None) -> Any:
        """Return what a call answers, None for no body."""
        return self._answer(method, path, body, may_be_gone=False)

    def number(self) -> int:
        """Return the repository's own id."""
        return int(self.ask("GET")["id"])

    def _answer(self, method: str, path: str, body: Any, *, may_be_gone: bool) -> Any:
        path = self.repository + path
        response = ask(self.api, self.caller, method, path, body, may_be_gone=may_be_gone, where=f"{method} {path}: ")
        return response.json() if response is not None and response.content else None


class PluginType(Protocol):
    """What the plugin asks for one type of resource. ``known`` is what the state has."""

    def make(self, api: RepositoryApi, inputs: Properties) -> Properties:
        """Make it, or write over it where the plugin does; return what the API computed."""

    def see(self, api: RepositoryApi, known: Properties) -> Properties | None:
        """Return its properties as the API shows them, None when it is gone."""

    def change(self, api: RepositoryApi, known: Properties, inputs: Properties) -> Properties:
        """Change it; return what the API computed."""

    def drop(self, api: RepositoryApi, known: Properties) -> None:
        """Do what the plugin's delete does."""


class Environment:
    def make(self, api: RepositoryApi, inputs: Properties) -> Properties:
        self.change(api, {}, inputs)
        return {"repositoryId": api.number()}

    def see(self, api: RepositoryApi, known: Properties) -> Properties | None:
        answer = api.see(_within(known))
        return None if answer is None else spelt.environment_seen(answer)

    def change(self, api: RepositoryApi, known: Properties, inputs: Properties) -> Properties:
        api.ask("PUT", _within(inputs), spelt.environment_body(inputs))
        return {}

    def drop(self, api: RepositoryApi, known: Properties) -> None:
        if api.see(_within(known)) is not None:
            api.ask("DELETE", _within(known))


class DeploymentPolicy:
    def make(self, api: RepositoryApi, inputs: Properties) -> Properties:
        made = api.ask("POST", self._path(inputs), spelt.policy_body(inputs))
        return {"policyId": made["id"], "repositoryId": api.number()}

    def see(self, api: RepositoryApi, known: Properties) -> Properties | None:
        answer = api.see(self._path(known, known["policyId"]))
        return None if answer is None else {**spelt.policy_properties(answer), "policyId": answer["id"]}

    def change(self, api: RepositoryApi, known: Properties, inputs: Properties) -> Properties:
        api.ask("PUT", self._path(inputs, known["policyId"]), {"name": spelt.policy_body(inputs)["name"]})
        return {}

    def drop(self, api: RepositoryApi, known: Properties) -> None:
        api.ask("DELETE", self._path(known, known["policyId"]))

    def _path(self, known: Properties, *number: Any) -> str:
        return "/".join([_within(known), "deployment-branch-policies", *map(str, number)])


class Secret:
    def make(self, api: RepositoryApi, inputs: Properties) -> Properties:
        number = api.number()
        return {**self.change(api, {}, inputs), "repositoryId": number}

    def see(self, api: RepositoryApi, known: Properties) -> Properties | None:
        answer = api.see(self._path(known))
        return None if answer is None else {"remoteUpdatedAt": answer["updated_at"], **_dates(answer)}

    def change(self, api: RepositoryApi, known: Properties, inputs: Properties) -> Properties:
        """Seal the value with the environment's public key, unless the program has done that."""
        sealed, id_ = inputs.get("valueEncrypted") or inputs.get("encryptedValue"), inputs.get("keyId")
        if not (sealed and id_):
            key = api.ask("GET", f"{_within(inputs)}/secrets/public-key")
            id_ = key["key_id"]
            sealed = sealed or _seal(inputs.get("value", inputs.get("plaintextValue", "")), key["key"])
        api.ask("PUT", self._path(inputs), {"encrypted_value": sealed, "key_id": id_})
        return {**(self.see(api, inputs) or {}), "keyId": id_}

    def drop(self, api: RepositoryApi, known: Properties) -> None:
        api.ask("DELETE", self._path(known))

    def _path(self, known: Properties) -> str:
        return f"{_within(known)}/secrets/{quote(known['secretName'], safe='')}"


class Variable:
    def make(self, api: RepositoryApi, inputs: Properties) -> Properties:
        api.ask("POST", f"{_within(inputs)}/variables", {"name": inputs["variableName"], "value": inputs["value"]})
        number = api.number()
        return {**(self.see(api, inputs) or {}), "repositoryId": number}

    def see(self, api: RepositoryApi, known: Properties) -> Properties | None:
        answer = api.see(self._path(known))
        return None if answer is None else {"value": answer["value"], **_dates(answer)}

    def change(self, api: RepositoryApi, known: Properties, inputs: Properties) -> Properties:
        api.ask("PATCH", self._path(inputs), {"name": inputs["variableName"], "value": inputs["value"]})
        return self.see(api, inputs) or {}

    def drop(self, api: RepositoryApi, known: Properties) -> None:
        api.ask("DELETE", self._path(known))

    def _path(self, known: Properties) -> str:
        return f"{_within(known)}/variables/{quote(known['variableName'], safe='')}"


class Ruleset:
    def make(self, api: RepositoryApi, inputs: Properties) -> Properties:
        self._require_open(api)
        return self._written(api.ask("POST", "/rulesets", spelt.ruleset_body(inputs)))

    def see(self, api: RepositoryApi, known: Properties) -> Properties | None:
        answer = api.see(f"/rulesets/{known['rulesetId']}")
        return None if answer is None else {**spelt.ruleset_seen(answer), **self._computed(answer)}

    def change(self, api: RepositoryApi, known: Properties, inputs: Properties) -> Properties:
        self._require_open(api)
        return self._written(api.ask("PUT", f"/rulesets/{known['rulesetId']}", spelt.ruleset_body(inputs)))

    def drop(self, api: RepositoryApi, known: Properties) -> None:
        api.ask("DELETE", f"/rulesets/{known['rulesetId']}")

    def _written(self, answer: Mapping[str, Any]) -> Properties:
        """A rule that nobody asked for is false from the beginning, as the plugin's schema has it."""
        return {"rules": spelt.ruleset_seen(answer)["rules"], **self._computed(answer)}

    def _computed(self, answer: Mapping[str, Any]) -> Properties:
        return {"rulesetId": answer["id"], "nodeId": answer["node_id"]}

    def _require_open(self, api: RepositoryApi) -> None:
        if api.ask("GET").get("archived"):
            raise ApiRefusal(f"{api.repository}: no ruleset of an archived repository can be made or changed")


class DefaultBranch:
    def make(self, api: RepositoryApi, inputs: Properties) -> Properties:
        found = api.ask("GET")
        if found["default_branch"] != inputs["branch"]:
            self.change(api, {}, inputs)
        return {"repositoryId": found["id"]}

    def see(self, api: RepositoryApi, known: Properties) -> Properties | None:
        answer = api.see()
        return None if answer is None else {"branch": answer["default_branch"], "repositoryId": answer["id"]}

    def change(self, api: RepositoryApi, known: Properties, inputs: Properties) -> Properties:
        api.ask("PATCH", "", {"default_branch": inputs["branch"]})
        return {}

    def drop(self, api: RepositoryApi, known: Properties) -> None:
        """No repository is without one, so it stays."""


class ActionsPermissions:
    def make(self, api: RepositoryApi, inputs: Properties) -> Properties:
        return self.change(api, {}, inputs)

    def see(self, api: RepositoryApi, known: Properties) -> Properties | None:
        answer = api.see("/actions/permissions")
        if answer is None:
            return None
        settings = {key: value for key, value in answer.items() if key != "selected_actions_url"}
        chosen = answer.get("allowed_actions") == "selected" and api.see("/actions/permissions/selected-actions")
        told: Properties = spelt.properties_of({**settings, **({"allowed_actions_config": chosen} if chosen else {})})
        return told

    def change(self, api: RepositoryApi, known: Properties, inputs: Properties) -> Properties:
        enabled, config = inputs.get("enabled", True), inputs.get("allowedActionsConfig")
        settings = {name: inputs[name] for name in ("shaPinningRequired",) if inputs.get(name)}
        settings |= {"allowedActions": inputs["allowedActions"]} if enabled and "allowedActions" in inputs else {}
        api.ask("PUT", "/actions/permissions", spelt.json_of({"enabled": enabled, **settings}))
        if inputs.get("allowedActions") == "selected" and config:
            chosen = {"verifiedAllowed": False, "patternsAlloweds": [], **config}
            api.ask("PUT", "/actions/permissions/selected-actions", spelt.json_of(chosen))
        return self.see(api, inputs) or {}

    def drop(self, api: RepositoryApi, known: Properties) -> None:
        api.ask("PUT", "/actions/permissions", {"enabled": True, "allowed_actions": "all"})


class WorkflowPermissions:
    _path = "/actions/permissions/workflow"

    def make(self, api: RepositoryApi, inputs: Properties) -> Properties:
        return self.change(api, {}, inputs)

    def see(self, api: RepositoryApi, known: Properties) -> Properties | None:
        answer = api.see(self._path)
        told: Properties | None = None if answer is None else spelt.properties_of(answer)
        return told

    def change(self, api: RepositoryApi, known: Properties, inputs: Properties) -> Properties:
        settings = {name: value for name, value in inputs.items() if name != "repository"}
        api.ask("PUT", self._path, spelt.json_of(settings))
        return self.see(api, inputs) or {}

    def drop(self, api: RepositoryApi, known: Properties) -> None:
        read = {"default_workflow_permissions": "read", "can_approve_pull_request_reviews": False}
        api.ask("PUT", self._path, read)


PLUGIN_TYPES: Final[Mapping[str, PluginType]] = {
    t.GITHUB_ACTIONS_ENVIRONMENT_SECRET: Secret(),
    t.GITHUB_ACTIONS_ENVIRONMENT_VARIABLE: Variable(),
    t.GITHUB_ACTIONS_REPOSITORY_PERMISSIONS: ActionsPermissions(),
    t.GITHUB_BRANCH_DEFAULT: DefaultBranch(),
    t.GITHUB_REPOSITORY_ENVIRONMENT: Environment(),
    t.GITHUB_REPOSITORY_ENVIRONMENT_DEPLOYMENT_POLICY: DeploymentPolicy(),
    t.GITHUB_REPOSITORY_RULESET: Ruleset(),
    t.GITHUB_WORKFLOW_REPOSITORY_PERMISSIONS: WorkflowPermissions(),
}


def _within(known: Properties) -> str:
    return f"/environments/{quote(known['environment'], safe='')}"


def _dates(answer: Mapping[str, Any]) -> dict[str, Any]:
    return {"createdAt": answer["created_at"], "updatedAt": answer["updated_at"]}


def _seal(value: str, key: str) -> str:
    return base64.b64encode(SealedBox(PublicKey(base64.b64decode(key))).encrypt(value.encode())).decode()
