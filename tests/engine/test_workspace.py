"""The copy the engine works on: the same settings, no real secret, the checkout untouched; and the owner kept out."""

from __future__ import annotations

import base64
import json
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from ruamel.yaml import YAML

from bulkhead.engine import canaries
from bulkhead.engine.workspace import Cipher, Workspace, engine_environment, prepare, prepare_identities
from bulkhead.machine import rundir
from bulkhead.machine.environment import MARK, child_environment, shed_owner
from bulkhead.model.faults import Refused

SETTINGS = """\
secretsprovider: awskms://alias/harbor-staging?region=ap-northeast-1
encryptedkey: AQICAHg
config:
  bulkhead:owner: "012345678901"
  bulkhead:budget: {monthlyUsd: 40.5, finance: ["a@example.com"], note: null}
  bulkhead:maintenance: {enabled: false}
  bulkhead:nested: {deep: [{secure: "v1:b2xkbm9uY2U=:b2xkY2lwaGVy"}]}
  secrets:githubToken: {secure: "v1:b2xkbm9uY2U=:b2xkY2lwaGVy"}
"""
PROJECT = """\
name: harbor
description: a product
runtime: {name: python, options: {virtualenv: .venv}}
backend: {url: s3://somewhere}
config:
  pulumi:disable-default-providers: {value: ["*"]}
"""


@pytest.fixture(scope="module")
def cipher() -> Cipher:
    return Cipher("a passphrase")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.yaml").write_text(PROJECT)
    (tmp_path / "Pulumi.staging.yaml").write_text(SETTINGS)
    return tmp_path


@pytest.fixture
def run(checkout: Path) -> Iterator[rundir.RunDir]:
    run = rundir.kept(checkout)
    yield run
    run.close()


@pytest.fixture
def workspace(checkout: Path, run: rundir.RunDir, cipher: Cipher) -> Workspace:
    return prepare(checkout, run, "staging", ["githubToken", "sessionKey", "odd"], cipher)


def read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = YAML(typ="safe").load(path.read_text())
    return content


def test_plain_settings_are_copied_as_they_are(workspace: Workspace) -> None:
    config = read(workspace.path / "Pulumi.staging.yaml")["config"]
    assert config["bulkhead:owner"] == "012345678901"
    assert config["bulkhead:budget"] == {"monthlyUsd": 40.5, "finance": ["a@example.com"], "note": None}
    assert config["bulkhead:maintenance"] == {"enabled": False}


def test_the_project_keeps_its_name_and_config_and_nothing_that_runs_or_stores_elsewhere(workspace: Workspace) -> None:
    assert read(workspace.path / "Pulumi.yaml") == {
        "name": "harbor",
        "description": "a product",
        "config": {"pulumi:disable-default-providers": {"value": ["*"]}},
        "runtime": "python",
    }


def test_every_secret_is_replaced_and_every_required_one_is_there(workspace: Workspace) -> None:
    text = (workspace.path / "Pulumi.staging.yaml").read_text()
    settings = json.loads(text)
    assert set(settings) == {"encryptionsalt", "config"}
    assert "b2xkY2lwaGVy" not in text
    assert set(workspace.canaries) == {"githubToken", "sessionKey", "odd", "bulkhead:nested.deep[0]"}
    assert set(settings["config"]["bulkhead:nested"]["deep"][0]) == {"secure"}
    assert canaries.find(workspace.canaries, text) == ()


def test_a_secret_that_was_made_later_takes_the_place_of_its_canary(workspace: Workspace) -> None:
    old = workspace.canaries["sessionKey"]
    before = read(workspace.path / "Pulumi.staging.yaml")
    workspace.keep_secret("sessionKey", "made-by-another-stack")
    text = (workspace.path / "Pulumi.staging.yaml").read_text()
    after = json.loads(text)
    assert after["config"].pop("secrets:sessionKey") != before["config"].pop("secrets:sessionKey")
    assert after == before
    assert "made-by-another-stack" not in text
    assert canaries.find(workspace.canaries, "made-by-another-stack") == ("sessionKey",)
    assert canaries.find(workspace.canaries, old) == ()


def test_the_checkout_is_only_read(checkout: Path, workspace: Workspace) -> None:
    assert (checkout / "Pulumi.staging.yaml").read_text() == SETTINGS
    assert (checkout / "Pulumi.yaml").read_text() == PROJECT


def test_identities_are_configured_with_what_is_chosen_and_nothing_of_a_file(
    checkout: Path, run: rundir.RunDir, cipher: Cipher, workspace: Workspace
) -> None:
    (checkout / "identities").mkdir()
    (checkout / "identities/Pulumi.yaml").write_text("name: harbor-identities\nruntime: python\n")
    (checkout / "identities/Pulumi.staging.yaml").write_text("config: {identities:awsProfile: a-person-s-own}\n")
    chosen = {"identities:tokens": {"active": "a"}}
    theirs = prepare_identities(checkout, run, "staging", ["githubToken", "tokenMaker"], cipher, chosen)
    assert (theirs.project, theirs.stack) == ("harbor-identities", "staging")
    assert theirs.path != workspace.path
    settings = read(theirs.path / "Pulumi.staging.yaml")
    assert set(settings["config"]) == {"identities:tokens", "secrets:githubToken", "secrets:tokenMaker"}
    assert settings["config"]["identities:tokens"] == {"active": "a"}
    assert set(theirs.canaries) == {"githubToken", "tokenMaker"}
    assert theirs.canaries["githubToken"] == workspace.canaries["githubToken"], "one secret of one stage"


