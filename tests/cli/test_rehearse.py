"""`bulkhead rehearse`: what it asks of a rehearsal, what it tells of one, and what it says of mistakes."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import pytest

import bulkhead.rehearsal as room
from bulkhead.cli import main as cli
from bulkhead.cli import rehearse as command
from bulkhead.engine.events import Diagnostic, OperationEnded, OperationStarted
from bulkhead.machine import rundir
from bulkhead.model.failures import Failed
from bulkhead.model.faults import Fault, Refused
from bulkhead.rehearsal.evidence import Outcome, Report, StageReport, Verdict
from tests.support.checkout import work_in

Capture = pytest.CaptureFixture[str]
PROVEN = Verdict("answers", "each Worker answers", Outcome.PROVEN, "web 200", seconds=1.25)
FAILED = Verdict("bindings", "nothing more", Outcome.FAILED, "", "env to hold ['DB']", "too many: ['KV']", 0.4)
KEPT = Verdict("no-trace", "nothing is left", Outcome.NOT_SHOWN, "--keep leaves the stages running")
STAGES = tuple(StageReport(e, e, f"http://{e}.localhost:1", (), {}, {}) for e in ("development", "staging"))
REPORT = Report("harbor", "an engine", "now", 61.6, STAGES, (PROVEN,), {"up": 30.2, "proofs": 5.0}, "All gone.", "")


@dataclass(frozen=True)
class Wish:
    """What the command asks for; the same fields as `run.Wish`."""

    product: str | None
    stages: tuple[str, ...]
    keep: bool
    page: Path | None
    real_plugins: bool = False
    recording: Path | None = None
    seed: int | None = None


class Run:
    """Stands in the place of `bulkhead.rehearsal.run`, whose import takes seconds."""

    def __init__(self) -> None:
        self.Wish = Wish
        self.report = REPORT
        self.error: BaseException | None = None
        self.wishes: list[Wish] = []

    def rehearse(self, wish: Wish, progress: Any) -> Report:
        self.wishes.append(wish)
        progress.on_event(OperationStarted(wish.stages[0], "up"))
        if self.error:
            raise self.error
        progress.on_event(Diagnostic(wish.stages[0], "warning", "the zone is [shared]"))
        progress.on_event(OperationEnded(wish.stages[0], "up", True, 1.0))
        for verdict in self.report.verdicts:
            progress.verdict(verdict)
        return self.report


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    run = Run()
    monkeypatch.setitem(sys.modules, "bulkhead.rehearsal.run", run)
    monkeypatch.setattr(room, "run", run, raising=False)
    work_in(monkeypatch, tmp_path)
    monkeypatch.setenv("BULKHEAD_CACHE", str(tmp_path))
    return run


@pytest.mark.parametrize(
    ("options", "wish"),
    [
        ([], Wish(None, ("development", "staging", "production"), False, None)),
        (["--stage", "staging"], Wish(None, ("staging",), False, None)),
        (
            ["--stage", "production", "--stage", "development", "--stage", "production"],
            Wish(None, ("development", "production"), False, None),
        ),
        (
            ["--keep", "--product", "my.module:MINE", "--report", "page.html"],
            Wish("my.module:MINE", ("development", "staging", "production"), True, Path("page.html")),
        ),
        (
            ["--stage", "staging", "--plugins", "real", "--record", "calls.json"],
            Wish(None, ("staging",), False, None, real_plugins=True, recording=Path("calls.json")),
        ),
        (["--stage", "staging", "--seed", "7"], Wish(None, ("staging",), False, None, seed=7)),
    ],
)
def test_options_become_a_wish(run: Run, options: list[str], wish: Wish) -> None:
    assert cli.main(["rehearse", *options]) == 0
    assert run.wishes == [wish]


@pytest.mark.parametrize("beside", [("--plugins", "real"), ("--record", "calls.json")])
def test_a_seed_that_would_be_ignored_is_refused(
    run: Run, beside: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["rehearse", "--seed", "7", *beside]) == 1
    assert "no call fails half-way" in capsys.readouterr().err
    assert run.wishes == []


def test_the_wish_has_the_fields_that_a_rehearsal_takes() -> None:
    from bulkhead.rehearsal import run  # noqa: PLC0415 (the Pulumi SDKs take seconds to import)

    assert {field.name for field in fields(run.Wish)} == {field.name for field in fields(Wish)}
    assert run.Wish().product is None
    assert run.Wish().stages == command._STAGES


def test_a_person_reads_each_proof_and_the_sum(run: Run, capsys: Capture) -> None:
    assert cli.main(["rehearse"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["development: bringing up", "development: the zone is [shared]"]
    assert lines[3:5] == ["✓ each Worker answers (1.2 s)", "    web 200"]
    assert lines[-2:] == ["1 proven in 62 s. All gone.", "Most of the time went to: up 30 s, proofs 5 s"]


def test_a_failed_proof_says_what_was_expected_and_seen_and_where_the_logs_are(run: Run, capsys: Capture) -> None:
    run.report = replace(REPORT, verdicts=(PROVEN, FAILED), logs="/logs/here")
    assert cli.main(["rehearse"]) == 1
    text = capsys.readouterr().out
    assert "✗ nothing more (0.4 s)\n    proof:    bindings\n    expected: env to hold ['DB']\n" in text
    assert "    seen:     too many: ['KV']\n" in text
    assert "1 proven, 1 failed in 62 s." in text
    assert text.endswith("Logs: /logs/here\n")


def test_what_was_not_shown_is_neither(run: Run, capsys: Capture) -> None:
    run.report = replace(REPORT, verdicts=(PROVEN, KEPT))
    assert cli.main(["rehearse", "--keep"]) == 0
    text = capsys.readouterr().out
    assert "- nothing is left (0.0 s)\n    --keep leaves the stages running\n" in text
    assert "1 proven, 1 not shown in 62 s." in text
    assert "  staging: http://staging.localhost:1\nEnd them with: bulkhead rehearse --stop\n" in text


def test_nothing_proven_is_no_success(run: Run, capsys: Capture) -> None:
    run.report = replace(REPORT, verdicts=(KEPT,))
    assert cli.main(["rehearse"]) == 1
    assert "1 not shown in 62 s." in capsys.readouterr().out


def test_a_program_reads_one_document_and_the_exit_code(run: Run, capsys: Capture) -> None:
    run.report = replace(REPORT, verdicts=(PROVEN, FAILED))
    assert cli.main(["rehearse", "--json"]) == 1
    captured = capsys.readouterr()
    document = json.loads(captured.out)
    assert (document["ok"], [v["key"] for v in document["verdicts"]]) == (False, ["answers", "bindings"])
    assert "✓ each Worker answers" in captured.err


MISTAKES = [
    (["--stage", "nowhere"], "--stage nowhere", "--stage development"),
    (["--stage", "stagin"], "--stage stagin", "--stage staging"),
    (["--stage", "staging", "--stage", "Production"], "--stage Production", "--stage production"),
    (["--stage", ""], "--stage ", "--stage development"),
    (["--stop", "--keep"], "--stop", "bulkhead rehearse --stop"),
    (["--stop", "--stage", "staging"], "--stop", "bulkhead rehearse --stop"),
    (["--stop", "--report", "page.html"], "--stop", "bulkhead rehearse --stop"),
    (["--stop", "--product", "my.module:MINE"], "--stop", "bulkhead rehearse --stop"),
    (["--stop", "--plugins", "real"], "--stop", "bulkhead rehearse --stop"),
]


@pytest.mark.parametrize(("options", "key", "fix"), MISTAKES)
def test_a_mistake_is_said_with_its_place_and_fix_and_starts_nothing(
    run: Run, capsys: Capture, options: list[str], key: str, fix: str
) -> None:
    assert cli.main(["rehearse", *options]) == 1
    captured = capsys.readouterr()
    assert f"  - {key}: " in captured.err
    assert f"fix: {fix}\n" in captured.err
    assert "Traceback" not in captured.err + captured.out
    assert captured.out == ""
    assert run.wishes == []
    assert cli.main(["rehearse", *options, "--json"]) == 1
    (fault,) = json.loads(capsys.readouterr().out)["faults"]
    assert (fault["key"], fault["fix"]) == (key, fix)


def test_every_wrong_stage_is_said_at_once(run: Run, capsys: Capture) -> None:
    assert cli.main(["rehearse", "--stage", "one", "--stage", "staging", "--stage", "two"]) == 1
    text = capsys.readouterr().err
    assert "--stage one: " in text
    assert "--stage two: " in text
    assert "development, staging, production" in text


@pytest.mark.parametrize(
    "options", [["--nonsense"], ["--stage"], ["--report"], ["staging"], ["--keep=perhaps"], ["--product"]]
)
def test_wrong_usage_names_what_is_wrong(run: Run, capsys: Capture, options: list[str]) -> None:
    assert cli.main(["rehearse", *options]) == 2
    captured = capsys.readouterr()
    assert options[0].partition("=")[0] in captured.err
    assert "Traceback" not in captured.err
    assert run.wishes == []


@pytest.mark.parametrize("product", ["nonsense", "no.such.module:PRODUCT", "infra.product:NOTHING", ""])
def test_a_product_that_is_none_is_refused_with_what_would_be_one(
    product: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bulkhead.rehearsal import run  # noqa: PLC0415 (as above)

    monkeypatch.setattr(run, "shed_owner", lambda: ())
    assert cli.main(["rehearse", "--product", product]) == 1
    text = capsys.readouterr().err
    assert f"- --product: {product}".rstrip() in text
    assert "such as infra.product:PRODUCT" in text
    assert "Traceback" not in text


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (Refused("Not like this.", [Fault("page.html", "is a directory", "name a file")]), 1, "fix: name a file"),
        (
            Failed("staging: up failed.", ["bucket is not empty"], Path("/l/up.log")),
            1,
            "  bucket is not empty\n  log: /l",
        ),
        (KeyboardInterrupt(), 130, "Interrupted."),
        (ZeroDivisionError("hunter2"), 70, "ZeroDivisionError"),
    ],
)
def test_whatever_ends_it_early_is_told_shortly(
    run: Run, capsys: Capture, error: BaseException, code: int, text: str
) -> None:
    run.error = error
    assert cli.main(["rehearse"]) == code
    captured = capsys.readouterr()
    assert text in captured.err
    assert "Traceback" not in captured.err + captured.out
    assert "hunter2" not in captured.err + captured.out
    assert "development: bringing up: interrupted" in captured.out


def test_stop_ends_what_was_kept_and_says_so(run: Run, capsys: Capture, tmp_path: Path) -> None:
    assert cli.main(["rehearse", "--stop"]) == 0
    assert capsys.readouterr().out == "No rehearsal is kept running.\n"
    rundir.kept(tmp_path).close()
    assert cli.main(["rehearse", "--stop", "--json"]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out) == {"stopped": True}
    assert captured.err == "The kept rehearsal is ended.\n"
    assert not rundir.kept_path(tmp_path).exists()
    assert run.wishes == []


def test_stop_refuses_while_somebody_uses_it(run: Run, capsys: Capture, tmp_path: Path) -> None:
    using = rundir.kept(tmp_path)
    assert cli.main(["rehearse", "--stop"]) == 1
    assert "fix: wait for it, or end it" in capsys.readouterr().err
    using.close()


def test_help_names_every_option_and_starts_nothing(run: Run, capsys: Capture) -> None:
    assert cli.main(["rehearse", "--help"]) == 0
    text = capsys.readouterr().out
    assert all(option in text for option in ("--stage", "--product", "--keep", "--stop", "--report", "--json"))
    assert run.wishes == []
