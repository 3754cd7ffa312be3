"""`bulkhead rollout STAGE`: from a second terminal, see how a deployment stands, and tell it what to do."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Final

import typer

from bulkhead.cli.console import BAD, FAINT, GOOD, NEEDS_A_PERSON, WARNING, Console
from bulkhead.cli.options import AsJson, Profile, StackName
from bulkhead.model import project
from bulkhead.model.faults import Fault, Refused
from bulkhead.model.settings import read_settings
from bulkhead.model.settings.paths import stack_file
from bulkhead.model.settings.product_reference import product_of
from jobs.local_time import lasted, shown

if TYPE_CHECKING:
    from datetime import datetime

    from bulkhead.delivery.journal import Entry
    from bulkhead.delivery.standing import Standing


class Action(StrEnum):
    """What to do about a deployment."""

    SHOW = "show"
    PAUSE = "pause"
    RESUME = "resume"
    PROMOTE = "promote"
    ABORT = "abort"


_DOES: Final = {
    Action.PAUSE: "it stays at the traffic it has",
    Action.RESUME: "it goes on where it paused",
    Action.PROMOTE: "it ends its present wait, and only that",
    Action.ABORT: "it returns all traffic to the version before",
}

app = typer.Typer(add_completion=False)


@app.command(epilog="Example: bulkhead rollout production show, then: bulkhead rollout production pause")
def rollout(
    stage: StackName,
    action: Annotated[Action, typer.Argument(help="What to do.")],
    *,
    profile: Profile = None,
    json: AsJson = False,
) -> None:
    """Show how the deployment of a stage stands, or tell the running one what to do.

    pause stays at the present traffic until resume; promote ends one wait early; abort returns all traffic to the
    version before. The running deployment reads this every few seconds, and one that waits for a person when
    `bulkhead deploy STAGE` goes on with it. Exit code 1 where nothing is under way; 3 where a deployment was killed
    half-way, and somebody has to continue or return it.
    """
    # boto3 takes half a second to import, which `--help` and a mistyped stage need not wait for.
    from bulkhead.delivery.journal import journal_of  # noqa: PLC0415
    from bulkhead.delivery.orders import OrderKind  # noqa: PLC0415
    from bulkhead.delivery.standing import State, standing  # noqa: PLC0415

    console = Console(json=json)
    settings = read_settings(project.ROOT / stack_file(stage), examples=False)
    found = standing(journal_of(settings, product_of(settings).name, profile))
    if action is Action.SHOW:
        _show(console, stage, found, settings.timezone)
        return
    if found is None or found.state is State.ENDED:
        fix = f"bulkhead rollback {stage} takes back what is live; bulkhead deploy {stage} begins a deployment"
        raise Refused(f"Nothing is under way in {stage}.", [Fault(f"{stage} {action}", "has nobody to tell", fix)])
    if found.state is State.HALTED and not found.given_back:
        console.faults(Refused(f"Nobody would read this in {stage}.", [_halted(stage, found)]))
        raise typer.Exit(NEEDS_A_PERSON)
    order = found.run.order(OrderKind(action.value))
    if found.given_back:
        console.say(f"It is written down for whoever goes on with run {found.run.id}: {_DOES[action]}.", GOOD)
        console.say(f"Now: bulkhead deploy {stage}")
    else:
        console.say(f"{found.tenure.owner if found.tenure else 'It'} is told: {_DOES[action]}, within seconds.", GOOD)
        console.say(f"See how it stands: bulkhead rollout {stage} show", FAINT)
    console.result({"stage": stage, "run": found.run.id, "order": order.kind, "at": order.at.isoformat()})


def _halted(stage: str, found: Standing) -> Fault:
    message = f"has not ended, and nobody goes on with it: {found.vacant or 'nobody has the stage'}"
    return Fault(f"run {found.run.id}, at {found.entries[-1].step}", message, _goes_on(stage))


def _goes_on(stage: str) -> str:
    return f"bulkhead deploy {stage} continues or returns it; bulkhead rollback {stage} takes back what is live"


def _show(console: Console, stage: str, found: Standing | None, zone: str) -> None:
    from bulkhead.delivery.standing import State  # noqa: PLC0415

    if found is None:
        console.say(f"{stage} was never deployed with bulkhead deploy.")
        console.result({"stage": stage, "run": None})
        return
    from bulkhead.delivery.validation import UNVALIDATED  # noqa: PLC0415
    from bulkhead.delivery.words import fact  # noqa: PLC0415

    outcome = f": {found.run.ended}" if found.run.ended else ""
    colour = {State.RUNNING: GOOD, State.HALTED: BAD, State.ENDED: FAINT}[found.state]
    console.say(f"{stage}, run {found.run.id} of {fact(found.entries[0], 'commit')[:12] or 'no commit'}")
    console.say(f"It {found.state}{outcome}.", colour)
    if why := fact(found.entries[0], UNVALIDATED):
        console.say(f"Staging did not validate it: {why}", WARNING)
    rows = [_row(entry, until, zone) for entry, until in found.steps()]
    console.table(["step", "at", "took", "by", "traffic", "why"], rows)
    if found.state is not State.ENDED:
        for name, label in (("evidence", "Last evidence"), ("waits_for", "It waits for")):
            if told := found.last(name):
                console.say(f"{label}: {told}")
    for order in found.orders:
        at = f"{shown(order.at, zone)}, at {found.entries[order.entry - 1].step}"
        console.say(f"{order.kind} was asked for by {order.by}, {at}", WARNING)
    if found.tenure and not found.vacant:
        since, until = shown(found.tenure.since, zone), shown(found.tenure.until, zone)
        console.say(f"{found.tenure.owner} has the stage since {since}; if it dies, until {until}.", FAINT)
    if found.state is State.HALTED:
        console.say(f"{found.vacant or 'Nobody has the stage'}.\n  fix: {_goes_on(stage)}", BAD)
    console.result({"stage": stage, **found.document()})


def _row(entry: Entry, until: datetime | None, zone: str) -> list[str]:
    from bulkhead.delivery.words import fact, shares_of, split  # noqa: PLC0415

    traffic = "; ".join(f"{worker}: {split(shares)}" for worker, shares in shares_of(entry).items())
    took = lasted(until - entry.at) if until else ""
    return [entry.step, shown(entry.at, zone), took, entry.by.user, traffic, fact(entry, "reason")]
