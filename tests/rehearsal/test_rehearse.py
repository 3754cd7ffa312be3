"""The whole command, end to end: three stages on the real engine, then everything that may go wrong around it."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from bulkhead.engine.plugins import sdk_version
from bulkhead.machine.rundir import kept_path
from bulkhead.rehearsal import plugins
from bulkhead.rehearsal.proofs import PROOFS
from infra.product import PRODUCT
from tests.support import plugin_program
from tests.support.rehearsal_command import ROOT, started

pytestmark = pytest.mark.slow

STAGES = ("development", "staging", "production")


@dataclass(frozen=True)
class Rehearsed:
    code: int
    report: dict[str, Any]
    page: str
    errors: str
    left: list[str]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Rehearsed:
    """One rehearsal of all three stages, with the credentials of an owner in its environment."""
    home = tmp_path_factory.mktemp("whole")
    page = home / "report.html"
    owner = {"CLOUDFLARE_API_TOKEN": "owners-own", "AWS_PROFILE": "owners-own", "GITHUB_TOKEN": "owners-own"}
    with started(home, "--json", "--report", str(page), **owner) as command:
        code = command.finished()
        assert command.output, command.errors
        return Rehearsed(
            code, json.loads(command.output), page.read_text(encoding="utf-8"), command.errors, command.left()
        )


def test_everything_is_proven(whole: Rehearsed) -> None:
    verdicts = {verdict["key"]: verdict["outcome"] for verdict in whole.report["verdicts"]}
    assert set(verdicts.values()) == {"proven"}, whole.errors
    assert {proof.key for proof in PROOFS} < set(verdicts)
    assert whole.code == 0


def test_each_proof_shows_its_evidence(whole: Rehearsed) -> None:
    assert all(verdict["evidence"] for verdict in whole.report["verdicts"])


def test_three_stages_stood_with_every_part_of_the_product(whole: Rehearsed) -> None:
    assert tuple(stage["environment"] for stage in whole.report["stages"]) == STAGES
    for stage in whole.report["stages"]:
        types = [resource["type"] for resource in stage["resources"]]
        assert types.count("cloudflare:index/worker:Worker") == len(PRODUCT.workers)
        assert types.count("cloudflare:index/d1Database:D1Database") == len(PRODUCT.databases)


def test_nothing_is_left(whole: Rehearsed) -> None:
    assert whole.left == []


def test_standard_output_is_one_document_and_progress_has_no_colour_on_a_pipe(whole: Rehearsed) -> None:
    assert "staging: bringing up" in whole.errors
    assert "\x1b" not in whole.errors
    assert "Traceback" not in whole.errors
    assert "Exception ignored" not in whole.errors


def test_the_page_is_self_contained_and_tells_every_proof(whole: Rehearsed) -> None:
    links = _Links()
    links.feed(whole.page)
    assert links.elsewhere == []
    assert not re.search(r"url\(\s*['\"]?https?:", whole.page)
    for verdict in whole.report["verdicts"]:
        if verdict["key"] not in {"report", "no-trace"}:  # proven with the page, or after it, at the earliest
            assert verdict["claim"] in unescape(whole.page)


class _Links(HTMLParser):
    """Collects what a browser would fetch for the page."""

    def __init__(self) -> None:
        super().__init__()
        self.elsewhere: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        fetched = {"src", "srcset", "href"} if tag == "link" else {"src", "srcset"}
        self.elsewhere += [f"{tag} {v}" for name, v in attrs if name in fetched and v and not v.startswith("data:")]


def test_another_product_is_rehearsed_without_a_change(tmp_path: Path) -> None:
    product = "tests.support.second_product:SECOND_PRODUCT"
    with started(tmp_path, "--json", "--product", product, "--stage", "staging", "--stage", "production") as command:
        code = command.finished()
        report = json.loads(command.output)
        outcomes = {verdict["key"]: verdict["outcome"] for verdict in report["verdicts"]}
        assert "failed" not in outcomes.values(), command.errors
        assert outcomes["stores"] == outcomes["bindings"] == outcomes["disjoint"] == "proven"
        assert outcomes["journeys"] == "not shown"
        assert report["product"] == "corner"
        assert code == 0
        assert command.left() == []


def test_plugins_of_this_machine_make_the_resources_on_request(tmp_path: Path) -> None:
    bin_ = tmp_path / "bin"
    for package in plugins.REAL:
        plugin_program.install(bin_, package)
    options = ("--json", "--stage", "development", "--plugins", "real")
    with started(tmp_path / "home", *options, PATH=f"{bin_}{os.pathsep}{os.environ['PATH']}") as command:
        code = command.finished()
        report = json.loads(command.output)
        failed = {verdict["key"] for verdict in report["verdicts"] if verdict["outcome"] == "failed"}
        assert failed == set(), command.errors
        assert f"with the real plugins cloudflare {sdk_version('cloudflare')}" in report["engine"]
        assert code == 0
        assert command.left() == []


def test_a_proof_that_fails_says_what_was_seen_and_where_the_logs_are(tmp_path: Path) -> None:
    product = "tests.support.leaky_product:LEAKY_PRODUCT"
    with started(tmp_path, "--product", product, "--stage", "development") as command:
        assert command.finished() == 1
        assert "✗ nothing tried to reach another machine" in command.output
        assert re.search(r"seen: .*elsewhere\.example", command.output)
        logs = re.search(r"Logs: (.+)", command.output)
        assert logs
        assert list(Path(logs[1]).glob("development-*.log"))
        assert command.left() == []


def test_ctrl_c_in_the_middle_leaves_nothing(tmp_path: Path) -> None:
    with started(tmp_path, "--stage", "staging") as command:
        command.until_it_has_made("staging", 10)
        command.type_ctrl_c()
        assert command.finished() == 130
        assert "Interrupted" in command.output + command.errors
        assert "Traceback" not in command.output + command.errors
        assert "Exception ignored" not in command.output + command.errors
        assert command.left() == []


def test_a_killed_rehearsal_is_cleaned_up_after(tmp_path: Path) -> None:
    with started(tmp_path, "--stage", "staging") as command:
        command.until_it_has_made("staging", 10)
        assert command.left()
        command.process.kill()
        assert command.finished() < 0
        command.until_nothing_is_left()


def test_two_rehearsals_at_once_do_not_meet(tmp_path: Path) -> None:
    options = ("--stage", "development", "--json")
    with started(tmp_path / "one", *options) as one, started(tmp_path / "two", *options) as two:
        assert (one.finished(), two.finished()) == (0, 0), one.errors + two.errors
        urls = {json.loads(command.output)["stages"][0]["url"] for command in (one, two)}
        assert len(urls) == 2
        assert one.left() == two.left() == []


@pytest.fixture
def nothing_kept() -> None:
    if kept_path(ROOT).exists():
        pytest.skip("a rehearsal is kept in this checkout, and a test must not end it: bulkhead rehearse --stop")


def forget_applications(kept: Path) -> int:
    """Take what guards the hostnames out of the states: as a create whose answer is lost when the clouds are killed
    before the engine. Return how many resources that were."""
    forgotten = 0
    for file in kept.rglob(".pulumi/stacks/*/development.json"):
        state = json.loads(file.read_text(encoding="utf-8"))
        resources = state["checkpoint"]["latest"].get("resources", [])
        known = [each for each in resources if "zeroTrustAccessApplication" not in each["type"]]
        state["checkpoint"]["latest"]["resources"] = known
        file.write_text(json.dumps(state), encoding="utf-8")
        forgotten += len(resources) - len(known)
    return forgotten


@pytest.mark.usefixtures("nothing_kept")
def test_a_kept_rehearsal_answers_is_taken_up_again_and_ended(tmp_path: Path) -> None:
    try:
        with started(tmp_path / "kill", "--keep", "--stage", "development") as command:
            command.until_it_has_made("development", 10, run=kept_path(ROOT))
            command.process.kill()
        with started(tmp_path / "heal", "--keep", "--stage", "development", "--json") as command:
            assert command.finished() == 0, command.errors
            url = json.loads(command.output)["stages"][0]["url"]
        assert forget_applications(kept_path(ROOT))
        with started(tmp_path / "again", "--keep", "--stage", "development", "--json") as command:
            assert command.finished() == 0, command.errors
            assert json.loads(command.output)["stages"][0]["url"] == url
    finally:
        with started(tmp_path / "stop", "--stop") as command:
            assert command.finished() == 0
            assert "is ended" in command.output
    assert not kept_path(ROOT).exists()
