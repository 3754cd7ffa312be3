"""`bulkhead secrets` and `bulkhead identities`: what a person types, sees and gets back."""

from __future__ import annotations

import errno
import io
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

import tests.support.second_product
from bulkhead.cli.main import main
from bulkhead.model import project
from bulkhead.model.product import Product, StageSecret, Worker
from bulkhead.model.settings.reader import read
from bulkhead.operations.secrets.files import write_config
from tests.support.checkout import work_in
from tests.support.fake_pulumi import FakePulumi
from tests.support.settings_fixture import write_stage_files

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    work_in(monkeypatch, tmp_path)
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


@pytest.mark.parametrize(
    ("name", "most", "whose"), [("sessionKey", 5120, "Worker web"), ("slackWebhook", 49_152, "GitHub")]
)
def test_set_stores_nothing_that_is_larger_than_who_gets_it_takes(
    bulkhead: Command, pulumi: FakePulumi, monkeypatch: pytest.MonkeyPatch, name: str, most: int, whose: str
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("x" * (most + 1)))
    code, out, err = bulkhead("secrets", "set", "staging", name)
    assert code == 1
    assert f"has {most + 1} bytes, and {whose} takes {most} at most" in err
    assert "xxxx" not in out + err
    assert pulumi.asked == []
    monkeypatch.setattr("sys.stdin", io.StringIO("x" * most))
    assert bulkhead("secrets", "set", "staging", name)[0] == 0


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


UNREADABLE = {
    "byte order mark": (b"\xef\xbb\xbfconfig:\n", "byte order mark"),
    "directive": (b"%YAML 1.1\n---\nconfig:\n", "a % directive"),
    "key twice": (b"config:\n  identities:awsProfile: other\n", "is written twice"),
    "tab": (b"config:\n\tidentities:awsProfile: other\n", "line 2"),
    "no UTF-8": (b"# \xff\nconfig:\n", "line 1"),
    "nothing": (b"", "is empty"),
}
SLOT = b"""  identities:awsProfile: admin
  identities:tokens:
    active: a
    a: {begins: "2026-11-21T00:00:00Z", ends: "2027-02-09T00:00:00Z"}
"""


@pytest.mark.parametrize(
    "command", [("rotate", "staging"), ("rotate", "staging", "--close"), ("set", "staging", "githubToken")]
)
@pytest.mark.parametrize(("start", "says"), UNREADABLE.values(), ids=UNREADABLE)
def test_a_file_that_cannot_be_read_for_certain_is_not_written(
    bulkhead: Command,
    pulumi: FakePulumi,
    checkout: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: tuple[str, ...],
    start: bytes,
    says: str,
) -> None:
    file = checkout / "identities" / "Pulumi.staging.yaml"
    file.write_bytes(start + (SLOT if start else b""))
    before = file.read_bytes()
    monkeypatch.setattr("sys.stdin", io.StringIO("a value"))
    code, _, err = bulkhead("secrets", *command)
    assert code == 1
    assert f"{Path('identities') / file.name}: " in err
    assert says in err
    assert file.read_bytes() == before
    assert pulumi.asked == []


def test_nothing_is_stored_in_one_file_when_the_other_cannot_be_written(
    bulkhead: Command, pulumi: FakePulumi, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = Worker("shop", "shop.js")
    shared = Product("shared", workers=(worker,), secrets=(StageSecret("hook", pipeline=True, jobs=True),))
    monkeypatch.setattr(tests.support.second_product, "SHARED", shared, raising=False)
    own = checkout / "Pulumi.staging.yaml"
    own.write_text(own.read_text().replace("infra.product:PRODUCT", "tests.support.second_product:SHARED"))
    before = own.read_bytes()
    (checkout / "identities" / own.name).write_bytes(UNREADABLE["key twice"][0] + SLOT)
    monkeypatch.setattr("sys.stdin", io.StringIO("a value"))
    code, _, err = bulkhead("secrets", "set", "staging", "hook")
    assert (code, own.read_bytes(), pulumi.asked) == (1, before, []), err


CHANGES = [("rotate", "staging"), ("set", "staging", "githubToken"), ("set", "staging", "sessionKey")]


@pytest.mark.parametrize("command", CHANGES)
@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.ENOSPC, errno.ENOENT])
@pytest.mark.parametrize("place", ["folder", "file"])
def test_a_checkout_that_cannot_be_written_is_refused_before_anything_is_asked(
    bulkhead: Command,
    pulumi: FakePulumi,
    checkout: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: tuple[str, ...],
    number: int,
    place: str,
) -> None:
    """Even root cannot write to a file system that is mounted read-only."""
    (checkout / "identities" / "Pulumi.staging.yaml").write_bytes(b"config:\n  identities:awsProfile: admin\n")
    files = {path: path.read_bytes() for path in checkout.rglob("Pulumi.*.yaml")}

    def refuse(*given: object, **_: object) -> object:
        raise OSError(number, os.strerror(number), *given[:1])

    opens = Path.open
    if place == "folder":
        monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    else:
        monkeypatch.setattr(
            Path, "open", lambda self, mode="r", *a, **k: (refuse if "+" in mode else opens)(self, mode, *a, **k)
        )
    monkeypatch.setattr("sys.stdin", io.StringIO("a value nobody sees"))
    code, out, err = bulkhead("secrets", *command)
    assert code == 1, err
    assert f"Pulumi.staging.yaml: cannot be written: {os.strerror(number)}" in err
    assert "fix: " in err
    assert "nobody sees" not in out + err
    assert pulumi.asked == []
    monkeypatch.undo()
    assert {path: path.read_bytes() for path in checkout.rglob("Pulumi.*.yaml")} == files


