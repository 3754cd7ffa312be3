"""`bulkhead rollback STAGE`: say what would go back and whether that is safe, ask, let all requests go there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bulkhead.cli.cloudflare import TokenEnv, token_of
from bulkhead.cli.console import BAD, FAINT, GOOD, NEEDS_A_PERSON, WARNING, Console
from bulkhead.cli.options import AsJson, Profile, StackName, Yes
from bulkhead.cli.versions import called
from bulkhead.clients.endpoints import Apis
from bulkhead.model import project
from bulkhead.model.faults import Fault, Refused
from bulkhead.model.settings import read_settings
from bulkhead.model.settings.paths import stack_file
from bulkhead.model.settings.product_reference import product_of

if TYPE_CHECKING:
    from bulkhead.delivery.history import History
    from bulkhead.delivery.rollback import Halted, Step


app = typer.Typer(add_completion=False)


@app.command(epilog="Example: bulkhead rollback staging --plan, then: bulkhead rollback staging")
def rollback(
    context: typer.Context,
    stage: StackName,
    *,
    to: Annotated[
        str | None,
        typer.Option(
            metavar="VERSION|RELEASE",
            help="One version of one Worker, or the release with which the whole stage was as it is to be again. "
            "Default: what answered before the last release.",
        ),
    ] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Only show what would be done, and whether it is safe.")] = False,
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            help="Go back although a migration has taken away what that version may need, and although secrets have "
            "changed, whose old values come back with it.",
        ),
    ] = False,
    token_env: TokenEnv = None,
    yes: Yes = None,
    profile: Profile = None,
    json: AsJson = False,
) -> None:
    """Let the version of each Worker answer everybody that did before the last release. No ids are needed.

    Only Workers that this release changed go back, callers before what they call, with one request each. In a rollout
    that runs, all requests go to the version that was there first. Says what comes back with a version, what does not,
    and whether a migration or a Durable Object class stands in the way. With --token-env neither Pulumi nor the stack
    is asked, so it works while the stack is locked. Run again, it goes on where it was stopped, and never further back.
    Exit code 1 when it was refused and nothing was done, 3 when some Workers went back and others did not.
    """
    from bulkhead.clients.rest import Rest  # noqa: PLC0415 - httpx and SQLite, which `--help` need not wait for
    from bulkhead.clients.workers import Traffic  # noqa: PLC0415
    from bulkhead.delivery import rollback as operation  # noqa: PLC0415

    console = Console(json=json)
    console.require_meant(stage, yes, act="change")
    settings = read_settings(project.ROOT / stack_file(stage), examples=False)
    product = product_of(settings)
    again = f"bulkhead rollback {stage}{f' --to {to}' if to else ''}"
    with Rest(context.ensure_object(Apis).cloudflare, token_of(console, stage, profile, token_env)) as api:
        steps = operation.plan(api, project.ROOT, product, settings, to)
        moves = [each for each in steps if each.choice.target is not None]
        _tell(console, steps)
        faults = operation.hindrances(steps, f"{again} --force", force=force)
        document = {"stage": stage, "workers": [_document(each) for each in steps], "stays": list(operation.STAYS)}
        if faults and not plan:
            raise Refused("Nothing was rolled back.", faults)
        if plan or not moves:
            _told(console, stage, moves, faults)
            console.result({**document, "ok": not faults, "stopped_by": [str(each) for each in faults], "moved": []})
            raise typer.Exit(1 if faults else 0)
        console.confirm(stage, [_sentence(each) for each in moves], yes, act="change", fate="done")
        traffic = Traffic(api, settings.cloudflare.account_id)
        try:
            moved = operation.move(traffic, moves, f"{again} --force", lambda each: _done(console, each), force=force)
        except operation.Halted as halted:
            _stopped(console, halted, document, again)
            return
    console.result({**document, "ok": True, "stopped_by": [], "moved": list(moved)})
    console.say("Next: revert the commit, or mend it, and deploy; until then what is live and what is merged differ.")


def _tell(console: Console, steps: Sequence[Step]) -> None:
    from bulkhead.delivery.rollback import PERMISSION, STAYS  # noqa: PLC0415

    rows = [(each.script, _now(each.choice.history), _then(each)) for each in steps]
    console.table(["worker", "answers now", "and then"], rows)
    for each in (each for each in steps if each.choice.target is not None):
        ground = each.ground
        if ground.settings:
            console.say(f"{each.script}: these come back as they were, too: {', '.join(ground.settings)}", WARNING)
        if ground.secrets:
            names = ", ".join(ground.secrets)
            console.say(f"{each.script}: its secrets come back with the values that they had then: {names}", WARNING)
        for why in ground.unknown:
            console.say(f"{each.script}: not known: {why}", WARNING)
    if any(each.choice.target is not None for each in steps):
        console.say(f"Not undone: {'; '.join(STAYS)}.", FAINT)
        console.say(PERMISSION, FAINT)


def _told(console: Console, stage: str, moves: Sequence[Step], faults: Sequence[Fault]) -> None:
    for fault in faults:
        console.say(f"stops a run: {fault}", BAD)
    if not moves:
        console.say("There is nothing to roll back. To go further back, name where to:", GOOD)
        console.say(f"  bulkhead versions {stage}, then: bulkhead rollback {stage} --to VERSION|RELEASE")


def _stopped(console: Console, halted: Halted, document: dict[str, Any], again: str) -> None:
    """Say what was done when an order was refused. Raises Refused where that is nothing, and else Exit."""
    if not halted.moved and not halted.doubt:
        raise halted.refused
    for fault in halted.refused.faults:
        console.say(str(fault), BAD)
    said = [f"{', '.join(halted.moved)} went back"] if halted.moved else []
    said += [f"{halted.doubt} may have gone back"] if halted.doubt else []
    console.say(f"Half done: {', '.join(said)}, the others did not.", BAD)
    console.say(f"To go on with the others: {again}")
    stopped = [str(each) for each in halted.refused.faults]
    console.result(
        {**document, "ok": False, "stopped_by": stopped, "moved": list(halted.moved), "doubt": halted.doubt or None}
    )
    raise typer.Exit(NEEDS_A_PERSON)


def _done(console: Console, step: Step) -> None:
    console.say(f"  {_sentence(step)}: done", GOOD)


def _sentence(step: Step) -> str:
    return f"{step.script}: {_then(step)}"


def _now(history: History) -> str:
    shares = history.live.shares if history.live else ()
    return ", ".join(f"{share.percent:g} % {_called(history, share.version)}" for share in shares) or "nothing"


def _called(history: History, version: str) -> str:
    known = history.versions.get(version)
    return called(known) if known else f"version {version}"


def _then(step: Step) -> str:
    target = step.choice.target
    return f"stays: {step.choice.why}" if target is None else f"all requests to {called(target)}"


def _document(step: Step) -> dict[str, Any]:
    history, target, ground = step.choice.history, step.choice.target, step.ground
    return {
        "worker": history.worker.name,
        "script": history.script,
        "live": [{"version": each.version, "percent": each.percent} for each in history.live.shares]
        if history.live
        else [],
        "target": None
        if target is None
        else {"version": target.id, "number": target.number, "release": target.release},
        "why": step.choice.why,
        "stops": list(ground.stops),
        "risks": list(ground.risks),
        "unknown": list(ground.unknown),
        "settings": list(ground.settings),
        "secrets": list(ground.secrets),
    }
