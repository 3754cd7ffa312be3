from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks import deploy
from benchmarks.harness import measure


@pytest.mark.slow
def test_an_unchanged_stage_of_the_product_is_deployed_and_nothing_is_found_to_do() -> None:
    alone, processor = measure("deploy", replace(deploy.BENCHMARK, rounds=1))
    assert (alone.limit, processor.limit) == (10.0, None)
    assert alone.value > 0.5, "Python and the TypeScript compiler alone take longer"
    assert processor.value > 0.5
