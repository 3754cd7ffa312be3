from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks import rollback
from benchmarks.harness import measure


@pytest.mark.slow
def test_visitors_are_asked_until_the_bad_version_is_gone() -> None:
    alone, api, processor = measure("rollback", replace(rollback.BENCHMARK, rounds=1))
    assert (alone.limit, api.limit) == (3.0, None)
    assert alone.value > 0.05, "Python alone takes longer"
    assert api.value > 0
    assert processor.value > 0.05
