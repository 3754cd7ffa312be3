"""`bulkhead preview --twin`: what it is asked with, what the program gets to see, and what a pull request is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bulkhead.cli.main import main
from bulkhead.preview import proposed
from bulkhead.preview.markdown import LIMIT
from bulkhead.resources import types as t
from bulkhead.twin.state import redact
from bulkhead.twin.store import Folder, publish
from infra.product import PRODUCT
from tests.preview.made import Preview
from tests.support.checkout import work_in
from tests.support.fake_pulumi import FakePulumi
from tests.support.settings_fixture import write_stage_files

Run = Callable[..., tuple[int, str, str]]
STACK = "staging"
PROJECT = "name: bulkhead\nruntime: python\n"
URN = f"urn:pulumi:{STACK}::bulkhead::pulumi:pulumi:Stack::bulkhead-{STACK}"
CANARY = "canary-of-the-pipeline"
OURS = (
    "AWS_SECRET_ACCESS_KEY",
    "AWS_PROFILE",
    "CLOUDFLARE_API_TOKEN",
    "GITHUB_TOKEN",
    "GH_TOKEN",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    "PULUMI_ACCESS_TOKEN",
    "PULUMI_CONFIG_PASSPHRASE",
)


@pytest.fixture(autouse=True)
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The checkout that the command belongs to."""
    base = tmp_path / "base"
    (base / "bulkhead/preview/pack").mkdir(parents=True)
    (base / "bulkhead/preview/pack" / "PulumiPolicy.yaml").write_text("runtime: python\n")
    (base / "Pulumi.yaml").write_text(PROJECT)
    write_stage_files(base)
    work_in(monkeypatch, base)
    monkeypatch.setenv("BULKHEAD_CACHE", str(tmp_path / "cache"))
    return base


@pytest.fixture
def head(tmp_path: Path) -> Path:
    """The checkout of the pull request; its product is ours."""
    head = tmp_path / "head"
    head.mkdir()
    (head / "Pulumi.yaml").write_text(PROJECT)
    write_stage_files(head)
    return head


@pytest.fixture
def place(tmp_path: Path) -> Path:
    stack = {"urn": URN, "type": "pulumi:pulumi:Stack"}
    twin = redact({"version": 3, "deployment": {"resources": [stack]}}, "bulkhead", STACK)
    publish(twin, Folder(tmp_path / "twins"), {}, now="today")
    return tmp_path / "twins"


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakePulumi:
    fake = FakePulumi(tmp_path / "pulumi")
    monkeypatch.setenv("PATH", f"{fake.bin}:/usr/bin:/bin")
    fake.previews(benign().text, fine=True)
    return fake


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: str) -> tuple[int, str, str]:
        code = main(["preview", STACK, *arguments, "--base", "none"])
        out, err = capsys.readouterr()
        return code, out, err

    return call


def benign() -> Preview:
    return Preview(STACK).update(t.D1_DATABASE, {"name": "n"}, {"name": "n", "x": 1}, "d1-main")


def test_the_base_judges_what_the_head_does(
    run: Run, pulumi: FakePulumi, base: Path, head: Path, place: Path, tmp_path: Path
) -> None:
    file = tmp_path / "events.jsonl"
    code, out, err = run("--twin", str(place), "--checkout", str(head), "--events", str(file), "--json")
    assert (code, json.loads(out)["passes"]) == (0, True), err
    assert file.read_text() == benign().text
    asked = f"--non-interactive --color never preview --json --policy-pack {base}/bulkhead/preview/pack --stack {STACK}"
    assert asked in pulumi.asked
    assert any("without its clouds" in note for note in json.loads(out)["notes"])


