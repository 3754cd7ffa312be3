"""`bulkhead twin`: publish a stage's state without its secrets, and preview a checkout against it."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from bulkhead.cli.console import FAINT, GOOD, Console
from bulkhead.cli.options import AsJson, Profile, StackName
from bulkhead.model import project

if TYPE_CHECKING:
    from bulkhead.twin.state import Twin


app = typer.Typer(
    help="Publish a stage's state without its secrets, and preview a checkout against it.",
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_PLACE: Final = "s3://bucket/prefix, or a folder."


@app.command(epilog="Example: bulkhead twin publish staging --to s3://harbor-twins")
def publish(
    stage: StackName,
    *,
    to: Annotated[str, typer.Option("--to", metavar="PLACE", help=f"Where to put it: {_PLACE}")],
    settle: Annotated[
        bool,
        typer.Option(
            help="Preview it here first, and take over what the program makes of placeholders. Without that, what it "
            "derives from secrets is a change in every preview, and a change of what only a provider's plugin calls a "
            "secret is none."
        ),
    ] = True,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be published, and write nothing.")] = False,
    profile: Profile = None,
    json: AsJson = False,
) -> None:
    """Publish the stage's state with a placeholder in the place of each secret. No secret has to be opened for that.

    `bulkhead deploy` does it after each `up` of its own. Refuses, with all places, when a value looks like a secret and
    is not marked as one. Writes nothing when nothing has changed.
    """
    from bulkhead.engine.stack import StackCli  # noqa: PLC0415 (not for --help)
    from bulkhead.twin.publish import make_twin, put, refuse_values  # noqa: PLC0415
    from bulkhead.twin.store import key_of  # noqa: PLC0415

    console = Console(json=json)
    stack = StackCli(stage, project.ROOT, profile)
    twin = make_twin(stack, project.ROOT, settle=settle)
    _tell(console, twin)
    opened = refuse_values(twin, stack)
    if not opened:
        console.say("The secrets could not be opened here, so it was judged by their marks and forms alone.", FAINT)
    where = f"{to.rstrip('/')}/{key_of(twin.project, stage)}"
    written = False
    if dry_run:
        console.say(f"Nothing was written; it would be {where}.", FAINT)
    else:
        written = put(twin, project.ROOT, to, profile)
        console.say(f"Published: {where}" if written else f"Published already, and nothing has changed: {where}", GOOD)
    told = {"stage": stage, "place": where, "written": written, "digest": twin.digest()}
    counts = {"resources": len(twin.resources), "redacted": dict(twin.redacted)}
    console.result({**told, **counts, "comparedWithValues": opened})


@app.command(epilog='Example: eval "$(bulkhead twin use staging --from s3://harbor-twins --into /tmp/twin)"')
def use(
    stage: StackName,
    *,
    source: Annotated[str, typer.Option("--from", metavar="PLACE", help=f"Where it was published: {_PLACE}")],
    into: Annotated[Path, typer.Option("--into", metavar="DIR", help="A folder of its own; is made over each time.")],
    profile: Profile = None,
    json: AsJson = False,
) -> None:
    """Make a folder in which `pulumi preview` compares this checkout with the stage's twin, without the stage's backend
    and keys.

    Prints the environment for it, as lines for a shell. Nothing beyond the folder is touched.
    """
    from bulkhead.twin.store import fetch, place_of  # noqa: PLC0415
    from bulkhead.twin.workspace import make_workspace  # noqa: PLC0415

    console = Console(json=json)
    place = place_of(source, project.ROOT, stage, profile, reading=True)
    twin, about = fetch(place, project.project_name(project.ROOT), stage)
    workspace = make_workspace(project.ROOT, twin, into)
    for name, value in workspace.environment.items():
        console.say(f"export {name}={shlex.quote(value)}")
    command = f"pulumi preview --cwd {shlex.quote(str(workspace.work))} --stack {stage}"
    console.say(f"# the state of {about.get('published')}, resources: {len(twin.resources)}; now: {command}", FAINT)
    console.result(
        {"stage": stage, "about": dict(about), "environment": dict(workspace.environment), "work": str(workspace.work)}
    )


def _tell(console: Console, twin: Twin) -> None:
    rows = [(type_, str(count)) for type_, count in twin.redacted.items()]
    if rows:
        console.table(["type", "secrets replaced"], rows)
    replaced = sum(twin.redacted.values())
    console.say(f"resources: {len(twin.resources)}; secrets replaced: {replaced}")
