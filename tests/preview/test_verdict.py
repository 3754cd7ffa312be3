"""The verdict: what stops a change in which stage, and how that is said to people and programs."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from bulkhead.model.faults import Fault, Refused
from bulkhead.model.naming import Stage
from bulkhead.preview import events, inert, markdown, noise, waivers
from bulkhead.preview.events import NOT_IN_A_DIGEST
from bulkhead.preview.markdown import LIMIT, render
from bulkhead.preview.verdict import (
    Leaked,
    Obstacle,
    Verdict,
    as_json,
    bare,
    judge,
    with_failure,
    with_leaks,
    with_note,
)
from bulkhead.preview.waivers import Waiver, Waivers
from bulkhead.resources import types as t
from tests.preview.made import UNGUARDED, Preview

TODAY = date(2026, 11, 21)
ROOT = Path(__file__).resolve().parents[2]
D1 = {"name": "n", "accountId": "a"}
ROOM = {"type": "durable-object"}
NOISE = noise.Noise(t.WORKER, "name", "cloudflare", ">=6.0.0", "a/b#1", date(2027, 1, 1), 2)


def judged(
    preview: Preview, stage: Stage = Stage.PRODUCTION, *agreed: Waiver, digest: bool = False, **more: Any
) -> Verdict:
    plan = events.read(preview.digest if digest else preview.text, preview.stack)
    return judge(plan, stage, Waivers("origin/main", agreed), more.get("noise", ()), TODAY, pack="bulkhead")


def waiver(resource: str, loss: str = "deleted") -> Waiver:
    return Waiver(resource, loss, "production", "copied", date(2026, 12, 1), "@harbor-inc/platform", 3)


def deleting(*names: str, stack: str = "production") -> Preview:
    preview = Preview(stack)
    for name in names:
        preview.delete(t.D1_DATABASE, name, D1)
    return preview


@pytest.mark.parametrize(
    ("stage", "stack", "passes"),
    [
        (Stage.PRODUCTION, "production", False),
        (Stage.STAGING, "staging", False),
        (Stage.DEVELOPMENT, "development", True),
        (Stage.DEVELOPMENT, "pr-42", True),
    ],
)
def test_a_loss_stops_everywhere_but_in_development(stage: Stage, stack: str, passes: bool) -> None:
    verdict = judged(deleting("d1", stack=stack), stage)
    assert verdict.passes is passes
    assert len(verdict.losses) == 1
    assert "d1" in render(verdict)


def test_a_change_that_loses_nothing_passes() -> None:
    verdict = judged(Preview().update(t.D1_DATABASE, D1, {**D1, "readReplication": {"mode": "auto"}}, "d1"))
    assert verdict.passes
    assert verdict.sentence == "production: nothing stops it; nothing is lost."
    assert [change.name for change in verdict.changes] == ["d1"]


def test_a_waiver_lets_its_loss_pass_and_no_other() -> None:
    assert judged(deleting("d1"), Stage.PRODUCTION, waiver("d1")).passes
    verdict = judged(deleting("d1", "d2"), Stage.PRODUCTION, waiver("d1"))
    assert [stop.loss.change.name for stop in verdict.stops] == ["d2"]


@pytest.mark.parametrize("level", ["mandatory", "advisory", "remediate"])
def test_only_a_mandatory_policy_stops(level: str) -> None:
    verdict = judged(Preview().policy(level))
    assert verdict.passes is (level != "mandatory")
    assert "It is wrong." in render(verdict)


@pytest.mark.parametrize("stage", [Stage.PRODUCTION, Stage.DEVELOPMENT])
def test_a_failed_preview_stops_in_every_stage(stage: Stage) -> None:
    verdict = judged(Preview().error("no such bucket").error("preview failed"), stage)
    assert [(each.what, each.why) for each in verdict.obstacles] == [
        ("the engine", "the preview failed: no such bucket")
    ]


def test_an_error_stops_whatever_the_engine_calls_its_result() -> None:
    preview = Preview().error("the provider did not answer")
    preview.result = "succeeded"
    verdict = judged(preview)
    assert not verdict.passes
    assert "the provider did not answer" in verdict.obstacles[0].why


def test_a_preview_that_failed_without_a_word_stops() -> None:
    verdict = with_failure(judged(Preview()), "")
    assert not verdict.passes
    silent = Preview()
    silent.result = "failed"
    assert "it gave no reason" in judged(silent).obstacles[0].why


def test_what_a_rule_says_of_every_resource_is_told_once() -> None:
    same = Preview().policy("mandatory", "nothing is judged").policy("mandatory", "nothing is judged")
    assert [each.why for each in judged(same.policy("mandatory")).obstacles] == [
        "nothing is judged",
        "It is wrong.\n  fix: mend it",
    ]


def test_a_mandatory_policy_is_reason_enough_for_a_failure() -> None:
    verdict = judged(Preview().policy("mandatory").error("preview failed"))
    assert [each.what for each in verdict.obstacles] == ["policy a-rule"]


def test_without_the_policies_nothing_passes_but_development() -> None:
    preview = Preview()
    preview.packs = {"another|local|/x": "1"}
    assert "was not asked (asked: another)" in judged(preview).obstacles[0].why
    assert judged(preview, Stage.DEVELOPMENT).passes


def test_a_digest_shows_losses_and_never_that_there_are_none() -> None:
    verdict = judged(Preview(), digest=True)
    assert [each.what for each in verdict.obstacles] == ["the digest"]
    assert verdict.not_shown == NOT_IN_A_DIGEST
    assert judged(Preview(), Stage.DEVELOPMENT, digest=True).passes
    assert [stop.loss.kind for stop in judged(deleting("d1"), digest=True).stops] == ["deleted"]


def test_of_a_renamed_worker_a_digest_does_not_show_what_it_owns() -> None:
    preview = Preview().update(t.WORKER, {"name": "a"}, {"name": "b"}, "web")
    assert judged(preview).losses == ()
    assert [stop.loss.kind for stop in judged(preview, digest=True).stops] == ["worker-renamed"]


def test_noise_is_set_apart_but_excuses_no_loss() -> None:
    preview = Preview().update(t.WORKER, {"name": "a"}, {"name": "b"}, "web", id_="w")
    quiet = judged(preview, noise=[NOISE])
    assert (quiet.changes, len(quiet.noise), quiet.passes) == ((), 1, True)
    preview.same(t.WORKER_VERSION, "v", {"workerId": "w", "exports": {"Room": ROOM}}, **UNGUARDED)
    loud = judged(preview, noise=[NOISE])
    assert (len(loud.changes), loud.noise, loud.passes) == (1, (), False)


@pytest.mark.parametrize(
    ("type_", "options", "remains"),
    [
        (t.D1_DATABASE, {"retain": (True, False)}, "with all its data"),
        (t.DNS_RECORD, {"retain": (True, False)}, "stays in its cloud as it is"),
        (t.WORKERS_CRON_TRIGGER, {}, "goes on being called"),
        (t.R2_BUCKET_LIFECYCLE, {}, "objects go on expiring"),
        (t.WORKER_VERSION, {}, "the version stays uploaded"),
        (t.GITHUB_BRANCH_DEFAULT, {}, "stays the default one"),
    ],
)
def test_what_is_only_forgotten_is_told_and_stops_nothing(type_: str, options: Any, remains: str) -> None:
    verdict = judged(Preview().delete(type_, "it", {"name": "n"}, **options))
    assert verdict.passes
    [forgotten] = verdict.forgotten
    assert remains in forgotten.remains
    assert "Forgotten" in render(verdict)


def test_what_is_deleted_for_good_is_not_called_forgotten() -> None:
    assert judged(deleting("d1")).forgotten == ()


# --- said to programs and to people


def everything() -> Verdict:
    preview = deleting("d1", "d2").policy("advisory").policy("mandatory").error("boom")
    preview.update(t.WORKER, {"name": "a"}, {"name": "b"}, "web").delete(t.WORKERS_CRON_TRIGGER, "crons", {})
    verdict = judged(preview, Stage.PRODUCTION, waiver("d1"), waiver("d9"), noise=[NOISE])
    return with_leaks(verdict, [Leaked("githubToken", "line 4 of what the engine said")])


def test_the_machine_form_says_everything() -> None:
    document = json.loads(json.dumps(as_json(everything())))
    assert (document["stage"], document["passes"], document["source"]) == ("production", False, "stream")
    assert [(loss["name"], loss["stops"]) for loss in document["losses"]] == [("d1", False), ("d2", True)]
    assert document["losses"][0]["waiver"] == {
        "line": 3,
        "reason": "copied",
        "until": "2026-12-01",
        "approvedBy": "@harbor-inc/platform",
    }
    assert [each["what"] for each in document["obstacles"]] == ["policy a-rule", "the engine"]
    assert [each["name"] for each in document["forgotten"]] == ["crons"]
    assert [message["level"] for message in document["policies"]["spoke"]] == ["advisory", "mandatory"]
    assert document["noise"][0]["issues"] == ["a/b#1"]
    assert "covers nothing here" in document["waivers"]["notes"][0]
    assert document["leaks"] == [{"secret": "githubToken", "place": "line 4 of what the engine said"}]


def test_the_comment_says_everything_too() -> None:
    comment = render(everything())
    assert comment.startswith("<!-- bulkhead preview production -->\n### production: stopped, for 4 reasons.\n")
    for text in (
        "githubToken",
        "**deleted** `D1Database d2`",
        "copied",
        "boom",
        "a-rule",
        "crons",
        "`a/b#1`",
        "Worker web",
    ):
        assert text in comment


def test_a_bare_verdict_repeats_nothing_that_the_engine_said() -> None:
    verdict = bare(everything())
    for text in (render(verdict), json.dumps(as_json(verdict))):
        assert "githubToken" in text
        assert not any(word in text for word in ("d2", "boom", "a-rule", "crons", "web"))
    assert not verdict.passes


def outside_of_code(comment: str) -> tuple[set[str], list[str]]:
    """Return the kinds of what a comment is made of, and the texts in which GitHub looks for mentions, references and
    addresses: all but code."""
    parsed = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(comment)
    parts = [part for token in parsed for part in (token.children or [token])]
    return {part.type for part in parts}, [part.content for part in parts if part.type == "text"]


HARMLESS = {
    *("heading_open", "heading_close", "bullet_list_open", "bullet_list_close", "list_item_open", "list_item_close"),
    *("paragraph_open", "paragraph_close", "strong_open", "strong_close"),
    *("text", "softbreak", "code_inline", "fence", "inline", "html_block"),
}


NASTY = {
    "a mention": "@everyone",
    "a team": "(@harbor-inc/platform),",
    "a mention as an entity": "&#64;everyone",
    "an issue": "#1",
    "an issue elsewhere": "owner/repo#1",
    "an old reference": "GH-1",
    "a ticket": "TICKET-123",
    "a commit": "a5c3785ed8d6a35868bc169f07e40e889087fd2e",
    "a short commit": "a5c3785",
    "a commit of somebody": "user@a5c3785",
    "an address": "https://example.invalid/x?y=1",
    "a bare address": "www.example.invalid",
    "an e-mail": "who@example.invalid",
    "a tag": "</details><script>alert(1)</script>",
    "a comment": "<!-- bulkhead preview development -->",
    "an image": "![x](http://example.invalid/pixel.png)",
    "a link": "[x](http://example.invalid)",
    "a table": "| a | b |",
    "emphasis": "*a* _b_ ~~c~~",
    "an emoji": ":shipit:",
    "a formula": "$x$",
    "code": "`a`` ```@b``` `",
    "half of a code": "x` @everyone",
    "a fence": "```\n@everyone",
    "another reading direction": "a\u202eb",
    "what is drawn as nothing": "a\u200bb\u3164c\ufeffd\U000e0041",
    "a line end of its own": "a\u2028# b\x0b@c\r@d",
    "the cursor's way": "\x1b[2Ka",
}


@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY)
def test_text_of_others_does_nothing_wherever_it_stands(text: str) -> None:
    preview = Preview().policy("mandatory", text).policy("advisory", f"x {text}").error(f"{text} and\n{text}")
    preview.delete(t.D1_DATABASE, text, D1).update(t.DNS_RECORD, {text: 1}, {text: 2}, "record")
    preview.replace(t.WORKER_VERSION, {"exports": {text: ROOM}}, {"exports": {}}, "v", **UNGUARDED)
    waived = replace(waiver(text), reason=text, approved_by=text)
    verdict = with_note(with_leaks(judged(preview, Stage.PRODUCTION, waived), [Leaked(text, text)]), text)
    refused = Refused(text, [Fault(text, text, text, text)])
    for comment in (render(verdict), markdown.render_refusal("production", refused)):
        assert comment.count("<!-- bulkhead preview production -->\n") == 1
        assert not set("\u202e\u200b\u3164\ufeff\U000e0041\u2028\x0b\r\x1b") & set(comment)
        kinds, texts = outside_of_code(comment)
        assert kinds <= HARMLESS
        assert [
            each for each in texts if re.search(r"[@#<>|\[\]$~\\&`_]|GH-1|TICKET-1|a5c3785|www|://|:\w+:", each)
        ] == []


def test_an_ordinary_sentence_is_shown_as_it_is() -> None:
    said = "the database's rows are gone (3.5 GB, 80%); don't replace it: create-first, on 2026-12-01!"
    assert inert.plain(said) == said
    assert inert.plain("keep `protect` on, see docs/adr") == "keep `protect` on, see `docs/adr`"


def test_values_that_differ_are_not_in_the_comment() -> None:
    preview = Preview().update(t.NOTIFICATION_POLICY_WEBHOOKS, {"url": "https://one"}, {"url": "https://two"}, "hook")
    comment = render(judged(preview))
    assert "`url`" in comment
    assert "https://" not in comment


@pytest.mark.parametrize("count", [200, 400, 1_200])
def test_a_comment_names_every_stop_while_it_has_room(count: int) -> None:
    names = [f"d1-{number:05}" for number in range(count)]
    preview = deleting(*names)
    for number in range(count):
        preview.update(t.DNS_RECORD, {"a": 1}, {"a": 2}, f"a-record-with-a-rather-long-name-{number}")
        preview.policy("advisory", f"advice {number} " + "x" * 900)
    comment = render(judged(preview))
    assert len(comment) <= LIMIT
    assert f"stopped, for {count} reasons" in comment
    assert [name for name in names if name not in comment] == []
    assert " more, which have no room here" in comment


def test_more_names_than_a_comment_can_hold_are_counted() -> None:
    comment = render(judged(deleting(*[f"d1-{'x' * 70}-{number}" for number in range(2_000)])))
    assert len(comment) <= LIMIT
    assert "(2000)" in comment
    shown = comment.count("`d1-")
    assert shown > 100
    assert f", and {2_000 - shown} more" in comment


@pytest.mark.parametrize("length", [1, 60, 5_000])
@pytest.mark.parametrize("sign", ["x", "`", "\u202e", "@ ", "💥", "\n"])
def test_two_thousand_policies_find_room_and_the_rest_of_them_is_counted(length: int, sign: str) -> None:
    stops = [Obstacle(f"policy {number} {sign * length}", sign * length, sign * length) for number in range(2_000)]
    verdict = replace(judged(deleting("d1")), obstacles=tuple(stops))
    verdict = with_leaks(verdict, [Leaked(f"{number}{sign * length}", "x") for number in range(2_000)])
    comment = render(verdict)
    assert len(comment) <= LIMIT
    assert comment.startswith("<!-- bulkhead preview production -->\n### production: stopped, for 4001 reasons.\n")
    assert "(2000)" in comment
    told = re.search(r"and \*\*(\d+) more\*\* of (\d+) other kinds", comment)
    assert told is not None
    assert told[1] == told[2], "each policy is a kind of its own"
    assert 1_000 < int(told[1]) < 2_000


# --- who must agree


def test_the_waivers_of_the_repository_are_in_order() -> None:
    found = waivers.parse((ROOT / waivers.PATH).read_text(encoding="utf-8"), "here", Stage.PRODUCTION, TODAY)
    assert [
        note for note in found.notes if "cannot be read" in note or "has no" in note or "does not say" in note
    ] == []


def test_a_section_that_does_not_fit_is_left_out_whole() -> None:
    assert markdown._fitted("Title", ["- a"], 10) == ""
