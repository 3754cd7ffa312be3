"""The last proofs: the stages are gone, the report is clean, nothing is left. Each notices what is not so."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from bulkhead.machine import rundir
from bulkhead.machine.environment import MARK
from bulkhead.rehearsal.evidence import Outcome, StageReport, Verdict
from tests.support.scene import Break, World

KEYS = ("staging-goes", "report", "no-trace")


def ended(world: World) -> None:
    rundir.remove(world.run.path)


def watched(world: World) -> None:
    ended(world)
    world.watched = True


def shows_in_a_verdict(world: World) -> None:
    seen = f"Bearer {world['staging'].canaries['githubToken']}"
    verdict = Verdict("answers", "each Worker answers", Outcome.FAILED, "", "200", seen)
    world.report = replace(world.report, verdicts=(verdict,))


def shows_in_a_stage(world: World) -> None:
    url = f"http://127.0.0.1/?key={world['staging'].canaries['sessionKey']}"
    world.report = replace(world.report, stages=(StageReport("staging", "staging", url, (), {}, {}),))


def nothing_planted(world: World) -> None:
    for part in world.parts.values():
        part.canaries.clear()


def half_gone(world: World) -> None:
    world.forget("development")
    world["development"].stack.left.append({"urn": "urn:x", "type": "t"})


BREAKS = (
    Break(
        "staging-goes",
        "staging's key stays",
        lambda w: w["staging"].stack.afterwards.append(lambda: w["staging"].aws.update(keys=["k-1"])),
        "nothing in staging's AWS account",
        "keys: k-1",
    ),
    Break(
        "staging-goes",
        "staging was never there",
        lambda w: w.forget("staging"),
        "resources of staging in the clouds",
        "none",
    ),
    Break(
        "staging-goes",
        "production is gone",
        lambda w: w.forget("production"),
        "resources of production in the clouds",
        "none",
    ),
    Break(
        "staging-goes",
        "the engine knows development, its clouds do not",
        half_gone,
        "resources of development in the clouds",
        "none",
    ),
    Break(
        "staging-goes",
        "the engine fails",
        lambda w: setattr(w["staging"].stack, "refusal", "bucket is not empty"),
        "the proof to run to its end",
        "bucket is not empty",
    ),
    Break("report", "a secret in a verdict", shows_in_a_verdict, "no secret in the report", "staging:githubToken"),
    Break("report", "a secret in a stage", shows_in_a_stage, "no secret in the report", "staging:sessionKey"),
    Break("report", "nothing to look for", nothing_planted, "planted secrets to look for", "none"),
    Break("no-trace", "the directory stays", lambda w: None, "no process, lock or temporary directory", "directory /"),
    Break("no-trace", "the watchdog stays", watched, "no process, lock or temporary directory", "the watchdog"),
)


@pytest.mark.parametrize("broken", BREAKS, ids=str)
def test_what_is_broken_is_not_proven(broken: Break, tmp_path: Path) -> None:
    broken.check(tmp_path)


@pytest.mark.parametrize("key", KEYS)
def test_a_healthy_end_is_proven_with_evidence(key: str, tmp_path: Path) -> None:
    world = World(tmp_path)
    if key == "no-trace":
        ended(world)
    verdict = world.verdict(key)
    assert (verdict.outcome, verdict.expected, verdict.seen) == (Outcome.PROVEN, "", "")
    assert any(character.isdigit() for character in verdict.evidence)


def test_a_process_that_outlives_the_rehearsal_is_named(tmp_path: Path) -> None:
    world = World(tmp_path)
    ended(world)
    left = subprocess.Popen(["sleep", "60"], env={**os.environ, MARK: world.run.mark})
    try:
        verdict = world.verdict("no-trace")
    finally:
        left.kill()
        left.wait()
    assert verdict.outcome is Outcome.FAILED
    assert f"process {left.pid} sleep" in verdict.seen
    assert world.verdict("no-trace").outcome is Outcome.PROVEN


def test_what_is_kept_is_not_called_gone(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.run = replace(world.run, temporary=False)
    verdict = world.verdict("no-trace")
    assert verdict.outcome is Outcome.NOT_SHOWN
    assert "bulkhead rehearse --stop" in verdict.evidence


def test_development_that_went_before_is_not_removed_again(tmp_path: Path) -> None:
    world = World(tmp_path)
    assert world.verdict("development-goes").outcome is Outcome.PROVEN
    assert world.verdict("staging-goes").evidence.startswith("development: gone before; staging: ")
    assert world["development"].stack.destroyed == [False]


def test_development_that_stayed_is_removed_with_staging(tmp_path: Path) -> None:
    world = World(tmp_path)
    count = len(world.store.all(environment="development"))
    assert f"development: {count} resources removed" in world.verdict("staging-goes").evidence
    assert world.store.all(environment="development") == []
    assert world["production"].stack.destroyed == []


def test_without_staging_its_end_is_not_shown_but_the_others_go(tmp_path: Path) -> None:
    world = World(tmp_path, ["development"])
    verdict = world.verdict("staging-goes")
    assert verdict.outcome is Outcome.NOT_SHOWN
    assert "development: " in verdict.evidence
    assert world.store.all() == []
