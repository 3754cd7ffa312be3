"""`bulkhead bindings` holds the Workers' code against the product, and writes the types of their env."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from bulkhead.analysis.code import reader
from bulkhead.cli.main import main
from bulkhead.machine import node
from bulkhead.machine.node import find_node
from infra.product import PRODUCT
from tests.support.checkout import work_in
from tests.support.leaky_code import LEAKY_CODE, USE

ROOT = Path(__file__).resolve().parents[2]
LEAKY = "tests.support.leaky_code:LEAKY_CODE"
COMPILER = ROOT / "worker/node_modules/typescript/bin/tsc"
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: str) -> tuple[int, str, str]:
        code = main(["bindings", *arguments])
        return code, *capsys.readouterr()

    return call


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    work_in(monkeypatch, tmp_path)
    return tmp_path


@pytest.mark.slow
def test_the_example_uses_just_what_it_is_granted(run: Run) -> None:
    code, out, err = run("check", "--json")
    assert code == 0, err
    workers = json.loads(out)["workers"]
    for worker in PRODUCT.workers:
        uses = workers[worker.name]["uses"]
        assert {binding.name for binding in worker.bindings} <= set(uses)
        assert all(place.startswith("worker/src/") for places in uses.values() for place in places)


@pytest.mark.slow
def test_a_planted_use_of_anothers_binding_is_found_by_the_check_and_by_the_compiler(run: Run, tmp_path: Path) -> None:
    code, _, err = run("check", "--product", LEAKY)
    assert code == 1
    assert USE in err
    assert "workers.borrower.bindings.ANSWERS" in err
    assert "Error" not in err

    sources = tmp_path / "leaky_worker"
    shutil.copytree(ROOT / "tests/support/leaky_worker", sources)
    config = json.loads((sources / "tsconfig.json").read_text())
    config["extends"] = str(ROOT / "worker/tsconfig.json")
    config["compilerOptions"]["typeRoots"] = [str(ROOT / "worker/node_modules/@cloudflare")]
    (sources / "tsconfig.json").write_text(json.dumps(config))
    compiled = subprocess.run([find_node().path, COMPILER, "-p", sources], capture_output=True, text=True, check=False)
    assert compiled.returncode != 0
    [line] = compiled.stdout.splitlines()
    assert line.endswith("index.ts(11,21): error TS2339: Property 'ANSWERS' does not exist on type 'Env'.")


@pytest.mark.slow
def test_each_worker_is_refused_the_bindings_of_another_by_the_compiler(tmp_path: Path) -> None:
    package = tmp_path / "worker"
    shutil.copytree(ROOT / "worker", package, ignore=shutil.ignore_patterns("node_modules", "dist"))
    (package / "node_modules").symlink_to(ROOT / "worker/node_modules")
    taken = 'import { env } from "cloudflare:workers";\nimport type { Env } from "./env.d.ts";\n'
    (package / "src/web/taken.ts").write_text(taken + "export const a = env.DB;\nexport const b = (e: Env) => e.DB;\n")
    compiled = subprocess.run([find_node().path, "check.mjs"], cwd=package, capture_output=True, text=True, check=False)
    assert compiled.returncode == 1
    places = [line.split(":")[0] for line in compiled.stderr.splitlines()]
    assert places == ["src/web/taken.ts(3,22)", "src/web/taken.ts(4,32)"]


def test_faults_are_json_for_a_program(run: Run, checkout: Path) -> None:
    code, out, _ = run("check", "--product", LEAKY, "--json")
    assert code == 1
    [fault] = json.loads(out)["faults"]
    assert fault["key"] == "workers.borrower.source"
    assert "does not exist" in fault["message"]
    assert "source=" in fault["fix"]


def test_every_missing_source_is_named_at_once(run: Run, checkout: Path) -> None:
    code, _, err = run("check")
    assert code == 1
    assert all(f"worker/src/{worker.name}/index.ts does not exist" in err for worker in PRODUCT.workers)


def test_without_node_the_command_says_what_to_install(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node, "OWN", Path("nowhere"))
    monkeypatch.setattr(shutil, "which", lambda program: None)
    code, _, err = run("check")
    assert code == 1
    assert "Node 22" in err


def test_without_the_compiler_the_command_says_how_to_get_it(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(reader, "ROOT", tmp_path)
    code, _, err = run("check")
    assert code == 1
    assert "make install" in err


@pytest.mark.slow
def test_a_broken_tsconfig_is_said_without_a_traceback(run: Run, checkout: Path) -> None:
    source = checkout / LEAKY_CODE.workers[0].entry
    source.parent.mkdir(parents=True)
    source.write_text("export default {};")
    (source.parent / "tsconfig.json").write_text("{ broken")
    code, _, err = run("check", "--product", LEAKY)
    assert code == 1
    assert "tsconfig.json" in err
    assert "Traceback" not in err


def test_types_are_written_once_and_then_up_to_date(run: Run, checkout: Path) -> None:
    assert run("types", "--check")[0] == 1
    code, out, _ = run("types", "--json")
    assert (code, len(json.loads(out)["written"])) == (0, 2 * len(PRODUCT.workers))
    assert "SESSIONS: KVNamespace;" in (checkout / "worker/src/web/env.d.ts").read_text()
    assert run("types", "--check")[0] == 0
    code, out, _ = run("types", "--json")
    assert (code, json.loads(out)["written"]) == (0, [])


def test_stale_types_are_named_with_what_mends_them_and_left_alone(run: Run, checkout: Path) -> None:
    run("types")
    stale = checkout / "worker/src/web/env.d.ts"
    old = stale.read_text().replace("SESSIONS", "FORMERLY")
    stale.write_text(old)
    code, _, err = run("types", "--check")
    assert code == 1
    assert "worker/src/web/env.d.ts" in err
    assert "worker/src/booking" not in err
    assert "bulkhead bindings types" in err
    assert stale.read_text() == old


@pytest.mark.parametrize("name", ["env.d.ts", "cloudflare.d.ts"])
def test_a_file_of_the_owners_own_is_never_overwritten_and_another_place_is_named(
    run: Run, checkout: Path, name: str
) -> None:
    own = checkout / "worker/src/web" / name
    own.parent.mkdir(parents=True)
    own.write_text("interface Env { DB: D1Database }\n")
    code, _, err = run("types")
    assert code == 1
    assert f"worker/src/web/{name}" in err
    assert 'types="worker/src/web/web-types"' in err
    assert own.read_text() == "interface Env { DB: D1Database }\n"
    assert not (checkout / "worker/src/booking").exists()


@pytest.mark.parametrize("command", ["check", "types"])
def test_help_shows_an_example(run: Run, command: str) -> None:
    code, out, _ = run(command, "--help")
    assert code == 0
    assert "Example: bulkhead bindings" in out
