"""The words that all commands of `bulkhead restore` have in common: what they take, and how somebody agrees."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Final, TypeVar

import typer

from bulkhead.cli.console import BAD, FAINT, WARNING, Console
from bulkhead.model.failures import Failed
from bulkhead.model.faults import Fault, Refused
from bulkhead.model.naming import Stage

if TYPE_CHECKING:
    from bulkhead.delivery.journal import Run
    from bulkhead.model.settings import StageSettings
    from bulkhead.recovery.restore.plan import Plan

GIVEN_UP: Final = "a person gave it up"
_SUMMARY: Final = "Nothing was restored."
T = TypeVar("T")

Store = Annotated[str, typer.Argument(metavar="STORE", help="The database, as the product calls it.")]
OnlyPlan = Annotated[bool, typer.Option("--plan", help="Only show what would be done, and its digest.")]
Apply = Annotated[
    str | None,
    typer.Option(
        metavar="DIGEST", help="Do not ask: the digest of a plan that somebody has seen. Production takes no --yes."
    ),
]


def require_sense(settings: StageSettings, *, plan: bool, apply: str | None, waits: bool) -> None:
    faults = []
    if plan and apply:
        faults.append(Fault("--plan", "only shows, and --apply does", "leave one of them out"))
    if not waits and settings.stage is not Stage.DEVELOPMENT:
        message = f"is for development: in {settings.environment}, what users write meanwhile would be lost"
        faults.append(Fault("--without-maintenance", message, "leave it out"))
    if faults:
        raise Refused(_SUMMARY, faults)


def agree(
    console: Console, settings: StageSettings, what: Sequence[str], apply: str | None, yes: str | None, *, fate: str
) -> None:
    """Return when somebody knows what will be done: they typed the stage's name, or gave the digest of its plan. In
    production nothing else counts, because a --yes is as quickly copied as the rest of a command."""
    if apply is not None:
        return
    stage = settings.environment
    if settings.stage is Stage.PRODUCTION and (yes is not None or not console.interactive):
        message = "is missing: production is restored by who types its name at a terminal, or by a plan that was seen"
        raise Refused(_SUMMARY, [Fault("--apply", message, "the same command with --plan shows the digest")])
    console.confirm(stage, what, yes, act="restore", fate=fate)


def tell(console: Console, plan: Plan) -> None:
    console.say(f"{plan.stage}: {plan.database} becomes what it was: {plan.source}.")
    for title, lines, style in (
        ("Steps:", plan.steps, ""),
        ("Also to know:", plan.notes, FAINT),
        ("What is lost:", plan.losses or ("nothing, as far as counting shows",), WARNING),
    ):
        console.say(title)
        for line in lines:
            console.say(f"  - {line}", style)
    console.say(f"Digest {plan.digest}", FAINT)


def unless_cut_off(console: Console, plan: Plan, run: Run, act: Callable[[], T]) -> T | None:
    """Return what a run of a restore comes to; None where it was stopped in the middle, which is said, and how it goes
    on."""
    from bulkhead.delivery.lease import Lost  # noqa: PLC0415 (httpx and boto3: --help need not wait)

    try:
        return act()
    except (Refused, Failed, KeyboardInterrupt) as error:
        if run.ended or isinstance(error, Lost):
            raise
        if not isinstance(error, KeyboardInterrupt):
            console.error(error)
        console.say(f"{plan.stage}: run {run.id} has not ended; what was switched off for it stays so.", BAD)
        console.say(f"  {plan.again} continues it, and with --undo gives it up")
        if isinstance(error, KeyboardInterrupt):
            raise
        return None


def saying(console: Console) -> Callable[[str], None]:
    return lambda line: console.say(line, FAINT)
