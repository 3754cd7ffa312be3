"""`bulkhead twin`: what it says, what it writes, and what it refuses to publish."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bulkhead.cli.main import main
from bulkhead.twin.state import secret
from tests.support.checkout import work_in
from tests.support.fake_pulumi import FakePulumi
from tests.support.settings_fixture import write_stage_files

SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "v1:AAAA:BBBB"}
TYPE = "toy:index:Thing"
Command = Callable[..., tuple[int, str, str]]


def thing(**inputs: Any) -> dict[str, Any]:
    return {"urn": f"urn:pulumi:staging::bulkhead::{TYPE}::thing", "type": TYPE, "inputs": inputs}


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    work_in(monkeypatch, checkout)
    monkeypatch.delenv("GITHUB_SHA", raising=False)
    write_stage_files(checkout)
    (checkout / "Pulumi.yaml").write_text("name: bulkhead\nruntime: python\n")
    return checkout


@pytest.fixture(autouse=True)
def plan(pulumi: FakePulumi) -> None:
    """A program that makes of placeholders what is in the state."""
    pulumi.plans({})


@pytest.fixture
def twin(checkout: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run the command; return its exit code and both outputs."""

    def call(*arguments: str) -> tuple[int, str, str]:
        code = main(["twin", *arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return call


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "public"


def test_publishing_says_what_was_replaced_and_where_it_lies(twin: Command, pulumi: FakePulumi, place: Path) -> None:
    pulumi.holds([thing(key=SECRET, list=[SECRET], plain="text")])
    code, out, _ = twin("publish", "staging", "--to", str(place))
    assert code == 0
    assert "toy:index:Thing  2" in out
    assert "resources: 1; secrets replaced: 2" in out
    assert f"Published: {place}/twins/bulkhead/staging.json" in out
    code, out, _ = twin("publish", "staging", "--to", str(place))
    assert code == 0
    assert "Published already" in out


def test_what_the_program_makes_of_placeholders_is_published_and_our_own_providers_compare(
    twin: Command, pulumi: FakePulumi, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_DEBUG_PROVIDERS", "toy:1,aws:2")
    pulumi.holds([thing(text=SECRET)])
    told = {"goal": {"inputDiff": {"updates": {"text": "staging"}}}}
    pulumi.plans({"resourcePlans": {thing()["urn"]: told}})
    for options, text in ((), "staging"), (("--no-settle",), secret()):
        code, out, err = twin("publish", "staging", "--to", str(place), "--json", *options)
        assert code == 0, err
        (one,) = json.loads(Path(json.loads(out)["place"]).read_text())["twin"]["deployment"]["resources"]
        assert one["inputs"]["text"] == text
    assert sum("--save-plan" in asked for asked in pulumi.asked) == 1
    used = (pulumi.folder / "environment").read_text().splitlines()
    (attached,) = {line for line in used if line.startswith("PULUMI_DEBUG_PROVIDERS=") and "cloudflare" in line}
    assert attached.startswith("PULUMI_DEBUG_PROVIDERS=toy:1,aws:")
    assert "aws:2," not in attached


def test_where_no_program_can_be_run_nothing_is_published_unless_it_need_not_be_settled(
    twin: Command, pulumi: FakePulumi, place: Path
) -> None:
    (pulumi.bin / "pulumi-language-python").unlink()
    pulumi.holds([thing(key=SECRET)])
    code, _, err = twin("publish", "staging", "--to", str(place))
    assert code == 1
    assert "pulumi-language-python: is neither on PATH nor beside `pulumi`" in err
    assert not place.exists()
    code, _, err = twin("publish", "staging", "--to", str(place), "--no-settle")
    assert code == 0, err


def test_a_program_is_told_the_same(twin: Command, pulumi: FakePulumi, place: Path) -> None:
    pulumi.holds([thing(key=SECRET)])
    code, out, _ = twin("publish", "staging", "--to", str(place), "--json")
    assert code == 0
    told = json.loads(out)
    assert told["written"] is True
    assert told["redacted"] == {TYPE: 1}
    assert json.loads(Path(told["place"]).read_text())["digest"] == told["digest"]


def test_a_dry_run_writes_nothing_and_needs_no_credentials(twin: Command, pulumi: FakePulumi, place: Path) -> None:
    pulumi.holds([thing(key=SECRET)])
    code, out, _ = twin("publish", "staging", "--to", str(place), "--dry-run")
    assert code == 0
    assert "Nothing was written" in out
    assert not place.exists()
    code, out, _ = twin("publish", "staging", "--to", "s3://twins/a/", "--dry-run")
    assert code == 0
    assert "s3://twins/a/twins/bulkhead/staging.json" in out


def test_an_unmarked_secret_stops_it(twin: Command, pulumi: FakePulumi, place: Path) -> None:
    pulumi.holds([thing(password="correct-horse-battery"), thing(doc="-----BEGIN " + "PRIVATE KEY-----")])
    code, out, err = twin("publish", "staging", "--to", str(place))
    assert code == 1
    assert "thing: inputs.password" in err
    assert "thing: inputs.doc" in err
    assert "correct-horse" not in out + err
    assert not place.exists()


def test_a_copy_that_no_form_betrays_stops_it_where_the_secrets_can_be_opened(
    twin: Command, pulumi: FakePulumi, place: Path
) -> None:
    (pulumi.folder / "secret").write_text(json.dumps({"secrets:key": {"value": "a plain sentence", "secret": True}}))
    pulumi.holds([thing(note="this is a plain sentence too")])
    code, out, err = twin("publish", "staging", "--to", str(place))
    assert code == 1
    assert "thing: key" in err
    assert "a plain sentence" not in out + err
    assert not place.exists()
    pulumi.holds([thing(note="another one")])
    code, out, _ = twin("publish", "staging", "--to", str(place), "--json")
    assert code == 0
    assert json.loads(out)["comparedWithValues"] is True


def test_a_publisher_who_cannot_open_the_secrets_is_told_what_that_means(
    twin: Command, pulumi: FakePulumi, place: Path
) -> None:
    pulumi.fails("config", "error: no right to use the key")
    pulumi.holds([thing(key=SECRET)])
    code, out, _ = twin("publish", "staging", "--to", str(place))
    assert code == 0
    assert "could not be opened here" in out
    assert not any("--show-secrets" in asked for asked in pulumi.asked if " stack " in asked)


@pytest.mark.parametrize("verb", [("publish", "--to", "x"), ("use", "--from", "x", "--into", "y")])
def test_a_mistyped_stage_is_refused(twin: Command, verb: tuple[str, ...]) -> None:
    code, _, err = twin(verb[0], "stagign", *verb[1:])
    assert code == 1
    assert "stagign: is no stage" in err


def test_a_twin_that_was_never_published_is_refused(twin: Command, place: Path, tmp_path: Path) -> None:
    code, _, err = twin("use", "staging", "--from", str(place), "--into", str(tmp_path / "twin"))
    assert code == 1
    assert "no twin of this stack was published there" in err
    assert "bulkhead twin publish staging" in err
    assert not (tmp_path / "twin").exists()


def test_what_the_cli_complains_of_is_told(twin: Command, pulumi: FakePulumi, place: Path) -> None:
    pulumi.fails("stack", "error: no stack named 'staging' found")
    code, _, err = twin("publish", "staging", "--to", str(place))
    assert code == 1
    assert "no stack named" in err


def test_the_environment_is_printed_as_lines_for_a_shell(
    twin: Command, pulumi: FakePulumi, place: Path, tmp_path: Path
) -> None:
    pulumi.holds([thing(key=SECRET)])
    twin("publish", "staging", "--to", str(place))
    into = tmp_path / "a folder"
    code, out, _ = twin("use", "staging", "--from", str(place), "--into", str(into))
    assert code == 0
    exports = [line for line in out.splitlines() if line.startswith("export ")]
    assert f"export PULUMI_HOME='{into}/home'" in exports
    assert all(line.startswith(("export ", "# ")) for line in out.splitlines()), out
    assert "pulumi preview --cwd" in out


def test_a_bucket_is_read_and_written_with_the_stages_region(
    twin: Command, pulumi: FakePulumi, local_s3: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = local_s3.emptied()
    local_s3.bucket("twins")
    monkeypatch.setattr("bulkhead.clients.clouds.aws", lambda settings, profile: lambda service: client)
    pulumi.holds([thing(key=SECRET)])
    code, out, _ = twin("publish", "staging", "--to", "s3://twins/ours")
    assert code == 0
    assert "s3://twins/ours/twins/bulkhead/staging.json" in out
    monkeypatch.setattr("boto3.Session.client", lambda self, service: client)
    code, _, err = twin("use", "staging", "--from", "s3://twins/ours", "--into", str(tmp_path / "twin"))
    assert code == 0, err
    code, _, err = twin("use", "staging", "--from", "s3://nobodys", "--into", str(tmp_path / "twin"))
    assert code == 1
    assert "NoSuchBucket" in err
    assert "Traceback" not in err
