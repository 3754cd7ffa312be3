"""What simulated rollouts are made of, and what the rule does with few of them; `make bench` asks thousands."""

from __future__ import annotations

from statistics import mean

import pytest

from benchmarks import rollouts
from benchmarks.rollout_rules import ARGO, FLAGGER, LIVE, ours
from benchmarks.rollout_world import BAD, GOOD, World


def test_a_world_follows_from_its_seed() -> None:
    def told(seed: int) -> list[object]:
        world = World("low rate", 15, seed)
        return [world.before(), *(world.minute(at, 50) for at in range(20))]

    assert told(1) == told(1) != told(2)


def worse(kind: str) -> float:
    """Return by how much a new version is worse: requests that it fails in a minute, and how much longer users wait."""
    met = [World(kind, 50, seed).minute(at, 50) for seed in range(8) for at in range(61)]
    times = [(each.minute.new, each.minute.stable) for each in met]
    ratio = mean((new.p95 or 1) / (old.p95 or 1) for new, old in times if new and old and new.p95 and old.p95)
    more = mean(each.minute.stable.errors for each in met if each.minute.stable)  # what it spoils fails on stable, too
    return sum(each.failed for each in met) / len(met) + max(0.0, ratio - 1.2) + max(0.0, more - 2.5)


@pytest.mark.parametrize("kind", BAD)
def test_each_bad_version_is_worse_than_stable(kind: str) -> None:
    assert worse(kind) > 0.3


@pytest.mark.parametrize("kind", sorted(set(GOOD)))
def test_no_good_version_is_worse_than_stable(kind: str) -> None:
    assert worse(kind) < 0.1


def test_thresholds_send_a_dead_version_back_and_let_a_subtle_one_through() -> None:
    assert ARGO(World("dead", 50, 1)).how == FLAGGER(World("dead", 50, 1)).how == "back"
    assert ARGO(World("rots late", 50, 1)).how == LIVE


def test_a_good_version_goes_live_and_a_dead_one_does_not_whatever_the_traffic() -> None:
    for traffic in rollouts.TRAFFIC:
        assert ours()(World("dead", traffic, 1)).how == "back"
    assert ours()(World("good", 50, 4)).how == LIVE
    assert ours("canary")(World("good", 1, 4)).how == "hold"


def test_every_figure_that_is_promised_is_measured() -> None:
    found = rollouts.simulate(2, traffic=[50])
    promised = [name for name in rollouts.BENCHMARK.limits if name.startswith("50/min")]
    assert promised
    assert set(promised) <= found.keys()


def test_few_rollouts_keep_what_thousands_are_measured_for() -> None:
    found = rollouts.simulate(110, traffic=[50])
    assert found["50/min, ours: bad live, %"] <= rollouts.BAD_LIVE
    assert found["50/min, ours: good sent back, %"] <= rollouts.GOOD_BACK
    assert found["50/min, Argo: bad live, %"] > 10 * rollouts.BAD_LIVE
