"""`bulkhead adopt STAGE`: take into a lost state what exists, by name; no cloud is changed."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from cli.console import GOOD, Console
from cli.options import AsJson, Profile, Yes
from infra.faults import Fault, Refused
from infra.naming import stage_of
from infra.settings import read_settings
from infra.settings.paths import stack_file

if TYPE_CHECKING:
    from operations.adopt import Change, Survey, Wanted
    from operations.stack import Stack

ROOT: Final = Path(__file__).resolve().parent.parent
# As the Pulumi CLI says it.
_NO_STACK: Final = "no stack named"
_PROTECTED: Final = "marked for protection"

app = typer.Typer(add_completion=False)


@app.command(epilog="Example: bulkhead adopt production --yes production")
def adopt(
    stage: Annotated[str, typer.Argument(help="development, staging, production, or a stack such as pr-42.")],
    *,
    yes: Yes = None,
    profile: Profile = None,
    json: AsJson = False,
) -> None:
    """Take into the stage's state what exists in its clouds already, found by name. No cloud is changed.

    For the day the state is lost: production's databases, buckets and backups outlive it. Asks Pulumi what an up would
    make, looks which of it exists, asks you, imports it, and shows what the next up would change. Can be run again.
    Exit code 1 when it was refused, or when the next up would replace or delete something.
    """
    # boto3 takes half a second to import, which `--help` and a mistyped stage need not wait for.
    from operations.adopt import changes, survey, take  # noqa: PLC0415
    from operations.adopt.everywhere import finder_of  # noqa: PLC0415
    from operations.stack import Stack  # noqa: PLC0415

    console = Console(json=json)
    _require_stage(stage)
    if yes not in {None, stage}:
        console.confirm(stage, [], yes, act="adopt")  # refuses; no cloud need be asked for that
    settings = read_settings(ROOT / stack_file(stage))
    stack = Stack(stage, ROOT, profile)
    standing = _standing(stage, stack)
    console.say(f"{stage}: asking Pulumi what an up would make, and the clouds which of it exists ...")
    with tempfile.TemporaryDirectory() as folder:  # readable by this user alone
        with _heeding_protection(stage):
            seen = survey(stack, finder_of(settings, stack, profile), Path(folder), standing)
        _tell_survey(console, seen)
        after = seen.changes
        if seen.matches:
            console.confirm(stage, [_summary(seen)], yes, act="adopt", fate="imported")
            console.say("Importing ...")
            take(stack, seen.document, Path(folder), protect=settings.protected)
            console.say(f"Imported: {_summary(seen)}. No cloud was changed.", GOOD)
            with _heeding_protection(stage):
                after = changes(stack.plan(Path(folder) / "after.json"))
        else:
            console.say("There is nothing to import.", GOOD)
    _tell_changes(console, after)
    _refuse_losses(stage, after)
    next_ = [*(obstacle.removal for obstacle in seen.in_the_way), f"pulumi up -s {stage}"]
    _tell_next(console, next_)
    console.result(
        {
            "stage": stage,
            "imported": len(seen.matches),
            "resources": [{"name": w.name, "type": w.type, "outcome": o, "id": i} for w, o, i in _outcomes(seen)],
            "changes": [asdict(change) for change in after],
            "next": next_,
        }
    )


def _require_stage(stage: str) -> None:
    if stage_of(stage) is None:
        message = "is no stage; a stage is development, staging, production or the stack of a pull request"
        raise Refused("There is nothing to adopt.", [Fault(stage, message, "pulumi stack ls")])


def _standing(stage: str, stack: Stack) -> list[dict[str, Any]]:
    """Return what is in the state. An adoption fills a stack, and does not make one: which key encrypts its secrets is
    for a person to say."""
    try:
        return stack.state().resources
    except Refused as refused:
        if not any(_NO_STACK in fault.message for fault in refused.faults):
            raise
        message = "is not in the backend; where the backend keeps versions, see first whether the former state is there"
        fix = f"run the `pulumi stack init` line that `bulkhead bootstrap {stage}` prints, then this command again"
        raise Refused("There is no stack to adopt into.", [Fault(f"stack {stage}", message, fix)]) from refused


def _outcomes(seen: Survey) -> Iterator[tuple[Wanted, str, str | None]]:
    """Yield each resource that the state lacks, what becomes of it, and the id of one that is imported."""
    for match in seen.matches:
        yield match.wanted, "import", match.found.id
    for wanted in seen.again:
        yield wanted, "again", None
    for wanted in seen.missing:
        yield wanted, "missing", None
    for obstacle in seen.in_the_way:
        yield obstacle.wanted, "in the way", None
    for wanted in seen.unlisted:
        yield wanted, "unknown", None


def _tell_survey(console: Console, seen: Survey) -> None:
    from operations.adopt.parts import WRITTEN_AGAIN  # noqa: PLC0415

    rows = []
    for wanted, outcome, id_ in _outcomes(seen):
        said = {
            "import": f"will be imported: {id_}",
            "again": f"made again by up: {WRITTEN_AGAIN.get(wanted.type)}",
            "missing": "does not exist: up makes a new one",
            "in the way": "exists and cannot be imported: remove it before up, with the command below",
            "unknown": "cannot be looked for: see for yourself whether it exists",
        }
        rows.append((wanted.name, _short(wanted.type), said[outcome]))
    if rows:
        console.table(["resource", "type", "what becomes of it"], rows)


def _summary(seen: Survey) -> str:
    counts = Counter(_short(match.wanted.type) for match in seen.matches)
    return ", ".join(f"{count} {type_}" for type_, count in sorted(counts.items()))


def _tell_changes(console: Console, after: Sequence[Change]) -> None:
    if not after:
        console.say("The next up would change nothing.", GOOD)
        return
    rows = [(change.action, change.name, _short(change.type), ", ".join(change.why)) for change in after]
    console.table(["action", "resource", "type", "because of"], rows, title="What the next up would do:")


def _tell_next(console: Console, commands: Sequence[str]) -> None:
    console.say()
    console.say("Next:" if len(commands) == 1 else "Next; what cannot be imported has to go before up makes it again:")
    for command in commands:
        console.say(f"  {command}")


@contextmanager
def _heeding_protection(stage: str) -> Iterator[None]:
    """Pulumi plans nothing when a protected resource would be replaced, and says how to take the protection away."""
    try:
        yield
    except Refused as refused:
        if not any(_PROTECTED in fault.message for fault in refused.faults):
            raise
        fix = f"leave it protected: an unprotected one is deleted with all that is in it. Instead, {_remedy(stage)}"
        faults = [replace(fault, fix=fix) for fault in refused.faults]
        raise Refused(f"Do not bring {stage} up: it would replace or delete what exists.", faults) from refused


def _refuse_losses(stage: str, after: Sequence[Change]) -> None:
    """Raise Refused when the next `up` would lose something; what was imported stays imported."""
    faults = [Fault(change.name, _loss(change), _remedy(stage, change)) for change in after if change.loses]
    if faults:
        raise Refused(f"Do not bring {stage} up: it would replace or delete what exists.", faults)


def _loss(change: Change) -> str:
    why = f" because of {', '.join(change.why)}" if change.why else ""
    return f"{_short(change.type)}: the next up would {change.action} it{why}, and what is in it would be lost"


def _remedy(stage: str, change: Change | None = None) -> str:
    if change is not None and change.action == "delete":
        return (
            f"bring it back into the product, or let go of it: `pulumi state delete`; see `pulumi preview -s {stage}`"
        )
    return f"make {stack_file(stage)} or the product say what the cloud has, and see `pulumi preview -s {stage} --diff`"


def _short(type_: str) -> str:
    """Return the last word of a type token: D1Database."""
    return type_.rpartition(":")[2]
