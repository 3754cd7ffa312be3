"""`bulkhead settle`: what an `up` had begun is looked for, shown, and written into the state when somebody says so."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from bulkhead.cli.main import main
from bulkhead.model.faults import Refused
from bulkhead.operations.adopt import Found, Wanted, everywhere
from bulkhead.operations.adopt.keys import KeyFinder
from bulkhead.resources import types as t
from tests.support.adoption import FakeFinder
from tests.support.checkout import work_in
from tests.support.fake_pulumi import FakePulumi
from tests.support.settings_fixture import write_stage_files

Run = Callable[..., tuple[int, str, str]]
STANDING = {"urn": "urn:pulumi:s::p::t::standing", "type": t.R2_BUCKET, "custom": True, "id": "standing"}


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakePulumi:
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    work_in(monkeypatch, checkout)
    write_stage_files(checkout)
    fake = FakePulumi(tmp_path / "pulumi")
    monkeypatch.setenv("PATH", str(fake.bin), prepend=":")
    return fake


@pytest.fixture
def run(
    pulumi: FakePulumi, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    def call(*arguments: str, there: Mapping[str, Found] | None = None, types: tuple[str, ...] = ()) -> Any:
        finder = FakeFinder(there or {}, types)
        monkeypatch.setattr(everywhere, "finder_of", lambda *_: nullcontext(finder))
        monkeypatch.setattr(everywhere, "finder_of_begun", lambda found, *_: found)
        code = main(["settle", *arguments])
        return code, *capsys.readouterr()

    assert pulumi
    return call


def creating(name: str, type_: str = t.D1_DATABASE, operation: str = "creating") -> dict[str, Any]:
    urn = f"urn:pulumi:staging::bulkhead::{type_}::{name}"
    inputs = {"accountId": "a", "name": f"harbor-staging-{name}", "secret": {"4dabf18193072939515e22adb298388d": "x"}}
    return {"type": operation, "resource": {"urn": urn, "type": type_, "custom": True, "inputs": inputs}}


def state(pulumi: FakePulumi) -> dict[str, Any]:
    deployment: dict[str, Any] = json.loads((pulumi.folder / "state.json").read_text())["deployment"]
    return deployment


def test_what_exists_is_taken_in_and_what_does_not_is_forgotten(run: Run, pulumi: FakePulumi) -> None:
    pulumi.holds([STANDING], [creating("main"), creating("other"), creating("v", t.WORKER_VERSION)])
    code, out, err = run("staging", "--yes", "staging", there={"main": Found("the-id", "a/the-id")})
    assert (code, err) == (0, "")
    assert "exists, and is taken into the state: the-id" in " ".join(out.split())
    found = state(pulumi)
    assert not found.get("pending_operations")
    assert [(one["urn"].rpartition("::")[2], one["id"]) for one in found["resources"]] == [
        ("standing", "standing"),
        ("main", "the-id"),
    ]
    [refresh] = [asked for asked in pulumi.asked if "refresh" in asked]
    assert f"--target {creating('main')['resource']['urn']} --stack staging" in refresh


@pytest.mark.parametrize("options", [["--plan"], []])
def test_nothing_is_changed_by_a_plan_or_without_a_yes(run: Run, pulumi: FakePulumi, options: list[str]) -> None:
    pulumi.holds([STANDING], [creating("main")])
    code, out, err = run("staging", *options, there={"main": Found("the-id", "x")})
    assert code == (0 if options else 1)
    assert "the-id" in out
    assert ("--yes staging" in err) is not bool(options)
    assert state(pulumi)["pending_operations"] == [creating("main")]
    assert not any("import" in asked or "refresh" in asked for asked in pulumi.asked)


def test_a_yes_for_another_stage_is_refused_before_anything_is_asked(run: Run, pulumi: FakePulumi) -> None:
    code, _, err = run("staging", "--yes", "production")
    assert code == 1
    assert "would settle 'staging'" in err
    assert pulumi.asked == []


def test_in_production_what_was_not_found_has_to_be_named(run: Run, pulumi: FakePulumi) -> None:
    pulumi.holds([], [creating("main")])
    code, _, err = run("production", "--yes", "production")
    assert code == 1
    assert "the next up makes a second D1Database" in err
    assert "bulkhead settle production --forget main" in err
    assert state(pulumi)["pending_operations"] == [creating("main")]
    code, _, err = run("production", "--yes", "production", "--forget", "main")
    assert (code, err) == (0, "")
    assert not state(pulumi).get("pending_operations")


def test_what_cannot_be_looked_for_a_person_looks_up(run: Run, pulumi: FakePulumi) -> None:
    pulumi.holds([], [creating("main")])
    code, _, err = run("staging", "--yes", "staging", types=(t.KMS_KEY,))
    assert code == 1
    assert "--found main=<its id>" in err
    code, _, err = run("staging", "--yes", "staging", "--found", "main=seen", types=(t.KMS_KEY,))
    assert (code, err) == (0, "")
    assert [one["id"] for one in state(pulumi)["resources"]] == ["seen"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--found", "other=1"], "--found other: is nothing that was begun"),
        (["--found", "main"], "--found main: names no id"),
        (["--forget", "other"], "--forget other: is nothing that was begun"),
    ],
)
def test_a_name_that_nothing_has_is_refused(run: Run, pulumi: FakePulumi, options: list[str], says: str) -> None:
    pulumi.holds([], [creating("main")])
    code, _, err = run("staging", "--yes", "staging", *options)
    assert code == 1
    assert says in err


def test_a_stage_without_anything_begun_is_settled(run: Run, pulumi: FakePulumi) -> None:
    pulumi.holds([STANDING])
    code, out, _ = run("staging", "--json")
    assert code == 0
    assert json.loads(out)["settled"] is False
    assert not any("import" in asked for asked in pulumi.asked)


def test_a_program_gets_one_document(run: Run, pulumi: FakePulumi) -> None:
    pulumi.holds([], [creating("main"), creating("main2", operation="updating")])
    code, out, _ = run("staging", "--yes", "staging", "--json", there={"main": Found("the-id", "x")})
    document = json.loads(out)
    assert code == 0
    assert [(one["name"], one["outcome"], one["id"]) for one in document["resources"]] == [("main", "exists", "the-id")]
    assert document["next"] == ["bulkhead preview staging"]


class Keys:
    """KMS as the finder asks it."""

    def __init__(self, *keys: dict[str, Any]) -> None:
        self.keys = {key["KeyId"]: key for key in keys}

    def get_paginator(self, operation: str) -> Any:
        class Pages:
            def paginate(_self, **request: Any) -> list[dict[str, Any]]:  # noqa: N805
                if operation == "list_keys":
                    return [{"Keys": [{"KeyId": id_} for id_ in self.keys]}]
                tags = self.keys[request["KeyId"]]["tags"]
                return [{"Tags": [{"TagKey": key, "TagValue": value} for key, value in tags.items()]}]

        return Pages()

    def describe_key(self, KeyId: str) -> dict[str, Any]:  # noqa: N803
        return {"KeyMetadata": {"KeyManager": "CUSTOMER", "KeyState": "Enabled", **self.keys[KeyId]}}


def key(id_: str, description: str = "Backups of harbor staging", **more: Any) -> dict[str, Any]:
    return {"KeyId": id_, "Description": description, "tags": {"environment": "staging"}, **more}


@pytest.mark.parametrize(
    ("keys", "found"),
    [
        ([key("a")], "a"),
        ([key("known"), key("a")], "a"),
        ([key("b", "Alarms of harbor staging"), key("a", KeyState="PendingDeletion")], None),
        ([key("b", tags={"environment": "production"})], None),
        ([key("b", KeyManager="AWS")], None),
        ([key("a"), key("b")], "refused"),
    ],
)
def test_a_key_without_an_alias_is_found_by_what_it_says(keys: list[Any], found: str | None) -> None:
    inputs = {"description": "Backups of harbor staging", "tags": {"environment": "staging"}}
    wanted = Wanted("urn", t.KMS_KEY, "vault-key", inputs, known=frozenset({"known"}))
    finder = KeyFinder(FakeFinder({}, (t.D1_DATABASE,)), lambda _service: Keys(*keys))
    assert finder.knows(t.KMS_KEY)
    if found == "refused":
        with pytest.raises(Refused, match="cannot be told"):
            finder.find(wanted)
        return
    answer = finder.find(wanted)
    assert (answer.id if answer else None) == found
