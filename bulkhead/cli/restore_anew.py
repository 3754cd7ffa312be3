"""`bulkhead restore anew STAGE STORE --from KEY`: a database that is gone, or kept, is made anew from a backup."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated, Final

import typer

from bulkhead.cli.cloudflare import TokenEnv, token_of
from bulkhead.cli.console import BAD, GOOD, NEEDS_A_PERSON, WARNING, Console
from bulkhead.cli.options import AsJson, Profile, StackName, Yes
from bulkhead.cli.restoring import GIVEN_UP, Apply, OnlyPlan, Store, agree, require_sense, saying, tell, unless_cut_off
from bulkhead.clients.endpoints import Apis
from bulkhead.machine.interrupts import interrupted_once
from bulkhead.model import project
from bulkhead.model.faults import Fault, Refused
from bulkhead.model.naming import Kind
from bulkhead.model.settings import read_settings
from bulkhead.model.settings.files import settings_with
from bulkhead.model.settings.paths import stack_file
from bulkhead.model.settings.product_reference import product_of
from bulkhead.model.settings.stores import place_of

if TYPE_CHECKING:
    from bulkhead.delivery.journal import Run
    from bulkhead.model.settings import StageSettings
    from bulkhead.recovery.restore.anew import Anew
    from bulkhead.recovery.restore.plan import Plan

_NO_KEY: Final = "is missing: nobody restores without a name"


def anew(
    context: typer.Context,
    stage: StackName,
    store: Store,
    *,
    from_: Annotated[
        str | None, typer.Option("--from", metavar="KEY", help="A backup, by its key in the vault.")
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="What the new one is called, where the one before is kept as it is."),
    ] = None,
    undo: Annotated[bool, typer.Option("--undo", help="Give up one that has not ended: what it made is deleted.")] = (
        False
    ),
    plan: OnlyPlan = False,
    apply: Apply = None,
    token_env: TokenEnv = None,
    yes: Yes = None,
    profile: Profile = None,
    json: AsJson = False,
) -> None:
    """Make a database anew from a backup: it is gone, or is to be kept for looking at and --name says another name.

    Users wait from here on. The new one is loaded and compared value by value, and the state of the stack learns its
    id, so nothing is replaced. Then a person binds the Workers to it by a deployment; what is left to do is told.
    Killed anywhere, the same command goes on. Exit code 3 when users wait for a person, as they do when it is done; 1
    when it was refused, or given up with everything as it was.
    """
    from bulkhead.engine.stack import StackCli  # noqa: PLC0415 (httpx and boto3: --help need not wait)
    from bulkhead.recovery.restore.anew import Anew, States  # noqa: PLC0415
    from bulkhead.recovery.restore.opening import at_desk  # noqa: PLC0415

    console = Console(json=json)
    console.require_meant(stage, yes, act="restore")
    settings = read_settings(project.ROOT / stack_file(stage), examples=False)
    require_sense(settings, plan=plan, apply=apply, waits=True)
    called = _called(settings, store, name)
    token, states = token_of(console, stage, profile, token_env), States(StackCli(stage, project.ROOT, profile), stage)
    with (
        interrupted_once(),
        at_desk(
            project.ROOT,
            settings,
            context.ensure_object(Apis),
            token,
            profile,
            store,
            saying(console),
            id_of=states.known,
        ) as desk,
    ):
        wish = Anew(desk, states, called or desk.database.name, settings.region.d1)
        if plan:
            found = wish.planned(_key(stage, store, from_), datetime.now(UTC))
            tell(console, found)
            console.result(found.document())
            return
        with desk.journal.held() as why:
            code = _continued(console, wish, from_, called, apply, yes, why, gives_up=undo)
            if code is None and undo:
                raise Refused("Nothing was given up.", [Fault("--undo", "no such restore is open", "leave it out")])
            if code is None:
                desk.require_free()
                made = wish.planned(_key(stage, store, from_), datetime.now(UTC))
                if apply is not None:
                    made.require(apply)
                tell(console, made)
                agree(console, settings, [f"{store}: {each}" for each in made.losses], apply, yes, fate="lost")
                code = _carried_out(console, wish, made, desk.begin(made), gives_up=False)
    raise typer.Exit(code)


def _called(settings: StageSettings, store: str, name: str | None) -> str | None:
    """Return the name as the stage's file would have it. Raises Refused where that could not."""
    if name is None:
        return None
    product, file = product_of(settings), project.ROOT / stack_file(settings.environment)
    changed = settings_with(file, product, place_of(Kind.D1, store), name)
    return changed.label(product.name).name(Kind.D1, store)


def _key(stage: str, store: str, key: str | None) -> str:
    if key is None:
        fix = f"bulkhead backup {stage} list, then: bulkhead restore anew {stage} {store} --from KEY"
        raise Refused("Nothing was restored.", [Fault("--from", _NO_KEY, fix)])
    return key


def _continued(
    console: Console,
    wish: Anew,
    key: str | None,
    name: str | None,
    apply: str | None,
    yes: str | None,
    why: str,
    *,
    gives_up: bool,
) -> int | None:
    """Go on with a restore that has no end, or give it up. None when there is none."""
    from bulkhead.delivery.journal import CONTINUE  # noqa: PLC0415

    found = wish.desk.open_run()
    if found is None:
        return None
    run, plan = found
    wish.require_same(key, name, run, plan)
    if apply is not None:
        plan.require(apply)
    console.say(f"Run {run.id} from {plan.source} stands at: {run.entries()[-1].step} ({why}).", WARNING)
    fate = "given up: what it made is deleted" if gives_up else "continued"
    agree(console, wish.desk.settings, [f"run {run.id} is {fate}"], apply, yes, fate="done")
    run.note(CONTINUE, {"why": why, "fate": fate})
    return _carried_out(console, wish, plan, run, gives_up=gives_up)


def _carried_out(console: Console, wish: Anew, plan: Plan, run: Run, *, gives_up: bool) -> int:
    from bulkhead.delivery.journal import Outcome  # noqa: PLC0415
    from bulkhead.recovery.restore.anew import result_of  # noqa: PLC0415
    from bulkhead.recovery.restore.left import left  # noqa: PLC0415

    act = partial(wish.give_up, plan, run, GIVEN_UP) if gives_up else partial(wish.carry_out, plan, run)
    ended = unless_cut_off(console, plan, run, act)
    if ended is None:
        return NEEDS_A_PERSON
    outcome, reason = ended
    document = {"stage": plan.stage, "store": plan.store, "run": run.id, "outcome": outcome.value, "reason": reason}
    if outcome is not Outcome.DONE:
        console.say(f"{plan.stage}: stopped, {reason}.", BAD)
        console.result(document)
        return 1
    id_, uploads = result_of(run)
    rest = left(wish.desk, plan, uploads, datetime.now(UTC).date())
    console.say(f"{plan.stage}: {reason}.", GOOD)
    console.say("Users still wait. What is left, in this order:", WARNING)
    for line in rest.lines():
        console.say(line)
    console.result({**document, "id": id_, "left": rest.document()})
    return NEEDS_A_PERSON
