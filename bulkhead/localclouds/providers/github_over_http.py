"""The GitHub provider's resources as its plugin keeps them: every create, read, update and delete is made of calls of
the API. What the API never returns comes from what the engine knows already."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any, Final
from urllib.parse import quote

import httpx

from bulkhead.clients.endpoints import GITHUB
from bulkhead.clients.rest import Rest
from bulkhead.localclouds.providers import registry
from bulkhead.localclouds.providers.github_kinds import KINDS, Asking, Kind
from bulkhead.localclouds.providers.handler import Caller, Properties
from bulkhead.localclouds.providers.over_http import over
from bulkhead.localclouds.providers.store import Record

_UNTOLD: Final = frozenset({"keyId", "rename", "waitForRename"})
"""Inputs that the plugin keeps for itself."""


class GitHubOverHttp:
    """One type of resource, by its kind."""

    def __init__(self, token: str, kind: Kind, api_of: Callable[[str], Rest]) -> None:
        self._token = token
        self._kind = kind
        self._api_of = api_of
        self._rules = registry.rules_of(token)

    def create(self, caller: Caller, inputs: Properties) -> Record:
        """Make the resource. Raises ApiRefusal."""
        given = self._rules.with_defaults(inputs)
        computed = self._kind.make(self._asking(caller, given), given)
        return self._record(caller, inputs, over(given, computed))

    def read(self, caller: Caller, id_: str, known: Properties, inputs: Properties) -> Record | None:
        """Return the resource as the API shows it, None when it is gone. ``known`` are its properties in the state and
        ``inputs`` its inputs there, both empty for an import."""
        known = known or self._named(id_)
        seen = self._kind.see(self._asking(caller, known), known) if known else None
        if seen is None:
            return None
        untold = {*self._kind.parts, *self._rules.unread, *_UNTOLD}
        kept = {name: value for name, value in known.items() if name in untold or name not in self._settable}
        outputs = {**kept, **seen}
        return self._record(caller, self._inputs_in(outputs, inputs), outputs)

    def update(self, caller: Caller, id_: str, known: Properties, inputs: Properties) -> Record:
        """Change the resource in place. Raises ApiRefusal."""
        given = self._rules.with_defaults(inputs)
        computed = self._kind.change(self._asking(caller, given), known, given)
        kept = {name: value for name, value in known.items() if name not in self._settable}
        return self._record(caller, inputs, over({**kept, **given}, computed))

    def delete(self, caller: Caller, id_: str, known: Properties) -> None:
        """Do what the plugin's delete does. Raises ApiRefusal."""
        self._kind.drop(self._asking(caller, known), known)

    @property
    def _settable(self) -> Properties:
        return registry.catalogue("github").properties(self._token)

    def _asking(self, caller: Caller, known: Properties) -> Asking:
        owner, name = quote(caller.account, safe=""), quote(str(known["repository"]), safe="")
        return Asking(self._api_of(str(caller.config.get("token", ""))), f"/repos/{owner}/{name}", caller)

    def _named(self, text: str) -> Properties:
        """Return the properties that an import names, none when it is not of that form."""
        parts = text.split(":")
        return dict(zip(self._kind.parts, parts, strict=True)) if len(parts) == len(self._kind.parts) else {}

    def _record(self, caller: Caller, inputs: Properties, outputs: Properties) -> Record:
        id_ = (
            str(outputs["rulesetId"]) if "rulesetId" in outputs else ":".join(str(outputs[p]) for p in self._kind.parts)
        )
        return Record(self._token, id_, caller.environment, caller.account, "", inputs, outputs)

    def _inputs_in(self, outputs: Properties, inputs: Properties) -> Properties:
        """Return the inputs that a read finds: those that the state has, and what somebody else has set. An import has
        no state, so all was set by somebody else."""
        given = {
            name: _found(outputs.get(name), value) for name, value in inputs.items() if name in outputs or not value
        }
        defaults = self._rules.defaults
        foreign = (name for name in self._settable if name not in inputs and name not in _UNTOLD)
        told = ((name, outputs[name]) for name in foreign if outputs.get(name) and outputs[name] != defaults.get(name))
        return given | {name: _without_absent(value) for name, value in told}


def github_over_http(url: str, transport: httpx.BaseTransport | None = None) -> dict[str, GitHubOverHttp]:
    """Return how each type is reached over HTTP, by its token; ``url`` is the base of the local GitHub's API.
    ``transport`` is for tests."""
    api_of = cache(partial(Rest, GITHUB.at(url), transport=transport))
    return {token: GitHubOverHttp(token, kind, api_of) for token, kind in KINDS.items()}


def _found(told: Any, given: Any) -> Any:
    """Return the part of what the API tells that was given: what it adds by itself is no change, and what is empty it
    does not tell."""
    if isinstance(given, Mapping) and isinstance(told, Mapping):
        return {name: _found(told.get(name), value) for name, value in given.items()}
    if isinstance(given, list) and isinstance(told, list) and len(given) == len(told):
        return [_found(one, other) for one, other in zip(told, given, strict=True)]
    return given if told is None and not given else told


def _without_absent(value: Any) -> Any:
    """Return what an import finds without the rules that are not there."""
    return {name: part for name, part in value.items() if part is not False} if isinstance(value, Mapping) else value
