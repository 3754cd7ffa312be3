"""`bulkhead restore anew`: a database is made again, the state learns it, and what is left for a person is told."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bulkhead.cli.main import main
from bulkhead.clients import d1
from bulkhead.clients.d1 import D1
from bulkhead.model.naming import Stage
from bulkhead.preview.waivers import parse
from bulkhead.resources import types as t
from tests.support.fake_pulumi import FakePulumi
from tests.support.restore_place import ACCOUNTS, Place, a_place

Run = Callable[..., tuple[int, str, str]]


def urn(stage: str, type_: str, name: str) -> str:
    return f"urn:pulumi:{stage}::harbor::bulkhead:data:DataStores${type_}::{name}"


class Stack:
    """The state of one stage: its database, and a Worker that is bound to it."""

    def __init__(self, pulumi: FakePulumi, place: Place, stage: str = "staging") -> None:
        self.pulumi, self.place, self.stage = pulumi, place, stage
        database = place.databases[stage]
        bindings = [{"type": "d1", "name": "DB", "databaseId": database.id}]
        pulumi.holds(
            [
                {
                    "urn": urn(stage, t.D1_DATABASE, "d1-main"),
                    "type": t.D1_DATABASE,
                    "custom": True,
                    "protect": True,
                    "id": database.id,
                    "inputs": {"accountId": database.account, "name": database.name},
                },
                {
                    "urn": urn(stage, t.WORKER_VERSION, "clerk-version"),
                    "type": t.WORKER_VERSION,
                    "custom": True,
                    "id": "v1",
                    "inputs": {"bindings": bindings},
                },
            ]
        )

    @property
    def known(self) -> dict[str, Any]:
        document = json.loads((self.pulumi.folder / "state.json").read_text())
        found: dict[str, Any] = document["deployment"]["resources"][0]
        return found

    def nicks(self) -> list[str]:
        """Return what is in the database that the state knows."""
        there = self.place.databases[self.stage]
        known = D1(there.api, there.account, self.known["id"], "")
        return [str(each[0]) for each in known.raw("SELECT nick FROM members")]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    with a_place(tmp_path, monkeypatch) as found:
        yield found


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakePulumi:
    fake = FakePulumi(tmp_path / "pulumi")
    monkeypatch.setenv("PATH", str(fake.bin), prepend=":")
    return fake


@pytest.fixture
def stack(pulumi: FakePulumi, place: Place) -> Stack:
    return Stack(pulumi, place)


@pytest.fixture
def run(place: Place, capsys: pytest.CaptureFixture[str]) -> Run:
    def call(stage: str, *arguments: str) -> tuple[int, str, str]:
        code = main(["restore", "anew", stage, "main", "--token-env", f"TOKEN_{stage.upper()}", *arguments])
        return code, *capsys.readouterr()

    assert place
    return call


def test_a_database_that_is_gone_comes_back_and_what_is_left_is_told(run: Run, place: Place, stack: Stack) -> None:
    key, old = place.backup().key, place.databases["staging"]
    old.delete()
    code, out, err = run("staging", "--from", key, "--yes", "staging")
    assert (code, err) == (3, "")
    assert (stack.nicks(), stack.known["urn"], stack.known["protect"]) == (
        ["ann"],
        urn("staging", t.D1_DATABASE, "d1-main"),
        True,
    )
    assert stack.known["id"] != old.id
    [refresh] = [asked for asked in stack.pulumi.asked if "refresh" in asked]
    assert refresh.endswith(f"--target {stack.known['urn']} --stack staging")
    assert place.maintenance() == "on"
    assert "pulumi config set" not in out
    assert out.index("store-switched") < out.index("bulkhead deploy staging --now") < out.index("maintenance off")


def test_one_that_is_kept_has_another_beside_it_and_the_rows_that_are_told_are_valid(
    run: Run, place: Place, stack: Stack
) -> None:
    key, old = place.backup().key, place.databases["staging"]
    code, out, _ = run("staging", "--from", key, "--name", "harbor-staging-d1-main-2", "--yes", "staging", "--json")
    assert code == 3
    left, today = json.loads(out)["left"], datetime.now(UTC).date()
    assert (place.nicks(), stack.nicks(), stack.known["inputs"]["name"]) == (
        ["bob"],
        ["ann"],
        "harbor-staging-d1-main-2",
    )
    setting = "pulumi config set --path 'bulkhead:stores.databases.main' harbor-staging-d1-main-2 --stack staging"
    assert left["setting"] == setting
    found = parse("waivers:\n" + "\n".join(left["waivers"]), "main", Stage.STAGING, today)
    assert found.notes == ()
    [waiver] = found.waivers
    assert (waiver.resource, waiver.loss) == (urn("staging", t.WORKER_VERSION, "clerk-version"), "store-switched")
    assert old.id not in out


def test_a_plan_changes_nothing(run: Run, place: Place, stack: Stack) -> None:
    key, old = place.backup().key, place.databases["staging"]
    old.delete()
    code, out, err = run("staging", "--from", key, "--plan")
    assert (code, err) == (0, "")
    assert "all that was written since" in out
    assert "nothing is replaced or deleted" in " ".join(out.split())
    assert (d1.find(old.api, old.account, old.name), stack.known["id"]) == (None, old.id)
    assert not [key for key in place.s3.there if key.startswith("delivery/")]


def test_production_takes_a_digest_and_no_yes(run: Run, place: Place, pulumi: FakePulumi) -> None:
    stack, key = Stack(pulumi, place, "production"), place.backup("production").key
    place.databases["production"].delete()
    code, _, err = run("production", "--from", key, "--yes", "production")
    assert code == 1
    assert "--apply: is missing" in err
    digest = json.loads(run("production", "--from", key, "--plan", "--json")[1])["digest"]
    assert run("production", "--from", key, "--apply", "0" * 64)[0] == 1
    assert run("production", "--from", key, "--apply", digest)[0] == 3
    assert stack.nicks() == ["ann"]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("harbor-production-d1-main", "names production"),
        ("Not A Name", "bulkhead:stores.databases.main"),
    ],
)
def test_a_name_that_the_settings_would_not_take_is_refused_before_anything(
    name: str, says: str, run: Run, place: Place, stack: Stack
) -> None:
    code, _, err = run("staging", "--from", place.backup().key, "--name", name, "--yes", "staging")
    assert code == 1
    assert says in err
    assert stack.pulumi.asked == []


def test_one_that_is_not_gone_is_not_made_again_under_its_name(run: Run, place: Place, stack: Stack) -> None:
    code, _, err = run("staging", "--from", place.backup().key, "--yes", "staging")
    assert code == 1
    assert "is not gone" in err
    assert "--name NAME" in err
    assert stack.nicks() == ["bob"]


@pytest.mark.parametrize(("options", "says"), [([], "nobody restores without a name"), (["--undo"], "is open")])
def test_without_a_backup_or_a_run_nothing_begins(
    options: list[str], says: str, run: Run, place: Place, stack: Stack
) -> None:
    place.databases["staging"].delete()
    code, _, err = run("staging", *options, "--yes", "staging")
    assert code == 1
    assert says in err
    assert not any("import" in asked for asked in stack.pulumi.asked)


def test_an_engine_that_fails_leaves_users_waiting_and_the_same_command_goes_on(
    run: Run, place: Place, stack: Stack
) -> None:
    key = place.backup().key
    place.databases["staging"].delete()
    stack.pulumi.fails("refresh", "the provider is ill")
    code, out, err = run("staging", "--from", key, "--yes", "staging")
    assert code == 3
    assert "the provider is ill" in out + err
    assert "bulkhead restore anew staging main continues it" in out
    (stack.pulumi.folder / "fails-refresh").unlink()
    assert main(["restore", "staging", "main", "--token-env", "TOKEN_STAGING", "--yes", "staging"]) == 1
    code, out, _ = run("staging", "--yes", "staging")
    assert code == 3
    assert "What is left, in this order" in out
    assert (stack.nicks(), place.maintenance()) == (["ann"], "on")
    assert ACCOUNTS["staging"][0] == place.databases["staging"].account
