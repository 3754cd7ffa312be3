"""What staging found out about a tree lets that tree go to production, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import pytest

from bulkhead.delivery.validate import looked
from bulkhead.delivery.validation import ITEMS, Check, Record, faults, key_of, markdown, read_record
from bulkhead.model.failures import Failed
from bulkhead.model.faults import Fault, Refused

NOW = datetime(2026, 11, 30, 13, tzinfo=UTC)
TREE = "7" * 40
BUNDLES = {"web": "a" * 64, "clerk": "b" * 64}
MIGRATIONS = {"main": {"0001_first.sql": "c" * 64}}
CHECKS = [Check(item, "one", True, "seen") for item in ITEMS]  # type: ignore[arg-type]
RECORD = Record("1" * 40, TREE, BUNDLES, MIGRATIONS, CHECKS, "2026-11-30T12:00:00Z", "deployer")
ISSUE: dict[str, Any] = {
    "number": 12,
    "title": f"Validate staging by hand: tree {TREE}",
    "user": {"login": "github-actions[bot]"},
    "state": "closed",
    "state_reason": "completed",
    "closed_by": {"login": "tester"},
    "body": "- [x] It does what the change says.\n- [X] Nothing else changed.",
}


def told(
    record: Record = RECORD,
    issue: dict[str, Any] = ISSUE,
    profile: Literal["team", "solo"] = "team",
    tree: str = TREE,
    bundles: dict[str, str] = BUNDLES,
    migrations: dict[str, dict[str, str]] = MIGRATIONS,
    now: datetime = NOW,
) -> list[str]:
    return [str(fault) for fault in faults(record, tree, bundles, migrations, issue, profile, now)]


def test_what_was_validated_and_confirmed_goes_on() -> None:
    assert told() == []
    assert told(profile="solo") == []


def test_a_record_is_read_as_it_was_written() -> None:
    assert read_record(RECORD.as_json(), "f") == RECORD
    assert json.loads(RECORD.as_json())["passed"] is True
    assert key_of(TREE) == f"validation/{TREE}.json"


def test_another_tree_was_not_validated() -> None:
    [fault] = told(tree="8" * 40)
    assert "something else was validated" in fault


@pytest.mark.parametrize(
    "bundles",
    [{**BUNDLES, "web": "0" * 64}, {"web": BUNDLES["web"]}, {**BUNDLES, "chat": "d" * 64}, {}],
    ids=["changed", "one fewer", "one more", "none"],
)
def test_another_build_of_the_same_tree_was_not_validated(bundles: dict[str, str]) -> None:
    assert told(bundles=bundles)
    assert all("bundles." in fault for fault in told(bundles=bundles))


@pytest.mark.parametrize(
    "migrations",
    [{"main": {"0001_first.sql": "0" * 64}}, {"main": {**MIGRATIONS["main"], "0002.sql": "d" * 64}}, {"main": {}}, {}],
    ids=["changed", "one more", "none", "no database"],
)
def test_other_migrations_were_not_applied_in_staging(migrations: dict[str, dict[str, str]]) -> None:
    assert all("is not what staging applied" in fault for fault in told(migrations=migrations))
    assert told(migrations=migrations)


@pytest.mark.parametrize("item", ITEMS)
def test_every_item_stops_when_it_failed_and_when_nobody_looked(item: str) -> None:
    failed = [replace(check, passed=False, detail="is bad") if check.item == item else check for check in CHECKS]
    [fault] = told(replace(RECORD, checks=failed))
    assert fault.startswith(f"{item}: one: is bad")
    [fault] = told(replace(RECORD, checks=[check for check in CHECKS if check.item != item]))
    assert fault.startswith(f"{item}: was not looked at")
    assert not replace(RECORD, checks=failed).passed


def test_what_does_not_block_is_told_and_stops_nothing() -> None:
    slow = Check("load", "p95", False, "300 ms", blocking=False)
    record = replace(RECORD, checks=[*(check for check in CHECKS if check.item != "load"), slow])
    assert told(record) == []
    assert "slower than it should be" in markdown(record)


def test_one_of_several_checks_of_an_item_is_enough_to_stop() -> None:
    assert told(replace(RECORD, checks=[*CHECKS, Check("probes", "two", False, "404")]))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"state": "open", "state_reason": None}, "nobody has looked at staging yet"),
        ({"state_reason": "not_planned"}, "nobody has looked at staging yet"),
        ({"state": "open", "state_reason": "reopened"}, "nobody has looked at staging yet"),
        ({"body": "- [x] one\n- [ ] the chat answers"}, "nobody ticked: the chat answers"),
        ({"closed_by": {"login": "deployer"}}, "was closed by deployer, who deployed it"),
        ({"closed_by": {"login": "github-actions[bot]"}}, "was closed by no person"),
        ({"closed_by": None}, "was closed by no person"),
        ({"title": f"Validate staging by hand: tree {'8' * 40}"}, "is not the checklist"),
        ({"user": {"login": "somebody"}}, "is not the checklist"),
        ({"title": None, "user": None}, "is not the checklist"),
    ],
)
def test_people_have_to_have_looked(changes: dict[str, Any], says: str) -> None:
    [fault] = told(issue={**ISSUE, **changes})
    assert says in fault


def test_who_works_alone_looks_alone() -> None:
    assert told(issue={**ISSUE, "closed_by": {"login": "deployer"}}, profile="solo") == []
    assert told(issue={**ISSUE, "state": "open"}, profile="solo")


def test_all_faults_are_told_at_once() -> None:
    failed = [replace(check, passed=False) for check in CHECKS]
    many = told(replace(RECORD, checks=failed), bundles={}, issue={**ISSUE, "state": "open"})
    assert len(many) == len(ITEMS) + len(BUNDLES) + 1


def _without(name: str) -> str:
    said = json.loads(RECORD.as_json())
    del said[name]
    return json.dumps(said)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "{}",
        '{"format": 2}',
        '{"format": 1}',
        *(_without(name) for name in ("tree", "checks", "bundles", "by", "format")),
        RECORD.as_json().replace('"passed": true', '"passed": "yes"'),
        RECORD.as_json().replace(f'"{TREE}"', "7"),
    ],
)
def test_what_is_no_record_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="The validation cannot be read"):
        read_record(text, "validation.json")


def test_a_record_cannot_say_of_itself_that_it_passed() -> None:
    failed = replace(RECORD, checks=[replace(check, passed=False) for check in CHECKS])
    forged = json.loads(failed.as_json()) | {"passed": True}
    assert not read_record(json.dumps(forged), "f").passed


def test_the_report_says_every_item_and_obeys_nobody() -> None:
    odd = Check("probes", "a|b `@everyone`\n# x", False, "see #12 | https://example.com")
    report = markdown(replace(RECORD, checks=[odd]))
    assert "did not pass" in report
    [line] = [line for line in report.splitlines() if line.startswith("| probes")]
    assert line == "| probes | `a/b '@everyone' # x` | ✗ | `see #12 / https://example.com` |"
    assert all(f"| {item} |" in report for item in ITEMS)


def refusing(error: Exception) -> Callable[[], Iterator[Check]]:
    def look() -> Iterator[Check]:
        yield Check("probes", "seen", True, "")
        raise error

    return look


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (Refused("No.", [Fault("GET /x", "403: forbidden")]), "GET /x: 403: forbidden"),
        (Refused("Nobody answers."), "Nobody answers."),
        (Failed("It broke."), "It broke."),
    ],
)
def test_what_could_not_be_looked_at_has_failed(error: Exception, says: str) -> None:
    [check] = looked("probes", refusing(error))
    assert (check.passed, check.blocking, check.detail) == (False, True, says)


def test_an_item_in_which_there_was_nothing_has_failed() -> None:
    [check] = looked("probes", lambda: iter(()))
    assert not check.passed


def drilled_until(at: datetime) -> Record:
    """Return the record of a tree whose drill counts until then."""
    drill = Check("drill", "restore", True, "the last good drill ended 2026-11-01T18:35:00Z", until=at.isoformat())
    return replace(RECORD, checks=[*(each for each in CHECKS if each.item != "drill"), drill])


def test_a_drill_that_was_good_when_staging_was_validated_may_be_overdue_since() -> None:
    assert told(drilled_until(NOW + timedelta(hours=1))) == []
    [fault] = told(drilled_until(NOW - timedelta(hours=1)))
    assert "drill: restore" in fault
    assert "held until 2026-11-30T12:00:00+00:00" in fault
    assert "docs/runbooks/drill.md" in fault


def test_a_record_that_does_not_know_drills_lets_nothing_go_on() -> None:
    older = replace(RECORD, checks=[each for each in CHECKS if each.item != "drill"])
    [fault] = told(older)
    assert "drill: was not looked at" in fault


def test_until_when_something_holds_is_read_as_it_was_written_or_not_at_all() -> None:
    record = drilled_until(NOW)
    assert read_record(record.as_json(), "f") == record
    for wrong in ("tomorrow", "2026-11-30T12:00:00", 5):
        changed = json.loads(record.as_json())
        changed["checks"][-1]["until"] = wrong
        with pytest.raises(Refused, match="no record of a validation"):
            read_record(json.dumps(changed), "f")
