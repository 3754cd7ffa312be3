"""The Cloudflare provider's resources as its plugin keeps them: every create, read, update and delete is a call of the
API. What the API never returns comes from what the engine knows already."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any, Final

import httpx

from bulkhead.clients.endpoints import CLOUDFLARE
from bulkhead.clients.rest import Rest
from bulkhead.engine.plugins import sdk_version
from bulkhead.localclouds.cloudflare.api import access, stores, tokens, workers, workers_versions
from bulkhead.localclouds.cloudflare.api.call import PLUGIN
from bulkhead.localclouds.cloudflare.api.endpoint import Endpoint
from bulkhead.localclouds.providers import registry
from bulkhead.localclouds.providers.handler import Caller, Properties
from bulkhead.localclouds.providers.remote import Remote, ask, found_in, over
from bulkhead.localclouds.providers.store import Record

_AGENT: Final = f"{PLUGIN}/{sdk_version('cloudflare')}"
ENDPOINTS: Final = (
    *access.ENDPOINTS,
    *stores.ENDPOINTS,
    *tokens.ENDPOINTS,
    *workers.ENDPOINTS,
    workers_versions.VERSION,
)
"""Every type that is reached so."""


class CloudflareRemote(Remote):
    """One type of resource, by its endpoint."""

    def __init__(self, endpoint: Endpoint, api_of: Callable[[str], Rest]) -> None:
        self._endpoint = endpoint
        self._rules = registry.rules_of(endpoint.type)
        self._api_of = api_of

    def create(self, caller: Caller, inputs: Properties) -> Record:
        path, said = self._endpoint.collection or self._endpoint.item, self._said(inputs)
        answer = self._ask(caller, self._endpoint.create, path, said, self._request(said))
        return replace(self._record(caller, said, answer), inputs=inputs)

    def read(self, caller: Caller, id_: str, known: Properties, inputs: Properties) -> Record | None:
        if not known:
            given = self._rules.import_id.read(id_)
            if given is None:
                return None
            known, id_ = given, given.get("id") or self._rules.id_of(caller, given)
        answer = self._ask(caller, "GET", self._endpoint.item, {**known, "id": id_}, None)
        if answer is None or self._endpoint.is_over(answer):
            return None
        record = self._record(caller, known if inputs else self._endpoint.said_by_path(known), answer)
        visible = self._inputs_in(record.outputs, inputs)
        return Record(record.type, id_, record.environment, record.account, "", visible, record.outputs)

    def update(self, caller: Caller, id_: str, known: Properties, inputs: Properties) -> Record:
        said = self._said(inputs)
        body = None if self._endpoint.change_headers else self._request(said)
        answer = self._ask(caller, self._endpoint.update, self._endpoint.item, {**said, "id": id_}, body, changing=True)
        return self._record(caller, {**known, **said}, answer)

    def delete(self, caller: Caller, id_: str, known: Properties) -> None:
        if not self._endpoint.type.left_behind:
            self._ask(caller, "DELETE", self._endpoint.item, {**known, "id": id_}, None)

    def _ask(
        self, caller: Caller, method: str, path: str, values: Properties, body: Any, *, changing: bool = False
    ) -> Any:
        """Return the result; None where there is nothing to show or to delete. Raises ApiRefusal."""
        api = self._api_of(str(caller.config.get("apiToken", "")))
        headers = {"User-Agent": _AGENT, **self._endpoint.headers_for(values, changing=changing)}
        query, path = self._endpoint.query_for(method, values), self._endpoint.path(path, values)
        may_be_gone = method in {"GET", "DELETE"}
        response = ask(api, caller, method, path, body, may_be_gone=may_be_gone, headers=headers, params=query)
        return None if response is None else response.json()["result"]

    def _said(self, inputs: Properties) -> Properties:
        """Return what the plugin asks for where the program says ``inputs``."""
        planned = self._rules.with_defaults(inputs)
        return {**inputs, **{name: planned[name] for name in self._endpoint.always}}

    def _request(self, inputs: Properties) -> Any:
        """Return the body that asks for a resource."""
        return self._endpoint.request(inputs)

    def _record(self, caller: Caller, given: Properties, answer: Mapping[str, Any]) -> Record:
        told = self._endpoint.told(answer)
        id_ = (
            str(answer[self._endpoint.id_as]) if self._endpoint.id_as else self._rules.id_of(caller, {**given, **told})
        )
        outputs = over(given, {**self._endpoint.said_by_path(given), **told})
        return Record(
            self._endpoint.type,
            id_,
            caller.environment,
            self._rules.account_of(caller, outputs),
            "",
            given,
            outputs,
        )

    def _inputs_in(self, outputs: Properties, inputs: Properties) -> Properties:
        """Return the inputs that a read finds: those that the state has, or, for an import, all that are no default."""
        if inputs:
            return {name: found_in(outputs.get(name, value), value) for name, value in inputs.items()}
        settable = registry.catalogue("cloudflare").properties(self._endpoint.type)
        defaults = self._rules.defaults
        return {
            name: value
            for name, value in outputs.items()
            if name in settable and not (name in defaults and defaults[name] == value)
        }


class VersionRemote(CloudflareRemote):
    """Versions of Workers: the plugin reads their modules from files, and the API takes JSON values as they are."""

    def _request(self, inputs: Properties) -> Any:
        body = super()._request({**inputs, "modules": [_with_content(module) for module in inputs["modules"]]})
        for binding in body.get("bindings", ()):
            if binding["type"] == "json":
                binding["json"] = json.loads(binding["json"])
        return body

    def _record(self, caller: Caller, given: Properties, answer: Mapping[str, Any]) -> Record:
        texts = {one["name"]: one["json"] for one in given.get("bindings", ()) if one["type"] == "json"}
        bindings = [
            {**one, "json": _text(one["json"], texts.get(one["name"]))} if one["type"] == "json" else one
            for one in answer.get("bindings", ())
        ]
        return super()._record(caller, given, {**answer, "bindings": bindings} if bindings else answer)


def _with_content(module: Mapping[str, str]) -> dict[str, str]:
    content = module.get("contentBase64") or b64encode(Path(module["contentFile"]).read_bytes()).decode()
    return {"name": module["name"], "contentType": module["contentType"], "contentBase64": content}


def _text(value: Any, given: str | None) -> str:
    """Return a JSON value as a text, as it was given if it is still the same value."""
    return given if given is not None and json.loads(given) == value else json.dumps(value)


def cloudflare_remotes(url: str, transport: httpx.BaseTransport | None = None) -> dict[str, CloudflareRemote]:
    """Return how each type is reached, by its token; ``url`` is the base of the local Cloudflare's API."""
    api_of = cache(partial(Rest, CLOUDFLARE.at(url), transport=transport))
    special = {workers_versions.VERSION.type: VersionRemote}
    return {endpoint.type: special.get(endpoint.type, CloudflareRemote)(endpoint, api_of) for endpoint in ENDPOINTS}
