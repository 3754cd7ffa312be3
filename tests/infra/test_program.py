from __future__ import annotations

import json
import re
import runpy
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pulumi
import pytest

from bulkhead.model.faults import Fault, Refused
from bulkhead.model.product import Product
from bulkhead.model.project import ROOT
from bulkhead.model.settings import required_secrets
from infra import program
from infra.product import PRODUCT
from tests.support.second_product import SECOND_PRODUCT
from tests.support.settings_fixture import make_secrets, make_settings
from tests.support.stages import STAGES, render, rendered_stage


def test_a_stage_exports_its_manifest(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(stack: str, product: Product, **_: bool) -> SimpleNamespace:
        return SimpleNamespace(settings=make_settings(stack), secrets=make_secrets(required_secrets(product), stack))

    monkeypatch.setattr(program, "load", load)
    outputs = render(lambda: program.run(SECOND_PRODUCT), "staging").outputs
    assert outputs["stage"] == "staging"
    assert outputs["urls"] == {"shop": "https://staging.harbor.example"}
    assert outputs["manifest"]["workers"]["shop"]["name"] == "corner-staging-worker-shop"


def test_pulumi_up_deploys_the_product_of_this_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    deployed: list[tuple[Product, bool]] = []
    monkeypatch.setattr(program, "run", lambda product, *, examples: deployed.append((product, examples)))
    runpy.run_path(str(ROOT / "__main__.py"), run_name="__main__")
    assert deployed == [(PRODUCT, False)]


def test_a_persons_mistake_is_said_without_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(stack: str, product: Product, **_: bool) -> None:
        raise Refused("stack staging cannot be deployed", [Fault("bulkhead:owner", "is missing", "name somebody")])

    monkeypatch.setattr(program, "load", load)
    with pytest.raises(pulumi.RunError) as raised:
        render(lambda: program.run(SECOND_PRODUCT), "staging")
    assert "bulkhead:owner: is missing" in str(raised.value)
    assert "name somebody" in str(raised.value)
    assert raised.value.__suppress_context__


def test_the_stacks_configuration_may_name_another_product(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(stack: str, product: Product, **_: bool) -> SimpleNamespace:
        return SimpleNamespace(settings=make_settings(stack), secrets=make_secrets(required_secrets(product), stack))

    def deploy() -> None:
        pulumi.runtime.config.CONFIG.set({"bulkhead:product": "tests.support.second_product:SECOND_PRODUCT"})
        program.main()

    monkeypatch.setattr(program, "load", load)
    outputs = render(deploy, "staging").outputs
    assert outputs["manifest"]["product"] == SECOND_PRODUCT.name


def test_a_product_that_cannot_be_found_is_said_without_a_traceback() -> None:
    def deploy() -> None:
        pulumi.runtime.config.CONFIG.set({"bulkhead:product": "infra.no_such_product:PRODUCT"})
        program.main()

    with pytest.raises(pulumi.RunError, match=r"Pulumi.staging.yaml: bulkhead:product: infra.no_such_product:PRODUCT"):
        render(deploy, "staging")


def test_a_fault_in_the_program_itself_is_not_dressed_up_as_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "load", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        render(lambda: program.run(SECOND_PRODUCT), "staging")


@pytest.mark.parametrize("product", ["first", "second"])
def test_manifests_of_all_stages_have_the_same_shape(product: str) -> None:
    shapes = {environment: shape(rendered_stage(product, environment).outputs["manifest"]) for environment in STAGES}
    vaults = {environment: found.pop("vault") for environment, found in shapes.items()}
    assert shapes["development"] == shapes["staging"] == shapes["production"]
    assert vaults["development"] is None
    assert set(vaults["staging"]) == {"bucket", "accessLogBucket", "keyArn", "lives", "locks", "replica"}
    assert set(vaults["staging"]) == set(vaults["production"])


def test_a_manifest_names_every_store_of_the_product() -> None:
    manifest = rendered_stage("first", "staging").outputs["manifest"]
    assert manifest["databases"]["main"] == {
        "name": "harbor-staging-d1-main",
        "id": "staging-d1-main-id",
        "migrations": "worker/migrations/main",
    }
    assert manifest["queues"]["events"] == {
        "name": "harbor-staging-queue-events",
        "id": "queue-events-queue-id",
        "consumer": "clerk",
        "deadLetter": "events-failed",
    }
    assert manifest["workers"]["web"]["url"] == "https://staging.harbor.example"
    assert manifest["workers"]["booking"]["url"] is None
    assert manifest["workers"]["booking"]["owns"] == ["BookingLedger"]
    assert set(manifest["namespaces"]) == {"sessions", "answers"}
    assert manifest["buckets"] == {"transcripts": {"name": "harbor-staging-r2-transcripts"}}


def test_the_project_file_keeps_default_providers_off_and_declares_nothing_else() -> None:
    text = (ROOT / "Pulumi.yaml").read_text()
    assert re.findall(r"^(\w+):", text, re.MULTILINE) == ["name", "runtime", "config"]
    config = text.split("config:\n")[1]
    assert re.findall(r"^  ([\w:-]+):$", config, re.MULTILINE) == ["pulumi:disable-default-providers"]
    assert json.loads(config.split("value:")[1]) == ["*"]


def shape(value: Any) -> Any:
    """Return the keys of nested objects, leaves blanked."""
    return {key: shape(item) for key, item in value.items()} if isinstance(value, Mapping) else None
