"""What the stack of the identities is configured with: every fault at once, and never a value of a secret."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from bulkhead.model.faults import Refused
from bulkhead.model.identities import Slots, Window, read_slots, require_stage, required_secrets, spelt
from infra.product import PRODUCT

A = {"begins": "2026-11-21T00:00:00Z", "ends": "2027-02-09T00:00:00Z"}
B = {"begins": "2027-01-30T00:00:00Z", "ends": "2027-04-20T00:00:00Z"}
GOOD: dict[str, Any] = {"active": "a", "a": A, "b": B}

BROKEN: list[tuple[Any, str, str]] = [
    (None, "identities:tokens", "is missing"),
    ("a", "identities:tokens", "is missing"),
    ({**GOOD, "active": "c"}, "identities:tokens.active", "must name a slot"),
    ({"active": "b", "a": A}, "identities:tokens.active", "must name a slot"),
    ({"a": A}, "identities:tokens.active", "must name a slot"),
    ({**GOOD, "c": A}, "identities:tokens.c", "is read by nothing"),
    ({**GOOD, "a": {"begins": A["begins"]}}, "identities:tokens.a", "must have begins and ends"),
    ({**GOOD, "a": {**A, "note": "x"}}, "identities:tokens.a", "must have begins and ends"),
    ({**GOOD, "a": "2027-02-09T00:00:00Z"}, "identities:tokens.a", "must have begins and ends"),
    ({**GOOD, "a": {**A, "ends": "2027-02-09"}}, "identities:tokens.a.ends", "must be an instant"),
    ({**GOOD, "a": {**A, "ends": "2027-02-30T00:00:00Z"}}, "identities:tokens.a.ends", "must be an instant"),
    ({**GOOD, "a": {**A, "begins": 20261121}}, "identities:tokens.a.begins", "must be an instant"),
    ({**GOOD, "a": {**A, "ends": "2026-11-21T00:00:00Z"}}, "identities:tokens.a.ends", "must be after begins"),
    ({**GOOD, "b": {**B, "ends": "2027-05-01T00:00:00Z"}}, "identities:tokens.b.ends", "more than 90 days"),
]


def test_slots_are_read_and_written_alike() -> None:
    slots = read_slots(GOOD, "staging")
    assert slots.active == "a"
    assert slots.windows["b"] == Window(datetime(2027, 1, 30, tzinfo=UTC), datetime(2027, 4, 20, tzinfo=UTC))
    assert spelt(slots) == GOOD
    assert read_slots({"active": "b", "b": B}, "staging") == Slots("b", {"b": slots.windows["b"]})


@pytest.mark.parametrize(("said", "key", "message"), BROKEN)
def test_what_is_wrong_is_refused_with_its_place_and_the_command_that_mends_it(
    said: Any, key: str, message: str
) -> None:
    with pytest.raises(Refused) as refused:
        read_slots(said, "staging")
    [fault] = [fault for fault in refused.value.faults if fault.key == key]
    assert message in fault.message
    assert "bulkhead secrets rotate staging" in fault.fix


def test_all_faults_come_at_once() -> None:
    with pytest.raises(Refused) as refused:
        read_slots({"active": "x", "a": {**A, "ends": "soon"}, "b": None, "c": 1}, "staging")
    assert len(refused.value.faults) == 4


def test_only_stages_have_identities() -> None:
    assert require_stage("production") == "production"
    for stack in ("pr-42", "prod", ""):
        with pytest.raises(Refused, match="no identities"):
            require_stage(stack)


def test_what_makes_identities_and_what_the_pipeline_is_handed_is_needed() -> None:
    assert required_secrets(PRODUCT) == ("cloudflareTokenMaker", "githubToken", "slackWebhook")
