"""`bulkhead destroy STAGE`: name what will be lost, ask, empty the buckets, destroy. Never production."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from bulkhead.cli.console import FAINT, GOOD, WARNING, Console
from bulkhead.cli.options import AsJson, Profile, Yes, check_stack
from bulkhead.model import project
from bulkhead.model.faults import Fault, Refused
from bulkhead.model.naming import EPHEMERAL_STACK
from bulkhead.model.settings import StageSettings, read_settings
from bulkhead.model.settings.paths import stack_file

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

    from bulkhead.engine.stack import StackCli
    from bulkhead.operations.destroy_plan import DestroyPlan
    from bulkhead.operations.empty import Emptied


app = typer.Typer(add_completion=False)


@app.command(epilog="Example: bulkhead destroy pr-42 --yes pr-42")
def destroy(
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
    from bulkhead.operations.destroy import count, describe_losses, empty  # noqa: PLC0415
    from bulkhead.operations.destroy_plan import destroy_plan, refuse_production, unsettled  # noqa: PLC0415

    console = Console(json=json)
    refuse_production(stage)
    if yes not in {None, stage}:
        console.confirm(stage, [], yes)  # refuses; no cloud need be asked for that
    settings = read_settings(project.ROOT / stack_file(stage))
    stack = StackCli(stage, project.ROOT, profile)
    state = stack.state()
    for urn in unsettled(state.begun):
        console.warn(f"an `up` was cut off while it made {urn}: look in its cloud whether it exists")
    going = destroy_plan(stage, state.resources)
    if not going.resources:
        console.say(f"There is nothing to destroy: the stack {stage} is empty.", GOOD)
        console.result({"stage": stage, "destroyed": False, "lost": [], "emptied": {}, "next": _next(stage)})
        return
    r2, s3 = _clients(going, settings, stack, profile)
    with _said_plainly("counting what is in the buckets"):
        lost = describe_losses(going, count(going, r2=r2, s3=s3))
    console.confirm(stage, lost, yes)
    emptied: dict[str, Emptied] = {}
    with _resumable(console, stack, going.resources, emptied, again=_again(stage, profile)):
        with _said_plainly("emptying the buckets"):
            empty(going, r2=r2, s3=s3, progress=lambda bucket, so_far: _progress(console, emptied, bucket, so_far))
        stack.destroy(lambda line: console.say(line, FAINT))
    console.say(f"{stage} is destroyed.", GOOD)
    for command in _next(stage):
        console.say(f"  {command}")
    counts = {bucket: asdict(how_much) for bucket, how_much in emptied.items()}
    console.result({"stage": stage, "destroyed": True, "lost": lost, "emptied": counts, "next": _next(stage)})


def _clients(
    going: DestroyPlan, settings: StageSettings, stack: StackCli, profile: str | None
) -> tuple[S3Client | None, S3Client | None]:
    """Return the clients of R2 and of S3, None where the stage has no bucket there."""
    from bulkhead.clients import clouds  # noqa: PLC0415
    from bulkhead.clients.rest import CLOUDFLARE, Rest  # noqa: PLC0415

    r2 = s3 = None
    if going.buckets:
        token = stack.secret("cloudflareApiToken")
        r2 = clouds.r2(settings.cloudflare.account_id, token, Rest(CLOUDFLARE, token))
    if going.vault:
        s3 = clouds.aws(settings, profile)("s3")
    return r2, s3


@contextmanager
def _said_plainly(doing: str) -> Iterator[None]:
    from bulkhead.clients.clouds import said_plainly  # noqa: PLC0415

    with said_plainly("The bucket's service", doing):
        yield


@contextmanager
def _resumable(
    console: Console, stack: StackCli, before: int, emptied: Mapping[str, Emptied], *, again: str
) -> Iterator[None]:
    """Whatever ends the removal half-way: say what is gone already, and that the command can be run again."""
    try:
        yield
    except KeyboardInterrupt:
        console.say(f"{stack.name} is not destroyed yet. {_gone(stack, before, emptied)}", WARNING)
        console.say(f"  go on with: {again}")
        raise
    except Refused as refused:
        fix = f"{again} (a Worker may have stored something meanwhile: then the second time goes through)"
        told = Fault(stack.name, _gone(stack, before, emptied), fix)
        raise Refused(f"{stack.name} is not destroyed yet. {refused.summary}", [*refused.faults, told]) from refused


def _gone(stack: StackCli, before: int, emptied: Mapping[str, Emptied]) -> str:
    from bulkhead.operations.destroy_plan import destroy_plan  # noqa: PLC0415

    gone = [f"what was in {bucket} ({how_much})" for bucket, how_much in emptied.items()]
    with suppress(Refused):  # what failed may be the very command that would say it
        gone.append(f"{before - destroy_plan(stack.name, stack.state().resources).resources} of {before} resources")
    return f"Gone already: {'; '.join(gone) or 'nothing'}."


def _progress(console: Console, emptied: dict[str, Emptied], bucket: str, so_far: Emptied) -> None:
    emptied[bucket] = so_far
    console.say(f"  {bucket}: {so_far} deleted", FAINT)


def _again(stage: str, profile: str | None) -> str:
    return f"bulkhead destroy {stage}" + (f" --profile {profile}" if profile else "")


def _next(stage: str) -> list[str]:
    """Return the commands that may come next: a pull request's stack is not needed again, a stage's is."""
    if EPHEMERAL_STACK.fullmatch(stage):
        return [f"pulumi stack rm {stage}", f"rm {stack_file(stage)}"]
    return [f"pulumi up -s {stage}"]
