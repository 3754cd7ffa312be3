"""Where the seconds of a whole rehearsal went."""

from __future__ import annotations

import pytest

from benchmarks import rehearse
from benchmarks.children import Once
from benchmarks.harness import measure
from benchmarks.rehearse import BENCHMARK, PROCESSOR, WHOLE, parts

REPORT = {
    "seconds": 60.0,
    "phases": {
        "preparation": 1.0,
        "local clouds": 9.0,
        "stages up": 20.0,
        "proof: apart": 4.0,
        "proof: lasting": 6.0,
        "removal": 15.0,
    },
}


def test_every_second_of_the_process_is_in_one_part() -> None:
    split = parts(68.0, REPORT)
    assert split == pytest.approx(
        {
            "Python, imports, exit": 8.0,
            "preparation": 1.0,
            "local clouds": 9.0,
            "stages up": 20.0,
            "proofs": 10.0,
            "removal": 15.0,
            "ending the clouds, and the rest": 5.0,
        }
    )
    assert list(split)[-3:] == ["proofs", "removal", "ending the clouds, and the rest"]
    assert sum(split.values()) == pytest.approx(68.0)


@pytest.mark.parametrize(("over", "kept"), [(0.0, True), (0.1, False)])
def test_the_process_as_a_whole_keeps_the_limit(over: float, kept: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    wall = BENCHMARK.limits[WHOLE] + over
    monkeypatch.setattr(rehearse, "run", lambda *_: Once(wall, 1.0, REPORT))
    whole, processor, *split = measure("rehearse", BENCHMARK)
    assert whole.kept is kept
    assert (processor.what, processor.value) == (PROCESSOR, 1.0)
    assert {figure.what: figure.limit for figure in split if figure.limit} == {"of it: local clouds": 3.0}
    assert sum(figure.value for figure in split) == pytest.approx(wall)
