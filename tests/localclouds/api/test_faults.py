from __future__ import annotations

import os
from pathlib import Path

import pytest

from bulkhead.localclouds.api.faults import Failing, FaultPlan, PlannedFault, plan


def test_a_plan_that_cannot_be_read_lets_no_call_go_on(tmp_path: Path) -> None:
    file = tmp_path / "faults.json"
    file.write_text('[{"method": "PUT", "rou')
    faults = FaultPlan(file)
    for _ in range(2):
        with pytest.raises(ValueError, match="Unterminated"):
            faults.take("PUT", "/x", "/x")
    plan(file, [PlannedFault("PUT", "/x", Failing.AFTER)])
    assert faults.take("PUT", "/x", "/x") is Failing.AFTER


def test_a_plan_that_is_written_within_a_tick_of_the_clock_counts(tmp_path: Path) -> None:
    file = tmp_path / "faults.json"
    faults = FaultPlan(file)
    for failing in Failing:
        plan(file, [PlannedFault("PUT", "/x", failing)])
        os.utime(file, ns=(1, 1))
        assert faults.take("PUT", "/x", "/x") is failing
        assert faults.take("PUT", "/x", "/x") is None
