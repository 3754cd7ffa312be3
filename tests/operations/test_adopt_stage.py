"""The whole product's production on the local clouds and the real engine: its state is lost, and adopted back."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import cli.adopt
from cli.main import main
from infra import program
from infra.bundles import ROOT
from infra.product import PRODUCT
from infra.settings.files import read_settings
from infra.settings.keys import required_secrets
from infra.settings.models import StageSettings
from infra.settings.paths import stack_file
from operations import clouds
from operations.adopt import everywhere
from operations.adopt.parts import CONSUMER, WRITTEN_AGAIN
from operations.rest import Rest
from rehearsal.aws.client import client
from rehearsal.aws.inventory import Inventory, inventory
from rehearsal.cloudflare.client import StageCloud
from rehearsal.engine.finder import find_engine
from rehearsal.engine.stacks import StageStack
from rehearsal.engine.workspace import Cipher, engine_environment, prepare
from rehearsal.machine import rundir
from rehearsal.machine.processes import end_marked, start_clouds, start_watchdog
from rehearsal.providers.store import Store
from tests.support.cloud_apis import CloudApis, serving
from tests.support.language_host import language_host

pytestmark = pytest.mark.slow

STAGE = "production"
D1 = "cloudflare:index/d1Database:D1Database"
KV = "cloudflare:index/workersKvNamespace:WorkersKvNamespace"
R2 = "cloudflare:index/r2Bucket:R2Bucket"
STORES = {
    D1,
    KV,
    R2,
    "cloudflare:index/queue:Queue",
    "cloudflare:index/worker:Worker",
    "aws:s3/bucket:Bucket",
    "aws:kms/key:Key",
}


@dataclass(frozen=True)
class World:
    """Production, standing: its engine, its clouds, its files."""

    stack: StageStack
    store: Store
    cloud: StageCloud
    moto: str
    settings: StageSettings
    folder: Path
    state: Path

    def stores(self) -> dict[str, list[str]]:
        """Return the ids that the clouds have for whatever holds data, by type."""
        return {type_: sorted(one.id for one in self.store.all(type_=type_)) for type_ in sorted(STORES)}

    def vault(self) -> Inventory:
        return inventory(self.moto, self.settings.aws.account_id, self.settings.region.primary)

    def id_of(self, type_: str) -> str:
        return next(one.id for one in self.store.all(type_=type_))


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with ExitStack() as ending:
        run = rundir.temporary()
        watchdog = start_watchdog(run)
        ending.callback(watchdog.release)
        ending.callback(run.close)
        ending.callback(end_marked, run.mark)
        running = start_clouds(run, stages=[STAGE])
        ending.callback(running.stop)
        store = Store(run.store)
        ending.callback(store.close)
        patch = ending.enter_context(pytest.MonkeyPatch.context())
        engine = find_engine()
        environment = engine_environment(
            run,
            providers=dict.fromkeys(("aws", "cloudflare", "github"), running.ready["providers"]),
            tools=[engine.path.parent],
        )
        workspace = prepare(ROOT, run, STAGE, required_secrets(PRODUCT), Cipher(run.passphrase))
        settings = read_settings(ROOT / stack_file(STAGE))
        product = partial(program.run, PRODUCT)
        stack = StageStack(run, workspace, engine=engine, environment=environment, program=product)
        stack.up()

        # From here the command itself is at work, as a person would call it in the stage's folder.
        for name in [name for name in os.environ if name.startswith(("AWS_", "CLOUDFLARE_", "GITHUB_", "PULUMI_"))]:
            patch.delenv(name)
        for name, value in (environment | ending.enter_context(language_host(product))).items():
            patch.setenv(name, value)
        tokens = {
            "api.cloudflare.com": stack.canaries["cloudflareApiToken"],
            "api.github.com": stack.canaries["githubToken"],
        }
        transport = ending.enter_context(serving(CloudApis(store.all, tokens, most=1)))
        patch.setattr(everywhere, "Rest", partial(Rest, transport=transport))
        account, region = settings.aws.account_id, settings.region.primary
        patch.setattr(clouds, "aws", lambda *_: lambda service: client(running.ready["moto"], account, region, service))
        patch.setattr(cli.adopt, "ROOT", workspace.path)
        stage = running.ready["stages"][STAGE]
        state = run.state / ".pulumi" / "stacks" / workspace.project / f"{STAGE}.json"
        cloud = StageCloud(stage["control"], stage["token"])
        yield World(stack, store, cloud, running.ready["moto"], settings, workspace.path, state)


Adopt = Callable[..., tuple[int, Any]]


@pytest.fixture
def adopt(capsys: pytest.CaptureFixture[str]) -> Adopt:
    def call() -> tuple[int, Any]:
        code = main(["adopt", STAGE, "--json", "--yes", STAGE])
        return code, json.loads(capsys.readouterr().out)

    return call


def outcomes(document: Any, outcome: str) -> set[str]:
    return {one["type"] for one in document["resources"] if one["outcome"] == outcome}


def pulumi(world: World, *arguments: str) -> None:
    subprocess.run(["pulumi", "--non-interactive", *arguments], cwd=world.folder, check=True, capture_output=True)


def put_data(world: World) -> None:
    world.cloud.d1_query(world.id_of(D1), "CREATE TABLE kept (what TEXT); ")
    world.cloud.d1_query(world.id_of(D1), "INSERT INTO kept VALUES ('a row')")
    world.cloud.r2_put(world.id_of(R2), "kept.txt", "an object")
    world.cloud.kv_put(world.id_of(KV), "kept", "a value")


def data(world: World) -> tuple[Any, bytes | None, str | None]:
    rows = world.cloud.d1_query(world.id_of(D1), "SELECT what FROM kept")
    return rows, world.cloud.r2_get(world.id_of(R2), "kept.txt"), world.cloud.kv_get(world.id_of(KV), "kept")


def test_a_lost_state_is_adopted_and_the_next_up_makes_no_second_store(world: World, adopt: Adopt) -> None:
    put_data(world)
    before, vault, kept = world.stores(), world.vault(), data(world)
    assert all(before.values())
    world.state.unlink()

    code, document = adopt()
    assert (code, document["error"]) == (1, "There is no stack to adopt into.")
    pulumi(world, "stack", "init", STAGE)

    code, document = adopt()
    assert code == 0
    assert outcomes(document, "import") >= STORES
    assert outcomes(document, "missing") == outcomes(document, "unknown") == set()
    assert outcomes(document, "in the way") == {CONSUMER}
    assert {change["action"] for change in document["changes"]} == {"create"}
    assert {change["type"] for change in document["changes"]} <= {CONSUMER, *WRITTEN_AGAIN}
    assert all(one["protect"] for one in world.stack.resources() if one["type"] in STORES)
    assert (world.stores(), world.vault(), data(world)) == (before, vault, kept)

    # Half of an import is as good a beginning as none, even where the name of a key is taken in and the key is not.
    for type_ in (KV, "aws:kms/key:Key"):
        urn = next(one["urn"] for one in world.stack.resources() if one["type"] == type_)
        pulumi(world, "state", "delete", urn, "--force", "--yes", "--stack", STAGE)
    code, document = adopt()
    assert (code, document["imported"]) == (0, 2)
    assert outcomes(document, "import") == {KV, "aws:kms/key:Key"}

    code, document = adopt()
    assert (code, document["imported"], document["resources"][-1]["outcome"]) == (0, 0, "in the way")
    [removal, up] = document["next"]
    queue, worker = removal.split()[-2:]
    assert (queue, worker) == ("harbor-production-queue-events", "harbor-production-worker-clerk")
    world.store.remove(CONSUMER, world.id_of(CONSUMER))  # as the command would
    assert up == f"pulumi up -s {STAGE}"

    assert set(world.stack.up().changes) == {"create", "same"}
    assert not world.stack.preview(refresh=True).changed
    assert (world.stores(), world.vault(), data(world)) == (before, vault, kept)
