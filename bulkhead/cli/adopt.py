"""`bulkhead adopt STAGE`: take into a lost state, of the stage or of its identities, what exists, by name."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from bulkhead.cli.console import GOOD, Console
from bulkhead.cli.options import AsJson, Profile, StackName, Yes
from bulkhead.model import project
from bulkhead.model.faults import Fault, Refused
from bulkhead.model.identities import require_stage
from bulkhead.model.settings import StageSettings, read_settings
from bulkhead.model.settings.paths import stack_file
from bulkhead.resources import types as t

if TYPE_CHECKING:
    from bulkhead.engine.stack import StackCli
    from bulkhead.operations.adopt import Discovery, Finder, PendingChange, Wanted

# As the Pulumi CLI says it.
_NO_STACK: Final = "no stack named"
_PROTECTED: Final = "marked for protection"
_IDENTITIES: Final = "identities"

app = typer.Typer(add_completion=False)


@dataclass(frozen=True, slots=True)
class _Aim:
    """The stack that is filled: the stage's own, or that of its identities."""

    stage: str
    identities: bool

    @property
    def whose(self) -> str:
        return f"{self.stage}'s identities" if self.identities else self.stage

    @property
    def folder(self) -> Path:
        return project.ROOT / _IDENTITIES if self.identities else project.ROOT

    def pulumi(self, verb: str) -> str:
        """Return a command about the stack, as a person types it in the checkout."""
        return f"pulumi {verb}{f' -C {_IDENTITIES}' if self.identities else ''} -s {self.stage}"


