"""`bulkhead secrets` and `bulkhead identities`: what a person types, sees and gets back."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

import cli.identities
import cli.secrets
from cli.main import main
from infra.settings.reader import read
from tests.support.fake_pulumi import FakePulumi
from tests.support.settings_fixture import write_stage_files

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for module in (cli.secrets, cli.identities):
        monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setenv("BULKHEAD_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("PULUMI_BACKEND_URL", raising=False)
    (tmp_path / "identities").mkdir()
    write_stage_files(tmp_path)
    return tmp_path


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakePulumi:
    fake = FakePulumi(tmp_path / "pulumi")
    monkeypatch.setenv("PATH", str(fake.bin), prepend=":")
    return fake


@pytest.fixture
def bulkhead(checkout: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    def call(*arguments: str) -> tuple[int, str, str]:
        code = main(arguments)
        out, err = capsys.readouterr()
        return code, out, err

    return call


def test_check_names_what_is_missing_and_the_command_that_mends_it(bulkhead: Command) -> None:
    code, out, _ = bulkhead("secrets", "check", "staging", "--json")
    told = json.loads(out)
    assert code == 1
    assert not told["ok"]
    assert {each["fix"] for each in told["secrets"]} == {
        *(f"bulkhead secrets set staging {name}" for name in ("cloudflareTokenMaker", "githubToken", "slackWebhook")),
        *(f"bulkhead secrets set staging {name}" for name in ("cloudflareApiToken", "sessionKey")),
        "bulkhead secrets rotate staging",
    }


@pytest.mark.parametrize("command", ["check", "rotate"])
@pytest.mark.parametrize("stack", ["pr-42", "prod"])
def test_what_is_no_stage_is_refused(bulkhead: Command, command: str, stack: str) -> None:
    code, _, err = bulkhead("secrets", command, stack)
    assert code == 1
    assert "is no stage" in err


def test_set_reads_a_pipe_and_writes_down_the_day(
    bulkhead: Command, pulumi: FakePulumi, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("a value nobody sees\n"))
    code, out, err = bulkhead("secrets", "set", "staging", "sessionKey")
    assert code == 0, err
    assert pulumi.asked == ["--non-interactive --color never config set --secret secrets:sessionKey --stack staging"]
    assert "nobody sees" not in out + err
    assert "rotated:sessionKey" in read(checkout / "Pulumi.staging.yaml").config


def test_set_stores_nothing_that_is_empty_or_unknown(
    bulkhead: Command, pulumi: FakePulumi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("\n"))
    assert bulkhead("secrets", "set", "staging", "sessionKey")[0] == 1
    assert bulkhead("secrets", "set", "staging", "sessionkey")[0] == 1
    assert pulumi.asked == []


def test_a_secret_that_could_not_be_stored_is_not_written_down(
    bulkhead: Command, pulumi: FakePulumi, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulumi.fails("config", "no stack named 'staging' found")
    monkeypatch.setattr("sys.stdin", io.StringIO("a value"))
    code, _, err = bulkhead("secrets", "set", "staging", "sessionKey")
    assert code == 1
    assert "no stack named" in err
    assert "rotated:sessionKey" not in read(checkout / "Pulumi.staging.yaml").config


def test_rotate_opens_hands_out_and_closes(bulkhead: Command, checkout: Path) -> None:
    file = checkout / "identities" / "Pulumi.staging.yaml"
    code, out, _ = bulkhead("secrets", "rotate", "staging")
    assert code == 0
    assert "pulumi up -C identities --stack staging" in out
    first = read(file).config["identities:tokens"]
    assert bulkhead("secrets", "rotate", "staging")[0] == 0
    assert bulkhead("secrets", "rotate", "staging")[0] == 1  # the first is not closed yet
    assert bulkhead("secrets", "rotate", "staging", "--close")[0] == 0
    second = read(file).config["identities:tokens"]
    assert (first["active"], second["active"]) == ("a", "b")
    assert set(second) == {"active", "b"}


def test_a_broken_file_is_told_and_left_alone(bulkhead: Command, checkout: Path) -> None:
    file = checkout / "identities" / "Pulumi.staging.yaml"
    file.write_text("config:\n  identities:tokens: {active: c}\n")
    code, _, err = bulkhead("secrets", "rotate", "staging")
    assert code == 1
    assert "must name a slot" in err
    assert file.read_text() == "config:\n  identities:tokens: {active: c}\n"


def test_identities_are_explained_with_what_needs_each_right(bulkhead: Command) -> None:
    code, out, _ = bulkhead("identities", "explain", "production", "--json")
    assert code == 0
    roles = json.loads(out)["roles"]
    assert list(roles) == ["deploy", "preview", "operations", "rollback"]
    because = {each["permission"]: each["because"] for each in roles["deploy"]["cloudflare"]}
    assert because["D1 Write"] == "D1Database"
    assert roles["preview"]["cloudflare"] == []
    assert roles["rollback"]["environment"] == "production-rollback"


def test_identities_are_explained_to_people_too(bulkhead: Command) -> None:
    code, out, _ = bulkhead("identities", "explain", "staging")
    assert code == 0
    assert "preview: says what a pull request would change" in out
    assert "it has the stage's names and versions, and no secret" in out
