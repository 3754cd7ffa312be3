"""The GitHub provider's resources as its plugin keeps them: every create, read, update and delete is made of calls of
the API. What the API never returns comes from what the engine knows already."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache, partial
from typing import Any, Final
from urllib.parse import quote

import httpx

from bulkhead.clients.endpoints import GITHUB
from bulkhead.clients.refusals import ApiRefused
from bulkhead.clients.rest import Rest
from bulkhead.localclouds.providers import registry
from bulkhead.localclouds.providers.github_plugin import PLUGIN_TYPES, PluginType, RepositoryApi
from bulkhead.localclouds.providers.handler import Caller, Properties
from bulkhead.localclouds.providers.remote import Remote, found_in, over
from bulkhead.localclouds.providers.store import Record

_UNTOLD: Final = frozenset({"keyId", "rename", "waitForRename"})
"""Inputs that the plugin keeps for itself."""


class GitHubRemote(Remote):
    """One type of resource, by what the plugin asks for it."""

    def __init__(self, token: str, plugin: PluginType, api_of: Callable[[str, str], Rest]) -> None:
        self._token = token
        self._plugin = plugin
        self._api_of = api_of
        self._rules = registry.rules_of(token)

    def create(self, caller: Caller, inputs: Properties) -> Record:
        given = self._rules.with_defaults(inputs)
        computed = self._plugin.make(self._api(caller, given), given)
        return self._record(caller, inputs, over(given, computed))

    def read(self, caller: Caller, id_: str, known: Properties, inputs: Properties) -> Record | None:
        known = known or self._rules.import_id.read(id_) or {}
        seen = self._plugin.see(self._api(caller, known), known) if known else None
        if seen is None:
            return None
        untold = {*self._rules.import_id.names, *self._rules.unread, *_UNTOLD}
        kept = {name: value for name, value in known.items() if name in untold or name not in self._settable}
        outputs = {**kept, **seen}
        return self._record(caller, self._inputs_in(outputs, inputs), outputs)

    def update(self, caller: Caller, id_: str, known: Properties, inputs: Properties) -> Record:
        given = self._rules.with_defaults(inputs)
        computed = self._plugin.change(self._api(caller, given), known, given)
        kept = {name: value for name, value in known.items() if name not in self._settable}
        return self._record(caller, inputs, over({**kept, **given}, computed))

    def delete(self, caller: Caller, id_: str, known: Properties) -> None:
        self._plugin.drop(self._api(caller, known), known)

    @property
    def _settable(self) -> Properties:
        return registry.catalogue("github").properties(self._token)

    def _api(self, caller: Caller, known: Properties) -> RepositoryApi:
        owner, name = quote(caller.account, safe=""), quote(str(known["repository"]), safe="")
        return RepositoryApi(self._api_of(str(caller.config.get("token", "")), owner), f"/repos/{owner}/{name}", caller)

    def _record(self, caller: Caller, inputs: Properties, outputs: Properties) -> Record:
        names = ("rulesetId",) if "rulesetId" in outputs else self._rules.import_id.names
        id_ = ":".join(str(outputs[name]) for name in names)
        return Record(self._token, id_, caller.environment, caller.account, "", inputs, outputs)

    def _inputs_in(self, outputs: Properties, inputs: Properties) -> Properties:
        """Return the inputs that a read finds: those that the state has, and what somebody else has set. An import has
        no state, so all was set by somebody else."""
        given = {
            name: found_in(outputs.get(name), value, _empty_is_untold)
            for name, value in inputs.items()
            if name in outputs or not value
        }
        defaults = self._rules.defaults
        foreign = (name for name in self._settable if name not in inputs and name not in _UNTOLD)
        told = ((name, outputs[name]) for name in foreign if outputs.get(name) and outputs[name] != defaults.get(name))
        return given | {name: _without_absent(value) for name, value in told}


def github_remotes(url: str, transport: httpx.BaseTransport | None = None) -> dict[str, GitHubRemote]:
    """Return how each type is reached, by its token; ``url`` is the base of the local GitHub's API."""
    api_of = cache(partial(_configured, partial(Rest, GITHUB.at(url), transport=transport)))
    return {token: GitHubRemote(token, plugin, api_of) for token, plugin in PLUGIN_TYPES.items()}


def _configured(rest: Callable[[str], Rest], token: str, owner: str) -> Rest:
    """Return the API as the plugin has it: it asks whether the owner is an organisation, and goes on if it is none
    (terraform-provider-github, config.go)."""
    api = rest(token)
    with suppress(ApiRefused):
        api.get(f"/orgs/{owner}")
    return api


def _empty_is_untold(told: Any, given: Any) -> Any:
    """Return what the API tells; what is empty it does not tell."""
    return given if told is None and not given else told


def _without_absent(value: Any) -> Any:
    """Return what an import finds without the rules that are not there."""
    return {name: part for name, part in value.items() if part is not False} if isinstance(value, Mapping) else value