@pytest.mark.parametrize("content", [None, "runtime: python"])
def test_identities_without_a_readable_project_are_refused(
    checkout: Path, run: rundir.RunDir, cipher: Cipher, content: str | None
) -> None:
    if content:
        (checkout / "identities").mkdir()
        (checkout / "identities/Pulumi.yaml").write_text(content)
    with pytest.raises(Refused, match=r"Pulumi\.yaml"):
        prepare_identities(checkout, run, "staging", [], cipher, {})


def test_a_missing_stage_is_refused(checkout: Path, run: rundir.RunDir, cipher: Cipher) -> None:
    with pytest.raises(Refused, match="does not exist"):
        prepare(checkout, run, "production", [], cipher)


def test_settings_that_come_from_elsewhere_are_refused(checkout: Path, run: rundir.RunDir, cipher: Cipher) -> None:
    (checkout / "Pulumi.staging.yaml").write_text("environment: [shared]\n" + SETTINGS)
    with pytest.raises(Refused, match="ESC"):
        prepare(checkout, run, "staging", [], cipher)


@pytest.mark.parametrize("content", ["name: [", "- a list", "runtime: python"])
def test_an_unreadable_project_is_refused(checkout: Path, run: rundir.RunDir, cipher: Cipher, content: str) -> None:
    (checkout / "Pulumi.yaml").write_text(content)
    with pytest.raises(Refused, match=r"Pulumi\.yaml"):
        prepare(checkout, run, "staging", [], cipher)


@pytest.mark.parametrize("name", ["cloudflareApiToken", "githubToken", "slackWebhook", "sessionKey", "unheardOf"])
def test_canaries_are_found_in_every_form(name: str) -> None:
    value = canaries.canary(name, "staging", "key")
    planted = {name: value, "other": canaries.canary("other", "staging", "key")}
    raw = value.encode()
    for form in (
        value,
        json.dumps({"a": value}),
        json.dumps({"a": value}).replace("/", "\\/"),
        urllib.parse.quote(value, safe=""),
        urllib.parse.urlencode({"q": value}).lower() if value.islower() else urllib.parse.urlencode({"q": value}),
        raw.hex(),
        raw.hex().upper(),
        *(base64.b64encode(b"x" * n + raw + b"tail").decode() for n in range(5)),
        *(base64.urlsafe_b64encode(b"x" * n + raw).decode().rstrip("=") for n in range(5)),
    ):
        assert canaries.find(planted, f"before {form} after") == (name,), form
        assert canaries.find(planted, f"before {form} after".encode()) == (name,)
    assert canaries.find(planted, f"before {value[:-1]} after") == ()


def test_canaries_repeat_only_in_the_same_stage_of_the_same_run() -> None:
    asked = [(n, s, k) for n in ("githubToken", "sessionKey", "odd") for s in ("staging", "pr-1") for k in ("a", "b")]
    assert len({canaries.canary(*one) for one in asked}) == len(asked)
    assert [canaries.canary(*one) for one in asked] == [canaries.canary(*one) for one in asked]


def test_canaries_have_the_format_of_what_they_stand_for() -> None:
    def of(name: str) -> str:
        return canaries.canary(name, "staging", "key")

    assert len(of("cloudflareApiToken")) == 40
    assert of("githubToken").startswith("ghp_")
    assert len(of("githubToken")) == 40
    assert len(base64.b64decode(of("sessionKey"), validate=True)) == 32
    assert urllib.parse.urlsplit(of("slackWebhook")).hostname == "hooks.example.invalid"


OWNERS = {
    "AWS_SECRET_ACCESS_KEY": "theirs",
    "CLOUDFLARE_API_TOKEN": "theirs",
    "GITHUB_TOKEN": "theirs",
    "GH_TOKEN": "theirs",
    "PULUMI_ACCESS_TOKEN": "theirs",
    "PULUMI_BACKEND_URL": "s3://theirs",
    "https_proxy": "http://theirs",
    "SOME_OTHER_PASSWORD": "theirs",
}


def test_nothing_of_the_owner_reaches_the_engine(run: rundir.RunDir, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in OWNERS.items():
        monkeypatch.setenv(name, value)
    environment = engine_environment(run, providers={"aws": 4, "cloudflare": 5})
    assert not [name for name, value in environment.items() if "theirs" in value]
    assert environment["PULUMI_BACKEND_URL"].startswith("file://")
    assert environment["PULUMI_DEBUG_PROVIDERS"] == "aws:4,cloudflare:5"
    assert environment["HOME"] == environment["PULUMI_HOME"] == str(run.home)
    assert environment[MARK] == str(run.path)


def test_the_programs_own_process_loses_what_belongs_to_the_owner() -> None:
    environ = {**OWNERS, "PATH": "/bin", "HOME": "/home/me"}
    assert "GITHUB_TOKEN" in shed_owner(environ)
    assert environ == {"PATH": "/bin", "HOME": "/home/me", "SOME_OTHER_PASSWORD": "theirs"}


def test_a_child_gets_a_mark_only_when_it_is_given_one() -> None:
    source = {"PATH": "/bin", MARK: "/of/another/run"}
    assert child_environment("/h", None, source) == {"PATH": "/bin", "HOME": "/h"}
    assert child_environment("/h", "/run", source)[MARK] == "/run"


def test_a_cipher_opens_what_another_of_the_same_passphrase_and_salt_has_encrypted(cipher: Cipher) -> None:
    again = Cipher("a passphrase", cipher.salt)
    assert again.decrypt(cipher.encrypt("größer: ja")) == "größer: ja"
    assert again.salt == cipher.salt
    with pytest.raises(InvalidTag):
        Cipher("another", cipher.salt).decrypt(cipher.encrypt("x"))
