"""The whole product's production and its identities on the local clouds and the real engine: each state is lost, and
adopted back; and a database is lost, and another one known in its place."""

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

import pulumi
import pytest

from bulkhead.cli.main import main
from bulkhead.clients import clouds, d1
from bulkhead.clients.endpoints import CLOUDFLARE, GITHUB, Apis
from bulkhead.clients.rest import Rest
from bulkhead.engine.finder import find_engine
from bulkhead.engine.inline_stack import InlineStack
from bulkhead.engine.stack import StackCli
from bulkhead.engine.workspace import Cipher, engine_environment, prepare, prepare_identities
from bulkhead.localclouds.api import seed
from bulkhead.localclouds.aws.client import client
from bulkhead.localclouds.aws.inventory import Inventory, inventory
from bulkhead.localclouds.cloudflare.client import StageCloud
from bulkhead.localclouds.command import clouds_command
from bulkhead.localclouds.providers.store import Store
from bulkhead.machine import rundir
from bulkhead.machine.processes import end_marked, start_clouds, start_watchdog
from bulkhead.model import identities as identity_settings
from bulkhead.model.faults import Refused
from bulkhead.model.project import ROOT
from bulkhead.model.roles import Role
from bulkhead.model.settings.files import read_settings
from bulkhead.model.settings.keys import CLOUDFLARE_TOKEN, required_secrets
from bulkhead.model.settings.models import StageSettings
from bulkhead.model.settings.paths import stack_file
from bulkhead.model.tasks import jobs_of, read_tasks
from bulkhead.recovery.restore.anew import States
from bulkhead.recovery.restore.plan import Cause, Plan
from bulkhead.rehearsal.tenants import tenant
from bulkhead.resources import types as t
from bulkhead.resources.catalogue import CATALOGUE
from identities import program as identities_program
from infra import program
from infra.product import PRODUCT
from tests.support.checkout import work_in
from tests.support.language_host import language_host
from tests.support.settings_fixture import own_config
from tests.support.stages import SLOTS

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
MADE_AGAIN = {row for row in CATALOGUE.values() if row.made_again}
# Who may do what: none of it may be made a second time either, but for the tokens.
IDENTITIES = {
    "aws:iam/policy:Policy",
    "aws:iam/role:Role",
    "github:index/repositoryEnvironment:RepositoryEnvironment",
    "github:index/repositoryEnvironmentDeploymentPolicy:RepositoryEnvironmentDeploymentPolicy",
    "github:index/repositoryRuleset:RepositoryRuleset",
}


@dataclass(frozen=True)
class World:
    """Production, standing: its engine, its clouds, its files. The Pulumi projects are in ``folder`` and below it."""

    stack: InlineStack
    identities: InlineStack
    store: Store
    cloud: StageCloud
    moto: str
    settings: StageSettings
    folder: Path
    states: Path
    served: Apis

    def ids(self, types: set[str]) -> dict[str, list[str]]:
        """Return the ids that the clouds have, by type."""
        return {type_: sorted(one.id for one in self.store.all(type_=type_)) for type_ in sorted(types)}

    def lose_state(self, project: str) -> None:
        (self.states / project / f"{STAGE}.json").unlink()

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
        running = start_clouds(run, clouds_command([STAGE]))
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
        own = own_config(STAGE)  # examples are refused by a command that asks the clouds
        own["bulkhead:github"]["reviewers"] = {"teams": [], "users": []}  # the local GitHub has no teams
        workspace = prepare(ROOT, run, STAGE, required_secrets(PRODUCT), Cipher(run.passphrase), own)
        settings = read_settings(workspace.path / stack_file(STAGE))
        chosen = {identity_settings.PROFILE: "makes-roles", identity_settings.TOKENS: identity_settings.spelt(SLOTS)}
        needed = identity_settings.required_secrets(PRODUCT)
        apart = prepare_identities(ROOT, run, STAGE, needed, Cipher(run.passphrase), chosen)
        seed.write(run.seed, [tenant(PRODUCT, settings, {**apart.canaries, **workspace.canaries})])
        (workspace.path / "identities").symlink_to(apart.path)
        programs = {
            apart.project: partial(identities_program.run, PRODUCT, settings),
            workspace.project: partial(program.run, PRODUCT),
        }

        def selected() -> None:
            programs[pulumi.get_project()]()

        identities, stack = (
            InlineStack(run, each, engine=engine, environment=environment, program=programs[each.project])
            for each in (apart, workspace)
        )
        identities.up()
        stack.up()

        # From here the command itself is at work, as a person would call it in the stage's folder.
        for name in [name for name in os.environ if name.startswith(("AWS_", "CLOUDFLARE_", "GITHUB_", "PULUMI_"))]:
            patch.delenv(name)
        host = ending.enter_context(language_host(selected))
        for name, value in (environment | host).items():
            patch.setenv(name, value)
        served = Apis(CLOUDFLARE.at(running.ready["cloudflare"]), GITHUB.at(running.ready["github"]))
        account, region = settings.aws.account_id, settings.region.primary

        def aws(_settings: StageSettings, _profile: str | None = None, place: str | None = None) -> clouds.ClientOf:
            return lambda service: client(running.ready["moto"], account, place or region, service)

        patch.setattr(clouds, "aws", aws)
        work_in(patch, workspace.path)
        stage = running.ready["stages"][STAGE]
        states = run.state / ".pulumi" / "stacks"
        cloud = StageCloud(stage["control"], stage["token"])
        yield World(stack, identities, store, cloud, running.ready["moto"], settings, workspace.path, states, served)


