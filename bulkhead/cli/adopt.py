"""`bulkhead adopt STAGE`: take into a lost state, of the stage or of its identities, what exists, by name."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bulkhead.cli.console import GOOD, Console
from bulkhead.cli.options import AsJson, Profile, StackName, Yes
from bulkhead.clients.endpoints import Apis
from bulkhead.model import project
from bulkhead.model.settings import read_settings
from bulkhead.model.settings.paths import stack_file

if TYPE_CHECKING:
    from bulkhead.operations.adopt import Discovery, PendingChange

app = typer.Typer(add_completion=False)


@app.command(epilog="Example: bulkhead adopt production --yes production")
def adopt(
    context: typer.Context,
    stage: StackName,
    *,
    identities: Annotated[
        bool,
        typer.Option(
            "--identities",
            help="Fill the stack of who may do what (roles, GitHub's environments and rules), by default with the AWS "
            "profile that it is configured with.",
        ),
    ] = False,
    yes: Yes = None,
    profile: Profile = None,
    json: AsJson = False,
) -> None:
    """Take into the stage's state what exists in its clouds already, found by name. No cloud is changed.

    For the day the state is lost: production's databases, buckets and backups outlive it. Asks Pulumi what an up would
    make, looks which of it exists, asks you, imports it, and shows what the next up would change. Can be run again.
    A token cannot be taken over, because its value is told once: the next up makes a new one.
    Exit code 1 when it was refused, or when the next up would replace or delete something.
    """
    # boto3 takes half a second to import, which `--help` and a mistyped stage need not wait for.
    from bulkhead.engine.stack import StackCli  # noqa: PLC0415
    from bulkhead.operations.adopt import Adoption, take  # noqa: PLC0415

    console = Console(json=json)
    adoption = Adoption(project.ROOT, stage, identities)
    console.require_meant(stage, yes, act="adopt")
    settings = read_settings(project.ROOT / stack_file(stage), examples=False)
    stack = StackCli(stage, adoption.folder, profile)
    standing = adoption.standing(stack)
    console.say(f"{adoption.whose}: asking Pulumi what an up would make, and the clouds which of it exists ...")
    with tempfile.TemporaryDirectory() as name:  # readable by this user alone
        folder = Path(name)
        with adoption.finder(settings, stack, context.ensure_object(Apis), profile) as finder:
            seen = adoption.discover(stack, finder, folder, standing)
        _tell_discovery(console, seen)
        after = seen.changes
        if seen.matches:
            console.confirm(stage, [_summary(seen)], yes, act="adopt", fate="imported")
            console.say("Importing ...")
            take(stack, seen.document, folder, protect=adoption.protects(settings))
            console.say(f"Imported: {_summary(seen)}. No cloud was changed.", GOOD)
            after = adoption.changes(stack, folder)
        else:
            console.say("There is nothing to import.", GOOD)
    _tell_changes(console, after)
    adoption.refuse_losses(after)
    commands = adoption.next_commands(seen)
    _tell_next(console, commands)
    console.result(
        {
            "stage": stage,
            "identities": identities,
            "imported": len(seen.matches),
            "resources": [{"name": w.name, "type": w.type, "outcome": o, "id": i} for w, o, i in seen.outcomes()],
            "changes": [asdict(change) for change in after],
            "next": commands,
        }
    )


def _tell_discovery(console: Console, seen: Discovery) -> None:
    from bulkhead.operations.adopt.finding import made_again  # noqa: PLC0415

    rows = []
    for wanted, outcome, id_ in seen.outcomes():
        said = {
            "import": f"will be imported: {id_}",
            "again": f"made again by up: {made_again(wanted.type)}",
            "missing": "does not exist: up makes a new one",
            "in the way": "exists and cannot be imported: remove it before up, with the command below",
            "outlived": "exists, but its value is told only once: up makes a new one, then remove the old one (below)",
            "stray": "another one of this name exists, which the state does not know: remove that one (below)",
            "unknown": "cannot be looked for: see for yourself whether it exists",
        }
        rows.append((wanted.name, wanted.kind, said[outcome]))
    if rows:
        console.table(["resource", "type", "what becomes of it"], rows)


def _summary(seen: Discovery) -> str:
    counts = Counter(match.wanted.kind for match in seen.matches)
    return ", ".join(f"{count} {type_}" for type_, count in sorted(counts.items()))


def _tell_changes(console: Console, after: Sequence[PendingChange]) -> None:
    if not after:
        console.say("The next up would change nothing.", GOOD)
        return
    rows = [(change.action, change.name, change.kind, ", ".join(change.why)) for change in after]
    console.table(["action", "resource", "type", "because of"], rows, title="What the next up would do:")


def _tell_next(console: Console, commands: Sequence[str]) -> None:
    console.say()
    console.say("Next:" if len(commands) == 1 else "Next, in this order:")
    for command in commands:
        console.say(f"  {command}")
