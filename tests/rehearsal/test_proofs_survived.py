"""The proof that a call which fails half-way is survived: it fails where nobody met it, where an up stops silently,
and where something is nobody's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bulkhead.localclouds.api.faults import Failing
from bulkhead.rehearsal.evidence import Outcome
from bulkhead.rehearsal.mishaps import Mishaps
from bulkhead.resources import types as t
from tests.support.scene import FAILED, Break, World


def known(world: World) -> Mishaps:
    assert world.scene.mishaps is not None
    return world.scene.mishaps


def never_met(world: World) -> None:
    known(world).planned = (FAILED, replace(FAILED, failing=Failing.BEFORE))


def silent(world: World) -> None:
    known(world).complaints.append("development: up failed. 502")


def forgotten(world: World) -> None:
    stack = world["development"].stack
    stack.left, stack.gone = [one for one in stack.resources() if one["type"] != t.D1_DATABASE], True


BREAKS = (
    Break("mishaps", "a failure that nobody met", never_met, "connection dropped", "it was not asked"),
    Break("mishaps", "an up that stops without a word", silent, "to name `bulkhead adopt`", "up failed. 502"),
    Break("mishaps", "a resource that is nobody's", forgotten, "to know all that its clouds have", "D1Database"),
)


@pytest.mark.parametrize("broken", BREAKS, ids=str)
def test_what_is_broken_is_not_proven(broken: Break, tmp_path: Path) -> None:
    broken.check(tmp_path)


def test_it_is_told_what_failed_and_the_seed_that_repeats_it(tmp_path: Path) -> None:
    assert World(tmp_path).verdict("mishaps").evidence == (
        "--seed 7: POST /accounts/{account_id}/queues: 502 after the work was done; "
        "up stopped 1x, adopted: queue-events; then it converged"
    )


def test_a_rehearsal_in_which_no_call_was_to_fail_shows_nothing(tmp_path: Path) -> None:
    world = World(tmp_path)
    known(world).planned = ()
    assert world.verdict("mishaps").outcome is Outcome.NOT_SHOWN
