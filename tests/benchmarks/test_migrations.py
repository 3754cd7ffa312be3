from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks import migrations
from benchmarks.harness import measure
from bulkhead.delivery.migrations.files import Migration
from bulkhead.model.failures import Failed


def test_migrations_are_judged_for_real_and_have_a_limit() -> None:
    [figure] = measure("migrations", replace(migrations.BENCHMARK, rounds=1))
    assert figure.value > 0
    assert figure.limit == 1.0


def test_migrations_that_cannot_be_judged_are_not_measured() -> None:
    with pytest.raises(Failed, match="could not be judged"):
        migrations.judge([*migrations.migrations(4), Migration("0004_m.sql", "BAD")])
