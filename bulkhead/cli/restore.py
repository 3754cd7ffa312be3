"""`bulkhead restore STAGE STORE`: a database as it was, in its place. `bulkhead restore rows`: some of its rows;
`anew`: a database that is gone; `objects`: those of a bucket."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from typer.core import TyperGroup

from bulkhead.cli.cloudflare import TokenEnv, token_of
from bulkhead.cli.console import BAD, FAINT, GOOD, NEEDS_A_PERSON, WARNING, Console
from bulkhead.cli.options import AsJson, Profile, StackName, Yes
from bulkhead.cli.restore_anew import anew
from bulkhead.cli.restore_objects import objects
from bulkhead.cli.restoring import GIVEN_UP, Apply, OnlyPlan, Store, agree, require_sense, saying, tell, unless_cut_off
from bulkhead.clients.endpoints import Apis
from bulkhead.machine.interrupts import interrupted_once
from bulkhead.model import project
from bulkhead.model.settings import read_settings
from bulkhead.model.settings.paths import stack_file

if TYPE_CHECKING:
    from bulkhead.delivery.journal import Run
    from bulkhead.recovery.restore.desk import Desk, Wish
    from bulkhead.recovery.restore.plan import Plan

_WHOLE: Final = "database"


class _Group(TyperGroup):
    """Takes a stage for the command that restores a whole database: that is what most people mean."""

    short: Final = _WHOLE

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        is_short = bool(args) and not args[0].startswith("-") and args[0] not in self.commands
        return super().parse_args(ctx, [self.short, *args] if is_short else args)


app = typer.Typer(
    cls=_Group,
    help="Bring a database back: bulkhead restore STAGE STORE (--from KEY | --at TIME); or rows, or objects.",
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.command(epilog="Example: bulkhead restore anew staging main --from KEY --plan")(anew)
app.command(epilog="Example: bulkhead restore objects staging transcripts --prefix 2026/ --plan")(objects)


@app.command(_WHOLE, epilog="Example: bulkhead restore staging main --at 2026-11-30T21:00 --plan")
def database(
    context: typer.Context,
    stage: StackName,
    store: Store,
    *,
    from_: Annotated[
        str | None, typer.Option("--from", metavar="KEY", help="A backup, by its key in the vault.")
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="A moment of the last 30 days, in the stage's zone unless it names an offset."
        ),
    ] = None,
    undo: Annotated[
        bool, typer.Option("--undo", help="What was before the last restore; gives up one that has not ended.")
    ] = False,
    plan: OnlyPlan = False,
    apply: Apply = None,
    without_maintenance: Annotated[
        bool, typer.Option("--without-maintenance", help="Development only: nobody waits, and what is written is lost.")
    ] = False,
    token_env: TokenEnv = None,
    yes: Yes = None,
    profile: Profile = None,
    json: AsJson = False,
) -> None:
    """Bring a database back to a moment, or to a backup, in its place: its id, bindings and Workers stay.

    Users wait meanwhile. A backup is read and loaded into a database of its own first; a bookmark is noted that undoes
    all of it. Traffic returns when the database is right and has the migrations of the running version; else it goes
    back. Killed anywhere, the same command goes on. Exit code 0 when it is done; 1 when it was refused, or stopped with
    the database as it was; 3 when maintenance stays on until a person has done something.
    """
    from bulkhead.recovery.restore.desk import Wish  # noqa: PLC0415 (httpx and boto3: --help need not wait)
    from bulkhead.recovery.restore.opening import at_desk  # noqa: PLC0415

    console = Console(json=json)
    console.require_meant(stage, yes, act="restore")
    settings = read_settings(project.ROOT / stack_file(stage), examples=False)
    require_sense(settings, plan=plan, apply=apply, waits=not without_maintenance)
    wish, token = Wish(from_, at, undo), token_of(console, stage, profile, token_env)
    apis = context.ensure_object(Apis)
    with (
        interrupted_once(),
        at_desk(
            project.ROOT, settings, apis, token, profile, store, saying(console), waits=not without_maintenance
        ) as desk,
    ):
        if plan:
            _show(console, desk, desk.planned(wish, datetime.now(UTC)))
            return
        with desk.journal.held() as why:
            outcome = _continued(console, desk, wish, apply, yes, why)
            if outcome is None:
                outcome = _begun(console, desk, wish, apply, yes)
    raise typer.Exit(outcome)


@app.command(epilog="Example: bulkhead restore rows production main --from KEY --table members --key 42 --plan")
def rows(
    context: typer.Context,
    stage: StackName,
    store: Store,
    *,
    from_: Annotated[str, typer.Option("--from", metavar="KEY", help="A backup, by its key in the vault.")],
    table: Annotated[str, typer.Option(metavar="NAME", help="The table.")],
    key: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY", help="A row by its primary key; one of several columns as a list of JSON. May be repeated."
        ),
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Overwrite rows that are there; without it they stay as they are.")
    ] = False,
    plan: OnlyPlan = False,
    apply: Apply = None,
    token_env: TokenEnv = None,
    yes: Yes = None,
    profile: Profile = None,
    json: AsJson = False,
) -> None:
    """Bring rows of a table back from a backup, all that are missing or some by their key; no other row is touched.

    One transaction: all of them come, or none. Nobody waits, but for the moment in which D1 takes them. Exit code 1
    when it was refused: nothing was changed then.
    """
    from bulkhead.recovery.restore.opening import at_desk  # noqa: PLC0415
    from bulkhead.recovery.restore.rows import Rows, Wanted  # noqa: PLC0415

    console = Console(json=json)
    console.require_meant(stage, yes, act="restore")
    settings = read_settings(project.ROOT / stack_file(stage), examples=False)
    require_sense(settings, plan=plan, apply=apply, waits=True)
    token, apis = token_of(console, stage, profile, token_env), context.ensure_object(Apis)
    with (
        interrupted_once(),
        at_desk(project.ROOT, settings, apis, token, profile, store, saying(console), waits=False) as desk,
    ):
        wish = Rows(desk, Wanted(from_, table, tuple(key or ()), replace))
        with _alone(desk, only_plan=plan):
            salvage = wish.planned()
            for line in salvage.says():
                console.say(f"  - {line}")
            console.say(f"Digest {salvage.digest}", FAINT)
            document, nothing = salvage.document(), salvage.there == salvage.rows and not replace
            if plan or nothing:
                if nothing:
                    console.say("There is nothing to bring back.", GOOD)
                console.result({**document, "restored": False})
                return
            if apply is not None:
                salvage.require(apply)
            agree(console, settings, salvage.says(), apply, yes, fate="done")
            bookmark = wish.carry_out(salvage)
    console.say(f"{salvage.table}: brought back.", GOOD)
    console.say("As it was before, for 30 days; going back also undoes what others write from here on:", FAINT)
    console.say(f"  npx wrangler d1 time-travel restore {salvage.database} --bookmark={bookmark}")
    console.result({**document, "restored": True, "bookmark": bookmark})


@contextmanager
def _alone(desk: Desk, *, only_plan: bool) -> Iterator[None]:
    """Have the stage while rows come back: not in the middle of a restore or a deployment."""
    if only_plan:
        yield
        return
    with desk.journal.held():
        desk.journal.require_ended()
        yield


def _show(console: Console, desk: Desk, plan: Plan) -> None:
    tell(console, plan)
    if found := desk.open_run():
        console.say(f"Run {found[0].id} has not ended: without --plan it is continued first.", WARNING)
    console.result(plan.document())


def _continued(console: Console, desk: Desk, wish: Wish, apply: str | None, yes: str | None, why: str) -> int | None:
    """Go on with a restore that has no end, or give it up. None when there is none."""
    from bulkhead.delivery.journal import CONTINUE  # noqa: PLC0415

    found = desk.open_run()
    if found is None:
        return None
    run, plan = found
    desk.require_same(wish, run, plan)
    if apply is not None:
        plan.require(apply)
    step = run.entries()[-1]
    console.say(f"Run {run.id} to {plan.source} stands at: {step.step}, by {step.by} ({why}).", WARNING)
    fate = "given up: the database becomes what it was before it" if wish.undo else "continued"
    agree(console, desk.settings, [f"run {run.id} is {fate}"], apply, yes, fate="done")
    run.note(CONTINUE, {"why": why, "fate": fate})
    return _carried_out(console, desk, plan, run, gives_up=wish.undo)


def _begun(console: Console, desk: Desk, wish: Wish, apply: str | None, yes: str | None) -> int:
    desk.require_free()
    plan = desk.planned(wish, datetime.now(UTC))
    if apply is not None:
        plan.require(apply)
    tell(console, plan)
    agree(
        console,
        desk.settings,
        [f"{plan.store}: {each}" for each in plan.losses or ("nothing counted",)],
        apply,
        yes,
        fate="lost",
    )
    return _carried_out(console, desk, plan, desk.begin(plan))


def _carried_out(console: Console, desk: Desk, plan: Plan, run: Run, *, gives_up: bool = False) -> int:
    from bulkhead.delivery.journal import Outcome  # noqa: PLC0415

    restore, again = desk.restore(plan, run), plan.again
    act = partial(restore.give_up, GIVEN_UP) if gives_up else restore.carry_out
    ended = unless_cut_off(console, plan, run, act)
    if ended is None:
        return NEEDS_A_PERSON
    outcome, reason = ended
    if outcome is Outcome.DONE:
        console.say(f"{plan.stage}: {reason}.", GOOD)
        console.say(f"  what was before, for 30 days: {again} --undo")
    elif outcome is Outcome.STOPPED:
        console.say(f"{plan.stage}: stopped, {reason}.", BAD)
    else:
        console.say(f"{plan.stage}: users still wait: {reason}.", BAD)
        console.say(f"  {desk.migrate}, then: {again} (with --undo it goes back instead)")
    said = outcome.value if outcome else "waits"
    console.result({"stage": plan.stage, "store": plan.store, "run": run.id, "outcome": said, "reason": reason})
    return {Outcome.DONE: 0, Outcome.STOPPED: 1}.get(outcome, NEEDS_A_PERSON) if outcome else NEEDS_A_PERSON
