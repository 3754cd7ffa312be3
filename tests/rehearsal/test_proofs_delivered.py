"""The proofs of deliveries: each notices a bad release that stays or was met by nobody, a message that is lost, a kill
that nobody goes on from, and a migration that passes."""

from __future__ import annotations

import itertools
import json
import random
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bulkhead.clients.workers import Share
from bulkhead.delivery.journal import CONTINUE, END
from bulkhead.delivery.migrations import ledger
from bulkhead.delivery.migrations.files import Migration
from bulkhead.rehearsal.evidence import Outcome
from bulkhead.rehearsal.mishaps import Mishaps
from bulkhead.rehearsal.proofs.delivered import STEPS
from infra.product import PRODUCT
from tests.support.memory_delivery import MemoryReleases
from tests.support.scene import Break, World

KILLED_AT = "verify"  # by the seed of the world


def of(world: World) -> MemoryReleases:
    return world["staging"].releases


def stays(world: World) -> None:
    """The stage says that traffic has returned, and the assistant's stays where it is."""
    releases = of(world)

    def stick(message: str) -> None:
        if "back:" in message:
            releases.traffic.stuck = {releases.script("assistant")}

    releases.traffic.after.append(stick)


def ill_afterwards(world: World) -> None:
    def fall_ill(message: str) -> None:
        of(world).ill = "back:" in message

    of(world).traffic.after.append(fall_ill)


def nobody_comes(world: World) -> None:
    of(world).unreached = True


def handled_again(times: int) -> Callable[[World], None]:
    def do(world: World) -> None:
        of(world).repeats = times

    return do


def when_noted(step: str, effect: Callable[[World], object]) -> Callable[[World], None]:
    """Something happens as soon as a deployment has noted a step."""

    def do(world: World) -> None:
        bucket: Any = of(world).journal
        put = bucket.put_object

        def then(*, Body: bytes, **given: Any) -> Any:  # noqa: N803 - boto3's name
            answer = put(Body=Body, **given)
            if json.loads(Body).get("step") == step:
                effect(world)
            return answer

        bucket.put_object = then

    return do


def lost(world: World) -> None:
    """The bucket has nothing any more but who has the stage."""
    there = of(world).journal.there
    for key in [key for key in there if "lease" not in key]:
        del there[key]


def forgotten(world: World) -> None:
    """Of the run, the bucket has what was noted until its smoke test."""
    there = of(world).journal.there
    entries = sorted(key for key in there if "lease" not in key)
    smoke = next(index for index, key in enumerate(entries) if b'"smoke at 0 %"' in there[key])
    for key in entries[smoke + 1 :]:
        del there[key]


def clerk_goes_back(world: World) -> None:
    of(world).traffic.deploy(of(world).script("clerk"), [Share("clerk-1", 100)], "by hand")


def booking_fails(world: World) -> None:
    of(world).smokes = ["a booking: 500"]


def stale(world: World) -> None:
    of(world).stale = ["the cache was not purged: 403"]


def noted_already(world: World) -> None:
    drops = Migration("9999_drop.sql", 'DROP TABLE "members";')
    of(world).d1().write(*ledger.noting(drops))


def emptied(world: World) -> None:
    of(world).d1().write("DROP TABLE members;")


BREAKS = (
    Break("returns", "the bad version stays", stays, "one version of assistant to answer everybody", "90"),
    Break("returns", "visitors fail after it", ill_afterwards, "20 visits after the return", " failed"),
    Break("returns", "nobody reached it", nobody_comes, "requests that the bad release of assistant answered", "{"),
    Break("returns", "handled twice", handled_again(2), "handled as ever, {'clerk': 2}", "{'clerk': 3}"),
    Break("returns", "never handled", handled_again(0), "handled as ever, {'clerk': 2}", "{'clerk': 1}"),
    Break("returns", "seen by nobody", booking_fails, "requests that the bad release", "assistant-1"),
    Break(
        "continued",
        "never killed",
        booking_fails,
        "come to 'verify', where it is killed",
        "stopped: the new version",
    ),
    Break("continued", "its run is lost", when_noted(KILLED_AT, lost), "which was killed, to be found", "none"),
    Break("continued", "begun anew", when_noted(KILLED_AT, forgotten), "it to go on from 'verify'", "['smoke at 0 %'"),
    Break(
        "continued",
        "it ends otherwise",
        when_noted(CONTINUE, booking_fails),
        "to be continued from",
        "stopped: the stage",
    ),
    Break("continued", "a Worker without it", when_noted(END, clerk_goes_back), "every Worker to have", "not clerk"),
    Break("continued", "old caches", stale, "the caches to be purged and warmed", "was not purged: 403"),
    Break("contract", "it passes", noted_already, "9999_drop.sql to be refused", "it passed"),
    Break("contract", "no tables", emptied, "tables of the migrations in", "d1_migrations"),
)


