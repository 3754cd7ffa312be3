"""`bulkhead settle STAGE`: after an `up` that was cut off, write into the state what exists of what it had begun."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from bulkhead.cli.console import GOOD, Console
from bulkhead.cli.options import AsJson, Profile, StackName, Yes
from bulkhead.clients.endpoints import Apis
from bulkhead.model import project
from bulkhead.model.faults import Fault, Refused
from bulkhead.model.settings import read_settings
from bulkhead.model.settings.paths import stack_file

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bulkhead.operations.settle import Begun

_SAID: Final = {
    "exists": "exists, and is taken into the state: {id}",
    "absent": "does not exist: the next up makes it",
    "again": "is written over by the next up",
    "useless": "exists as {id}, but its value was told only once: adopt says how to end it",
    "unknown": "cannot be looked for: see for yourself whether it exists",
    "forgotten": "is forgotten, as you say",
}

app = typer.Typer(add_completion=False)


@app.command(epilog="Example: bulkhead settle staging --yes staging")
def settle(
    context: typer.Context,
    stage: StackName,
    *,
    identities: Annotated[
        bool, typer.Option("--identities", help="Settle the stack of who may do what, in identities/.")
    ] = False,
    found: Annotated[
        list[str] | None, typer.Option("--found", metavar="NAME=ID", help="What you have found in its cloud yourself.")
    ] = None,
    forget: Annotated[
        list[str] | None,
        typer.Option("--forget", metavar="NAME", help="What does not exist: the next up makes it. May be repeated."),
    ] = None,
    plan_only: Annotated[bool, typer.Option("--plan", help="Print the plan and change nothing.")] = False,
    yes: Yes = None,
    profile: Profile = None,
    json: AsJson = False,
) -> None:
    """Write into the state what exists of what an up had begun to make when it was cut off. No cloud is changed.

    Pulumi notes that a creation has begun, not whether it happened, and the next up would make it again. Looks in the
    clouds by name, shows what became of each, asks, and takes in what exists. In production you also have to name with
    --forget what was not found. Can be run again. Exit code 1 when it was refused.
    """
    # boto3 takes half a second to import, which `--help` and a mistyped stage need not wait for.
    from bulkhead.engine.stack import StackCli  # noqa: PLC0415
    from bulkhead.operations import settle as operation  # noqa: PLC0415
    from bulkhead.operations.adopt import Adoption, everywhere  # noqa: PLC0415

    console = Console(json=json)
    adoption = Adoption(project.ROOT, stage, identities)
    console.require_meant(stage, yes, act="settle")
    ids = _ids(found or ())
    settings = read_settings(project.ROOT / stack_file(stage))
    stack = StackCli(stage, adoption.folder, profile)
    exported = stack.export()
    pending = (exported.get("deployment") or {}).get("pending_operations") or []
    begun: Sequence[Begun] = ()
    if pending:
        with adoption.finder(settings, stack, context.ensure_object(Apis), profile) as finder:
            widest = finder if identities else everywhere.finder_of_begun(finder, settings, profile)
            begun = operation.begun(exported, widest, ids)
    forgotten = set(forget or ())
    outcomes = [(one, "forgotten" if one.wanted.name in forgotten else one.outcome) for one in begun]
    if begun:
        rows = [(one.wanted.name, one.wanted.kind, _SAID[said].format(id=one.id)) for one, said in outcomes]
        console.table(["resource", "type", "what becomes of it"], rows)
    _refuse_unheard(begun, forgotten)
    operation.refuse_doubts(stage, begun, forgotten, protected=settings.protected)
    settled = bool(pending) and not plan_only
    if not pending:
        console.say(f"There is nothing to settle: no up of {adoption.whose} was cut off.", GOOD)
    elif settled:
        whats = [f"{one.wanted.name}: {_SAID[said].format(id=one.id)}" for one, said in outcomes]
        console.confirm(stage, whats or ["changes and deletions that were cut off"], yes, act="settle", fate="settled")
        taken = operation.settle(stack, exported, begun, forgotten)
        console.say(
            f"Settled: {len(taken)} of {len(begun)} exist and are in the state now. No cloud was changed.", GOOD
        )
    folder = " -C identities" if identities else ""
    commands = [f"pulumi preview{folder} -s {stage}"] if identities else [f"bulkhead preview {stage}"]
    console.say(f"Next: {commands[0]}")
    console.result(
        {
            "stage": stage,
            "identities": identities,
            "settled": settled,
            "resources": [
                {"name": one.wanted.name, "type": one.wanted.type, "urn": one.wanted.urn, "outcome": said, "id": one.id}
                for one, said in outcomes
            ],
            "next": commands,
        }
    )


def _ids(found: Sequence[str]) -> dict[str, str]:
    pairs = [each.partition("=") for each in found]
    faults = [
        Fault(f"--found {name}", "names no id", f"--found {name or 'NAME'}=ID") for name, _, id_ in pairs if not id_
    ]
    if faults:
        raise Refused("Nothing was settled.", faults)
    return {name: id_ for name, _, id_ in pairs}


def _refuse_unheard(begun: Sequence[Begun], forgotten: set[str]) -> None:
    names = [one.wanted.name for one in begun]
    fix = f"name one of: {', '.join(names) or 'nothing was cut off'}"
    faults = [Fault(f"--forget {name}", "is nothing that was begun", fix) for name in sorted(forgotten - set(names))]
    if faults:
        raise Refused("Nothing was settled.", faults)
