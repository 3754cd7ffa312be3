"""`bulkhead rehearse`: the whole program on the real engine, against clouds on this machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from bulkhead.cli.board import Board
from bulkhead.cli.console import BAD, FAINT, GOOD, WARNING, Console
from bulkhead.machine.lifetime import stop_kept
from bulkhead.model import project
from bulkhead.model.faults import Fault, Refused
from bulkhead.model.imports import kept_for_good
from bulkhead.model.naming import Stage
from bulkhead.rehearsal.evidence import Outcome, Report, Verdict

_STYLE: Final = {Outcome.PROVEN: GOOD, Outcome.FAILED: BAD, Outcome.NOT_SHOWN: WARNING}
_SIGN: Final = {Outcome.PROVEN: "✓", Outcome.FAILED: "✗", Outcome.NOT_SHOWN: "-"}
_STAGES: Final = tuple(stage.value for stage in Stage)


class Plugins(StrEnum):
    """Who makes the resources of Cloudflare and GitHub."""

    OWN = "own"
    REAL = "real"


app = typer.Typer(add_completion=False)


@app.command(
    epilog="Example: bulkhead rehearse --report rehearsal.html. Exit code 0: everything shown was proven; 1: not."
)
def rehearse(
    stage: Annotated[
        list[str] | None, typer.Option("--stage", help="Only this stage; may be repeated. Default: all three.")
    ] = None,
    product: Annotated[
        str | None,
        typer.Option(metavar="MODULE:NAME", help="The product to rehearse. Default: the one in the settings."),
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the stages running and print their addresses.")] = False,
    stop: Annotated[bool, typer.Option("--stop", help="End what --keep left running, and nothing else.")] = False,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE.html", help="Write one self-contained page about it.")
    ] = None,
    plugins: Annotated[
        Plugins,
        typer.Option(
            help="Who makes the resources of Cloudflare and GitHub: Bulkhead's own providers, or the real plugins of "
            "Pulumi, where this machine has them. Both call the same local clouds."
        ),
    ] = Plugins.OWN,
    record: Annotated[
        Path | None,
        typer.Option(metavar="FILE.json", help="Write what was asked of the local clouds, without any value."),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(min=0, help="Which calls of development's first up fail half-way. Default: always the same."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the report as JSON; progress goes to stderr.")] = False,
) -> None:
    """Bring every stage up on local clouds, prove that they are apart, and remove them again.

    Needs no account and no secret. Everything listens on 127.0.0.1; nothing of your environment is used.
    """
    console = Console(json=json)
    if stop:
        _alone(
            "--stop",
            {
                "--stage": stage,
                "--keep": keep,
                "--report": report,
                "--product": product is not None,
                "--plugins": plugins is Plugins.REAL,
                "--record": record,
            },
        )
        _stop(console)
        return
    stages = _known(stage or _STAGES)

    if seed is not None:
        _disturbed(plugins, record)

    with kept_for_good():
        from bulkhead.rehearsal import run  # noqa: PLC0415 (the Pulumi SDKs take seconds to import)

    wish = run.Wish(product, stages, keep, report, real_plugins=plugins is Plugins.REAL, recording=record, seed=seed)
    with _Watched(console, stages) as board:
        outcome = run.rehearse(wish, board)
    _tell(console, outcome, keep=keep, page=report)
    console.result(outcome.as_json())
    raise typer.Exit(0 if outcome.ok else 1)


class _Watched(Board):
    """The board of a rehearsal, which also shows what has been proven."""

    def verdict(self, verdict: Verdict) -> None:
        self.note(f"{_SIGN[verdict.outcome]} {verdict.claim} ({verdict.seconds:.1f} s)", _STYLE[verdict.outcome])
        if verdict.outcome is Outcome.FAILED:
            self.note(f"    proof:    {verdict.key}")
            self.note(f"    expected: {verdict.expected}")
            self.note(f"    seen:     {verdict.seen}")
        else:
            self.note(f"    {verdict.evidence}", FAINT)


def _alone(option: str, others: Mapping[str, object]) -> None:
    """Raise Refused when any other option was given beside one that would make it mean nothing."""
    given = [name for name, value in others.items() if value]
    if given:
        message = f"does nothing but end what --keep left running, so {', '.join(given)} would be ignored"
        raise Refused("Nothing was done.", [Fault(option, message, f"bulkhead rehearse {option}")])


def _disturbed(plugins: Plugins, record: Path | None) -> None:
    """Raise Refused where no call fails half-way: with the real plugins, and in what is compared with them."""
    if plugins is Plugins.REAL or record:
        message = "would be ignored: with the real plugins no call fails half-way, nor in what is compared with them"
        raise Refused("Nothing was done.", [Fault("--seed", message, "leave out --seed, or --plugins and --record")])


def _stop(console: Console) -> None:
    stopped = stop_kept(project.ROOT)
    console.say("The kept rehearsal is ended." if stopped else "No rehearsal is kept running.")
    console.result({"stopped": stopped})


def _known(stages: Sequence[str]) -> tuple[str, ...]:
    faults = [
        Fault(f"--stage {name}", f"is none of the stages ({', '.join(_STAGES)})", f"--stage {_nearest(name)}")
        for name in stages
        if name not in _STAGES
    ]
    if faults:
        raise Refused("There is no such stage to rehearse.", faults)
    return tuple(name for name in _STAGES if name in stages)


def _nearest(name: str) -> str:
    return next(iter(get_close_matches(name, _STAGES, n=1)), _STAGES[0])


def _tell(console: Console, report: Report, *, keep: bool, page: Path | None) -> None:
    counts = {outcome: sum(v.outcome is outcome for v in report.verdicts) for outcome in Outcome}
    summary = ", ".join(f"{count} {outcome}" for outcome, count in counts.items() if count)
    console.say()
    console.say(f"{summary} in {report.seconds:.0f} s. {report.ending}", GOOD if report.ok else BAD)
    slowest = sorted(report.phases.items(), key=lambda phase: -phase[1])[:4]
    console.say("Most of the time went to: " + ", ".join(f"{name} {seconds:.0f} s" for name, seconds in slowest), FAINT)
    if keep:
        for stage in report.stages:
            console.say(f"  {stage.environment}: {stage.url}")
        console.say("End them with: bulkhead rehearse --stop")
    if page:
        console.say(f"Report: {page}")
    if report.logs:
        console.say(f"Logs: {report.logs}", BAD)