@pytest.mark.parametrize("broken", BREAKS, ids=str)
def test_what_is_broken_is_not_proven(broken: Break, tmp_path: Path) -> None:
    broken.check(tmp_path)


def test_whoever_visits_and_whatever_is_called_in_the_middle_is_told(tmp_path: Path) -> None:
    evidence = World(tmp_path).verdict("returns").evidence
    assert evidence.startswith("staging: assistant went bad at 10 %; ")
    assert re.search(r"[1-9]\d* of [1-9]\d* requests reached it, [1-9]\d* visits failed, none of 2\d after", evidence)
    assert evidence.endswith("called by messages and crons in the middle as ever: clerk 2")


@pytest.mark.parametrize("step", STEPS)
def test_it_is_continued_from_whatever_step_the_seed_chooses(step: str, tmp_path: Path) -> None:
    world = World(tmp_path, ["staging"])
    seed = next(seed for seed in itertools.count() if random.Random(seed).choice(STEPS) == step)  # noqa: S311
    world.scene = replace(world.scene, mishaps=Mishaps(seed))
    assert f"killed at {step!r} and continued" in world.verdict("continued").evidence


@pytest.mark.parametrize("key", ["returns", "continued", "contract"])
def test_the_stage_has_its_own_code_afterwards(key: str, tmp_path: Path) -> None:
    world = World(tmp_path)
    world.verdict(key)
    assert of(world).serves_own_code


@pytest.mark.parametrize("key", ["returns", "continued"])
def test_a_stage_that_divides_no_requests_shows_nothing(key: str, tmp_path: Path) -> None:
    world = World(tmp_path)
    stages = {}
    for name, stage in world.scene.stages.items():
        rollout = stage.settings.rollout.model_copy(update={"strategy": "all-at-once"})
        stages[name] = replace(stage, settings=stage.settings.model_copy(update={"rollout": rollout}))
    world.scene = replace(world.scene, stages=stages)
    assert "rollout.strategy" in not_shown(world, key)


@pytest.mark.parametrize("key", ["returns", "continued"])
def test_a_product_without_probes_shows_nothing(key: str, tmp_path: Path) -> None:
    world = World(tmp_path)
    world.scene = replace(world.scene, product=replace(PRODUCT, probes=()))
    assert "no probes" in not_shown(world, key)


def test_a_bundle_in_which_no_fault_can_be_planted_shows_nothing(tmp_path: Path) -> None:
    world = World(tmp_path)
    (world.root / "worker/dist/assistant.js").write_text("export default {};")
    assert "no default export" in not_shown(world, "returns")


def test_a_product_whose_databases_have_no_migrations_shows_no_contract(tmp_path: Path) -> None:
    world = World(tmp_path)
    without = tuple(replace(each, migrations=None) for each in PRODUCT.databases)
    world.scene = replace(world.scene, product=replace(PRODUCT, databases=without))
    assert "no database with migrations" in not_shown(world, "contract")


def test_development_alone_shows_no_contract(tmp_path: Path) -> None:
    assert "another stage" in not_shown(World(tmp_path, ["development"]), "contract")


@pytest.mark.parametrize("key", ["returns", "continued", "contract"])
def test_production_alone_shows_it_too(key: str, tmp_path: Path) -> None:
    verdict = World(tmp_path, ["production"]).verdict(key)
    assert (verdict.outcome, verdict.evidence.partition(":")[0]) == (Outcome.PROVEN, "production")


def not_shown(world: World, key: str) -> str:
    verdict = world.verdict(key)
    assert verdict.outcome is Outcome.NOT_SHOWN, verdict
    return verdict.evidence
