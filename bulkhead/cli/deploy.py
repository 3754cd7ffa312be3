"""`bulkhead deploy STAGE`: show what would be done, ask, and bring it about so that it can stop, go on and go back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from bulkhead.cli.console import BAD, FAINT, GOOD, NEEDS_A_PERSON, WARNING, Console
from bulkhead.cli.options import AsJson, Base, Checklist, Profile, StackName, Unvalidated, Validation, Yes
from bulkhead.clients.endpoints import Apis
from bulkhead.machine.interrupts import interrupted_once
from bulkhead.model import project
from bulkhead.model.failures import Failed
from bulkhead.model.faults import Fault, Refused
from bulkhead.model.settings import read_settings
from bulkhead.model.settings.paths import stack_file
from bulkhead.model.settings.product_reference import product_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bulkhead.delivery.desk import Desk
    from bulkhead.delivery.journal import Outcome, Run
    from bulkhead.delivery.plan import Plan
    from bulkhead.delivery.planning import Wish
    from bulkhead.delivery.strategy import Strategy

_SAFE: Final = 1  # stopped, and the stage is of one version
_TOLD_EVERY: Final = 200  # events of the engine between two signs of life

app = typer.Typer(add_completion=False)


@app.command(epilog="Example: bulkhead deploy staging --plan --json > plan.json, then: ... --apply plan.json")
def deploy(
    context: typer.Context,
    stage: StackName,
    *,
    plan: Annotated[bool, typer.Option("--plan", help="Only show what would be done; --json prints the plan.")] = False,
    apply: Annotated[Path | None, typer.Option(metavar="PLAN", help="Do what this plan has shown, or nothing.")] = None,
    instead_of: Annotated[
        str,
        typer.Option(metavar="COMMIT", help="What is live of this commit may go, although it is not part of this one."),
    ] = "",
    again: Annotated[bool, typer.Option("--again", help="Also a version that was taken back before.")] = False,
    now: Annotated[
        bool,
        typer.Option(
            "--now", help="Send everybody to it at once, as for a setting or a secret; watched only after that."
        ),
    ] = False,
    validation: Validation = None,
    checklist: Checklist = None,
    unvalidated: Unvalidated = None,
    base: Base = None,
    yes: Yes = None,
    profile: Profile = None,
    json: AsJson = False,
) -> None:
    """Bring a stage to what this checkout says, by the strategy of its settings, and back where it turns out bad.

    Uploads the Workers, applies the migrations, sends requests to the new versions step by step while both are watched.
    Killed at any step, the same command goes on, or returns the traffic first when it holds another commit. Exit code
    0 when everybody has the new versions; 1 when it was refused, or stopped and the stage is safe; 3 when a person has
    to act, and the same command goes on then (`bulkhead rollout STAGE show`); 130 after Ctrl-C, which changes nothing.
    """
    from bulkhead.delivery.admission import Papers  # noqa: PLC0415 (the rules and boto3: --help need not wait)
    from bulkhead.delivery.desk import at_desk  # noqa: PLC0415
    from bulkhead.delivery.planning import Wish  # noqa: PLC0415

    console = Console(json=json)
    if plan and apply:
        raise Refused("Nothing was done.", [Fault("--plan", "only shows, and --apply does", "leave one of them out")])
    console.require_meant(stage, yes, act="deploy")
    shown = _read(apply) if apply else None
    settings = read_settings(project.ROOT / stack_file(stage), examples=False)
    wish, papers = Wish(instead_of, again, now), Papers(validation, checklist, unvalidated)
    admitted = papers.judged(project.ROOT, product_of(settings), settings)
    for name, what in admitted.items():
        console.say(f"{name.capitalize()}: {what}", WARNING if unvalidated else GOOD)
    apis = context.ensure_object(Apis)
    with interrupted_once(), at_desk(project.ROOT, settings, apis, profile, console.say) as desk:
        if plan:
            _show(console, desk, _planned(console, desk, base, wish))
            return
        with desk.journal.held() as why:
            outcome = _continued(console, desk, shown, why, yes)
            if outcome is None:
                papers.require(settings)  # what has begun may go on, or back, without them
                outcome = _begun(console, desk, shown, base, wish, yes, admitted)
    raise typer.Exit(outcome)


def _read(file: Path) -> Plan:
    from bulkhead.delivery.plan import Plan  # noqa: PLC0415

    try:
        return Plan.read(file.read_text(encoding="utf-8"), str(file))
    except OSError as error:
        fault = Fault("", f"cannot be read: {error.strerror}", "bulkhead deploy STAGE --plan --json > FILE", str(file))
        raise Refused("There is no plan.", [fault]) from None


def _planned(console: Console, desk: Desk, base: str | None, wish: Wish, strategy: Strategy | None = None) -> Plan:
    """Return the plan, after everything was told that stops it."""
    from bulkhead.delivery.planning import planned, stops  # noqa: PLC0415

    console.say("Checking secrets and bindings ...", FAINT)
    desk.require_whole()
    console.say("Asking Pulumi, with the policies, what an up would change ...", FAINT)
    known = desk.known(base, lambda lines: _sign(console, lines))
    if faults := list(stops(known, wish)):
        for note in known.waivers.notes:
            console.say(note, FAINT)
        raise Refused(f"{desk.stage} is not deployed.", faults)
    return planned(known, desk.road(known, strategy or ("all-at-once" if wish.now else None)))


def _sign(console: Console, lines: int) -> None:
    if console.live and lines % _TOLD_EVERY == 0:
        console.say(f"  {lines} events ...", FAINT)


def _show(console: Console, desk: Desk, plan: Plan) -> None:
    _tell(console, plan)
    if run := desk.journal.open_run():
        console.say(f"Run {run.id} has not ended: without --plan it is continued or returned first.", WARNING)
    console.result(plan.document())


def _tell(console: Console, plan: Plan) -> None:
    """Tell a person what the plan is: what is new first, and what cannot be undone last, where it is still seen."""
    console.say(f"{plan.stage}: commit {plan.commit[:12]}, live is {plan.live or 'of no known commit'}.")
    for title, lines, style in (
        ("New commits:", plan.commits, FAINT),
        ("Resources that change:", plan.changes, ""),
        (
            "Workers that change, in this order:",
            [f"{m.worker}: {m.stable or 'nothing'} before" for m in plan.moves],
            "",
        ),
        ("Migrations:", [f"{each.file} ({', '.join(each.kinds) or 'nothing'})" for each in plan.migrations], ""),
        (f"Steps ({plan.strategy}):", plan.steps if plan.moves else (), ""),
        ("What they see:", plan.sees if plan.moves else (), FAINT),
        ("Also to know:", plan.notes, FAINT),
        ("What cannot be undone:", plan.cannot, WARNING),
    ):
        if lines:
            console.say(title)
        for line in lines:
            console.say(f"  - {line}", style)
    console.say(f"Digest {plan.digest}", FAINT)


def _continued(console: Console, desk: Desk, shown: Plan | None, why: str, yes: str | None) -> int | None:
    """Go on with a run that has no end, where it is of this very commit; else return its traffic, so that another can
    begin. None when there is none any more."""
    from bulkhead.delivery.journal import CONTINUE  # noqa: PLC0415
    from bulkhead.delivery.run import step_of  # noqa: PLC0415

    run = desk.journal.open_run()
    if run is None:
        return None
    desk.telling.found(run, why)  # before anybody is asked: whoever comes after a "no" finds the stage given back
    plan, last = desk.plan_of(run), step_of(run)
    console.say(f"Run {run.id} of commit {plan.commit[:12]} stands at: {last.step}, by {last.by} ({why}).", WARNING)
    same = desk.holds(plan)
    if same and shown is not None:
        plan.require_shown(shown)
    fate = "continued" if same else "returned first, because this checkout holds another commit"
    console.confirm(desk.stage, [f"run {run.id} is {fate}"], yes, act="deploy", fate="done")
    run.note(CONTINUE, {"why": why, "fate": fate})
    if same:
        return _carried_out(console, desk, run, plan)
    given_up = desk.deployment(plan, run)
    try:
        _, reason = desk.telling.given_up(given_up, f"commit {desk.source.commit[:12]} is deployed instead")
    except (Refused, Failed) as error:
        return _open(console, desk, run, error)
    console.say(f"Run {run.id} has ended: {reason}.", WARNING)
    return None


def _begun(
    console: Console,
    desk: Desk,
    shown: Plan | None,
    base: str | None,
    wish: Wish,
    yes: str | None,
    admitted: Mapping[str, str],
) -> int:
    desk.journal.require_ended()  # a restore, too; before minutes are spent on a plan
    plan = _planned(console, desk, base, wish, shown.strategy if shown else None)
    if shown is not None:
        plan.require_shown(shown)
    _tell(console, plan)
    if plan.empty:
        console.say("There is nothing to do.", GOOD)
        console.result({"stage": desk.stage, "outcome": "nothing", "plan": plan.document()})
        return 0
    what = [
        *(f"{move.worker} gets another version" for move in plan.moves),
        *plan.changes,
        *(m.file for m in plan.migrations),
    ]
    console.confirm(desk.stage, what, yes, act="deploy", fate="deployed")
    run = desk.journal.begin({"plan": plan.document(), "commit": plan.commit, **admitted})
    return _carried_out(console, desk, run, plan)


def _carried_out(console: Console, desk: Desk, run: Run, plan: Plan) -> int:
    try:
        return _ended(console, desk, run, *desk.telling.carried_out(desk.deployment(plan, run)))
    except (Refused, Failed) as error:
        return _open(console, desk, run, error)


def _open(console: Console, desk: Desk, run: Run, error: Refused | Failed) -> int:
    """Tell what failed while requests may be divided: a person mends it, and the run goes on. Raises the error where
    the run has ended, or is another process's."""
    from bulkhead.delivery.lease import Lost  # noqa: PLC0415

    if run.ended or isinstance(error, Lost):
        raise error
    console.error(error)
    console.say(f"{desk.stage}: stays as it is, and run {run.id} goes on when that is mended", BAD)
    console.say(
        f"  bulkhead deploy {desk.stage}; to return the traffic, before it: bulkhead rollout {desk.stage} abort"
    )
    return NEEDS_A_PERSON


def _ended(console: Console, desk: Desk, run: Run, outcome: Outcome | None, reason: str) -> int:
    from bulkhead.delivery.journal import Outcome  # noqa: PLC0415

    stage = desk.stage
    if outcome is Outcome.DONE:
        console.say(f"{stage}: {reason}.", GOOD)
    elif outcome is Outcome.STOPPED:
        console.say(f"{stage}: stopped, and every request goes to the version before: {reason}", BAD)
        console.say("What was uploaded, migrated and settled stays; none of it is used by anybody.", FAINT)
    else:
        console.say(f"{stage}: stays as it is, and a person has to decide: {reason}", BAD)
        console.say(f"  bulkhead rollout {stage} show; then promote or abort, and: bulkhead deploy {stage}")
    console.result({"stage": stage, "run": run.id, "outcome": outcome.value if outcome else "waits", "reason": reason})
    return {Outcome.DONE: 0, Outcome.STOPPED: _SAFE}.get(outcome, NEEDS_A_PERSON) if outcome else NEEDS_A_PERSON
