from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from bulkhead.localclouds.providers import registry, schema, sdk
from bulkhead.localclouds.providers.wire import UNKNOWN
from bulkhead.resources.sentinels import SIGNATURE

ROOT: Final = Path(__file__).resolve().parents[3]
VERSION = "cloudflare:index/workerVersion:WorkerVersion"
DEPLOYMENT = "cloudflare:index/workersDeployment:WorkersDeployment"


def faults(token: str, inputs: dict[str, Any]) -> list[str]:
    return list(registry.catalogue(registry.package_of(token)).faults(token, inputs))


def version(**more: Any) -> dict[str, Any]:
    return {"accountId": "a", "workerId": "w", **more}


def test_good_inputs_have_no_fault() -> None:
    binding = {"name": "DB", "type": "d1", "databaseId": UNKNOWN}
    export = {"type": "durable-object", "storage": "sqlite"}
    assert faults(VERSION, version(bindings=[binding], exports={"Room": export}, limits={"cpuMs": 50})) == []


@pytest.mark.parametrize(
    ("inputs", "fault"),
    [
        ({"accountId": "a"}, "workerId: required property is missing"),
        (version(binding=[]), "binding: there is no such property; did you mean bindings?"),
        (version(bindings=[{"name": "DB"}]), "bindings[0].type: required property is missing"),
        (
            version(bindings=[{"name": "DB", "type": "d1", "database_id": "x"}]),
            "bindings[0].database_id: there is no such property; did you mean databaseId?",
        ),
        (version(bindings={}), "bindings: must be a list, not an object"),
        (version(bindings=["DB"]), "bindings[0]: must be an object, not a string"),
        (version(exports={"Room": {"type": 1}}), "exports['Room'].type: must be a string, not an integer"),
        (version(deploy="yes"), "deploy: must be a boolean, not a string"),
        (version(limits={"cpuMs": True}), "limits.cpuMs: must be an integer, not a boolean"),
        (version(compatibilityFlags=["a", 1]), "compatibilityFlags[1]: must be a string, not an integer"),
    ],
)
def test_a_fault_is_named_by_its_path(inputs: dict[str, Any], fault: str) -> None:
    assert faults(VERSION, inputs) == [fault]


def test_an_integer_may_not_have_a_fraction() -> None:
    token = "aws:kms/key:Key"
    assert faults(token, {"deletionWindowInDays": 7}) == []
    assert faults(token, {"deletionWindowInDays": 7.5}) == ["deletionWindowInDays: must be an integer, not a number"]


def test_a_number_may_be_whole() -> None:
    share = {"versionId": "v", "percentage": 100}
    inputs = {"accountId": "a", "scriptName": "s", "strategy": "percentage", "versions": [share]}
    assert faults(DEPLOYMENT, inputs) == []


def test_all_faults_come_at_once() -> None:
    assert len(faults(VERSION, {"limits": {"cpuMs": "1", "cpu": 1}, "modules": [{}]})) == 6


def test_what_is_unknown_fits_everywhere() -> None:
    assert faults(VERSION, version(bindings=UNKNOWN, limits={"cpuMs": UNKNOWN}, deploy=UNKNOWN)) == []


def test_notes_of_the_engine_are_no_properties() -> None:
    assert faults(VERSION, version(__defaults=[])) == []


def test_values_are_never_said() -> None:
    assert "hunter2" not in str(faults(VERSION, version(deploy="hunter2", bindings=["hunter2"])))


def test_the_best_fitting_member_of_a_union_is_complained_about() -> None:
    catalogue = schema.Catalogue(
        {"t": {"properties": {"x": {"any of": ["string", {"object": "O"}]}}, "required": [], "computed": []}},
        {"O": {"properties": {"a": "string"}, "required": ["a"]}},
    )
    assert list(catalogue.faults("t", {"x": "text"})) == []
    assert list(catalogue.faults("t", {"x": {"a": "text"}})) == []
    assert list(catalogue.faults("t", {"x": 1})) == ["x: must be a string, not an integer"]


def test_an_asset_is_told_by_its_signature() -> None:
    catalogue = schema.Catalogue({"t": {"properties": {"x": "asset"}, "required": [], "computed": []}}, {})
    assert list(catalogue.faults("t", {"x": {SIGNATURE: "c44067f5952c0a294b673a41bacd8c17"}})) == []
    assert list(catalogue.faults("t", {"x": "file"})) == ["x: must be an asset, not a string"]


def test_arguments_are_found_where_a_nested_type_has_taken_their_name() -> None:
    shape = registry.catalogue("cloudflare").types["cloudflare:index/queueConsumer:QueueConsumer"]
    assert shape["required"] == ["accountId", "queueId", "type"]
    assert "consumerId" in shape["computed"]


def test_every_listed_type_is_in_the_catalogue() -> None:
    for package, table in registry.TABLES.items():
        assert set(table) | {sdk.provider_token(package)} == set(registry.catalogue(package).types)


def test_the_cache_belongs_to_one_version_of_the_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = schema._cache_file("github", ["a"])
    assert importlib.metadata.version("pulumi-github") in ours.name
    assert schema._cache_file("github", ["a", "b"]) != ours
    monkeypatch.setattr(importlib.metadata, "version", lambda _name: "99.0.0")
    assert schema._cache_file("github", ["a"]) != ours


def test_a_spoilt_cache_is_read_anew(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "_CACHE", tmp_path)
    read = schema.load("github", ["github:index/branchDefault:BranchDefault"])
    (cached,) = tmp_path.iterdir()
    cached.write_text('{"types"')
    assert schema.load("github", ["github:index/branchDefault:BranchDefault"]) == read


@pytest.mark.slow
@pytest.mark.parametrize("package", schema.PACKAGES)
def test_every_type_of_every_package_can_be_read(package: str) -> None:
    tokens = sdk.all_tokens(package)
    described = sdk.describe(package, tokens)
    assert set(tokens) <= set(described["types"])
    assert all(described["objects"].values())


ASKED_AT_ONCE = """
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from bulkhead.localclouds.providers import registry, schema
schema._CACHE = Path(sys.argv[1])
with ThreadPoolExecutor(6) as pool:
    print({len(catalogue.types) for catalogue in pool.map(registry.catalogue, ["aws"] * 3 + ["github"] * 3)})
"""


@pytest.mark.slow
def test_three_engines_may_ask_at_once_where_nothing_is_cached_yet(tmp_path: Path) -> None:
    command = [sys.executable, "-c", ASKED_AT_ONCE, str(tmp_path)]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    sizes = {len(registry.catalogue(package).types) for package in ("aws", "github")}
    assert (answer.returncode, answer.stdout) == (0, f"{sizes}\n"), answer.stderr