Adopt = Callable[..., tuple[int, Any]]


@pytest.fixture
def adopt(world: World, capsys: pytest.CaptureFixture[str]) -> Adopt:
    def call(*options: str) -> tuple[int, Any]:
        code = main(["adopt", STAGE, "--json", "--yes", STAGE, *options], world.served)
        return code, json.loads(capsys.readouterr().out)

    return call


def outcomes(document: Any, outcome: str) -> set[str]:
    return {one["type"] for one in document["resources"] if one["outcome"] == outcome}


def type_pulumi(world: World, *arguments: str) -> None:
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
    before, vault, kept = world.ids(STORES), world.vault(), data(world)
    assert all(before.values())
    world.lose_state("bulkhead")

    code, document = adopt()
    assert (code, document["error"]) == (1, "There is no stack to adopt into.")
    type_pulumi(world, "stack", "init", STAGE)

    code, document = adopt()
    assert code == 0
    assert outcomes(document, "import") >= STORES
    assert outcomes(document, "missing") == outcomes(document, "unknown") == set()
    assert outcomes(document, "in the way") == {t.QUEUE_CONSUMER}
    # The code of a function is in no answer of AWS, so it is uploaded once more.
    assert {change["type"] for change in document["changes"] if change["action"] != "create"} == {t.LAMBDA_FUNCTION}
    # The stack reads itself, by a provider that nothing was imported for.
    assert {change["type"] for change in document["changes"] if change["action"] == "create"} <= {
        t.QUEUE_CONSUMER,
        "pulumi:providers:pulumi",
        *MADE_AGAIN,
    }
    assert all(one["protect"] for one in world.stack.resources() if one["type"] in STORES)
    assert (world.ids(STORES), world.vault(), data(world)) == (before, vault, kept)

    # Half of an import is as good a beginning as none, even where the name of a key is taken in and the key is not.
    for type_ in (KV, "aws:kms/key:Key"):
        urn = next(one["urn"] for one in world.stack.resources() if one["type"] == type_)
        type_pulumi(world, "state", "delete", urn, "--force", "--yes", "--stack", STAGE)
    code, document = adopt()
    assert (code, document["imported"]) == (0, 2)
    assert outcomes(document, "import") == {KV, "aws:kms/key:Key"}

    code, document = adopt()
    assert (code, document["imported"], document["resources"][-1]["outcome"]) == (0, 0, "in the way")
    [removal, up] = document["next"]
    queue, worker = removal.split()[-2:]
    assert (queue, worker) == ("harbor-production-queue-events", "harbor-production-worker-clerk")
    world.store.remove(t.QUEUE_CONSUMER, world.id_of(t.QUEUE_CONSUMER))  # as the command would
    assert up == f"pulumi up -s {STAGE}"

    assert set(world.stack.up().changes) == {"create", "same", "update"}
    assert not world.stack.preview(refresh=True).changed
    assert (world.ids(STORES), world.vault(), data(world)) == (before, vault, kept)


