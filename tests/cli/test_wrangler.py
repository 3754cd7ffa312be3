"""`bulkhead wrangler` writes each Worker's configuration for one stage, and nothing of another."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bulkhead.cli.main import main
from bulkhead.model.settings import StageSettings, read_settings
from infra.product import PRODUCT
from tests.support.checkout import work_in
from tests.support.fake_pulumi import FakePulumi
from tests.support.manifests import make_manifest
from tests.support.settings_fixture import write_stage_files

Run = Callable[..., tuple[int, str, str]]
ROOT_OF = {"urn": "urn:pulumi:staging::bulkhead::pulumi:pulumi:Stack::s", "type": "pulumi:pulumi:Stack"}


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    work_in(monkeypatch, tmp_path)
    write_stage_files(tmp_path)
    return tmp_path


def settings(checkout: Path) -> StageSettings:
    return read_settings(checkout / "Pulumi.staging.yaml")


@pytest.fixture
def manifest(checkout: Path) -> Path:
    """The manifest of staging in a file."""
    return save(checkout, make_manifest(PRODUCT, settings(checkout)))


@pytest.fixture
def run(checkout: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: str) -> tuple[int, str, str]:
        code = main(["wrangler", *arguments])
        return code, *capsys.readouterr()

    return call


def save(folder: Path, manifest: Any) -> Path:
    file = folder / "manifest.json"
    file.write_text(json.dumps(manifest))
    return file


def written(file: Path) -> Any:
    return json.loads("\n".join(line for line in file.read_text().splitlines() if not line.startswith("//")))


def test_each_worker_gets_a_file_that_names_its_stage(run: Run, checkout: Path, manifest: Path) -> None:
    code, out, err = run("staging", "--manifest", str(manifest), "--json")
    assert code == 0, err
    files = json.loads(out)["files"]
    assert files == {
        worker.name: str(checkout / f".wrangler/staging/{worker.name}/wrangler.jsonc") for worker in PRODUCT.workers
    }
    for name, file in files.items():
        assert written(Path(file))["name"] == f"harbor-staging-worker-{name}"
    assert "SESSION_KEY" in Path(files["web"]).read_text()


def test_the_manifest_is_asked_of_pulumi(run: Run, checkout: Path, pulumi: FakePulumi) -> None:
    pulumi.holds([{**ROOT_OF, "outputs": {"manifest": make_manifest(PRODUCT, settings(checkout))}}])
    assert run("staging", "--output", str(checkout / "here"))[0] == 0
    assert written(checkout / "here/clerk/wrangler.jsonc")["name"] == "harbor-staging-worker-clerk"
    assert [asked.split()[3] for asked in pulumi.asked] == ["stack"]


def test_a_stage_that_is_not_deployed_is_refused(run: Run, pulumi: FakePulumi) -> None:
    pulumi.holds([])
    code, _, err = run("staging")
    assert code == 1
    assert "pulumi up -s staging" in err


def test_the_manifest_may_come_through_a_pipe(run: Run, manifest: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(manifest.read_text()))
    assert run("staging", "--manifest", "-")[0] == 0


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"manifest"'])
def test_what_is_no_manifest_is_refused(run: Run, checkout: Path, text: str) -> None:
    file = checkout / "broken.json"
    file.write_text(text)
    code, _, err = run("staging", "--manifest", str(file))
    assert code == 1
    assert "broken.json" in err
    assert "Traceback" not in err


def test_a_manifest_that_does_not_exist_is_refused(run: Run) -> None:
    code, _, err = run("staging", "--manifest", "nowhere.json")
    assert code == 1
    assert "nowhere.json" in err


def test_another_stages_manifest_is_refused_and_nothing_is_written(run: Run, checkout: Path, manifest: Path) -> None:
    code, _, err = run("production", "--manifest", str(manifest))
    assert code == 1
    assert "manifest.environment" in err
    assert not (checkout / ".wrangler").exists()


LEAKS = {
    "an id of the manifest": (("namespaces", "sessions", "id"), "harbor-production-kv-sessions", "harbor-production-"),
    "a database of a pull request": (("databases", "main", "id"), "harbor-pr-42-d1-main", "harbor-pr-42-"),
    "a release": (("workers", "web", "release"), "production", "the word production"),
}


@pytest.mark.parametrize(("place", "leak", "said"), LEAKS.values(), ids=LEAKS)
def test_what_is_about_another_stage_is_refused_and_nothing_is_written(
    run: Run, checkout: Path, place: tuple[str, str, str], leak: str, said: str
) -> None:
    manifest = make_manifest(PRODUCT, settings(checkout))
    room, name, field = place
    manifest[room][name][field] = leak
    code, out, err = run("staging", "--manifest", str(save(checkout, manifest)), "--json")
    assert code == 1
    assert all(fault["file"].endswith("wrangler.jsonc") for fault in json.loads(out)["faults"])
    assert said in err
    assert not (checkout / ".wrangler").exists()


def test_a_setting_that_is_about_another_stage_is_refused(run: Run, checkout: Path) -> None:
    path = checkout / "Pulumi.staging.yaml"
    path.write_text(path.read_text().replace("bulkhead:featureFlags: {}", "bulkhead:featureFlags: {production: true}"))
    code, _, err = run("staging", "--manifest", str(save(checkout, make_manifest(PRODUCT, settings(checkout)))))
    assert code == 1
    assert "vars.FEATURE_FLAGS.production" in err


def test_a_broken_file_of_another_stage_is_refused_because_its_names_are_not_known(
    run: Run, checkout: Path, manifest: Path
) -> None:
    (checkout / "Pulumi.production.yaml").write_text("config: {}\n")
    code, _, err = run("staging", "--manifest", str(manifest))
    assert code == 1
    assert "Pulumi.production.yaml" in err


def test_a_stage_without_a_file_is_refused(run: Run, manifest: Path) -> None:
    code, _, err = run("moon", "--manifest", str(manifest))
    assert code == 1
    assert "Traceback" not in err


def test_help_shows_an_example(run: Run) -> None:
    code, out, _ = run("--help")
    assert code == 0
    assert "Example: bulkhead wrangler staging" in out
