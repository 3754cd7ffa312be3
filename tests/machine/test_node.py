"""Node: which one is used, which is refused and why, and how `make` brings one where the machine's is too old."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from bulkhead.engine.versions import needed_go, text_of
from bulkhead.machine import node
from bulkhead.machine.node import find_node, oldest_node
from bulkhead.model.faults import Refused
from tests.support.machine import Machine

ROOT = Path(__file__).resolve().parents[2]
# An npm that installs what this test calls a Node.
NPM = 'mkdir -p "$2/node_modules/.bin"; printf "#!/bin/sh\\necho {answer}\\n" > "$2/node_modules/.bin/node"'
NPM += '; chmod +x "$2/node_modules/.bin/node"; echo "$@" >> {asked}'


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.setattr(node, "OWN", tmp_path / "checkout" / node.OWN.relative_to(ROOT))
    return Machine(tmp_path, monkeypatch)


@pytest.fixture
def checkout(machine: Machine, tmp_path: Path) -> Path:
    """As much of a checkout as `make node` looks at."""
    for path in ("Makefile", "worker/package.json", "tools/node/package-lock.json"):
        (tmp_path / "checkout" / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, tmp_path / "checkout" / path)
    return tmp_path / "checkout"


def make_node(checkout: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["make", "-C", checkout, "node"], capture_output=True, text=True, check=False)


def test_a_node_that_is_new_enough_is_found(machine: Machine) -> None:
    path = machine.has("node", "echo v22.11.0")
    assert find_node().path == path
    assert find_node().version == "22.11.0"


@pytest.mark.parametrize(
    ("script", "reason"), [("echo v20.20.1", "20.20.1"), ("exit 1", "does not run"), ("echo hello", "version")]
)
def test_an_unusable_node_is_refused_with_the_reason(machine: Machine, script: str, reason: str) -> None:
    machine.has("node", script)
    with pytest.raises(Refused, match=reason) as caught:
        find_node()
    assert "make install" in caught.value.faults[0].fix


def test_a_missing_node_is_refused(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.lacks(monkeypatch, "node")
    with pytest.raises(Refused, match="not on PATH"):
        find_node()


def test_make_brings_a_node_once_where_the_one_on_path_is_too_old(machine: Machine, checkout: Path) -> None:
    machine.has("node", "echo v20.20.1")
    asked = checkout / "asked"
    machine.has("npm", NPM.format(answer="v22.23.2", asked=asked))
    first, second = make_node(checkout), make_node(checkout)
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert "v20.20.1" in first.stdout
    assert len(asked.read_text().splitlines()) == 1
    assert find_node().version == "22.23.2"
    node.OWN.unlink()  # as an installation that was interrupted leaves it
    assert make_node(checkout).returncode == 0
    assert find_node().version == "22.23.2"


def test_make_brings_nothing_where_node_is_new_enough(machine: Machine, checkout: Path) -> None:
    machine.has("node", "echo v24.1.0")
    machine.has("npm", "exit 1")
    done = make_node(checkout)
    assert (done.returncode, done.stderr) == (0, "")
    assert not node.OWN.exists()


@pytest.mark.parametrize("npm", ["exit 1", NPM.format(answer="v20.20.1", asked="/dev/null"), "exit 0"])
def test_make_says_what_to_install_where_npm_brings_none(machine: Machine, checkout: Path, npm: str) -> None:
    machine.has("node", "echo v20.20.1")
    machine.has("npm", npm)
    done = make_node(checkout)
    assert done.returncode != 0
    assert "Install Node 22 or newer" in done.stderr


def test_make_says_what_to_install_where_there_is_no_npm(
    machine: Machine, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for program in ("make", "bash", "sed", "rm"):
        (machine.bin / program).symlink_to(str(shutil.which(program)))
    machine.has("node", "echo v20.20.1")
    monkeypatch.setenv("PATH", str(machine.bin))
    done = make_node(checkout)
    assert done.returncode != 0
    assert "Node 22 or newer with npm is needed" in done.stderr


def test_the_node_that_is_brought_is_new_enough_and_the_same_on_every_machine() -> None:
    package = json.loads((ROOT / "tools/node/package.json").read_text(encoding="utf-8"))
    lock = json.loads((ROOT / "tools/node/package-lock.json").read_text(encoding="utf-8"))["packages"]
    brought = {name.removeprefix("node_modules/"): each for name, each in lock.items() if name}
    assert {name: each["version"] for name, each in brought.items()} == package["optionalDependencies"]
    [version] = set(package["optionalDependencies"].values())
    assert int(version.split(".")[0]) >= oldest_node()
    machines = {(each["os"], each["cpu"]) for each in brought.values()}
    assert machines == {(system, processor) for system in ("linux", "darwin") for processor in ("x64", "arm64")}
    for each in brought.values():
        assert each["integrity"].startswith("sha512-")
        assert "resolved" not in each


def test_the_oldest_node_is_what_miniflare_asks_for() -> None:
    lock = json.loads((ROOT / "worker/package-lock.json").read_text(encoding="utf-8"))["packages"]
    [asked] = re.findall(r"^>=(\d+)\.0\.0$", lock["node_modules/miniflare"]["engines"]["node"])
    assert oldest_node() == int(asked)
    assert lock[""]["engines"] == {"node": f">={asked}"}


@pytest.mark.parametrize("page", ["README.md", "README.ja.md", "CONTRIBUTING.md"])
def test_what_a_machine_must_have_is_told_as_it_is(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    assert set(re.findall(r"Node (\d+)", text)) == {str(oldest_node())}
    assert set(re.findall(r"Go (\d[\d.]*\d)", text)) == {text_of(needed_go())}
