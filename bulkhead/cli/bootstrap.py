"""`bulkhead bootstrap STAGE`: what must exist before the stacks of a stage can."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Final

import typer

from bulkhead.cli.console import FAINT, GOOD, WARNING, Console
from bulkhead.cli.options import AsJson, StageName, Yes
from bulkhead.model import project
from bulkhead.model.faults import Fault, Refused
from bulkhead.model.settings import read_settings
from bulkhead.model.settings.paths import stack_file
from bulkhead.model.settings.product_reference import product_of

if TYPE_CHECKING:
    from bulkhead.operations.bootstrap.steps import BootstrapPlan
    from bulkhead.operations.bootstrap.target import Target

_SIGN: Final = {"exists": "=", "create": "+", "change": "~"}
_STYLE: Final = {"exists": FAINT, "create": GOOD, "change": WARNING}

app = typer.Typer(add_completion=False)


@app.command(epilog="Example: bulkhead bootstrap staging --profile harbor-staging-admin")
def bootstrap(
    stage: StageName,
    *,
    profile: Annotated[
        str | None, typer.Option(help="AWS profile that may administer the account. Default: the one in the settings.")
    ] = None,
    yes: Yes = None,
    confirm: Annotated[
        str | None,
        typer.Option("--confirm", metavar="PRODUCT-production", help="With --yes, for production: must name it."),
    ] = None,
    plan_only: Annotated[bool, typer.Option("--plan", help="Print the plan and change nothing.")] = False,
    endpoint: Annotated[str | None, typer.Option(metavar="URL", help="Another AWS, such as a local one.")] = None,
    json: AsJson = False,
) -> None:
    """Make what must exist before the stacks of a stage can: a state bucket and a key for each, GitHub's way in.

    Two of each: who may do what to the stage is a stack of its own, and no role that it makes reaches its state. Prints
    its plan, asks, and prints the commands that come next. It can be run again at any time: what exists stays, what was
    changed is set right. The stage's secrets need not be set yet.
    """
    # boto3 takes half a second to import, which `--help` and a mistyped stage need not wait for.
    from bulkhead.operations.bootstrap import (  # noqa: PLC0415
        apply,
        confirmation,
        connect,
        next_commands,
        plan,
        profile_of,
        require_done,
        require_permanent,
        target,
    )

    console = Console(json=json)
    require_permanent(stage)
    settings = read_settings(project.ROOT / stack_file(stage), examples=False)
    product = product_of(settings)
    aim = target(product.name, settings)
    chosen = profile_of(settings, profile)
    clients = connect(chosen, aim.scope.region, endpoint)
    made = plan(aim, clients)
    _tell(console, aim, made)
    applied = bool(made.pending) and not plan_only
    if applied:
        _ask(console, stage, confirmation(aim), yes=yes, confirm=confirm)
        apply(made, lambda step: console.say(f"  {step.what} ..."))
        require_done(plan(aim, clients))
    commands = next_commands(aim, product, chosen)
    if not plan_only:
        _tell_next(console, commands)
    console.result(
        {
            "stage": stage,
            "account": aim.scope.account,
            "steps": [{"what": s.what, "why": s.why, "effect": s.effect} for s in made.steps],
            "applied": applied,
            "next": [command for each in commands.values() for command in each],
        }
    )


def _tell(console: Console, aim: Target, made: BootstrapPlan) -> None:
    console.say(f"{aim.scope.label.environment}: AWS account {aim.scope.account}, {aim.scope.region}")
    for step in made.steps:
        console.say(f"  {_SIGN[step.effect]} {step.what}", _STYLE[step.effect])
        console.say(f"      {step.why}", FAINT)
    count = len(made.pending)
    console.say(
        f"{count} to make or change, {len(made.steps) - count} as they should be" if count else "Nothing to do."
    )


def _tell_next(console: Console, commands: Mapping[str, Sequence[str]]) -> None:
    for whose, each in commands.items():
        console.say()
        console.say(f"Next, for {whose}:")
        for command in each:
            console.say(f"  {command}")


def _ask(console: Console, stage: str, word: str, *, yes: str | None, confirm: str | None) -> None:
    """Return when somebody has agreed; ``word`` is the stage's name, except for production (see ``confirmation``)."""
    given = f"--yes {stage}" + (f" --confirm {word}" if word != stage else "")
    if yes is not None:
        if yes != stage:
            message = f"names {yes!r}, but this is the bootstrap of {stage!r}"
            raise Refused("Nothing was made.", [Fault("--yes", message, given)])
        if word not in {stage, confirm}:
            raise Refused("Nothing was made.", [Fault("--confirm", f"must name {word}, because it is for real", given)])
        return
    if not console.interactive:
        raise Refused("Nothing was made.", [Fault("--yes", "is missing, and nobody is here to be asked", given)])
    if console.ask(f"Type {word} to go on: ") != word:
        raise Refused(f"Nothing was made: {word} was not typed.")
