"""`bulkhead preview STAGE`: what an `up` would change, what would be lost by it, and whether it may go on."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import nullcontext
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from bulkhead.cli.console import BAD, FAINT, GOOD, WARNING, Console
from bulkhead.cli.options import AsJson, Base, Profile, StackName
from bulkhead.clients.endpoints import Apis
from bulkhead.model import project
from bulkhead.model.faults import Fault, Refused
from bulkhead.model.settings.paths import stack_file

if TYPE_CHECKING:
    from bulkhead.engine.cli import OnProgress, Output
    from bulkhead.machine.spool import Spool
    from bulkhead.preview.verdict import Verdict

_TOLD_EVERY: Final = 200  # lines of events between two signs of life

app = typer.Typer(add_completion=False)


@app.command(epilog="Example: bulkhead preview production --markdown > comment.md")
def preview(
    context: typer.Context,
    stage: StackName,
    *,
    from_: Annotated[
        str | None, typer.Option("--from", metavar="FILE", help="Judge these events; - reads them from standard input.")
    ] = None,
    base: Base = None,
    twin: Annotated[
        str | None,
        typer.Option(
            metavar="PLACE", help="Compare with the stage's twin there: no credential, and no cloud is asked."
        ),
    ] = None,
    checkout: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="With --twin: preview the program there; all that judges it stays this one's."
        ),
    ] = None,
    events: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write what the engine says to FILE.")
    ] = None,
    on_twin: Annotated[bool, typer.Option("--on-twin", help="With --from: they are of a preview with --twin.")] = False,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print the stage's part of a comment on a pull request.")
    ] = False,
    profile: Profile = None,
    json: AsJson = False,
) -> None:
    """Say what an up would change in a stage, and stop when it would lose something.

    Asks Pulumi, with the policies, and reads its events. Exit code 1 when something stops it: a loss that no waiver of
    the base branch covers, a mandatory policy, a failure, a secret that is shown. In development losses are only shown.
    """
    console = Console(json=json or markdown)
    _refuse_contradictions(
        (json and markdown, "--markdown", "is another form than --json"),
        (from_ is not None and twin is not None, "--twin", "is for a preview that is made now; --from is one that was"),
        (from_ is not None and events is not None, "--events", "would only copy the file of --from"),
        (checkout is not None and twin is None, "--checkout", "is for a preview with --twin only"),
        (on_twin and from_ is None, "--on-twin", "is about the events of --from"),
    )
    of_twin = twin is not None or on_twin
    try:
        if from_ is not None:
            output = _given(from_)
        elif twin is not None:
            output = _asked_of_twin(stage, twin, checkout or project.ROOT, profile, console)
        else:
            output = _asked(stage, profile, console)
        if events is not None:
            _write(events, output.lines)
        # The rules import the whole policy pack, which `--help` and a mistyped stage need not wait for.
        from bulkhead.preview.gate import judged, watched  # noqa: PLC0415
        from bulkhead.preview.verdict import with_note  # noqa: PLC0415
        from bulkhead.preview.waivers import default_base  # noqa: PLC0415

        reference = base or default_base(project.ROOT)
        verdict = judged(project.ROOT, stage, output, reference, datetime.now(UTC).date())
    except Refused as refused:
        # Whoever waits for a comment gets one. Elsewhere the engine's words might hold a secret: see `watched`.
        if markdown and (of_twin or from_ is not None):
            from bulkhead.preview.markdown import render_refusal  # noqa: PLC0415

            sys.stdout.write(render_refusal(stage, refused))
        raise
    secrets, note = _to_look_for(stage, profile, of_twin=of_twin, of_file=from_ is not None)
    if from_ is None and twin is None:
        for said in _running_elsewhere(stage, profile, secrets, context.ensure_object(Apis)):
            verdict = with_note(verdict, said)
    verdict = watched(verdict, output, secrets, note)
    if json:
        from bulkhead.preview.verdict import as_json  # noqa: PLC0415

        console.result(as_json(verdict))
    elif markdown:
        from bulkhead.preview.markdown import render  # noqa: PLC0415

        sys.stdout.write(render(verdict))
    else:
        _tell(console, verdict)
    raise typer.Exit(0 if verdict.passes else 1)


def _refuse_contradictions(*each: tuple[bool, str, str]) -> None:
    faults = [Fault(option, message, "leave one of them out") for contradicts, option, message in each if contradicts]
    if faults:
        raise Refused("Nothing was asked.", faults)


def _given(file: str) -> Output:
    from bulkhead.engine.cli import Output  # noqa: PLC0415
    from bulkhead.machine.spool import Spool  # noqa: PLC0415

    lines, number = Spool(), 0
    try:
        with nullcontext(sys.stdin.buffer) if file == "-" else Path(file).open("rb") as source:
            for line in source:
                number += 1
                lines.write(line.decode())
    except OSError as error:
        fault = Fault(file, f"cannot be read: {error.strerror}", "give the file that the preview was written to")
        raise Refused("There are no events.", [fault]) from None
    except UnicodeDecodeError:
        fault = Fault(file, f"is not UTF-8: line {number} holds a byte that is no character", "write it as UTF-8")
        raise Refused("These are no events.", [fault]) from None
    return Output(lines, failed=False, complaint="")


def _asked(stack: str, profile: str | None, console: Console) -> Output:
    from bulkhead.engine.stack import StackCli  # noqa: PLC0415
    from bulkhead.model.settings import read_settings  # noqa: PLC0415

    project.read_project(project.ROOT)  # without one, the CLI's own words lead astray
    read_settings(project.ROOT / stack_file(stack), examples=False)
    console.say(f"{stack}: asking Pulumi, with the policies, what an up would change ...", FAINT)
    return StackCli(stack, project.ROOT, profile).preview("policies", _progress_on(console))


def _asked_of_twin(stack: str, place: str, checkout: Path, profile: str | None, console: Console) -> Output:
    from bulkhead.twin.preview import preview_on_twin  # noqa: PLC0415 (the providers' SDKs take seconds to import)
    from bulkhead.twin.store import place_of  # noqa: PLC0415

    console.say(f"{stack}: asking Pulumi, with the policies, what an up of {checkout} would change ...", FAINT)
    there = partial(place_of, place, project.ROOT, stack, profile, reading=True)
    return preview_on_twin(stack, project.ROOT, checkout, there, _progress_on(console))


def _progress_on(console: Console) -> OnProgress:
    def on_progress(lines: int) -> None:
        if console.live and lines % _TOLD_EVERY == 0:
            console.say(f"  {lines} events ...", FAINT)

    return on_progress


def _write(file: Path, lines: Spool) -> None:
    try:
        lines.copy(file)
    except OSError as error:
        fault = Fault(str(file), f"cannot be written: {error.strerror}", "name a file in a folder that is there")
        raise Refused("What the engine said is lost.", [fault]) from None


def _to_look_for(stack: str, profile: str | None, *, of_twin: bool, of_file: bool) -> tuple[Mapping[str, str], str]:
    """Return the values of secrets that must not be shown, and what is to be said about them."""
    from bulkhead.engine.stack import StackCli  # noqa: PLC0415
    from bulkhead.preview.gate import secrets_of  # noqa: PLC0415
    from bulkhead.twin.state import NOT_SEEN  # noqa: PLC0415

    if of_twin:
        return {}, NOT_SEEN
    if of_file:
        return {}, "no secret was looked for in events of a file"
    return secrets_of(StackCli(stack, project.ROOT, profile))


def _running_elsewhere(stack: str, profile: str | None, secrets: Mapping[str, str], apis: Apis) -> tuple[str, ...]:
    from bulkhead.engine.stack import StackCli  # noqa: PLC0415
    from bulkhead.model.settings import read_settings  # noqa: PLC0415
    from bulkhead.model.settings.keys import CLOUDFLARE_TOKEN  # noqa: PLC0415
    from bulkhead.preview.running import notes_on  # noqa: PLC0415

    account = read_settings(project.ROOT / stack_file(stack)).cloudflare.account_id
    return notes_on(StackCli(stack, project.ROOT, profile), account, secrets.get(CLOUDFLARE_TOKEN), apis.cloudflare)


def _tell(console: Console, verdict: Verdict) -> None:
    """Tell a person: what changes first, and the verdict last, where it is still seen."""
    counts = ", ".join(f"{count} {op}" for op, count in sorted(verdict.plan.counts.items())) or "nothing"
    console.say(f"Changes: {counts}.")
    if verdict.changes:
        rows = [(change.action, change.name, change.kind, ", ".join(change.paths)) for change in verdict.changes]
        console.table(["action", "resource", "type", "because of"], rows)
    _list(console, "Who gets which version:", verdict.traffic)
    _list(console, "Known noise of providers:", [f"{each.change}: {each.entries[0].issue}" for each in verdict.noise])
    _list(console, "Forgotten, and left where it is:", [f"{each.change}: {each.remains}" for each in verdict.forgotten])
    advice = [said for said in verdict.plan.policies if said.level != "mandatory"]
    _list(console, "Advice of the policies:", [f"{said.policy}: {said.message}" for said in advice])
    _list(console, "About waivers:", verdict.waiver_notes)
    _list(console, "Also to know:", verdict.notes)
    _list(console, "What a digest does not show:", verdict.not_shown)
    console.say()
    for judged in verdict.losses:
        loss, waiver = judged.loss, judged.waiver
        agreed = f" (agreed to by {waiver.approved_by} until {waiver.until}: {waiver.reason})" if waiver else ""
        console.say(f"  - {loss.kind}: {loss.change}: {loss.lost}{agreed}", BAD if judged.stops else WARNING)
        if judged.stops:
            console.say(f"      instead: {loss.fix}", GOOD)
    for obstacle in verdict.obstacles:
        console.say(f"  - {obstacle.what}: {obstacle.why}", BAD)
        console.say(f"      fix: {obstacle.fix}", GOOD)
    for leak in verdict.leaks:
        console.say(f"  - secret {leak.secret} stands in {leak.place}: make a new one, and see who shows it", BAD)
    console.say(verdict.sentence, GOOD if verdict.passes else BAD)


def _list(console: Console, title: str, lines: Any) -> None:
    if lines:
        console.say(title)
    for line in lines:
        console.say(f"  - {line}", FAINT)