def test_what_is_written_back_differs_in_nothing_but_what_was_set(tmp_path: Path) -> None:
    for file in [*project.ROOT.glob("Pulumi.*.yaml")]:
        before = file.read_text(encoding="utf-8")
        (tmp_path / file.name).write_text(before, encoding="utf-8")
        write_config(tmp_path / file.name, {"rotated:sessionKey": "2026-11-21"})
        after = (tmp_path / file.name).read_text(encoding="utf-8")
        assert after == f"{before}  rotated:sessionKey: '2026-11-21'\n"


def test_line_ends_and_links_stay(tmp_path: Path) -> None:
    real, link = tmp_path / "real.yaml", tmp_path / "link.yaml"
    real.write_bytes(b"# a\r\nconfig:\r\n  a: 1\r\n")
    link.symlink_to(real)
    write_config(link, {"b": 2})
    assert link.is_symlink()
    assert real.read_bytes() == b"# a\r\nconfig:\r\n  a: 1\r\n  b: 2\r\n"


@pytest.mark.parametrize("value", [b"\xff\xfea\x00", b"a\x00b", b"\xef\xbb\xbfabc", "a\u200bb".encode()])
def test_set_stores_no_text_that_a_service_would_refuse(
    bulkhead: Command, pulumi: FakePulumi, monkeypatch: pytest.MonkeyPatch, value: bytes
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(value), encoding="utf-8"))
    code, out, err = bulkhead("secrets", "set", "staging", "githubToken")
    assert code == 1
    assert "fix: " in err
    assert not out
    assert pulumi.asked == []


def test_set_takes_a_key_of_several_lines(
    bulkhead: Command, pulumi: FakePulumi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("-----BEGIN KEY-----\r\nabc\r\n-----END KEY-----\n"))
    assert bulkhead("secrets", "set", "staging", "githubToken")[0] == 0


def test_a_file_as_the_cli_begins_it_can_be_written(
    bulkhead: Command, pulumi: FakePulumi, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = checkout / "identities" / "Pulumi.staging.yaml"
    file.write_text("secretsprovider: awskms://alias/key?region=ap-northeast-1\nencryptedkey: AQID\n")
    monkeypatch.setattr("sys.stdin", io.StringIO("a value"))
    assert bulkhead("secrets", "set", "staging", "githubToken")[0] == 0
    assert bulkhead("secrets", "rotate", "staging")[0] == 0
    assert read(file).encryption.keys() == {"secretsprovider", "encryptedkey"}


def test_check_names_each_file_by_its_place_and_mends_the_right_stack(bulkhead: Command, checkout: Path) -> None:
    own, identities = checkout / "Pulumi.staging.yaml", checkout / "identities" / "Pulumi.staging.yaml"
    own.write_text(own.read_text() + "encryptionsalt: v1:AAAA:v1:AAAA:AAAA\n")
    identities.write_text("encryptionsalt: v1:AAAA:v1:AAAA:AAAA\nconfig:\n  identities:awsProfile: [a\n")
    code, out, _ = bulkhead("secrets", "check", "staging", "--json")
    faults = json.loads(out)["faults"]
    assert code == 1
    assert [fault["file"] for fault in faults] == ["identities/Pulumi.staging.yaml", "Pulumi.staging.yaml"]
    identities.write_text("encryptionsalt: v1:AAAA:v1:AAAA:AAAA\nconfig: {}\n")
    faults = json.loads(bulkhead("secrets", "check", "staging", "--json")[1])["faults"]
    assert [fault["file"] for fault in faults] == ["identities/Pulumi.staging.yaml", "Pulumi.staging.yaml"]
    assert ["-C identities" in fault["fix"] for fault in faults] == [True, False]


def test_check_says_nothing_of_the_secrets_in_a_file_that_it_cannot_read(bulkhead: Command, checkout: Path) -> None:
    (checkout / "identities" / "Pulumi.staging.yaml").write_bytes(UNREADABLE["byte order mark"][0] + SLOT)
    code, out, _ = bulkhead("secrets", "check", "staging", "--json")
    told = json.loads(out)
    assert code == 1
    assert {each["file"] for each in told["secrets"]} == {"Pulumi.staging.yaml"}
    assert [fault["file"] for fault in told["faults"]] == ["identities/Pulumi.staging.yaml"]


def test_identities_are_explained_with_what_needs_each_right(bulkhead: Command) -> None:
    code, out, _ = bulkhead("identities", "explain", "production", "--json")
    assert code == 0
    roles = json.loads(out)["roles"]
    assert list(roles) == ["deploy", "preview", "operations", "rollback"]
    because = {each["permission"]: each["because"] for each in roles["deploy"]["cloudflare"]}
    assert because["D1 Write"] == "D1Database"
    calls = {each["permission"]: each["calls"] for each in roles["deploy"]["cloudflare"]}
    assert calls["D1 Write"][0] == "POST /accounts/{account_id}/d1/database"
    assert roles["preview"]["cloudflare"] == []
    assert roles["rollback"]["environment"] == "production-rollback"


def test_identities_are_explained_to_people_too(bulkhead: Command) -> None:
    code, out, _ = bulkhead("identities", "explain", "staging")
    assert code == 0
    assert "preview: says what a pull request would change" in out
    assert "it has the stage's names and versions, and no secret" in out
