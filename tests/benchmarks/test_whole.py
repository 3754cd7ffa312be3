"""Where the seconds of a whole rehearsal went."""

from __future__ import annotations

import pytest

from benchmarks.children import Once
from benchmarks.whole import LIMIT, figures, parts

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


@pytest.mark.parametrize(("wall", "kept"), [(LIMIT, True), (LIMIT + 0.1, False)])
def test_the_process_as_a_whole_keeps_the_limit(wall: float, kept: bool) -> None:
    whole, *split = figures([Once(wall, REPORT)])
    assert whole.kept is kept
    assert {figure.limit for figure in split} == {None}