@app.command(epilog="Example: bulkhead adopt production --yes production")
def adopt(
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
    from bulkhead.operations.adopt import changes, discover, take  # noqa: PLC0415

    console = Console(json=json)
    aim = _aim(stage, identities=identities)
    if yes not in {None, stage}:
        console.confirm(stage, [], yes, act="adopt")  # refuses; no cloud need be asked for that
    settings = read_settings(project.ROOT / stack_file(stage))
    stack = StackCli(stage, aim.folder, profile)
    standing = _standing(aim, stack)
    console.say(f"{aim.whose}: asking Pulumi what an up would make, and the clouds which of it exists ...")
    with tempfile.TemporaryDirectory() as folder:  # readable by this user alone
        with _heeding_protection(aim):
            seen = discover(stack, _finder(aim, settings, stack, profile), Path(folder), standing)
        _tell_discovery(console, seen)
        after = seen.changes
        if seen.matches:
            console.confirm(stage, [_summary(seen)], yes, act="adopt", fate="imported")
            console.say("Importing ...")
            take(stack, seen.document, Path(folder), protect=settings.protected and not identities)
            console.say(f"Imported: {_summary(seen)}. No cloud was changed.", GOOD)
            with _heeding_protection(aim):
                after = changes(stack.plan(Path(folder) / "after.json"))
        else:
            console.say("There is nothing to import.", GOOD)
    _tell_changes(console, after)
    _refuse_losses(aim, after)
    next_ = _next(aim, seen)
    _tell_next(console, next_)
    console.result(
        {
            "stage": stage,
            "identities": identities,
            "imported": len(seen.matches),
            "resources": [{"name": w.name, "type": w.type, "outcome": o, "id": i} for w, o, i in _outcomes(seen)],
            "changes": [asdict(change) for change in after],
            "next": next_,
        }
    )


def _aim(stage: str, *, identities: bool) -> _Aim:
    if identities:
        require_stage(stage)
    return _Aim(stage, identities)


def _finder(aim: _Aim, settings: StageSettings, stack: StackCli, profile: str | None) -> Finder:
    from bulkhead.operations.adopt.everywhere import finder_of, finder_of_identities, profile_of  # noqa: PLC0415

    if not aim.identities:
        return finder_of(settings, stack, profile)
    return finder_of_identities(settings, stack, profile or profile_of(aim.folder / stack_file(aim.stage)))


def _standing(aim: _Aim, stack: StackCli) -> list[dict[str, Any]]:
    """Return what is in the state. An adoption fills a stack, and does not make one: which key encrypts its secrets is
    for a person to say."""
    try:
        return stack.state().resources
    except Refused as refused:
        if not any(_NO_STACK in fault.message for fault in refused.faults):
            raise
        message = "is not in the backend; where the backend keeps versions, see first whether the former state is there"
        lines = "the `export PULUMI_BACKEND_URL` and the `pulumi stack init` lines"
        fix = f"run {lines} that `bulkhead bootstrap {aim.stage}` prints for {aim.whose}, then this command again"
        fault = Fault(f"stack {aim.stage}", message, fix, str(aim.folder / "Pulumi.yaml"))
        raise Refused("There is no stack to adopt into.", [fault]) from refused


def _outcomes(seen: Discovery) -> Iterator[tuple[Wanted, str, str | None]]:
    """Yield each resource that the state lacks, what becomes of it, and the id of one that is imported."""
    for match in seen.matches:
        yield match.wanted, "import", match.found.id
    for wanted in seen.again:
        yield wanted, "again", None
    for wanted in seen.missing:
        yield wanted, "missing", None
    for obstacle in seen.in_the_way:
        yield obstacle.wanted, "in the way", None
    for obstacle in seen.outlived:
        yield obstacle.wanted, "outlived", None
    for wanted in seen.unlisted:
        yield wanted, "unknown", None


def _tell_discovery(console: Console, seen: Discovery) -> None:
    from bulkhead.operations.adopt.finding import made_again  # noqa: PLC0415

    rows = []
    for wanted, outcome, id_ in _outcomes(seen):
        said = {
            "import": f"will be imported: {id_}",
            "again": f"made again by up: {made_again(wanted.type)}",
            "missing": "does not exist: up makes a new one",
            "in the way": "exists and cannot be imported: remove it before up, with the command below",
            "outlived": "exists, but its value is told only once: up makes a new one, then remove the old one (below)",
            "unknown": "cannot be looked for: see for yourself whether it exists",
        }
        rows.append((wanted.name, _short(wanted.type), said[outcome]))
    if rows:
        console.table(["resource", "type", "what becomes of it"], rows)


def _summary(seen: Discovery) -> str:
    counts = Counter(_short(match.wanted.type) for match in seen.matches)
    return ", ".join(f"{count} {type_}" for type_, count in sorted(counts.items()))


def _tell_changes(console: Console, after: Sequence[PendingChange]) -> None:
    if not after:
        console.say("The next up would change nothing.", GOOD)
        return
    rows = [(change.action, change.name, _short(change.type), ", ".join(change.why)) for change in after]
    console.table(["action", "resource", "type", "because of"], rows, title="What the next up would do:")


def _next(aim: _Aim, seen: Discovery) -> list[str]:
    """Return the commands that come next, in order: what is in the way of an `up`, the `up`, and what is of no use
    after it."""
    commands = [*(obstacle.removal for obstacle in seen.in_the_way), aim.pulumi("up")]
    if any(wanted.type == t.ACCOUNT_TOKEN for wanted, *_ in _outcomes(seen)):
        told = aim.pulumi("stack output deployToken --show-secrets")
        commands.append(f"{told} | bulkhead secrets set {aim.stage} cloudflareApiToken")
    return [*commands, *(obstacle.removal for obstacle in seen.outlived)]


def _tell_next(console: Console, commands: Sequence[str]) -> None:
    console.say()
    console.say("Next:" if len(commands) == 1 else "Next, in this order:")
    for command in commands:
        console.say(f"  {command}")


@contextmanager
def _heeding_protection(aim: _Aim) -> Iterator[None]:
    """Pulumi plans nothing when a protected resource would be replaced, and says how to take the protection away."""
    try:
        yield
    except Refused as refused:
        if not any(_PROTECTED in fault.message for fault in refused.faults):
            raise
        fix = f"leave it protected: an unprotected one is deleted with all that is in it. Instead, {_remedy(aim)}"
        faults = [replace(fault, fix=fix) for fault in refused.faults]
        raise Refused(f"Do not bring {aim.whose} up: it would replace or delete what exists.", faults) from refused


def _refuse_losses(aim: _Aim, after: Sequence[PendingChange]) -> None:
    """Raise Refused when the next `up` would lose something; what was imported stays imported."""
    faults = [Fault(change.name, _loss(change), _remedy(aim, change)) for change in after if change.loses]
    if faults:
        raise Refused(f"Do not bring {aim.whose} up: it would replace or delete what exists.", faults)


def _loss(change: PendingChange) -> str:
    why = f" because of {', '.join(change.why)}" if change.why else ""
    return f"{_short(change.type)}: the next up would {change.action} it{why}, and it would not come back as it was"


def _remedy(aim: _Aim, change: PendingChange | None = None) -> str:
    if change is not None and change.action == "delete":
        return (
            "bring it back into the product or the settings, or let go of it: "
            f"`{aim.pulumi('state delete')}`; see `{aim.pulumi('preview')}`"
        )
    preview = aim.pulumi("preview --diff")
    return f"make {stack_file(aim.stage)} or the product say what the cloud has, and see `{preview}`"


def _short(type_: str) -> str:
    """Return the last word of a type token: D1Database."""
    return type_.rpartition(":")[2]
