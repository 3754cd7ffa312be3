"""The gate on the real engine: losses are planted in a program, and each is seen in what the real CLI says of it."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest

from bulkhead.cli.main import main
from bulkhead.engine.analyzer import install_analyzer
from bulkhead.engine.environment import attached, backend_url
from bulkhead.engine.finder import find_engine
from bulkhead.localclouds.providers.dispatch import Dispatch
from bulkhead.localclouds.providers.registry import Registry
from bulkhead.localclouds.providers.resources import Resources
from bulkhead.localclouds.providers.server import ProviderServer, ProviderServicer
from bulkhead.localclouds.providers.store import Store
from tests.preview.planted import SECRET, Engine, Program, guardless
from tests.support.checkout import work_in
from tests.support.language_host import language_host
from tests.support.settings_fixture import write_stage_files

pytestmark = pytest.mark.slow

# A pack with the name that the gate waits for; what the real one says is tested where it is.
PACK = """
from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy

def validate(args, report):
    if args.props.get("title", "").endswith("forbidden"):
        report("No store is called so.")

rule = ResourceValidationPolicy("a-rule", "What it keeps true", validate, enforcement_level=EnforcementLevel.MANDATORY)
PolicyPack("bulkhead", [rule])
"""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("bundle") / "index.js"
    file.write_text("export default {}")
    return str(file)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory, bundle: str) -> Iterator[Engine]:
    folder = tmp_path_factory.mktemp("gate")
    checkout = folder / "checkout"
    for each in (checkout / "policies", folder / "state", folder / "home"):
        each.mkdir(parents=True)
    (checkout / "Pulumi.yaml").write_text("name: bulkhead\nruntime: python\n")
    write_stage_files(checkout)
    (checkout / "policies" / "PulumiPolicy.yaml").write_text("runtime: python\n")
    (checkout / "policies" / "__main__.py").write_text(PACK)
    with ExitStack() as ending:
        patch = ending.enter_context(pytest.MonkeyPatch.context())
        store = Store(folder / "store.sqlite")
        ending.callback(store.close)
        server = ProviderServer(ProviderServicer(Dispatch(Resources(Registry(), store))))
        ending.callback(server.stop)
        for name in [name for name in os.environ if name.startswith(("AWS_", "CLOUDFLARE_", "GITHUB_", "PULUMI_"))]:
            patch.delenv(name)
        tools = [str(install_analyzer(folder / "tools")), str(find_engine().path.parent)]
        patch.setenv("PATH", os.pathsep.join([*tools, os.environ["PATH"]]))
        patch.setenv("PULUMI_HOME", str(folder / "home"))
        patch.setenv("PULUMI_BACKEND_URL", backend_url(folder / "state"))
        patch.setenv("PULUMI_CONFIG_PASSPHRASE", "made-up")
        for name, value in attached(server.ports).items():
            patch.setenv(name, value)
        patch.setenv("PULUMI_SKIP_UPDATE_CHECK", "true")
        work_in(patch, checkout)
        engine = Engine(checkout, patch)
        engine.stand("production", Program(bundle))
        engine.stand("staging", guardless(bundle))
        yield engine


Gate = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def gate(engine: Engine, capsys: pytest.CaptureFixture[str]) -> Gate:
    """Let the command preview a program on a stack; return its exit code and its document."""

    def call(stack: str, program: Program, *arguments: str) -> tuple[int, dict[str, Any]]:
        with language_host(program) as languages, engine.patch.context() as patch:
            for name, value in languages.items():
                patch.setenv(name, value)
            code = main(["preview", stack, "--json", "--base", "none", *arguments])
        out, err = capsys.readouterr()
        assert SECRET not in out + err
        return code, json.loads(out)

    return call


def lost(document: dict[str, Any]) -> set[tuple[str, str]]:
    return {(loss["kind"], loss["name"]) for loss in document["losses"]}


def test_an_unchanged_stage_passes(gate: Gate, bundle: str) -> None:
    code, document = gate("production", Program(bundle))
    assert (code, document["obstacles"], document["losses"]) == (0, [], [])
    assert document["source"] == "stream"
    assert document["policies"]["packs"] == ["bulkhead"]
    assert set(document["changes"]["counts"]) == {"same"}
    assert document["leaks"] == []
    assert not any("no secret was looked for" in note for note in document["notes"])


def test_a_provider_that_turns_to_another_account_is_stopped(gate: Gate, bundle: str) -> None:
    for stack, program in (("production", Program(bundle)), ("staging", guardless(bundle))):
        code, document = gate(stack, replace(program, account="210987654321"))
        assert (code, lost(document)) == (1, {("rehomed", "aws")})


def test_changes_that_lose_nothing_pass(gate: Gate, bundle: str) -> None:
    changed = Program(
        bundle, replication="auto", queues=1, expire_days=60, exports=(("Room", "created"), ("Hall", "created"))
    )
    code, document = gate("production", changed)
    assert (code, document["losses"]) == (0, [])
    assert {each["name"] for each in document["changes"]["resources"]} == {
        "d1",
        "queue-0",
        "r2-lifecycle",
        "booking-version",
    }


PLANTED: dict[str, tuple[dict[str, Any], set[tuple[str, str]]]] = {
    "protect": (
        {"protect": False},
        {("unprotected", n) for n in ("d1", "kv", "booking", "r2", "r2-lifecycle", "vault", "vault-versions")},
    ),
    "retain": (
        {"retain": False},
        {("unretained", n) for n in ("d1", "kv", "booking", "r2", "r2-lifecycle", "vault", "vault-versions")},
    ),
    "versioning": ({"versioning": "Suspended"}, {("versioning-suspended", "vault-versions")}),
    "class deleted": ({"exports": (("Room", "deleted"),)}, {("class-deleted", "booking-version")}),
    "class dropped": ({"exports": (("Hall", "created"),)}, {("class-dropped", "booking-version")}),
    "worker renamed": ({"worker": "worker-other"}, {("worker-renamed", "booking")}),
    "expiry": ({"expire_days": 7}, {("expiry-shortened", "r2-lifecycle")}),
}


@pytest.mark.parametrize("name", PLANTED)
def test_what_is_planted_in_production_is_stopped(gate: Gate, bundle: str, name: str) -> None:
    changes, expected = PLANTED[name]
    code, document = gate("production", replace(Program(bundle), **changes))
    assert (code, lost(document)) == (1, expected)
    assert all(loss["stops"] for loss in document["losses"])


def test_what_is_protected_is_refused_by_the_engine_and_named_here(gate: Gate, bundle: str) -> None:
    code, document = gate("production", Program(bundle, database="d1-other"))
    assert (code, lost(document)) == (1, {("replaced", "d1")})
    [obstacle] = document["obstacles"]
    assert "marked for protection" in obstacle["why"]
    code, document = gate("production", Program(bundle, namespace=None))
    assert code == 1
    assert [each["name"] for each in document["forgotten"]] == ["kv"]
    assert "cannot be deleted" in document["obstacles"][0]["why"]


GUARDLESS: dict[str, tuple[dict[str, Any], set[tuple[str, str]]]] = {
    "replaced": ({"database": "d1-other"}, {("replaced", "d1")}),
    "deleted": ({"namespace": None}, {("deleted", "kv")}),
    "renamed": ({"namespace_called": "sessions"}, {("renamed", "kv")}),
    "worker gone": ({"worker": None}, {("worker-deleted", "booking")}),
}


@pytest.mark.parametrize("name", GUARDLESS)
def test_what_nothing_protects_is_stopped_in_staging(gate: Gate, bundle: str, name: str) -> None:
    changes, expected = GUARDLESS[name]
    code, document = gate("staging", replace(guardless(bundle), **changes))
    assert (code, lost(document)) == (1, expected)
    assert document["obstacles"] == []


def test_a_rename_with_an_alias_passes(gate: Gate, bundle: str) -> None:
    code, document = gate("staging", replace(guardless(bundle), namespace_called="sessions", alias="kv"))
    assert (code, document["losses"]) == (0, [])


def test_what_a_provider_does_not_delete_is_forgotten(gate: Gate, bundle: str) -> None:
    code, document = gate("staging", replace(guardless(bundle), expire_days=None))
    assert (code, document["losses"]) == (0, [])
    assert [each["name"] for each in document["forgotten"]] == ["r2-lifecycle"]


def test_a_mandatory_policy_stops_it(gate: Gate, bundle: str) -> None:
    code, document = gate("staging", replace(guardless(bundle), namespace="forbidden"))
    assert code == 1
    assert [each["what"] for each in document["obstacles"]] == ["policy a-rule"]


def test_a_secret_that_the_engine_does_not_recognise_is_found(gate: Gate, bundle: str) -> None:
    encoded = base64.b64encode(SECRET.encode()).decode()
    code, document = gate("staging", replace(guardless(bundle), namespace=f"kv-{encoded}"))
    assert code == 1
    assert {leak["secret"] for leak in document["leaks"]} == {"githubToken"}


def test_a_digest_of_the_real_engine_is_read_and_acquits_nobody(gate: Gate, engine: Engine, bundle: str) -> None:
    for changes in ({"database": "d1-other"}, {"namespace": None}, {"worker": None}, {}):
        program = replace(guardless(bundle), **changes)
        file = engine.checkout / "digest.json"
        file.write_text(engine.pulumi(program, "preview", "--json", "--stack", "staging"))
        code, document = gate("staging", program, "--from", str(file))
        assert (code, document["source"]) == (1, "digest")
        assert len(document["losses"]) == (1 if changes else 0)


def test_a_pack_that_cannot_start_is_told_with_its_reason(gate: Gate, engine: Engine, bundle: str) -> None:
    file = engine.checkout / "policies" / "__main__.py"
    file.write_text("raise SystemExit('the pack is broken')")
    try:
        code, document = gate("staging", guardless(bundle))
    finally:
        file.write_text(PACK)
    assert code == 1
    complaint = " ".join(fault["message"] for fault in document["faults"])
    engines, language_hosts = "failed to start", "not started"
    assert engines in complaint or language_hosts in complaint
    assert "the pack is broken" in complaint
