"""The proof about redacted twins: it fails when one tells too much, and when one tells too little."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bulkhead.rehearsal.evidence import Outcome
from tests.support.records import DATABASE
from tests.support.scene import Break, World


def twin(what: str, expected: str, seen: str, stage: str = "staging", **attributes: Any) -> Break:
    def do(world: World) -> None:
        for name, value in attributes.items():
            setattr(world[stage].stack.twin, name, value)

    return Break("twins", f"{stage}: {what}", do, expected, seen)


def identities_differ(world: World) -> None:
    world["staging"].identities.twin.changes = {"update": 1}


def writes(text: Callable[[World], str]) -> Callable[[World], object]:
    """The twin's preview says this in its log."""

    def do(world: World) -> None:
        world["production"].stack.twin.writes = f"engine: {text(world)}"

    return do


def settings_leak(world: World) -> None:
    """A setting holds a secret that nobody marked as one."""
    work = world.run.work("staging")
    (work / "Pulumi.staging.yaml").write_text(f"config: {{bulkhead:note: {world['staging'].canaries['githubToken']}}}")


def state_leaks(world: World) -> None:
    record = world.record("staging", DATABASE)
    world.change("staging", DATABASE, password=record.id * 2)


BREAKS = (
    twin(
        "a change is seen", "a preview on the twin of staging to change nothing", "{'update': 2}", changes={"update": 2}
    ),
    twin("less is seen", "a preview on the twin of staging to look at all", "it saw 0", changes={"same": 0}),
    Break("twins", "identities differ", identities_differ, "on the twin of staging to change nothing", "{'update': 1}"),
    Break(
        "twins",
        "nothing in the state",
        lambda world: world.forget("staging"),
        "a preview on the twin of staging to find resources in the state",
        "none",
    ),
    twin(
        "a loss is not seen",
        "the replacement of development's databases to be seen on its twin",
        "nothing",
        "development",
        blind=True,
    ),
    Break(
        "twins",
        "a log tells a secret",
        writes(lambda world: world["staging"].canaries["githubToken"]),
        "no secret in logs/production-",
        "staging:githubToken",
    ),
    Break(
        "twins",
        "a log tells the passphrase",
        writes(lambda world: world.run.passphrase),
        "no secret in logs/production-",
        "the passphrase of the states",
    ),
    Break("twins", "a setting is secret", settings_leak, "no secret in twins/staging/", "staging:githubToken"),
    Break("twins", "a secret is not marked", state_leaks, "the proof to run to its end", "inputs.password: "),
    Break(
        "twins",
        "a resource of another stack",
        lambda world: world.add("staging", "t:index:T", "strange"),
        "the proof to run to its end",
        "urn:strange",
    ),
)


@pytest.mark.parametrize("broken", BREAKS, ids=str)
def test_what_is_broken_is_not_proven(broken: Break, tmp_path: Path) -> None:
    broken.check(tmp_path)


@pytest.mark.parametrize("broken", [None, *BREAKS], ids=str)
def test_nothing_of_a_twin_is_left(broken: Break | None, tmp_path: Path) -> None:
    world = World(tmp_path)
    if broken:
        broken.do(world)
    world.verdict("twins")
    assert not (world.run.path / "twins").exists()


def test_a_protected_stage_shows_the_loss_by_stopping(tmp_path: Path) -> None:
    world = World(tmp_path, ["production"])
    twin = world["production"].stack.twin
    twin.refusal = f'unable to replace resource "urn:pulumi:production::harbor::{DATABASE}::d1-main": it is protected'
    verdict = world.verdict("twins")
    assert verdict.outcome is Outcome.PROVEN
    assert "seen in production (the engine refuses to replace what is protected)" in verdict.evidence


@pytest.mark.parametrize("reason", ["there is no engine", 'unable to replace "kv-sessions": it is protected'])
def test_another_reason_to_stop_shows_no_loss(reason: str, tmp_path: Path) -> None:
    world = World(tmp_path, ["production"])
    world["production"].stack.twin.refusal = reason
    verdict = world.verdict("twins")
    assert verdict.outcome is Outcome.FAILED
    assert "the replacement of production's databases" in verdict.expected
