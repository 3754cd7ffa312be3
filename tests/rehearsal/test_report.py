"""The page of a rehearsal: says what happened, gives nothing away, asks nobody for anything."""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass, replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from bulkhead.analysis.access.matrix import table
from bulkhead.localclouds.fidelity import Fidelity
from bulkhead.model.faults import Refused
from bulkhead.rehearsal import report as page
from bulkhead.rehearsal.evidence import Outcome, Report, ResourceLine, StageReport, Verdict
from infra.product import PRODUCT

STAGES = ("development", "staging", "production")
VOID = {"meta", "link", "input"}
KINDS = {
    "D1": ("d1", "d1-main"),
    "KV": ("kv_namespace", "kv-sessions"),
    "R2": ("r2_bucket", "r2-transcripts"),
    "DurableObject": ("durable_object_namespace", "worker-booking"),
    "QueueProducer": ("queue", "queue-events"),
    "Service": ("service", "worker-booking"),
}


def stage(name: str) -> StageReport:
    """A stage of the example product, as large as a real one."""
    bindings = {}
    for worker in PRODUCT.workers:
        bound = [("STAGE", "plain_text", name), ("TZ", "plain_text", "Asia/Tokyo")]
        for binding in worker.bindings:
            kind = type(binding).__name__
            type_, part = KINDS.get(kind, ("secret_text" if kind == "Secret" else kind.lower(), ""))
            target = "canary-f3a91c" if kind == "Secret" else part and f"harbor-{name}-{part}"
            bound.append((binding.name, type_, target))
        bindings[worker.name] = tuple(bound)
    resources = (
        ResourceLine("bulkhead:data:DataStores", "stores", "program"),
        *(
            ResourceLine(type_, f"harbor-{name}-{part}", treatment)
            for type_, part, treatment in (
                ("cloudflare:index/d1Database:D1Database", "d1-main", "emulated"),
                ("cloudflare:index/workersKvNamespace:WorkersKvNamespace", "kv-sessions", "emulated"),
                ("cloudflare:index/workersKvNamespace:WorkersKvNamespace", "kv-answers", "emulated"),
                ("cloudflare:index/r2Bucket:R2Bucket", "r2-transcripts", "emulated"),
                ("cloudflare:index/ruleset:Ruleset", "ruleset-cache", "recorded"),
                ("aws:s3/bucket:Bucket", "vault", "emulated"),
                ("aws:kms/key:Key", "key-vault", "emulated"),
                ("aws:scheduler/schedule:Schedule", "backup-full", "recorded"),
                ("github:index/repositoryEnvironment:RepositoryEnvironment", "delivery", "recorded"),
            )
        ),
    )
    hostname = f"http://{name}.localhost:42117"
    deploy = (f"bulkhead-{name}",)
    rights = table(
        "rights",
        "What a role may do",
        ("role", "may", "actions"),
        [(deploy, "may", ("s3:Get", "s3:Put"))],
        "Nothing else.",
    )
    access = (rights, table("tokens", "What a token may do", ("token",), []))
    return StageReport(
        name, name, hostname, resources, bindings, {"preview": 3.1, "up": 14.25, "requests": 0.9}, access
    )


