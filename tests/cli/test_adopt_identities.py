"""`bulkhead adopt --identities`: the stack of who may do what, with the credentials that make it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bulkhead.operations.adopt import Found
from bulkhead.resources import types as t
from tests.support.adopt_command import AdoptCommand
from tests.support.adoption import ACCOUNT, FakeEngine, FakeFinder, Plan, token_in_state


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> AdoptCommand:
    """The identities of production are configured with a profile."""
    (tmp_path / "identities").mkdir()
    (tmp_path / "identities" / "Pulumi.production.yaml").write_text("config:\n  identities:awsProfile: makes-roles\n")
    return AdoptCommand(tmp_path, monkeypatch, capsys)


def no_identities() -> Plan:
    """The plan for identities whose state is lost: a role, and a token for each of two slots."""
    plan = Plan()
    plan.create("aws:iam/role:Role", "roles-deploy", {"name": "bulkhead-production"})
    for slot in ("a", "b"):
        name = f"harbor-production-token-deploy-{slot}"
        plan.create(t.ACCOUNT_TOKEN, f"tokens-deploy-{slot}", {"accountId": ACCOUNT, "name": name})
    return plan


@pytest.mark.parametrize(
    ("options", "profile", "looks_as"), [((), None, "makes-roles"), (("--profile", "admin"), "admin", "admin")]
)
def test_identities_are_a_stack_of_their_own_and_not_protected(
    command: AdoptCommand, options: tuple[str, ...], profile: str | None, looks_as: str
) -> None:
    there = {"roles-deploy": Found("bulkhead-production", "bulkhead-production"), "tokens-deploy-a": Found("t1", "t1")}
    engine = command.give(FakeEngine(no_identities()), FakeFinder(there))

    code, out, err = command.run("production", "--identities", "--yes", "production", *options)

    assert (code, err) == (0, "")
    assert command.asked == [
        ("production", command.root / "identities", profile),
        ("clouds of the identities", looks_as),
    ]
    [(document, protect)] = engine.taken
    assert not protect
    assert [one["id"] for one in document["resources"]] == ["bulkhead-production"]
    lines = {" ".join(line.split()) for line in out.splitlines()}
    assert any(
        line.startswith("tokens-deploy-a AccountToken exists, but its value is told only once") for line in lines
    )
    assert "tokens-deploy-b AccountToken does not exist: up makes a new one" in lines
    up, handing_over, revocation = (line.strip() for line in out.splitlines()[-3:])
    assert up == "pulumi up -C identities -s production"
    assert handing_over == (
        "pulumi stack output deployToken --show-secrets -C identities -s production"
        " | bulkhead secrets set production cloudflareApiToken"
    )
    assert revocation.endswith(f"/accounts/{ACCOUNT}/tokens/t1")


def test_no_token_is_handed_over_where_none_is_new(command: AdoptCommand) -> None:
    command.give(FakeEngine(Plan(standing=True)), FakeFinder({}))
    code, out, _ = command.run("production", "--identities", "--json")
    document = json.loads(out)
    assert (code, document["identities"], document["next"]) == (0, True, ["pulumi up -C identities -s production"])


def test_a_token_that_the_state_does_not_know_is_shown_with_the_command_that_ends_it(command: AdoptCommand) -> None:
    engine = command.give(FakeEngine(Plan(standing=True)), FakeFinder({"tokens-deploy-a": Found("t9", "t9")}))
    engine.standing = [token_in_state("tokens-deploy-a", "t1")]

    code, out, err = command.run("production", "--identities")

    assert (code, err) == (0, "")
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert any(line.startswith("tokens-deploy-a AccountToken another one of this name exists") for line in lines)
    up, revocation = lines[-2:]
    assert up == "pulumi up -C identities -s production"
    assert revocation.endswith(f"/accounts/{ACCOUNT}/tokens/t9")


def test_identities_without_a_profile_are_not_looked_for_with_whatever_there_is(command: AdoptCommand) -> None:
    (command.root / "identities" / "Pulumi.production.yaml").write_text("config: {}\n")
    engine = command.give(FakeEngine(no_identities()), FakeFinder({}))
    code, _, err = command.run("production", "--identities", "--yes", "production")
    assert code == 1
    assert (
        "pulumi config set identities:awsProfile <profile that may see roles> -C identities --stack production" in err
    )
    assert engine.files == []


def test_a_role_that_would_be_replaced_is_a_loss_and_the_commands_are_about_the_identities(
    command: AdoptCommand,
) -> None:
    after = Plan(standing=True)
    role = "aws:iam/role:Role"
    after.step("replace", role, "roles-deploy", {"path": "/"}, was={"path": "/ours/"}, reasons=["path"])
    after.step("delete", role, "roles-old", was={"name": "old"})
    command.give(FakeEngine(no_identities(), after), FakeFinder({"roles-deploy": Found("r", "r")}))
    code, _, err = command.run("production", "--identities", "--yes", "production")
    assert code == 1
    assert "Do not bring production's identities up" in err
    assert "the next up would replace it because of path /ours/ -> /" in err
    assert "`pulumi preview --diff -C identities -s production`" in err
    assert "`pulumi state delete -C identities -s production`" in err
