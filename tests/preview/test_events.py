"""What the engine said is read in both shapes, and whatever is no whole preview is refused with its line."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest

from bulkhead.model.faults import Refused
from bulkhead.preview import events
from bulkhead.preview.step_reader import plain
from bulkhead.resources import types as t
from bulkhead.resources.values import UNKNOWN
from tests.preview.made import SECRET, UNGUARDED, Preview
from tests.preview.made import UNKNOWN as NOT_YET

Break = Callable[[list[str]], list[str]]


def some() -> Preview:
    preview = Preview().same(t.WORKERS_KV_NAMESPACE, "kv", {"title": "t"})
    preview.update(
        t.D1_DATABASE, {"readReplication": {"mode": "disabled"}}, {"readReplication": {"mode": "auto"}}, "d1"
    )
    return preview.create(t.QUEUE, "queue", {"queueName": "q"})


def refusal(text: str, stack: str = "production", project: str | None = None) -> str:
    with pytest.raises(Refused) as refused:
        events.read(text, stack, project)
    return str(refused.value)


def test_each_resource_is_told_once_with_what_becomes_of_it() -> None:
    plan = some().plan
    assert [(change.action, str(change)) for change in plan.changes] == [
        ("same", "Stack bulkhead-production"),
        ("same", "cloudflare cloudflare"),
        ("same", "WorkersKvNamespace kv"),
        ("update", "D1Database d1"),
        ("create", "Queue queue"),
    ]
    assert plan.counts == {"same": 3, "update": 1, "create": 1}
    assert (plan.source, plan.packs, plan.failed) == ("stream", ("bulkhead",), False)


@pytest.mark.parametrize("first", [False, True])
def test_a_replacement_is_one_change_and_says_which_goes_first(first: bool) -> None:
    preview = Preview().replace(t.D1_DATABASE, {"name": "a"}, {"name": "b"}, "d1", keys=["name"], first=first)
    [change] = preview.plan.of(t.D1_DATABASE)
    assert (change.action, change.reasons, change.deleted_first) == ("replace", ("name",), first)
    assert (change.was("name"), change.becomes("name")) == ("a", "b")


def test_what_waits_to_be_deleted_since_an_earlier_replacement_is_a_change_of_its_own() -> None:
    preview = Preview().same(t.R2_BUCKET, "bucket", {"name": "new"}, id_="new")
    preview.step("delete-replaced", t.R2_BUCKET, "bucket", {"name": "old"}, id_="old", **UNGUARDED)
    assert [change.action for change in preview.plan.of(t.R2_BUCKET)] == ["same", "delete"]
    assert preview.kinds == ["deleted"]


def test_what_a_refresh_found_gone_is_made_again() -> None:
    preview = Preview().step("refresh", t.D1_DATABASE, "d1", {"name": "n"}, {"name": "n"})
    preview.create(t.D1_DATABASE, "d1", {"name": "n"})
    [change] = preview.plan.of(t.D1_DATABASE)
    assert change.action == "create"
    assert change.old is not None
    assert preview.kinds == ["gone"]


@pytest.mark.parametrize(
    "op", ["import", "read", "refresh", "discard", "discard-replaced", "remove-pending-replace", "same", "create"]
)
def test_an_operation_that_deletes_nothing_loses_nothing(op: str) -> None:
    kinds = {"create": ["gone"], "read": ["unprotected"]}
    assert Preview().step(op, t.D1_DATABASE, "d1", {"name": "n"}, {"name": "n"}).kinds == kinds.get(op, [])


@pytest.mark.parametrize("op", ["replace", "create-replacement", "read-replacement", "import-replacement"])
def test_every_kind_of_replacement_is_one(op: str) -> None:
    assert Preview().step(op, t.D1_DATABASE, "d1", {"name": "n"}, {"name": "m"}).kinds == ["replaced"]


def test_what_is_secret_or_not_known_yet_is_no_value() -> None:
    values = {"a": SECRET, "b": [NOT_YET, "plain"], "c": {"d": "[secret]", "f": "a [secret] b"}, "e": 1}
    assert plain(values) == {"a": UNKNOWN, "b": [UNKNOWN, "plain"], "c": {"d": UNKNOWN, "f": UNKNOWN}, "e": 1}


def test_policies_and_errors_are_kept_without_their_colours() -> None:
    plan = some().policy("mandatory", "<{%fg 1%}>Wrong<{%reset%}>\n").error("error: no such database\n").plan
    [message] = plan.policies
    assert (message.level, message.policy, message.message) == ("mandatory", "a-rule", "Wrong")
    assert (plan.errors, plan.failed) == (("no such database",), True)


def test_an_event_log_of_an_older_engine_says_less_and_is_read_all_the_same() -> None:
    stream = [json.loads(line) for line in some().error("boom").lines()]
    for event in stream:
        summary = event.get("summaryEvent", {})
        summary.pop("result", None)
        summary.pop("isPreview", None)
        del event["sequence"]
    plan = events.read("\n".join(map(json.dumps, stream)), "production")
    assert plan.failed
    assert [change.action for change in plan.changes].count("create") == 1


def test_a_digest_is_known_as_one() -> None:
    plan = events.read(some().digest, "production")
    assert plan.source == "digest"
    assert [change.action for change in plan.changes] == ["same", "update", "create"]
    assert not plan.failed


def test_a_digest_with_errors_is_of_a_failed_preview() -> None:
    digest = json.loads(some().digest) | {"diagnostics": [{"severity": "error", "message": "error: protected\n"}]}
    plan = events.read(json.dumps(digest), "production")
    assert (plan.failed, plan.errors) == (True, ("protected",))


def summary_of(lines: list[str], **changes: object) -> list[str]:
    event = json.loads(lines[-2])
    event["summaryEvent"] |= changes
    return [*lines[:-2], json.dumps(event), lines[-1]]


CORPUS: dict[str, tuple[Break, str]] = {
    "empty": (lambda _: [], "is empty"),
    "blank": (lambda _: ["", "  "], "is empty"),
    "text": (lambda _: ["error: no stack"], "line 1: is no JSON"),
    "cut off in a line": (lambda lines: [*lines[:4], lines[4][:40]], "line 5: is no JSON"),
    "cut off after a line": (lambda lines: lines[:5], "line 5: is the last, and the engine's summary is not there"),
    "without a summary": (lambda lines: [*lines[:-2], lines[-1]], "are missing"),
    "a line lost": (lambda lines: [*lines[:3], *lines[4:]], "line 4: is event 4: those before it are missing"),
    "the beginning lost": (lambda lines: lines[2:], "line 1: is event 2"),
    "something between": (lambda lines: [lines[0], "warning: hello", *lines[1:]], "line 2: is no JSON"),
    "no event": (lambda lines: [*lines[:2], '{"a": 1}', *lines[2:]], "line 3: is no event of the engine"),
    "a list": (lambda _: ["[1, 2]"], "line 1: is no event of the engine"),
    "an event that is none": (lambda _: ['{"summaryEvent": 3}'], "line 1: is no event of the engine"),
    "two previews": (lambda lines: [*lines, *lines], "is event 0"),
    "no preview": (lambda lines: summary_of(lines, isPreview=False), "tells of an operation that was done"),
    "counts more": (
        lambda lines: summary_of(lines, resourceChanges={"delete": 1}),
        "counts delete: 1, and 0 are there",
    ),
    "corrupt": (lambda lines: summary_of(lines, maybeCorrupt=True), "state may be corrupt"),
    "half a character": (lambda lines: [x.replace("::bulkhead::", "::\\ud83d::") for x in lines], "line 2: is no JSON"),
    "nested without end": (
        lambda lines: [x.replace('"inputs": {', f'"inputs": {{"a": {"[" * 600}{"]" * 600}, ') for x in lines],
        "nested deeper",
    ),
    "counts nothing": (lambda lines: summary_of(lines, resourceChanges=[1]), "does not count what changes"),
    "done": (lambda lines: [x.replace('"planning": true', '"planning": false') for x in lines], "that was done"),
    "unknown": (
        lambda lines: [x.replace('"op": "update"', '"op": "destroy"') for x in lines],
        "'destroy' is an operation",
    ),
    "no operation": (lambda lines: [x.replace('"op": ', '"po": ') for x in lines], "is a step without an operation"),
    "of nothing": (
        lambda lines: [x.replace('"old": {', '"odl": {') for x in lines],
        "'update' that does not say of what",
    ),
    "to nothing": (
        lambda lines: [x.replace('"new": {', '"wen": {') for x in lines],
        "'create' that does not say of what",
    ),
    "secret as a whole": (
        lambda lines: [x.replace('"inputs": {', f'"inputs": {json.dumps(SECRET)[:-1]}, ') for x in lines],
        "whose properties are none",
    ),
    "a list of properties": (
        lambda lines: [re.sub('"inputs": {[^}]*}', '"inputs": ["a"]', x) for x in lines],
        "whose properties are none",
    ),
    "another stack": (lambda lines: [x.replace("production", "staging") for x in lines], "is of staging, not of prod"),
    "nothing": (lambda lines: summary_of([lines[0], *lines[-2:]], resourceChanges={}), "are missing"),
}


@pytest.mark.parametrize("name", CORPUS)
def test_what_is_no_whole_stream_is_refused(name: str) -> None:
    damage, message = CORPUS[name]
    assert message in refusal("\n".join(damage(some().lines())))


def test_a_second_summary_without_numbers_is_refused() -> None:
    lines = [json.dumps({k: v for k, v in json.loads(line).items() if k != "sequence"}) for line in some().lines()]
    assert "is a second summary" in refusal("\n".join([*lines, *lines]))


def test_a_stream_of_no_resource_is_refused() -> None:
    summary = {"resourceChanges": {}, "isPreview": True, "result": "succeeded"}
    assert "nothing was looked at" in refusal(json.dumps({"sequence": 0, "summaryEvent": summary}))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (some().digest[:900], "ends a digest that is no whole JSON"),
        ('{"steps": [{"op": "same"}]}', "step 1: is a step without an operation or a URN"),
        ('{"steps": []}', "nothing was looked at"),
        (some().digest.replace("production", "staging"), "is of staging"),
        (some().digest.replace('"op": "create"', '"op": "conjure"'), "'conjure' is an operation"),
        (some().digest.replace('"update": 1', '"update": 2'), "counts update: 2, and 1 are there"),
    ],
)
def test_what_is_no_whole_digest_is_refused(text: str, message: str) -> None:
    assert message in refusal(text)


def test_all_faults_come_at_once_and_not_by_the_thousand() -> None:
    message = refusal("\n".join(["nothing"] * 500))
    assert message.count("is no JSON") == 10
    assert "490 more faults" in message


@pytest.mark.parametrize("text", [some().text, some().digest])
def test_a_preview_of_another_project_says_nothing_of_this_one(text: str) -> None:
    assert events.read(text, "production", "bulkhead").stack == "production"
    assert "is of the project shop, not of bulkhead" in refusal(
        text.replace("::bulkhead::", "::shop::"), project="bulkhead"
    )
    message = refusal(text.replace("::bulkhead::", "::bulkhead-identities::"), project="bulkhead")
    assert "bulkhead-identities, who may do what to a stage, not of bulkhead" in message


def test_several_projects_in_one_file_are_refused() -> None:
    text = some().text.replace("::bulkhead::cloudflare:index/queue", "::shop::cloudflare:index/queue")
    assert "is of several projects, bulkhead, shop" in refusal(text)


@pytest.mark.parametrize("text", [some().text, some().digest])
def test_a_byte_order_mark_is_no_part_of_what_was_said(text: str) -> None:
    assert events.read("\ufeff" + text, "production").changes == events.read(text, "production").changes


def test_a_logical_name_may_hold_colons() -> None:
    [change] = Preview().delete(t.D1_DATABASE, "billing::archive", {"name": "n"}).plan.of(t.D1_DATABASE)
    assert change.name == "billing::archive"