def test_lost_identities_are_adopted_and_the_next_up_makes_new_tokens_alone(world: World, adopt: Adopt) -> None:
    before, vault = world.ids(IDENTITIES), world.vault()
    [*tokens] = world.store.all(type_=t.ACCOUNT_TOKEN)
    assert all(before.values())
    # Beside those of people and pipelines: one for each job, for their schedules, and for what copies the vault.
    assert len(vault.roles) == len(Role) + len(jobs_of(world.settings, read_tasks())) + 2
    world.lose_state("bulkhead-identities")

    code, document = adopt("--identities")
    assert (code, document["error"]) == (1, "There is no stack to adopt into.")
    type_pulumi(world, "stack", "init", STAGE, "-C", "identities")

    code, document = adopt("--identities")
    assert code == 0
    assert outcomes(document, "import") >= IDENTITIES
    assert outcomes(document, "missing") == outcomes(document, "unknown") == outcomes(document, "in the way") == set()
    assert outcomes(document, "outlived") == {t.ACCOUNT_TOKEN}
    # The jobs get the new tokens where the old ones were.
    assert {change["type"] for change in document["changes"] if change["action"] != "create"} == {t.SSM_PARAMETER}
    # Tokens alone are made by Cloudflare's provider: nothing was imported that would have brought it along.
    assert {change["type"] for change in document["changes"] if change["action"] == "create"} <= {
        t.ACCOUNT_TOKEN,
        "pulumi:providers:cloudflare",
        *MADE_AGAIN,
    }
    assert not any(one.get("protect") for one in world.identities.resources())
    assert (world.ids(IDENTITIES), world.vault()) == (before, vault)
    up, _, *revocations = document["next"]
    assert up == f"pulumi up -C identities -s {STAGE}"
    assert {line.rpartition("/")[2] for line in revocations} == {token.id for token in tokens}

    assert set(world.identities.up().changes) == {"create", "same", "update"}
    assert len(world.store.all(type_=t.ACCOUNT_TOKEN)) == 2 * len(tokens)
    for token in tokens:
        world.store.remove(t.ACCOUNT_TOKEN, token.id)  # as the last commands would
    assert not world.identities.preview(refresh=True).changed
    assert (world.ids(IDENTITIES), world.vault()) == (before, vault)


def test_a_database_made_anew_is_the_stages_own_and_only_uploads_follow(world: World, tmp_path: Path) -> None:
    stack = StackCli(STAGE, world.folder)
    states, account = States(stack, STAGE), world.settings.cloudflare.account_id
    [lost] = [one for one in world.stack.resources() if one["type"] == D1]
    name = lost["inputs"]["name"]

    def learned(api: Rest, called: str) -> str:
        made = d1.create(api, account, called, world.settings.region.d1)
        made.write("CREATE TABLE kept (what TEXT); INSERT INTO kept VALUES ('from a backup');")
        plan = Plan(STAGE, "main", called, states.known(name), Cause.ANEW, "a-key", "0" * 64, (), True)
        states.learn(plan, made, again=False)
        states.learn(plan, made, again=True)  # as whoever continues after a kill does
        return made.id

    def actions() -> dict[str, set[str]]:
        """Return what an `up` would do to anything, by type."""
        found = dict[str, set[str]]()
        for step in stack.plan(tmp_path / "import.json")["steps"]:
            if step["op"] != "same":
                found.setdefault(step["urn"].split("::")[-2].rpartition("$")[2], set()).add(step["op"])
        return found

    with Rest(world.served.cloudflare, stack.secret(CLOUDFLARE_TOKEN)) as api:
        d1.D1(api, account, lost["id"], name).delete()
        made = learned(api, name)
        [known] = [one for one in world.stack.resources() if one["type"] == D1]
        assert (known["urn"], known["id"], known["protect"]) == (lost["urn"], made, True)
        would = actions()
        assert t.WORKER_VERSION in would
        assert D1 not in would
        assert not {row for row in CATALOGUE.values() if row.holds_data} & would.keys()
        world.stack.up()
        assert not world.stack.preview(refresh=True).changed
        assert world.cloud.d1_query(world.id_of(D1), "SELECT what FROM kept") == [{"what": "from a backup"}]

        # One by another name, and the setting is not there, or was taken back: nothing may replace it.
        learned(api, f"{name}-2")
        with pytest.raises(Refused, match="could not do what production needs") as refused:
            actions()
        assert "unable to replace" in str(refused.value.faults[0])
