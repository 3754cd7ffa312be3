"""The verdict: what stops a change in which stage, and how that is said to people and programs."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from bulkhead.model.naming import Stage
from bulkhead.preview import events, markdown, noise, waivers
from bulkhead.preview.events import NOT_IN_A_DIGEST
from bulkhead.preview.markdown import LIMIT, render
from bulkhead.preview.verdict import Leaked, Verdict, as_json, bare, judge, with_failure, with_leaks
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
        "a/b\\#1",
        "Worker web",
    ):
        assert text in comment


def test_a_bare_verdict_repeats_nothing_that_the_engine_said() -> None:
    verdict = bare(everything())
    for text in (render(verdict), json.dumps(as_json(verdict))):
        assert "githubToken" in text
        assert not any(word in text for word in ("d2", "boom", "a-rule", "crons", "web"))
    assert not verdict.passes


def test_text_of_others_is_not_read_as_markup_and_calls_nobody() -> None:
    message = "```\n</details> @everyone <script> | [x](http://example.invalid)"
    preview = Preview().policy("mandatory", message).delete(t.D1_DATABASE, "`a`|@owner<b>", D1)
    preview.replace(t.WORKER_VERSION, {"exports": {"@x<b>": ROOM}}, {"exports": {}}, "v", **UNGUARDED)
    comment = render(judged(preview))
    assert "@everyone" in comment
    assert "@owner" in comment
    meant = re.sub(r"(`+).*?\1", "", re.sub(r"\\.|<!--|-->", "", comment), flags=re.DOTALL)
    assert not any(sign in meant for sign in "@<>|[")
    assert "&#64;x\\<b\\>" in comment


def test_values_that_differ_are_not_in_the_comment() -> None:
    preview = Preview().update(t.NOTIFICATION_POLICY_WEBHOOKS, {"url": "https://one"}, {"url": "https://two"}, "hook")
    comment = render(judged(preview))
    assert "`url`" in comment
    assert "https://" not in comment


@pytest.mark.parametrize("count", [200, 400, 1_200])
def test_a_comment_always_finds_room_and_never_leaves_out_a_stop(count: int) -> None:
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


def test_more_names_than_a_comment_can_hold_are_at_least_admitted() -> None:
    comment = render(judged(deleting(*[f"d1-{'x' * 90}-{number}" for number in range(2_000)])))
    assert len(comment) <= LIMIT
    assert "(2000)" in comment
    assert "and more than have room here" in comment


# --- who must agree


def test_code_owners_cover_the_gate_its_waivers_and_what_holds_data() -> None:
    lines = (ROOT / ".github" / "CODEOWNERS").read_text().splitlines()
    owned = [line.split() for line in lines if line and not line.startswith("#")]
    assert all(len(parts) > 1 and parts[1].startswith("@") for parts in owned)
    paths = [parts[0] for parts in owned]
    for wanted in (waivers.PATH, noise.PATH, "bulkhead/preview/verdict.py", "policies/pack.py", ".github/CODEOWNERS"):
        assert any(wanted.startswith(path.removeprefix("/")) for path in paths), wanted
    files = [path.removeprefix("/") for path in paths if path.endswith(".py")]
    assert "infra/components/stores.py" in files
    assert [file for file in files if not (ROOT / file).is_file()] == []


def test_the_waivers_of_the_repository_are_in_order() -> None:
    found = waivers.parse((ROOT / waivers.PATH).read_text(encoding="utf-8"), "here", Stage.PRODUCTION, TODAY)
    assert [
        note for note in found.notes if "cannot be read" in note or "has no" in note or "does not say" in note
    ] == []


def test_a_section_that_does_not_fit_is_left_out_whole() -> None:
    assert markdown._fitted("Title", ["- a"], 10) == ""
