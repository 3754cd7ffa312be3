"""`bulkhead adopt`: shows what it found, asks, imports, and says loudly when the next `up` would lose something."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import bulkhead.cli.adopt
from bulkhead.cli.console import Console
from bulkhead.operations.adopt import Found
from bulkhead.resources import types as t
from tests.support.adopt_command import AdoptCommand
from tests.support.adoption import ACCOUNT, D1, QUEUE, VERSION, FakeEngine, FakeFinder, Plan

Run = Callable[..., tuple[int, str, str]]
Give = Callable[[FakeEngine, FakeFinder], FakeEngine]

FOUND = {"main": Found("the-id", f"{ACCOUNT}/the-id")}


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> AdoptCommand:
    return AdoptCommand(tmp_path, monkeypatch, capsys)


@pytest.fixture
def give(command: AdoptCommand) -> Give:
    return command.give


@pytest.fixture
def run(command: AdoptCommand) -> Run:
    return command.run


def lost() -> Plan:
    """The plan for a stage whose state is lost: a database, a queue with its consumer, a version."""
    plan = Plan()
    plan.create(D1, "main", {"name": "harbor-production-d1-main"})
    queue = plan.create(QUEUE, "events", {"queueName": "harbor-production-queue-events"})
    consumer = {"accountId": ACCOUNT, "queueId": queue, "scriptName": "harbor-production-worker-clerk"}
    plan.create(t.QUEUE_CONSUMER, "events-consumer", consumer)
    plan.create(VERSION, "web-version")
    return plan


def with_database(op: str, **more: Any) -> Plan:
    plan = Plan(standing=True)
    plan.step(op, D1, "main", **more)
    return plan


def test_what_exists_is_imported_and_what_the_next_up_does_is_shown(run: Run, give: Give) -> None:
    finder = FakeFinder({**FOUND, "events-consumer": Found("c1", "c1")})
    engine = give(FakeEngine(lost(), with_database("update", reasons=["readReplication"])), finder)

    code, out, err = run("production", "--yes", "production")

    assert (code, err) == (0, "")
    [(document, protect)] = engine.taken
    assert protect
    assert [one["id"] for one in document["resources"]] == [f"{ACCOUNT}/the-id"]
    lines = {" ".join(line.split()) for line in out.splitlines()}
    assert "main D1Database will be imported: the-id" in lines
    assert "events Queue does not exist: up makes a new one" in lines
    assert "web-version WorkerVersion made again by up: the code is uploaded again, as a new version" in lines
    assert "Imported: 1 D1Database. No cloud was changed." in lines
    assert "update main D1Database readReplication" in lines
    removal, up = out.splitlines()[-2:]
    assert removal.endswith(
        "queues consumer worker remove harbor-production-queue-events harbor-production-worker-clerk"
    )
    assert up.strip() == "pulumi up -s production"


def test_a_program_gets_one_document(run: Run, give: Give) -> None:
    give(FakeEngine(lost(), with_database("update", reasons=["readReplication"])), FakeFinder(FOUND))
    code, out, _ = run("production", "--yes", "production", "--json")
    document = json.loads(out)
    assert (code, document["stage"], document["imported"]) == (0, "production", 1)
    assert {one["name"]: one["outcome"] for one in document["resources"]} == {
        "main": "import",
        "events": "missing",
        "events-consumer": "missing",
        "web-version": "again",
    }
    assert document["changes"] == [{"action": "update", "type": D1, "name": "main", "why": ["readReplication"]}]
    assert document["next"] == ["pulumi up -s production"]


def test_only_production_is_protected_by_the_import(run: Run, give: Give) -> None:
    engine = give(FakeEngine(lost()), FakeFinder(FOUND))
    assert run("staging", "--yes", "staging")[0] == 0
    assert [protect for _, protect in engine.taken] == [False]


def test_the_profile_reaches_the_stack_and_the_clouds(command: AdoptCommand) -> None:
    command.give(FakeEngine(lost()), FakeFinder(FOUND))
    command.run("pr-42", "--yes", "pr-42", "--profile", "admin")
    assert command.asked == [("pr-42", command.root, "admin"), ("clouds", "admin")]


def test_nothing_of_the_credentials_is_left_behind(run: Run, give: Give) -> None:
    engine = give(FakeEngine(lost()), FakeFinder(FOUND))
    run("production", "--yes", "production")
    assert len(engine.files) == 2
    assert not any(file.parent.exists() for file in engine.files)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nowhere",), "is no stage"),
        (("production", "--yes", "staging"), "confirms 'staging', but this would adopt 'production'"),
        (("pr-42", "--identities"), "the stack of a pull request is deployed by development's identities"),
    ],
)
def test_nothing_is_asked_for_what_is_refused_anyway(run: Run, arguments: tuple[str, ...], said: str) -> None:
    code, _, err = run(*arguments)
    assert code == 1
    assert said in err


def test_a_script_must_name_the_stage(run: Run, give: Give) -> None:
    engine = give(FakeEngine(lost()), FakeFinder(FOUND))
    code, out, err = run("production")
    assert code == 1
    assert "will be imported: the-id" in out
    assert "1 D1Database would be imported" in err
    assert "fix: --yes production" in err
    assert engine.taken == []


@pytest.mark.parametrize(("answer", "imports"), [("production\n", 1), ("yes\n", 0), ("", 0)])
def test_a_person_types_the_stage(
    run: Run, give: Give, monkeypatch: pytest.MonkeyPatch, answer: str, imports: int
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    shown = Terminal()
    monkeypatch.setattr(bulkhead.cli.adopt, "Console", partial(Console, stdin=Terminal(answer), stdout=shown))
    engine = give(FakeEngine(lost()), FakeFinder(FOUND))
    assert run("production")[0] == (0 if imports else 1)
    assert len(engine.taken) == imports
    assert "This adopts, in production:" in shown.getvalue()


def test_there_may_be_nothing_to_import(run: Run, give: Give) -> None:
    engine = give(FakeEngine(Plan(standing=True)), FakeFinder({}))
    code, out, _ = run("production")
    assert code == 0
    assert "There is nothing to import." in out
    assert "The next up would change nothing." in out
    assert engine.taken == []


def test_a_next_up_that_would_replace_a_store_is_refused_loudly(run: Run, give: Give) -> None:
    replaced = with_database("replace", inputs={"name": "new"}, was={"name": "old"}, reasons=["name"])
    engine = give(FakeEngine(lost(), replaced), FakeFinder(FOUND))
    code, _, err = run("production", "--yes", "production")
    assert code == 1
    assert len(engine.taken) == 1
    assert "Do not bring production up" in err
    assert "main: D1Database: the next up would replace it because of name old -> new" in err
    assert "pulumi preview --diff -s production" in err


def test_so_is_one_that_would_delete_what_the_product_no_longer_has(run: Run, give: Give) -> None:
    give(FakeEngine(with_database("delete", was={"name": "old"})), FakeFinder({}))
    code, out, err = run("production", "--json")
    assert code == 1
    assert "the next up would delete it" in err
    [fault] = json.loads(out)["faults"]
    assert "pulumi state delete" in fault["fix"]
