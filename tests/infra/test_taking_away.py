"""How something is taken away is written down for each type that its provider cannot delete."""

from __future__ import annotations

import re
from pathlib import Path

from bulkhead.resources.catalogue import row_of
from tests.support.stages import rendered_stage

RUNBOOK = Path(__file__).resolve().parents[2] / "docs" / "runbooks" / "take-away.md"


def test_every_type_that_stays_behind_has_its_line() -> None:
    types = {each.type for product in ("first", "second") for each in rendered_stage(product, "production").resources}
    staying = {row.kind for type_ in types if (row := row_of(type_)) and row.left_behind}
    assert "WorkersCronTrigger" in staying
    rows = [line for line in RUNBOOK.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    told = set(re.findall(r"`([A-Z]\w+)`", "\n".join(rows)))
    assert staying <= told
    assert {"WorkersCustomDomain", "QueueConsumer", "R2BucketLock"} <= told
