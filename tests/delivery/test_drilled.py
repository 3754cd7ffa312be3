"""Production waits for a rehearsed restore: what a validation of staging says of its drills."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from bulkhead.delivery import validate
from bulkhead.delivery.validation import Check
from bulkhead.twin.store import Bucket, Folder
from infra.product import PRODUCT
from jobs.drills import Drill, Standing, Tried
from tests.support.s3 import InProcessS3
from tests.support.settings_fixture import make_settings

NOW = datetime(2026, 12, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("standing", "passed"),
    [
        (Standing(None, None), True),
        (Standing(None, NOW - timedelta(days=34)), True),
        (Standing(None, NOW - timedelta(days=36)), False),
        (Standing(NOW - timedelta(days=34), None), True),
        (Standing(NOW - timedelta(days=36), None), False),
    ],
    ids=["no backup", "a good one", "overdue", "a young stage", "never"],
)
def test_a_stage_whose_drill_is_overdue_lets_nothing_go_to_production(standing: Standing, passed: bool) -> None:
    [check] = validate.drilled(standing, NOW)
    assert (check.passed, check.blocking) == (passed, True)
    assert bool(check.until) == (standing.counts_until is not None)
    assert ("docs/runbooks/drill.md" in check.detail) is not passed


def seen(twin: str | None, **changes: Any) -> validate.Seen:
    nobody = cast(Any, None)
    return validate.Seen(PRODUCT, make_settings("staging", changes), nobody, nobody, nobody, [], "c", twin)


def look(item: str, seen: validate.Seen) -> list[Check]:
    [found] = [look for name, look in validate.looks(seen) if name == item]
    return validate.looked(cast(Any, item), found)


def test_the_records_of_drills_are_read_beside_the_stage_s_state(
    local_s3: InProcessS3, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    s3: Any = local_s3.emptied()
    s3.create_bucket(Bucket="state")
    place = Bucket(s3, "state", "")
    monkeypatch.setattr(validate, "place_of", lambda *_, **__: place)
    [check] = look("drill", seen("s3://state"))
    assert (check.passed, check.until) == (True, "")
    held = Drill(NOW.replace(year=2020), {"main": Tried("key", 1, {"restore": 1.0})})
    s3.put_object(Bucket="state", Key="jobs/drills/20201210T000000Z.json", Body=held.text().encode())
    [check] = look("drill", seen("s3://state"))
    assert not check.passed
    assert "the last good drill ended 2020-12-10T00:00:00Z" in check.detail
    monkeypatch.setattr(validate, "place_of", lambda *_, **__: Folder(tmp_path))
    [check] = look("drill", seen(str(tmp_path)))
    assert not check.passed
    assert look("drill", seen(None, backup={"full": "none"}))[0].passed
