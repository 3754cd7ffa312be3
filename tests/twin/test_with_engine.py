"""Twins under the real engine: no secret is in them, and a preview on one tells what one on the state would."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pulumi
import pytest

from bulkhead.cli.main import main
from bulkhead.engine import canaries
from bulkhead.engine.finder import find_engine
from bulkhead.engine.workspace import Cipher, engine_environment, prepare_identities
from bulkhead.localclouds.providers.dispatch import Dispatch
from bulkhead.localclouds.providers.registry import Registry
from bulkhead.localclouds.providers.resources import Resources
from bulkhead.localclouds.providers.schema import PACKAGES
from bulkhead.localclouds.providers.server import ProviderServer, ProviderServicer
from bulkhead.localclouds.providers.store import Store
from bulkhead.machine import rundir
from bulkhead.model import identities as identity_settings
from bulkhead.model.project import ROOT
from bulkhead.model.settings import read_settings
from bulkhead.model.settings.keys import required_secrets
from bulkhead.twin.stacks import twin_of
from identities import program as identities_program
from infra import program
from infra.product import PRODUCT
from tests.support.bridged import NOTE, dressed
from tests.support.checkout import work_in
from tests.support.deployed import Deployed, Previewed, deployed, settings_of, written_in
from tests.support.lenient_cloud import LenientCloud
from tests.support.toy_cloud import serving

pytestmark = pytest.mark.slow

Twin = Callable[..., dict[str, Any]]


class ToyProvider(pulumi.ProviderResource):
    def __init__(self, token: pulumi.Output[str]) -> None:
        super().__init__("toy", "account", {"token": token})


def every_position() -> None:
    """A program with a secret wherever a state can hold one."""
    key = pulumi.Config("secrets").require_secret("key")
    pair = pulumi.Output.all(a=key, b="plain")
    options = pulumi.ResourceOptions(provider=ToyProvider(key))
    inputs = {
        "plain": "text",
        "leaf": key,
        "list": [key, "text", {"deep": key}],
        "bindings": [
            {"name": "KEY", "type": "secret_text", "text": key},
            {"name": "A", "type": "plain_text", "text": "b"},
        ],
        # What the program computes from a secret: no longer the secret, and not the placeholder either.
        "address": pulumi.Output.concat("postgres://user:", key, "@host.example/db"),
        "document": key.apply(lambda value: json.dumps({"password": value})),
        "hash": key.apply(lambda value: hashlib.sha256(value.encode()).hexdigest()),
        "whole": pair,
        "sequence": pulumi.Output.all(key, key),
        "asset": key.apply(pulumi.StringAsset),
    }
    pulumi.CustomResource("toy:index:Thing", "thing", inputs, options)
    pulumi.export("key", key)
    pulumi.export("nested", {"hash": key.apply(lambda value: hashlib.md5(value.encode()).hexdigest())})  # noqa: S324


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployed]:
    source = tmp_path / "source"
    source.mkdir()
    (source / "Pulumi.yaml").write_text("name: toys\nruntime: python\n")
    (source / "Pulumi.staging.yaml").write_text("config:\n  bulkhead:size: 2\n")
    with (
        serving(LenientCloud()) as port,
        deployed(tmp_path, source, "staging", ["key"], every_position, {"toy": port}) as it,
    ):
        at(it, monkeypatch)
        yield it


@pytest.fixture(params=["development", "staging", "production"])
def stage(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployed]:
    """One of our own stages."""
    store = Store(tmp_path / "store.sqlite")
    server = ProviderServer(ProviderServicer(Dispatch(Resources(Registry(), store))))
    ports, run = dict.fromkeys(PACKAGES, server.port), partial(program.run, PRODUCT)
    with deployed(tmp_path, ROOT, request.param, required_secrets(PRODUCT), run, ports) as it:
        at(it, monkeypatch)
        yield it
    server.stop()
    store.close()


def at(it: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    work_in(monkeypatch, it.checkout)
    (it.checkout / "jobs").symlink_to(ROOT / "jobs")  # a checkout has what the stage's jobs are made of
    for name, value in it.environment.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def twin(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Twin:
    """Run one of the two commands and return its JSON."""

    def call(verb: str, it: Deployed, *options: str) -> dict[str, Any]:
        public, into = str(tmp_path / "public"), str(tmp_path / "twin")
        places = ["--to", public] if verb == "publish" else ["--from", public, "--into", into]
        code = main(["twin", verb, it.stack, *places, *options, "--json"])
        out, err = capsys.readouterr()
        assert code == 0, err
        told: dict[str, Any] = json.loads(out)
        return told

    return call


def used(it: Deployed, twin: Twin, monkeypatch: pytest.MonkeyPatch) -> Previewed:
    """Preview on the twin, where neither the backend nor the passphrase of the stack can be reached."""
    with monkeypatch.context() as without:
        without.setenv("PULUMI_BACKEND_URL", "file:///nowhere")
        without.setenv("PULUMI_CONFIG_PASSPHRASE", "unknown")
        told = twin("use", it)
    return it.previews(Path(told["work"]), told["environment"])


def only_looks(seen: Previewed) -> int:
    """Return how many resources a preview looked at that changes nothing; a stage that rolls out reads its own
    stack."""
    reads = seen.changes.get("read", [])
    assert seen.changes == ({"read": reads} if reads else {})
    assert len(reads) <= 1
    assert seen.counts.keys() <= {"same", "read"}
    return sum(seen.counts.values())


def leaked(it: Deployed, *folders: Path) -> list[str]:
    """Return where a canary is, in any form; something must have been looked at."""
    files = [found for folder in folders for found in written_in(folder)]
    assert sum(len(content) for _, content in files) > 1000
    assert it.canaries
    return [f"{name} in {path}" for path, content in files for name in canaries.find(it.canaries, content)]


def test_our_own_stage_is_unchanged_on_its_twin_and_a_database_that_would_be_replaced_is_seen(
    stage: Deployed, twin: Twin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = twin("publish", stage)
    assert said["written"]
    assert said["comparedWithValues"]
    assert said["redacted"]["cloudflare:index/workerVersion:WorkerVersion"] > 0
    seen = used(stage, twin, monkeypatch)
    assert only_looks(seen) == said["resources"]
    assert leaked(stage, tmp_path / "public", tmp_path / "twin") == []

    settings = settings_of(stage)
    settings["config"]["bulkhead:cloudflare"]["accountId"] = "0" * 32
    file = stage.checkout / f"Pulumi.{stage.stack}.yaml"
    file.write_text(json.dumps(settings))
    seen = used(stage, twin, monkeypatch)
    replaced = "d1-main" in seen.changes.get("replace", [])
    stopped = any("d1-main" in error and "protect" in error for error in seen.errors)
    assert stopped if stage.stack == "production" else replaced, seen
    assert json.loads(file.read_text()) == settings, "the checkout's own settings were rewritten"


def dress(it: Deployed, tmp_path: Path) -> None:
    """Turn the stack's state into one that the real providers' plugins made."""
    file = tmp_path / "dressed.json"
    file.write_text(json.dumps(dressed(json.loads(it.pulumi("stack", "export", "--stack", it.stack)))))
    it.pulumi("stack", "import", "--file", str(file), "--stack", it.stack)


@pytest.mark.parametrize("settle", ["--settle", "--no-settle"])
def test_a_state_that_the_real_plugins_made_is_unchanged_on_its_twin_and_a_loss_is_seen(
    settle: str, stage: Deployed, twin: Twin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dress(stage, tmp_path)
    # Its own plugins would be asked here; that there are none to ask is what makes a settled twin one of ours.
    monkeypatch.delenv("PULUMI_DEBUG_PROVIDERS")
    said = twin("publish", stage, settle)
    assert said["comparedWithValues"]
    monkeypatch.setenv("PULUMI_DEBUG_PROVIDERS", stage.environment["PULUMI_DEBUG_PROVIDERS"])
    seen = used(stage, twin, monkeypatch)
    assert only_looks(seen) == said["resources"]
    assert leaked(stage, tmp_path / "public", tmp_path / "twin") == []
    published = b"".join(content for _, content in written_in(tmp_path / "public"))
    assert NOTE.encode() not in published
    assert b"raw_state" not in published

    settings = settings_of(stage)
    file = stage.checkout / f"Pulumi.{stage.stack}.yaml"
    settings["config"]["bulkhead:cloudflare"]["accountId"] = "0" * 32
    file.write_text(json.dumps(settings))
    seen = used(stage, twin, monkeypatch)
    replaced = "d1-main" in seen.changes.get("replace", [])
    stopped = any("d1-main" in error and "protect" in error for error in seen.errors)
    assert stopped if stage.stack == "production" else replaced, seen


@pytest.mark.parametrize("stage", ["staging"], indirect=True)
def test_a_changed_setting_is_seen_where_the_real_plugins_called_it_a_secret(
    stage: Deployed, twin: Twin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dress(stage, tmp_path)
    twin("publish", stage, "--settle")
    settings = settings_of(stage)
    settings["config"]["bulkhead:timezone"] = "Europe/Berlin"
    (stage.checkout / f"Pulumi.{stage.stack}.yaml").write_text(json.dumps(settings))
    seen = used(stage, twin, monkeypatch)
    assert set(seen.changes["replace"]) > {"web-version", "assistant-version"}


@pytest.mark.parametrize("stage", ["development", "staging", "production"])
def test_identities_that_the_real_plugins_made_are_unchanged_on_their_twin(
    stage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bulkhead.engine.inline_stack import InlineStack  # noqa: PLC0415 (it takes over a hook of Python that pytest needs)

    run, store = rundir.kept(tmp_path), Store(tmp_path / "store.sqlite")
    server = ProviderServer(ProviderServicer(Dispatch(Resources(Registry(), store))))
    window = {"begins": "2026-01-01T00:00:00Z", "ends": "2026-03-31T00:00:00Z"}
    chosen = {identity_settings.PROFILE: "somebody", identity_settings.TOKENS: {"active": "a", "a": window}}
    required = identity_settings.required_secrets(PRODUCT)
    stack = InlineStack(
        run,
        prepare_identities(ROOT, run, stage, required, Cipher(run.passphrase), chosen),
        engine=find_engine(),
        environment=engine_environment(run, providers=dict.fromkeys(PACKAGES, server.port)),
        program=partial(identities_program.run, PRODUCT, read_settings(ROOT / f"Pulumi.{stage}.yaml")),
        on_event=lambda _: None,
    )
    stack.up()
    export = stack.export()
    monkeypatch.setattr(InlineStack, "export", lambda _: dressed(export))
    twin = twin_of(stack, tmp_path / "twin")
    changes = twin.preview().changes
    told = [content for _, content in written_in(tmp_path / "twin")]
    run.close()
    server.stop()
    store.close()
    assert changes == {"same": len(export["deployment"]["resources"])}
    assert [name for text in told for name in canaries.find({**stack.canaries, "note": NOTE}, text)] == []


def test_what_a_program_derives_from_secrets_is_settled_without_any_secret(
    toy: Deployed, twin: Twin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    twin("publish", toy, "--no-settle")
    seen = used(toy, twin, monkeypatch)
    assert (seen.counts, seen.changes) == ({"same": 2, "update": 1}, {"update": ["thing"]})
    twin("publish", toy, "--settle")
    seen = used(toy, twin, monkeypatch)
    assert (seen.counts, seen.changes) == ({"same": 3}, {})
    assert leaked(toy, tmp_path / "public", tmp_path / "twin") == []


def test_publishing_the_same_state_again_writes_nothing(toy: Deployed, twin: Twin, tmp_path: Path) -> None:
    first = twin("publish", toy, "--settle")
    (file,) = (tmp_path / "public").rglob("*.json")
    before = file.read_bytes()
    toy.pulumi("up", "--yes", "--skip-preview", "--stack", "staging")  # writes the state down again
    second = twin("publish", toy, "--settle")
    assert (first["written"], second["written"]) == (True, False)
    assert file.read_bytes() == before
