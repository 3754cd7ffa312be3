from __future__ import annotations

from dataclasses import replace

from benchmarks import api
from benchmarks.harness import measure


def test_a_call_is_made_for_real_and_has_a_limit() -> None:
    [figure] = measure("api", replace(api.BENCHMARK, rounds=1))
    assert figure.value > 0
    assert figure.limit == 0.001
