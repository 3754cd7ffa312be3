"""What Cloudflare's plugin sends and how it reads answers, as a client for tests: the plugin itself does not run here.

It follows the source of terraform-provider-cloudflare v5.22.0: the encoder and decoder of internal/apijson, and each
resource's model.go, schema.go and resource.go in internal/services. Pulumi's plugin is that provider behind a bridge.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

import httpx

from tests.support.cloudflare_plugin_wire import (
    OTHERS_TOO,
    UNKNOWN,
    Model,
    PluginFault,
    State,
    computed,
    encoded,
    from_pulumi,
    planned,
    read,
    with_raw,
)

Ask = Callable[[str, str, "bytes | None", Mapping[str, str]], httpx.Response]
"""Sends (method, path below /client/v4, body, headers)."""

_IN_PATH: Final = re.compile(r"\{(\w+)\}")
_RETRIED: Final = frozenset({408, 409, 429})
_GONE: Final = 404


@dataclass(frozen=True, kw_only=True)
class Resource:
    """How the plugin keeps a type. ``update`` is "" where an update sends nothing; ``reads`` and ``deletes`` are False
    where the plugin asks nothing. ``imported`` are the parts of an import's id, none if it has no import. ``headers``
    go with every call, ``told_by_header`` with an update that has no body. ``bare``: the body is this member's value.
    ``nulls``: whether an update sends null for what was taken away. ``create_query``: an attribute that is sent in the
    query of a create."""

    attributes: Model
    item: str
    collection: str = ""
    create: str = "POST"
    update: str = "PUT"
    reads: bool = True
    read_query: str = ""
    deletes: bool = True
    imported: Sequence[str] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    told_by_header: Mapping[str, str] = field(default_factory=dict)
    bare: str = ""
    nulls: bool = True
    create_query: str = ""

    def config(self, inputs: Mapping[str, Any]) -> State:
        """Return a program's inputs, which Pulumi spells its way, as the plugin gets them."""
        return from_pulumi(self.attributes, inputs)


class Plugin:
    """One provider of the program."""

    def __init__(self, ask: Ask, token: str) -> None:
        self._ask_cloud = ask
        self._token = token

    def create(self, resource: Resource, config: State) -> State:
        plan = planned(resource.attributes, config, None)
        path = resource.collection or resource.item
        if plan.get(resource.create_query):
            path += f"?{resource.create_query}=true"
        return _settled(resource, plan, self._ask(resource, resource.create, path, plan, _body(resource, plan, None)))

    def update(self, resource: Resource, state: State, config: State) -> State:
        plan = planned(resource.attributes, config, state)
        if not resource.update:
            return {name: state.get(name) if value is UNKNOWN else value for name, value in plan.items()}
        by_header = {header: str(plan[name]) for header, name in resource.told_by_header.items()}
        body = None if by_header else _body(resource, plan, state)
        return _settled(resource, plan, self._ask(resource, resource.update, resource.item, plan, body, by_header))

    def read(self, resource: Resource, state: State) -> State | None:
        """Return the state as the cloud has it now, None when it is gone."""
        if not resource.reads:
            return state
        try:
            told = self._ask(resource, "GET", resource.item + resource.read_query, state, None)
        except FileNotFoundError:
            return None
        return read(resource.attributes, state, told)

    def delete(self, resource: Resource, state: State) -> None:
        if not resource.deletes:
            return
        try:
            self._ask(resource, "DELETE", resource.item, state, None)
        except FileNotFoundError as fault:
            raise PluginFault("a delete of what is gone already is an error") from fault

    def imported(self, resource: Resource, id_: str) -> State:
        parts = id_.split("/")
        if len(parts) != len(resource.imported):
            raise PluginFault(f"an import takes {'/'.join(resource.imported)}")
        found = self.read(resource, dict(zip(resource.imported, parts, strict=True)))
        if found is None:
            raise PluginFault(f"{id_} does not exist")
        return found

    def _ask(
        self,
        resource: Resource,
        method: str,
        path: str,
        values: State,
        body: Any,
        headers: Mapping[str, str] | None = None,
    ) -> Mapping[str, Any]:
        """Return ``result``. Raises FileNotFoundError where the plugin takes the resource for gone."""
        content = None if body is None else json.dumps(body, sort_keys=True, separators=(",", ":")).encode()
        sent = {
            "Accept": "application/json",
            "Authorization": f"Bearer {self._token}",
            "User-Agent": "terraform-provider-cloudflare/pulumi terraform-plugin-framework/1.17.0",
            "X-Stainless-Retry-Count": "0",
            **({} if content is None else {"Content-Type": "application/json"}),
            **{header: str(values[name]) for header, name in resource.headers.items()},
            **(headers or {}),
        }
        filled = _IN_PATH.sub(lambda variable: quote(str(values[variable[1]]), safe=""), path)
        answer = self._ask_cloud(method, filled, content, sent)
        retried = answer.status_code in _RETRIED or answer.status_code >= 500
        if retried and answer.headers.get("x-should-retry") != "false":
            raise PluginFault(f"{method} {filled} is tried eleven times, four minutes long: {answer.text}")
        if answer.status_code == _GONE and method in {"GET", "DELETE"}:
            raise FileNotFoundError(filled)
        if answer.status_code >= 400:
            raise PluginFault(f"{method} {filled}: {answer.status_code} {answer.text}")
        if not answer.headers.get("content-type", "").startswith("application/json"):
            raise PluginFault(f"{method} {filled} is answered with no JSON")
        result = answer.json().get("result")
        return with_raw(resource.attributes, result, answer.text) if isinstance(result, Mapping) else {}


def _body(resource: Resource, plan: State, state: State | None) -> Any:
    body = encoded(resource.attributes, plan, state if resource.nulls else None)
    return body.get(resource.bare, []) if resource.bare else body


def _settled(resource: Resource, plan: State, told: Mapping[str, Any]) -> State:
    """Return the state after a create or an update. Raises PluginFault where the engine would report a bug."""
    for name, attribute in resource.attributes.items():
        if attribute.by_name == OTHERS_TOO and name in told and plan[name]:
            sent, back = ([item["name"] for item in items] for items in (plan[name], told[name]))
            if back != sent:
                raise PluginFault(f"{name} were sent as {sent}, are answered as {back}, and are read one by one")
    state = computed(resource.attributes, plan, told)
    wrong = [
        f"{name} was planned as {plan[name]!r} and became {state[name]!r}"
        for name, attribute in resource.attributes.items()
        if plan[name] is not UNKNOWN and not attribute.of and state[name] != plan[name]
    ]
    if wrong:
        raise PluginFault(f"inconsistent result after apply: {'; '.join(wrong)}")
    return state


def with_content(inputs: Mapping[str, Any], read: Callable[[str], bytes]) -> dict[str, Any]:
    """Return a version's inputs with the contents of its files, which the plugin reads and sends."""
    modules = [
        {
            **{name: value for name, value in module.items() if name not in {"contentFile", "contentSha256"}},
            **(
                {"contentBase64": base64.b64encode(read(module["contentFile"])).decode()}
                if "contentFile" in module
                else {}
            ),
        }
        for module in inputs.get("modules", [])
    ]
    return {**inputs, "modules": modules}
