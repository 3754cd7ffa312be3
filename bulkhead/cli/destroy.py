"""`bulkhead destroy STAGE`: name what will be lost, ask, empty the buckets, destroy. Never production."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from bulkhead.cli.console import FAINT, GOOD, WARNING, Console
from bulkhead.cli.options import AsJson, Profile, Yes, check_stack
from bulkhead.clients.endpoints import Apis
from bulkhead.model import project
from bulkhead.model.settings import read_settings
from bulkhead.model.settings.paths import stack_file

app = typer.Typer(add_completion=False)


@app.command(epilog="Example: bulkhead destroy pr-42 --yes pr-42")
def destroy(
    context: typer.Context,
    stage: Annotated[str, typer.Argument(help="development, staging, or a stack such as pr-42.", callback=check_stack)],
    *,
    yes: Yes = None,
    profile: Profile = None,
    json: AsJson = False,
) -> None:
    """Remove a stage with everything in it: databases, buckets, backups, queues, Workers. Never production.

    Names what will be lost, and asks. After an interruption, run it again: it goes on where it stopped. Exit code 1
    when it was refused, or when something is left.
    """
    # boto3 takes half a second to import, which `--help` and a mistyped stage need not wait for.
    from bulkhead.engine.stack import StackCli  # noqa: PLC0415
    from bulkhead.operations.destroy import Removal  # noqa: PLC0415
    from bulkhead.operations.destroy_plan import (  # noqa: PLC0415
        destroy_plan,
        next_commands,
        refuse_production,
        unsettled,
    )

    console = Console(json=json)
    refuse_production(stage)
    console.require_meant(stage, yes)
    settings = read_settings(project.ROOT / stack_file(stage))
    stack = StackCli(stage, project.ROOT, profile)
    state = stack.state()
    for urn in unsettled(state.begun):
        console.warn(f"an `up` was cut off while it made {urn}: look in its cloud whether it exists")
    going, commands = destroy_plan(stage, state.resources), next_commands(stage)
    if not going.resources:
        console.say(f"There is nothing to destroy: the stack {stage} is empty.", GOOD)
        console.result({"stage": stage, "destroyed": False, "lost": [], "emptied": {}, "next": commands})
        return
    removal = Removal(going, settings, stack, context.ensure_object(Apis), profile)
    lost = removal.losses()
    console.confirm(stage, lost, yes)
    try:
        removal.run(
            lambda bucket, so_far: console.say(f"  {bucket}: {so_far} deleted", FAINT),
            lambda line: console.say(line, FAINT),
        )
    except KeyboardInterrupt:
        console.say(f"{stage} is not destroyed yet. {removal.gone()}", WARNING)
        console.say(f"  go on with: {removal.again}")
        raise
    console.say(f"{stage} is destroyed.", GOOD)
    for command in commands:
        console.say(f"  {command}")
    counts = {bucket: asdict(how_much) for bucket, how_much in removal.emptied.items()}
    console.result({"stage": stage, "destroyed": True, "lost": lost, "emptied": counts, "next": commands})
