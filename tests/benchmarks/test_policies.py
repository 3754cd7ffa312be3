"""The arithmetic of what the policy pack costs."""

from __future__ import annotations

import pytest

from benchmarks.harness import figures
from benchmarks.policies import BENCHMARK, JUDGED, PLAIN, START


def test_the_start_counts_for_both_previews() -> None:
    rounds = [{START: 4.0, JUDGED: judged, PLAIN: 2.0} for judged in (3.0, 3.5, 2.5)]
    ratio, start, judged, plain = figures("policies", BENCHMARK, rounds)
    assert ratio.value == pytest.approx(7 / 6)
    assert ratio.least == pytest.approx(6.5 / 6)
    assert ratio.greatest == pytest.approx(7.5 / 6)
    assert ratio.kept
    assert [start.value, judged.value, plain.value] == [4.0, 3.0, 2.0]


def test_the_limit_can_be_broken() -> None:
    ratio, *_ = figures("policies", BENCHMARK, [{START: 1.0, JUDGED: 2.0, PLAIN: 1.0}])
    assert ratio.kept is False
