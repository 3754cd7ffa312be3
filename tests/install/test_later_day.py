"""An install on a later day, when newer versions of everything are out, is the install of today."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

from tests.support.lock import ROOT, pinned

NEWER = "99999.0"
_GO_SUMS = sorted((ROOT / "tools").glob("*/go.sum"))
_PACKAGE_LOCKS = [ROOT / "worker" / "package-lock.json", *sorted((ROOT / "tools").glob("*/package-lock.json"))]


def newer(folder: Path, name: str) -> None:
    """Write a wheel of a version that is newer than any."""
    stem = f"{name.replace('-', '_')}-{NEWER}"
    with zipfile.ZipFile(folder / f"{stem}-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{stem}.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {NEWER}\n")
        wheel.writestr(f"{stem}.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{stem}.dist-info/RECORD", "")


def run(command: list[str], folder: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(
        command, cwd=folder, env=os.environ | environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_newer_versions_of_everything_change_nothing(tmp_path: Path) -> None:
    checkout, index, cache = tmp_path / "checkout", tmp_path / "index", tmp_path / "cache"
    index.mkdir()
    for name in pinned():
        newer(index, name)
    files = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for file in filter(None, files.split("\0")):
        if (ROOT / file).is_file():
            (checkout / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / file, checkout / file)

    today = {"BULKHEAD_CACHE": str(cache)}
    run(["make", ".venv/.installed", "worker/node_modules/.installed"], checkout, today)  # fills the caches
    shutil.rmtree(checkout / ".venv")
    shutil.rmtree(checkout / "worker" / "node_modules")
    shutil.copytree(index, cache / "wheels", dirs_exist_ok=True)
    later = today | {
        "UV_OFFLINE": "1",
        "UV_FIND_LINKS": str(index),
        "PIP_INDEX_URL": "http://127.0.0.1:9/nothing-listens-here",
        "npm_config_offline": "true",
    }
    run(["make", ".venv/.installed", "worker/node_modules/.installed"], checkout, later)

    listed = json.loads(run([".venv/bin/python", "-m", "pip", "list", "--format", "json"], checkout, {}))
    installed = {found["name"].lower().replace("_", "-").replace(".", "-"): found["version"] for found in listed}
    pins = {str(name): str(pin.specifier).removeprefix("==") for name, pin in pinned().items()}
    assert len(installed) > 100
    assert {name for name, version in installed.items() if version != pins.get(name)} <= {"pip", "bulkhead"}

    # What the test would see if something were not pinned.
    options = ["--no-deps", "--dry-run", "--python", ".venv/bin/python"]
    told = subprocess.run(
        [".venv/bin/uv", "pip", "install", *options, "--reinstall", "rich"],
        cwd=checkout,
        env=os.environ | later,
        capture_output=True,
        text=True,
        check=True,
    ).stderr
    assert NEWER in told


@pytest.mark.parametrize("path", _PACKAGE_LOCKS, ids=lambda path: path.parent.name)
def test_every_node_package_is_pinned_by_its_content(path: Path) -> None:
    packages = json.loads(path.read_text(encoding="utf-8"))["packages"]
    bare = [name for name, package in packages.items() if name and not package.get("integrity")]
    assert bare == []
    assert len(packages) > 1


@pytest.mark.parametrize("path", _PACKAGE_LOCKS, ids=lambda path: path.parent.name)
def test_node_packages_are_asked_for_by_their_exact_version(path: Path) -> None:
    package = json.loads(path.with_name("package.json").read_text(encoding="utf-8"))
    asked = {**package.get("dependencies", {}), **package.get("devDependencies", {})}
    assert {
        name: version for name, version in asked.items() if not re.fullmatch(r"\d+\.\d+\.\d+(-\S+)?", version)
    } == {}


@pytest.mark.parametrize("path", _GO_SUMS, ids=lambda path: path.parent.name)
def test_every_go_module_is_pinned_by_its_content(path: Path) -> None:
    required = re.findall(
        r"^\s*(?:require )?(\S+\.\S+/\S+|\S+\.\S+) (v\S+)", path.with_name("go.mod").read_text(), re.M
    )
    sums = path.read_text(encoding="utf-8")
    assert required
    assert [module for module, version in required if f"{module} {version} h1:" not in sums] == []


@pytest.mark.parametrize("package", ["aws", "cloudflare", "github"])
def test_the_plugin_that_the_engine_fetches_is_the_one_of_the_sdk(package: str) -> None:
    """The engine downloads the plugin version that an SDK names; the SDK is pinned, and so is the plugin."""
    files = metadata.files(f"pulumi-{package}") or []
    (plugin,) = [file for file in files if file.name == "pulumi-plugin.json"]
    told = json.loads(plugin.read_text())
    assert (told["name"], told["version"]) == (package, metadata.version(f"pulumi-{package}"))
