"""`bulkhead twin`: publish a stage's state without its secrets, and preview a checkout against it."""

from __future__ import annotations

import json as jsonlib
import os
import shlex
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from bulkhead.cli.console import FAINT, GOOD, Console
from bulkhead.cli.options import AsJson, Profile
from bulkhead.model.faults import Fault, Refused
from bulkhead.model.naming import stage_of
from bulkhead.model.settings import read_settings
from bulkhead.model.settings.paths import stack_file

if TYPE_CHECKING:
    from bulkhead.twin.state import Twin
    from bulkhead.twin.store import Place

ROOT: Final = Path(__file__).resolve().parents[2]

app = typer.Typer(
    help="Publish a stage's state without its secrets, and preview a checkout against it.",
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Stage = Annotated[str, typer.Argument(help="development, staging, production, or a stack such as pr-42.")]
_PLACE: Final = "s3://bucket/prefix, or a folder."
_MEND: Final = "keep it an Output in the program (no pulumi.Output.unsecret), `pulumi up`, then publish again"


@app.command(epilog="Example: bulkhead twin publish staging --to s3://harbor-twins")
def publish(
    stage: Stage,
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

    Run it after each `up`. Refuses, with all places, when a value looks like a secret and is not marked as one. Writes
    nothing when nothing has changed.
    """
    from bulkhead.model.project import project_name  # noqa: PLC0415
    from bulkhead.twin.settled import settled  # noqa: PLC0415
    from bulkhead.twin.state import redact  # noqa: PLC0415 (not for --help)
    from bulkhead.twin.store import key_of  # noqa: PLC0415
    from bulkhead.twin.store import publish as put  # noqa: PLC0415
    from bulkhead.twin.workspace import ExportedStack, compute, make_workspace  # noqa: PLC0415

    console = Console(json=json)
    _require_stage(stage)
    project = project_name(ROOT)
    twin = redact(ExportedStack(stage, ROOT, profile).export(), project, stage)
    if settle:
        from bulkhead.localclouds.providers import alone  # noqa: PLC0415

        with tempfile.TemporaryDirectory() as folder, alone.serving(Path(folder)) as providers:
            workspace = make_workspace(ROOT, twin, Path(folder) / "twin")
            twin = settled(twin, compute(workspace, stage, providers))
    _tell(console, twin)
    opened = _refuse_values(twin, stage, profile)
    if not opened:
        console.say("The secrets could not be opened here, so it was judged by their marks and forms alone.", FAINT)
    where = f"{to.rstrip('/')}/{key_of(project, stage)}"
    written = False
    if dry_run:
        console.say(f"Nothing was written; it would be {where}.", FAINT)
    else:
        now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        with said_plainly_by_s3("publishing the twin"):
            written = put(twin, place_of(to, stage, profile), {"commit": _commit(), "engine": twin.engine}, now=now)
        console.say(f"Published: {where}" if written else f"Published already, and nothing has changed: {where}", GOOD)
    told = {"stage": stage, "place": where, "written": written, "digest": twin.digest()}
    counts = {"resources": len(twin.resources), "redacted": dict(twin.redacted)}
    console.result({**told, **counts, "comparedWithValues": opened})


@app.command(epilog='Example: eval "$(bulkhead twin use staging --from s3://harbor-twins --into /tmp/twin)"')
def use(
    stage: Stage,
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
    from bulkhead.model.project import project_name  # noqa: PLC0415
    from bulkhead.twin.store import fetch  # noqa: PLC0415
    from bulkhead.twin.workspace import make_workspace  # noqa: PLC0415

    console = Console(json=json)
    _require_stage(stage)
    place = place_of(source, stage, profile, reading=True)
    with said_plainly_by_s3("fetching the twin"):
        twin, about = fetch(place, project_name(ROOT), stage)
    workspace = make_workspace(ROOT, twin, into)
    for name, value in workspace.environment.items():
        console.say(f"export {name}={shlex.quote(value)}")
    command = f"pulumi preview --cwd {shlex.quote(str(workspace.work))} --stack {stage}"
    console.say(f"# the state of {about.get('published')}, resources: {len(twin.resources)}; now: {command}", FAINT)
    console.result(
        {"stage": stage, "about": dict(about), "environment": dict(workspace.environment), "work": str(workspace.work)}
    )


def _require_stage(stage: str) -> None:
    if stage_of(stage) is None:
        message = "is no stage; a stage is development, staging, production or the stack of a pull request"
        raise Refused("Nothing was done.", [Fault(stage, message, "pulumi stack ls")])


def place_of(place: str, stage: str, profile: str | None, *, reading: bool = False) -> Place:
    """Return the folder or bucket that ``place`` names. A publisher has to be in the stage's account; a reader need not
    be anybody in particular, but the bucket must be of that account, too."""
    from bulkhead.twin.store import Bucket, Folder, split_s3  # noqa: PLC0415

    found = split_s3(place)
    if found is None:
        return Folder(Path(place))
    import boto3  # noqa: PLC0415 (half a second, which a folder need not wait for)

    from bulkhead.clients import clouds  # noqa: PLC0415

    settings = read_settings(ROOT / stack_file(stage))
    with said_plainly_by_s3("looking for credentials"):
        client = (
            boto3.Session(profile_name=profile, region_name=settings.region.primary).client("s3")
            if reading
            else clouds.aws(settings, profile)("s3")
        )
    return Bucket(client, *found, settings.aws.account_id)


@contextmanager
def said_plainly_by_s3(doing: str) -> Iterator[None]:
    from bulkhead.clients.clouds import said_plainly  # noqa: PLC0415

    with said_plainly("S3", doing):
        yield


def _refuse_values(twin: Twin, stage: str, profile: str | None) -> bool:
    """Raise Refused when the value of a secret stands in the twin; say whether the values could be had at all. Nobody
    needs them to publish, but who has them sees what no form betrays: a copy that the program says is no secret."""
    from bulkhead.engine.preview import PreviewedStack  # noqa: PLC0415
    from bulkhead.preview.leaks import leaks  # noqa: PLC0415
    from bulkhead.twin.state import name_of  # noqa: PLC0415

    try:
        values = PreviewedStack(stage, ROOT, profile).secrets()
    except Refused:
        return False
    faults = [
        Fault(f"{name_of(resource)}: {leak.name}", f"the value of this secret stands in the state, {leak.form}", _MEND)
        for resource in twin.resources
        for leak in leaks(jsonlib.dumps(resource), values)
    ]
    if faults:
        raise Refused("There is no twin: a secret's value stands in the state and is not marked as a secret.", faults)
    return True


def _tell(console: Console, twin: Twin) -> None:
    rows = [(type_, str(count)) for type_, count in twin.redacted.items()]
    if rows:
        console.table(["type", "secrets replaced"], rows)
    replaced = sum(twin.redacted.values())
    console.say(f"resources: {len(twin.resources)}; secrets replaced: {replaced}")


def _commit() -> str | None:
    """Return the commit that is checked out, None where there is no git."""
    try:
        told = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return os.environ.get("GITHUB_SHA")
    return told.stdout.strip()
