"""What is measured of the program's start."""

from __future__ import annotations

import pytest

from benchmarks import start
from benchmarks.children import Once
from benchmarks.harness import measure


def test_the_program_imports_as_it_does_itself_and_is_not_called() -> None:
    imports = start.imports_of_the_program().splitlines()
    assert "    from infra.program import main" in imports  # indented: under what spares the collector
    assert "main()" not in imports


@pytest.mark.parametrize(("seconds", "kept"), [(0.7, True), (0.75, False)])
def test_a_start_that_takes_as_long_as_plain_imports_breaks_the_limit(
    seconds: float, kept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def taken(code: str) -> Once:
        return Once(9.0, seconds if code == start.imports_of_the_program() else 1.0, {})

    monkeypatch.setattr(start, "timed", taken)
    ratio, *_ = measure("start", start.BENCHMARK)
    assert ratio.value == pytest.approx(seconds)
    assert ratio.kept is kept
