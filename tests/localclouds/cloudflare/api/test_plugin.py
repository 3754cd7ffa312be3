"""What Cloudflare's real plugin would see of the local Cloudflare: no drift, no bug report, nothing left behind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from bulkhead.localclouds.api.seed import Tenant
from bulkhead.localclouds.cloudflare.api.app import routes
from bulkhead.resources import types as t
from bulkhead.resources.kind import ResourceType, Scope
from bulkhead.resources.planned import unsealed
from tests.support.cloudflare_api import Api, open_api
from tests.support.cloudflare_plugin import Plugin, Resource, with_content
from tests.support.cloudflare_plugin_cases import BEFORE, IDS, LEAST, UPDATES
from tests.support.cloudflare_plugin_types import RESOURCES
from tests.support.cloudflare_plugin_wire import PluginFault, State, drift
from tests.support.settings_fixture import make_settings
from tests.support.stages import PRODUCTS, STAGES, rendered_identities, rendered_stage

_TOKEN: Final = "the-plugins-token"
_ROUTES: Final = {(route.method, route.path) for route in routes()}


class Account:
    """One account, kept by the plugin. ``made`` is what each resource was asked to be and is, by name."""

    def __init__(self, api: Api, environment: str) -> None:
        self.api = api
        self.environment = environment
        self.plugin = Plugin(self._ask, _TOKEN)
        self.made: dict[str, tuple[ResourceType, State, State]] = {}
        self._ids: dict[str, str] = {}

    def _ask(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Any:
        return self.api.answer(method, path, body, "", **headers)

    def make(self, type_: ResourceType, name: str, inputs: Mapping[str, Any], planned: Mapping[str, str]) -> None:
        """Make a resource. ``planned`` are the values that a plan made up for its ids, by output."""
        inputs = self._real(inputs)
        if type_ == t.WORKER_VERSION:
            inputs = with_content(inputs, lambda file: Path(file).read_bytes())
        config = RESOURCES[type_].config(inputs)
        state = self.plugin.create(RESOURCES[type_], config)
        self.made[name] = (type_, config, state)
        real = {**state, "id": state.get("id") or state.get("uuid") or state.get("queue_id")}
        real["queueId"] = state.get("queue_id")
        self._ids |= {value: real[output] for output, value in planned.items() if real.get(output)}

    def _real(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {name: self._real(each) for name, each in value.items()}
        if isinstance(value, list):
            return [self._real(each) for each in value]
        return self._ids.get(value, value) if isinstance(value, str) else value

    def destroy(self) -> Iterator[tuple[str, Resource, State]]:
        """Delete everything, the newest first; yield what the plugin had made."""
        for name, (type_, _, state) in reversed(self.made.items()):
            self.plugin.delete(RESOURCES[type_], state)
            yield name, RESOURCES[type_], state

    def drifts(self) -> dict[str, list[str]]:
        """Return what the next preview would change, after a refresh."""
        found = {
            name: drift(RESOURCES[type_].attributes, config, self.plugin.read(RESOURCES[type_], state))
            for name, (type_, config, state) in self.made.items()
        }
        return {name: changes for name, changes in found.items() if changes}


@pytest.fixture
def account(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Account]:
    environment = getattr(request, "param", "staging")
    cloudflare = make_settings(environment).cloudflare
    tokens = {"cloudflare": {_TOKEN: "deploy"}}
    tenant = Tenant(environment, cloudflare.account_id, {cloudflare.zone_id: "harbor.example"}, "acme/harbor", tokens)
    api = open_api(tmp_path, tenant)
    yield Account(api, environment)
    api.journal.close()
    api.resources.store.close()


def bring_up(account: Account, product: str) -> None:
    stage = account.environment
    for resource in (*rendered_identities(product, stage).resources, *rendered_stage(product, stage).resources):
        if resource.type in RESOURCES:
            planned = {"id": resource.id, **{k: v for k, v in resource.outputs.items() if k in {"queueId"}}}
            type_ = next(each for each in RESOURCES if each == resource.type)
            account.make(type_, resource.name, unsealed(resource.inputs), planned)


ALL_STAGES = pytest.mark.parametrize("account", STAGES, indirect=True)
ALL_PRODUCTS = pytest.mark.parametrize("product", PRODUCTS)


def test_what_the_program_makes_is_served() -> None:
    for type_, resource in RESOURCES.items():
        made = (resource.create, (resource.collection or resource.item))
        assert any(method == made[0] and _shape(path) == _shape(made[1]) for method, path in _ROUTES), type_


def _shape(path: str) -> list[str]:
    return ["{}" if part.startswith("{") else part for part in path.split("/")]


@ALL_STAGES
@ALL_PRODUCTS
def test_a_program_that_is_up_has_nothing_to_change(account: Account, product: str) -> None:
    bring_up(account, product)
    assert account.made
    assert account.drifts() == {}


@ALL_PRODUCTS
def test_each_resource_of_a_program_can_be_imported(account: Account, product: str) -> None:
    bring_up(account, product)
    for name, (type_, config, state) in account.made.items():
        if RESOURCES[type_].imported:
            assert imported_anew(account, type_, config, state) == unread(type_, config), name


@ALL_PRODUCTS
def test_what_the_plugin_deletes_is_gone(account: Account, product: str) -> None:
    bring_up(account, product)
    for name, resource, state in account.destroy():
        if resource.deletes:
            assert account.plugin.read(resource, state) is None, name
            with pytest.raises(PluginFault, match="gone already"):
                account.plugin.delete(resource, state)


def imported_anew(account: Account, type_: ResourceType, config: State, state: State) -> set[str]:
    """Return the attributes that a program would change right after an import."""
    resource = RESOURCES[type_]
    found = account.plugin.imported(resource, "/".join(str(state[part]) for part in resource.imported))
    return {change.split(" ")[0] for change in drift(resource.attributes, config, found)}


def unread(type_: ResourceType, config: State) -> set[str]:
    """Return what an import cannot find out, because the plugin never reads it, or the API never tells it."""
    resource = RESOURCES[type_]
    secrets = {
        f"bindings[{place}].text"
        for place, binding in enumerate(config.get("bindings", []))
        if binding["type"] == "secret_text"
    }
    return secrets | {
        name
        for name, each in resource.attributes.items()
        if not each.refreshed and name in config and name not in resource.imported
    }


_ANSWERED_UNASKED: Final = {
    # cloudflare/terraform-provider-cloudflare#6309: the plugin finds it, and sends null for it with the next update.
    t.D1_DATABASE: {"read_replication"},
}
_SERVED: Final = sorted(RESOURCES)


def make_least(account: Account, type_: ResourceType, more: Mapping[str, Any]) -> tuple[State, State]:
    """Make what a type needs, and one of it; return its configuration and its state."""
    settings = make_settings(account.environment).cloudflare
    where = {"accountId": settings.account_id}
    for other in BEFORE.get(type_, ()):
        account.make(other, other.kind, {**where, **LEAST[other]}, IDS.get(other, {}))
    of = {"zoneId": settings.zone_id} if type_.scope is Scope.ZONE else where
    account.make(type_, type_.kind, {**of, **LEAST[type_], **more}, {})
    return account.made[type_.kind][1:]


@pytest.mark.parametrize("type_", _SERVED, ids=lambda type_: type_.kind)
def test_the_least_that_a_type_takes_is_enough(account: Account, type_: ResourceType) -> None:
    config, state = make_least(account, type_, {})
    found = account.plugin.read(RESOURCES[type_], state)
    unasked = _ANSWERED_UNASKED.get(type_, set())
    assert {change.split(" ")[0] for change in drift(RESOURCES[type_].attributes, config, found)} == unasked
    if RESOURCES[type_].imported:
        assert imported_anew(account, type_, config, state) == unread(type_, config) | unasked


@pytest.mark.parametrize(
    ("type_", "before", "after"),
    UPDATES,
    ids=lambda value: value.kind if isinstance(value, ResourceType) else "",
)
def test_an_update_leaves_what_was_asked_for_and_nothing_else(
    account: Account, type_: ResourceType, before: Mapping[str, Any], after: Mapping[str, Any]
) -> None:
    config, state = make_least(account, type_, before)
    resource = RESOURCES[type_]
    wanted = {name: value for name, value in config.items() if name not in resource.config(before)}
    wanted |= resource.config({**LEAST[type_], **after}) if type_ != t.QUEUE_CONSUMER else resource.config(after)
    updated = account.plugin.update(resource, state, wanted)
    assert drift(resource.attributes, wanted, account.plugin.read(resource, updated)) == []


def test_a_database_cannot_lose_its_replication_by_null(account: Account) -> None:
    """The API expects an object (cloudflare/terraform-provider-cloudflare#6309), so the program always says it."""
    config, state = make_least(account, t.D1_DATABASE, {"readReplication": {"mode": "disabled"}})
    without = {name: value for name, value in config.items() if name != "read_replication"}
    with pytest.raises(PluginFault, match="400"):
        account.plugin.update(RESOURCES[t.D1_DATABASE], state, without)