SAMPLE = Report(
    product="harbor",
    engine="pulumi v3.250.0",
    started="2026-11-21T14:03:07+09:00",
    seconds=96.4,
    stages=tuple(stage(name) for name in STAGES),
    verdicts=(
        Verdict("stages.disjoint", "No two stages share a resource.", Outcome.PROVEN, "312 ids, none twice",
                seconds=0.04),
        Verdict("stages.own-data", "What is written in one stage is seen in that stage only.", Outcome.PROVEN,
                "wrote 予約-7f3c to D1, KV and R2 of each stage and read it back: 9 of 9 where it belongs, "
                "0 of 18 elsewhere", seconds=2.31),
        Verdict("workers.least-privilege", "Each Worker sees exactly the bindings it was granted.", Outcome.PROVEN,
                "Object.keys(env) of 4 Workers in 3 stages equals the product's grants", seconds=0.62),
        Verdict("production.protected", "Nothing in production can be destroyed by a single command.", Outcome.FAILED,
                "pulumi destroy --skip-preview was run against a copy of the state",
                "0 resources deleted, and an error that names the protected ones",
                "2 resources deleted before the error:\n"
                "  cloudflare:index/workersCustomDomain:WorkersCustomDomain www\n"
                "  cloudflare:index/worker:Worker web", 4.87),
        Verdict("backup.restore", "A backup of the night restores into an empty database, row for row.", Outcome.PROVEN,
                "240 rows in 5 tables, the same SHA-256 before and after; 会話ログ included", seconds=3.4),
        Verdict("roles.conditions", "A role can be assumed from its own GitHub environment only.", Outcome.NOT_SHOWN,
                "moto ignores the conditions of a trust policy, so a refusal here would mean nothing"),
        Verdict("program.stable", "A second preview changes nothing.", Outcome.PROVEN, "same 104, same 104, same 121",
                seconds=6.02),
    ),
    phases={"clouds start": 2.1, "first up of three stages": 38.5, "proofs": 19.6, "second preview": 6.0,
            "destroy": 28.9, "look for leftovers": 1.3},
    ending="All three stages were destroyed. No process, no file and no open port was left.",
    logs="/home/me/harbor/.rehearsal/logs",
    fidelity=(
        Fidelity("cloudflare:index/d1Database:D1Database", "emulated", 4, ("create",), ("SDK", "plugin")),
        Fidelity("cloudflare:index/queue:Queue", "emulated", 4, (), ("SDK",)),
    ),
)  # fmt: skip


