"""What `pulumi up -C identities` does: it takes the stage's own settings, and refuses a configuration as a whole."""

from __future__ import annotations

import json
import runpy
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml
from pulumi.runtime.config import set_all_config

from bulkhead.model.identities import PROFILE, TOKENS, spelt
from bulkhead.model.project import FILE, ROOT
from bulkhead.model.settings.paths import stack_file
from bulkhead.model.workflows import FOLDER
from bulkhead.resources.planned import Sealed
from identities import program
from tests.support.settings_fixture import write_stage_files
from tests.support.stages import SLOTS, render

SECRET = "a value that nobody may see"
GOOD: dict[str, Any] = {
    PROFILE: "harbor-staging-admin",
    TOKENS: spelt(SLOTS),
    "pulumi:disable-default-providers": ["*"],
    "rotated:githubToken": "2026-11-21",
    **{f"secrets:{name}": SECRET for name in ("cloudflareTokenMaker", "githubToken", "slackWebhook")},
}


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout whose stages have settings of their own."""
    write_stage_files(tmp_path)
    monkeypatch.setattr(program, "ROOT", tmp_path)
    return tmp_path


def deploy(config: Mapping[str, Any], stack: str = "staging", encrypted: bool = True) -> Any:
    """Run the program as the engine does, with a stack configured like that."""

    def run() -> None:
        texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in config.items()}
        set_all_config(texts, [key for key in texts if encrypted and key.startswith("secrets:")])
        program.main()

    return render(run, stack)


def test_the_identities_are_those_of_the_stage_in_the_root() -> None:
    rendered = deploy(GOOD)
    assert rendered.outputs["environments"]["preview"] == "staging-preview"
    assert rendered.outputs["tokens"]["active"] == "b"
    assert isinstance(rendered.outputs["deployToken"], Sealed)
    aws = rendered.one("pulumi:providers:aws").inputs
    assert aws["profile"] == "harbor-staging-admin"
    assert json.loads(aws["allowedAccountIds"]) == ["2" * 12]


def test_with_the_examples_that_are_shipped_nothing_is_made(root: Path) -> None:
    shutil.copy(ROOT / "Pulumi.staging.yaml", root)
    with pytest.raises(pulumi.RunError, match=r"bulkhead:github.owner: is an example"):
        deploy(GOOD)


def test_the_entry_point_is_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[bool] = []
    monkeypatch.setattr(program, "main", lambda: called.append(True))
    runpy.run_path(str(ROOT / "identities" / "__main__.py"), run_name="__main__")
    assert called == [True]


BROKEN: list[tuple[dict[str, Any], set[str]]] = [
    ({PROFILE: ...}, {PROFILE}),
    ({PROFILE: " "}, {PROFILE}),
    ({TOKENS: ...}, {TOKENS}),
    ({TOKENS: "a"}, {TOKENS}),
    ({"secrets:githubToken": ...}, {"secrets:githubToken"}),
    ({"secrets:githubTokn": SECRET}, {"secrets:githubTokn"}),
    ({"bulkhead:stage": "staging"}, {"bulkhead:stage"}),
    ({"aws:region": "eu-west-1"}, {"aws:region"}),
    ({PROFILE: ..., TOKENS: ..., "secrets:githubToken": ...}, {PROFILE, TOKENS, "secrets:githubToken"}),
]


@pytest.mark.parametrize(("changes", "keys"), BROKEN)
def test_every_fault_is_said_at_once_with_the_command_that_mends_it(changes: dict[str, Any], keys: set[str]) -> None:
    config = {key: value for key, value in {**GOOD, **changes}.items() if value is not ...}
    with pytest.raises(pulumi.RunError) as raised:
        deploy(config)
    said = str(raised.value)
    assert all(key in said for key in keys)
    assert said.count("fix:") == len(keys)
    assert SECRET not in said


def test_a_secret_that_is_not_encrypted_is_refused() -> None:
    with pytest.raises(pulumi.RunError, match="is not encrypted") as raised:
        deploy(GOOD, encrypted=False)
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize("stack", ["pr-42", "prod"])
def test_what_is_no_stage_has_no_identities(stack: str) -> None:
    with pytest.raises(pulumi.RunError, match="There are no identities of this stack"):
        deploy(GOOD, stack)


def test_another_product_may_be_named() -> None:
    other = "tests.support.second_product:SECOND_PRODUCT"
    config = {key: value for key, value in GOOD.items() if key != "secrets:slackWebhook"}
    names = {r.inputs["name"] for r in deploy({**config, "bulkhead:product": other}).of("aws:iam/policy:Policy")}
    assert names == {"corner-staging-boundary"}


def test_a_required_check_that_nothing_reports_is_refused_before_it_blocks_every_merge(root: Path) -> None:
    shutil.copytree(ROOT / FOLDER, root / FOLDER)
    shutil.copy(ROOT / FILE, root)
    file = root / stack_file("production")
    said = yaml.safe_load(file.read_text(encoding="utf-8"))
    said["config"]["bulkhead:github"]["requiredChecks"] = ["verdikt"]
    file.write_text(yaml.safe_dump(said), encoding="utf-8")
    with pytest.raises(pulumi.RunError, match="did you mean verdict"):
        deploy(GOOD, "production")
