"""The arithmetic of what the policy pack costs."""

from __future__ import annotations

import pytest

from benchmarks.policies import LIMIT, figures


def test_the_start_counts_for_both_previews() -> None:
    ratio, start, judged, plain = figures([4.0, 4.0, 4.0], [3.0, 3.5, 2.5], [2.0, 2.0, 2.0])
    assert ratio.value == pytest.approx(7 / 6)
    assert ratio.least == pytest.approx(6.5 / 6)
    assert ratio.greatest == pytest.approx(7.5 / 6)
    assert ratio.kept
    assert [start.value, judged.value, plain.value] == [4.0, 3.0, 2.0]


def test_the_limit_can_be_broken() -> None:
    ratio, *_ = figures([1.0], [1.0 + 3 * LIMIT], [1.0])
    assert ratio.kept is False


def test_what_was_not_taken_in_turn_is_no_ratio() -> None:
    with pytest.raises(ValueError, match="argument 2 is"):
        figures([1.0, 1.0], [1.0], [1.0, 1.0])