class Document(HTMLParser):
    """The page as a browser would take it apart; an element that is never closed is an error."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def of_class(self, name: str) -> list[str]:
        return [tag for tag, attributes in self.elements if name in attributes.get("class", "").split()]


def read(report: Report) -> Document:
    return Document(page.render(report))


def poisoned(value: Any, poison: str) -> Any:
    """Return ``value`` with ``poison`` at the end of every string in it, keys included."""
    if isinstance(value, Outcome | int | float):
        return value
    if isinstance(value, str):
        return value + poison
    if isinstance(value, tuple):
        return tuple(poisoned(item, poison) for item in value)
    if isinstance(value, dict):
        return {poisoned(key, poison): poisoned(item, poison) for key, item in value.items()}
    assert is_dataclass(value)
    assert not isinstance(value, type)
    return replace(value, **{field.name: poisoned(getattr(value, field.name), poison) for field in fields(value)})


def test_verdict_comes_first_and_in_numbers() -> None:
    text = page.render(SAMPLE)
    document = Document(text)
    assert "<title>5 proven, 1 failed, 1 not shown - rehearsal of harbor</title>" in text
    assert "Rehearsal of harbor: failed 5 proven 1 failed 1 not shown" in document.text
    assert "1 min 36 s" in document.text
    assert document.text.index("1 failed") < document.text.index("No two stages share a resource.")


@pytest.mark.parametrize(
    ("outcomes", "ruling"),
    [
        ((Outcome.PROVEN, Outcome.NOT_SHOWN), "passed"),
        ((Outcome.PROVEN, Outcome.FAILED), "failed"),
        ((Outcome.NOT_SHOWN,), "nothing was proven"),
        ((), "nothing was proven"),
    ],
)
def test_ruling_is_passed_only_when_something_was_proven_and_nothing_failed(
    outcomes: tuple[Outcome, ...], ruling: str
) -> None:
    verdicts = tuple(Verdict(f"proof-{n}", "It holds.", outcome, "") for n, outcome in enumerate(outcomes))
    assert f"Rehearsal of harbor: {ruling} " in read(replace(SAMPLE, verdicts=verdicts)).text


def test_every_proof_is_shown_with_evidence_and_failures_lead() -> None:
    document = read(SAMPLE)
    for verdict in SAMPLE.verdicts:
        assert verdict.claim in document.text
        assert verdict.evidence in document.text
    claims = [words for words in document.words if words in {verdict.claim for verdict in SAMPLE.verdicts}]
    assert claims[0] == "Nothing in production can be destroyed by a single command."
    assert claims[1] == "A role can be assumed from its own GitHub environment only."
    assert claims[2:] == [verdict.claim for verdict in SAMPLE.verdicts if verdict.outcome is Outcome.PROVEN]


def test_expected_and_seen_are_shown_for_failures_only() -> None:
    document = read(SAMPLE)
    assert document.words.count("Expected") == document.words.count("Seen") == 1
    assert "Expected 0 resources deleted, and an error that names the protected ones Seen 2 resources" in document.text


def test_each_stage_shows_where_it_answers_and_counts_its_resources_by_cloud() -> None:
    document = read(SAMPLE)
    links = [attributes["href"] for tag, attributes in document.elements if tag == "a"]
    for stage_report in SAMPLE.stages:
        assert stage_report.url in links
        assert f"Resources of {stage_report.environment} Cloud emulated program recorded all" in document.text
    assert document.text.count("Cloudflare 4 0 1 5 AWS 2 0 1 3 GitHub 0 0 1 1 Program 0 1 0 1 Together 6 1 3 10") == 3
    assert document.text.count("harbor-staging-kv-answers") == 1


def test_ephemeral_stack_says_whose_stage_it_is() -> None:
    review = replace(SAMPLE.stages[0], environment="pr-42")
    assert "pr-42 (development)" in read(replace(SAMPLE, stages=(review,))).text


def test_equal_grants_are_called_equal_whatever_they_point_at() -> None:
    grants = sum(2 + len(worker.bindings) for worker in PRODUCT.workers)
    document = read(SAMPLE)
    assert f"All 3 stages grant their Workers the same {grants} bindings." in document.text
    assert document.of_class("absent") == []


def test_binding_that_one_stage_lacks_is_named() -> None:
    staging = SAMPLE.stages[1]
    lacking = tuple(binding for binding in staging.bindings["booking"] if binding[0] != "DB")
    changed = replace(staging, bindings={**staging.bindings, "booking": lacking})
    document = read(replace(SAMPLE, stages=(SAMPLE.stages[0], changed, SAMPLE.stages[2])))
    assert "booking: DB (d1) is not bound in staging" in document.text
    assert len(document.of_class("absent")) == 1
    assert "grant their Workers the same" not in document.text


def test_who_may_change_each_stage_is_told_table_by_table() -> None:
    document = read(SAMPLE)
    for stage_report in SAMPLE.stages:
        told = f"What a role may do (1) role may actions bulkhead-{stage_report.environment} may s3:Get s3:Put"
        assert f"{told} Nothing else." in document.text
    assert "What a token may do" not in document.text, "a table of nothing"


def test_it_is_told_which_rules_of_the_local_clouds_nobody_can_check() -> None:
    text = page.render(SAMPLE)
    assert "87.5 % of the rules" in text
    assert "3 of 4" in text
    assert "<td>SDK, plugin</td><td>create</td>" in text
    assert 'id="fidelity"' not in page.render(replace(SAMPLE, fidelity=()))


def test_stages_that_nobody_may_change_have_no_such_section() -> None:
    nobody = replace(SAMPLE, stages=tuple(replace(each, access=()) for each in SAMPLE.stages))
    assert "Who may change a stage" in read(SAMPLE).text
    assert "Who may change a stage" not in read(nobody).text


def test_secret_values_never_reach_the_page() -> None:
    assert "canary-f3a91c" not in page.render(SAMPLE)


def test_phases_follow_each_other_on_one_time_line() -> None:
    styles = [attributes["style"] for _, attributes in read(SAMPLE).elements if "style" in attributes]
    bars = [tuple(map(float, re.findall(r"([0-9.]+)%", style))) for style in styles]
    assert len(bars) == len(SAMPLE.phases)
    for (begin, share), (next_begin, _) in pairwise(bars):
        assert begin + share == pytest.approx(next_begin, abs=0.01)
    assert bars[0][0] == 0
    assert sum(bars[-1]) == pytest.approx(100, abs=0.01)


def test_phases_of_no_length_are_drawn() -> None:
    styles = [
        a["style"] for _, a in read(replace(SAMPLE, seconds=0.0, phases={"proofs": 0.0})).elements if "style" in a
    ]
    assert styles == ["--from:0.000%;--share:0.000%"]


@pytest.mark.parametrize("poison", ["<script>alert(1)</script>", '" onmouseover="x', "' & </li>", "$title"])
def test_nothing_in_a_report_becomes_markup(poison: str) -> None:
    clean, dirty = read(SAMPLE), read(poisoned(SAMPLE, poison))
    assert {tag for tag, _ in dirty.elements} == {tag for tag, _ in clean.elements}
    assert {name for _, attributes in dirty.elements for name in attributes} == {
        name for _, attributes in clean.elements for name in attributes
    }
    assert poison in dirty.text


def test_footer_says_where_the_logs_are_or_why_there_are_none() -> None:
    assert read(SAMPLE).text.endswith("Logs of this rehearsal: /home/me/harbor/.rehearsal/logs")
    assert "No logs were set aside" in read(replace(SAMPLE, logs="")).text


def test_address_that_is_no_web_address_is_no_link() -> None:
    crooked = replace(SAMPLE.stages[0], url="javascript:alert(1)")
    links = [a["href"] for tag, a in read(replace(SAMPLE, stages=(crooked,))).elements if tag == "a"]
    assert all(link.startswith("#proof-") for link in links)


def test_terminal_colours_and_control_characters_do_not_reach_the_page() -> None:
    noisy = Verdict("noise", "It holds.", Outcome.PROVEN, "\x1b[31mred\x1b[0m bell\x07 half\ud800 会話")
    document = read(replace(SAMPLE, verdicts=(noisy,)))
    assert "red bell\ufffd half\ufffd 会話" in document.text


def test_page_asks_nobody_for_anything() -> None:
    text = page.render(SAMPLE)
    document = Document(text)
    assert not {"script", "iframe", "img", "object", "embed"} & {tag for tag, _ in document.elements}
    fetched = [
        a.get("src") or a.get("href", "") for tag, a in document.elements if tag != "a" and {"src", "href"} & set(a)
    ]
    assert fetched == ["data:,"]
    assert not re.search(r"@import|url\(", text)
    assert "default-src 'none'" in text


def test_write_replaces_the_page_and_leaves_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "結果 report.html"
    target.write_text("old")
    page.check_writable(target)
    assert target.read_text() == "old"
    page.write(SAMPLE, target)
    assert target.read_text(encoding="utf-8") == page.render(SAMPLE)
    assert list(tmp_path.iterdir()) == [target]


def test_page_that_cannot_be_made_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def half(self: Path, text: str, **_: Any) -> int:
        self.write_bytes(text[:10].encode())
        raise OSError(28, "No space left on device")

    target = tmp_path / "report.html"
    target.write_text("old")
    monkeypatch.setattr(Path, "write_text", half)
    with pytest.raises(OSError, match="No space left"):
        page.write(SAMPLE, target)
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_link_is_written_through(tmp_path: Path) -> None:
    target, link = tmp_path / "report.html", tmp_path / "latest.html"
    link.symlink_to(target)
    page.write(SAMPLE, link)
    assert link.is_symlink()
    assert target.is_file()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere/report.html", "there is no directory"),
        ("plain.txt/report.html", "there is no directory"),
        ("folder", "is not an ordinary file"),
        ("n" * 255, "cannot be written"),
    ],
)
def test_report_that_could_not_be_written_is_refused_before_anything_starts(
    tmp_path: Path, name: str, message: str
) -> None:
    (tmp_path / "plain.txt").touch()
    (tmp_path / "folder").mkdir()
    before = sorted(tmp_path.iterdir())
    with pytest.raises(Refused) as refusal:
        page.check_writable(tmp_path / name)
    (fault,) = refusal.value.faults
    assert message in fault.message
    assert fault.key == str(tmp_path / name)
    assert fault.fix
    assert sorted(tmp_path.iterdir()) == before


def test_device_is_refused_because_it_would_be_replaced() -> None:
    with pytest.raises(Refused, match="is not an ordinary file"):
        page.check_writable(Path("/dev/null"))