def test_nothing_of_the_pipeline_is_in_the_engines_environment(
    run: Run, pulumi: FakePulumi, head: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in OURS:
        monkeypatch.setenv(name, CANARY)
    code, _, err = run("--twin", str(place), "--checkout", str(head))
    assert code == 0, err
    assert len(pulumi.asked) == 3  # to make the twin's stack, to fill it, to preview
    assert CANARY not in (pulumi.folder / "environment").read_text()
    seen = pulumi.environment
    assert seen["PULUMI_DEBUG_PROVIDERS"].startswith("aws:")
    assert seen["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"] == "true"
    assert seen["HOME"].endswith("/twin/home")


def test_the_policies_are_told_the_product_of_the_head(
    run: Run, pulumi: FakePulumi, head: Path, place: Path, tmp_path: Path
) -> None:
    (head / "shop.py").write_text(
        "from dataclasses import replace\nfrom infra.product import PRODUCT\nSHOP = replace(PRODUCT, journeys=())\n"
    )
    stage_file = head / f"Pulumi.{STACK}.yaml"
    stage_file.write_text(stage_file.read_text().replace("infra.product:PRODUCT", "shop:SHOP"))
    preview = pulumi.bin / "pulumi"
    preview.write_text(
        preview.read_text().replace("cat digest.json;", f'cp "${proposed.FILE}" product; cat digest.json;')
    )
    code, _, err = run("--twin", str(place), "--checkout", str(head))
    assert code == 0, err
    told = proposed.read(pulumi.folder / "product")
    assert (told.journeys, told.workers) == ((), PRODUCT.workers)


def test_a_head_whose_product_cannot_be_imported_is_refused_in_its_words(
    run: Run, pulumi: FakePulumi, head: Path, place: Path
) -> None:
    (head / "infra").mkdir()
    (head / "infra" / "product.py").write_text("raise ValueError('the shop is closed')")
    code, _, err = run("--twin", str(place), "--checkout", str(head))
    assert code == 1
    assert "ValueError: the shop is closed" in err
    assert not any("preview" in asked for asked in pulumi.asked)


def test_without_a_language_host_it_says_what_is_missing(run: Run, pulumi: FakePulumi, head: Path, place: Path) -> None:
    (pulumi.bin / "pulumi-language-python").unlink()
    code, _, err = run("--twin", str(place), "--checkout", str(head))
    assert code == 1
    assert "pulumi-language-python: is neither on PATH nor beside `pulumi`" in err
    assert pulumi.asked == []


def test_without_a_twin_it_says_how_one_is_published(run: Run, pulumi: FakePulumi, head: Path, tmp_path: Path) -> None:
    code, _, err = run("--twin", str(tmp_path / "nothing"), "--checkout", str(head))
    assert code == 1
    assert f"bulkhead twin publish {STACK}" in err


def test_a_program_that_never_stops_writing_is_ended(
    run: Run, pulumi: FakePulumi, head: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bulkhead.engine.cli._MOST", 1_000)
    preview = pulumi.bin / "pulumi"
    preview.write_text(preview.read_text().replace("cat digest.json; [ -f fine ]", "exec yes '{}'"))
    code, _, err = run("--twin", str(place), "--checkout", str(head))
    assert code == 1
    assert "wrote more than 1,000 characters" in err


@pytest.mark.parametrize(
    "arguments",
    [
        ("--from", "f", "--twin", "p"),
        ("--from", "f", "--events", "e"),
        ("--checkout", "c"),
        ("--on-twin",),
        ("--json", "--markdown"),
    ],
)
def test_options_that_contradict_each_other_are_refused(
    run: Run, pulumi: FakePulumi, arguments: tuple[str, ...]
) -> None:
    code, _, err = run(*arguments)
    assert code == 1
    assert "leave one of them out" in err
    assert pulumi.asked == []


def test_all_contradictions_are_told_at_once(run: Run) -> None:
    _, _, err = run("--json", "--markdown", "--checkout", "c")
    assert "--markdown" in err
    assert "--checkout" in err


def test_events_that_cannot_be_kept_are_said_to_be_lost(
    run: Run, pulumi: FakePulumi, head: Path, place: Path, tmp_path: Path
) -> None:
    file = str(tmp_path / "no" / "folder" / "events.jsonl")
    code, _, err = run("--twin", str(place), "--checkout", str(head), "--events", file)
    assert code == 1
    assert "cannot be written: No such file or directory" in err


# --- what the gate makes of events that another machine wrote


def test_events_of_a_twin_are_judged_with_what_such_a_preview_does_not_see(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text(benign().text)
    code, out, _ = run("--from", str(file), "--on-twin", "--markdown")
    assert code == 0
    assert out.startswith(f"<!-- bulkhead preview {STACK} -->\n### {STACK}: nothing stops it")
    assert "without its clouds" in out
    assert "no secret was looked for" not in out


BROKEN = {
    "missing": None,
    "empty": "",
    "no events": "I am a program, and this is all I say\n",
    "cut off": "\n".join(benign().lines()[:3]),
    "of another stage": Preview("production").text,
    "very long": "<script>alert('@everyone')</script> | `x`\n" * 20_000,
}


@pytest.mark.parametrize("name", BROKEN)
def test_whoever_waits_for_a_comment_gets_one_whatever_is_wrong(run: Run, tmp_path: Path, name: str) -> None:
    file, text = tmp_path / "events.jsonl", BROKEN[name]
    if text is not None:
        file.write_text(text)
    code, out, err = run("--from", str(file), "--on-twin", "--markdown")
    assert code == 1
    assert out.startswith(f"<!-- bulkhead preview {STACK} -->\n### {STACK}: stopped, because there is no verdict.\n")
    assert "#### Why" in out
    assert "<script>" not in out
    assert len(out) <= LIMIT
    assert err


def test_without_a_twin_no_refusal_is_printed_where_a_comment_is_made(run: Run, pulumi: FakePulumi, base: Path) -> None:
    """The stack's own secrets are in reach of the engine there, and only a verdict was searched for them."""
    pulumi.fails("preview", "error: something with a secret in it")
    (base / "policies").mkdir()
    (base / "policies" / "PulumiPolicy.yaml").write_text("runtime: python\n")
    code, out, _ = run("--markdown")
    assert (code, out) == (1, "")
