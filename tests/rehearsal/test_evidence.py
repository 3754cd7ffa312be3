"""What a rehearsal concludes from its verdicts."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from bulkhead.rehearsal.evidence import Outcome, Report, ResourceLine, StageReport, Unproven, Verdict

PROVEN, FAILED, NOT_SHOWN = (Verdict(outcome.value, "a claim", outcome, "seen") for outcome in Outcome)
STAGE = StageReport("staging", "staging", "http://x", (ResourceLine("t", "n", "emulated"),), {"web": ()}, {"up": 1.5})
REPORT = Report(
    "harbor", "an engine", "2026-11-21T00:00:00+00:00", 60.5, (STAGE,), (), {"stages up": 30.0}, "Gone.", ""
)


@pytest.mark.parametrize(
    ("verdicts", "ok"),
    [
        ((PROVEN,), True),
        ((PROVEN, NOT_SHOWN), True),
        ((PROVEN, FAILED), False),
        ((FAILED,), False),
        ((NOT_SHOWN,), False),
        ((), False),
    ],
)
def test_a_rehearsal_is_good_when_something_was_proven_and_nothing_failed(
    verdicts: tuple[Verdict, ...], ok: bool
) -> None:
    report = replace(REPORT, verdicts=verdicts)
    assert report.ok is ok
    assert report.failed == tuple(verdict for verdict in verdicts if verdict is FAILED)


def test_a_report_is_one_json_document() -> None:
    document = json.loads(json.dumps(replace(REPORT, verdicts=(PROVEN, NOT_SHOWN)).as_json()))
    assert document["ok"] is True
    assert [verdict["outcome"] for verdict in document["verdicts"]] == ["proven", "not shown"]
    assert document["stages"][0]["resources"] == [{"type": "t", "name": "n", "treatment": "emulated"}]
    assert document["phases"] == {"stages up": 30.0}


def test_what_was_not_proven_says_what_was_expected_and_seen() -> None:
    assert str(Unproven("water", "wine")) == "expected water; seen wine"
