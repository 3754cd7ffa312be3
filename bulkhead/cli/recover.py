"""`bulkhead recover STAGE --into FILE`: a stage whose clouds are lost, brought back in another account and region."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from bulkhead.cli.console import FAINT, GOOD, NEEDS_A_PERSON, WARNING, Console
from bulkhead.cli.options import AsJson, StageName, Yes
from bulkhead.clients.endpoints import Apis
from bulkhead.machine.interrupts import interrupted_once
from bulkhead.model import project
from bulkhead.model.failures import Failed
from bulkhead.model.faults import Fault, Refused
from bulkhead.model.settings import read_settings
from bulkhead.model.settings.paths import stack_file
from bulkhead.model.settings.product_reference import product_of

if TYPE_CHECKING:
    from bulkhead.model.settings import StageSettings
    from bulkhead.recovery.total.opening import Left
    from bulkhead.recovery.total.plan import Plan
    from bulkhead.recovery.total.record import Record

_FOLDER: Final = ".recovery"  # in the checkout; git ignores it

app = typer.Typer(add_completion=False)


@app.command(epilog="Example: bulkhead recover production --into Pulumi.elsewhere.yaml --profile new-admin --plan")
def recover(
    context: typer.Context,
    stage: StageName,
    *,
    into: Annotated[
        Path, typer.Option(metavar="FILE", help="The settings of the new place: Pulumi.<name>.yaml, of the same stage.")
    ],
    profile: Annotated[
        str | None,
        typer.Option(help="AWS profile that may administer the new account. Default: the one in the new settings."),
    ] = None,
    old_profile: Annotated[
        str | None,
        typer.Option(help="AWS profile that reads the backups. Default: the profile or role of the old file."),
    ] = None,
    replica: Annotated[
        bool, typer.Option("--replica", help="Read the vault's copy in the other region, not the vault.")
    ] = False,
    lost_at: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="When the stage was lost, from which both goals count. Default: now."),
    ] = None,
    plan: Annotated[
        bool, typer.Option("--plan", help="Only read, and say what would be done and what is lost.")
    ] = False,
    apply: Annotated[
        str | None, typer.Option(metavar="DIGEST", help="Do not ask: the digest of a plan that somebody has seen.")
    ] = None,
    yes: Yes = None,
    json: AsJson = False,
) -> None:
    """Bring a lost stage back in another account and region, from this checkout and the copies in its vault.

    Reads every backup that it relies on first, and says what comes back, from when, and what is gone. Then: the state's
    buckets and keys, the stage while nobody can reach it, its data in `dr.recoveryOrder`, and last its hostnames. Waits
    for a person where secrets are needed that no copy has, and names the commands. Killed or waiting, the same command
    goes on. Nothing of the old place is changed. Exit code 0 when the stage serves; 1 when a step was refused; 3 when
    it waits for a person.
    """
    from bulkhead.recovery.total.record import Record  # noqa: PLC0415 (httpx and boto3: --help need not wait)
    from bulkhead.recovery.total.report import expected  # noqa: PLC0415

    console = Console(json=json)
    console.require_meant(stage, yes, act="recover")
    record = Record(project.ROOT / _FOLDER / f"{stage}.json")
    current, kept = (project.ROOT / folder / stack_file(stage) for folder in ("", _FOLDER))
    begun = record.plan()
    old = read_settings(kept if begun else current, examples=False)
    left, new = _places(old, into, old_profile, replica=replica)
    made = begun or _planned(console, left, new, lost_at)
    _tell(console, made, old.timezone, begun=begun is not None)
    console.say(f"  {expected(record)}", FAINT)
    if plan:
        console.result({**made.document(), "expected": expected(record)})
        return
    if begun is None:
        _agree(console, made, apply, yes)
        kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        kept.write_bytes(current.read_bytes())
        record.begin(made)
    elif made.new != (said := _in_words(new)):
        fault = Fault("--into", f"is {said}, and this recovery began into {made.new}", "name the file it began with")
        raise Refused("The recovery cannot go on.", [fault])
    if current.read_bytes() == kept.read_bytes():  # later it has secrets of the new place
        current.write_bytes(into.read_bytes())
    with interrupted_once():
        raise typer.Exit(_carried_out(console, context.ensure_object(Apis), left, new, made, record, profile))


def _places(old: StageSettings, into: Path, profile: str | None, *, replica: bool) -> tuple[Left, StageSettings]:
    from bulkhead.clients import clouds  # noqa: PLC0415
    from bulkhead.recovery.total.into import read_new_place  # noqa: PLC0415
    from bulkhead.recovery.total.opening import left_of  # noqa: PLC0415

    product = product_of(old)
    new = read_new_place(into, old, product, examples=False)

    def client(region: str | None) -> Any:
        return clouds.aws(old, profile, region)("s3")

    return left_of(old, product, client, replica=replica), new


def _planned(console: Console, left: Left, new: StageSettings, lost_at: str | None) -> Plan:
    from bulkhead.clients import clouds  # noqa: PLC0415
    from bulkhead.recovery.restore.moments import past  # noqa: PLC0415
    from bulkhead.recovery.total.choosing import plan_of  # noqa: PLC0415

    now = datetime.now(UTC)
    lost = past(lost_at, left.settings.timezone, now) if lost_at else now
    with clouds.said_plainly("AWS", "reading what is left"):
        return plan_of(left.books, new, left.mirror, lost, _saying(console))


def _tell(console: Console, made: Plan, zone: str, *, begun: bool) -> None:
    console.say(
        f"{made.stage}: " + ("goes on with the plan that was agreed to" if begun else "a recovery would do this")
    )
    for line in made.told(zone):
        console.say(f"  {line}", WARNING if line.startswith(("lost", "missed", "  skipped")) else "")
    for number, step in enumerate(made.steps, 1):
        console.say(f"  {number}. {step}")
    console.say(f"  digest: {made.digest}", FAINT)


def _agree(console: Console, made: Plan, apply: str | None, yes: str | None) -> None:
    if apply is None:
        console.confirm(made.stage, [f"{made.stage} into {made.new}"], yes, act="recover", fate="made")
    elif apply != made.digest:
        fix = f"bulkhead recover {made.stage} ... --plan --lost-at TIME shows what would be done; name the same time"
        raise Refused("Nothing was done.", [Fault(f"--apply {apply}", f"is not this plan's, {made.digest}", fix)])


def _carried_out(
    console: Console, apis: Apis, left: Left, new: StageSettings, made: Plan, record: Record, profile: str | None
) -> int:
    from bulkhead.operations.bootstrap import profile_of  # noqa: PLC0415
    from bulkhead.recovery.total.opening import at_checkout  # noqa: PLC0415
    from bulkhead.recovery.total.report import Measured  # noqa: PLC0415
    from bulkhead.recovery.total.run import IDENTITIES, Recovery  # noqa: PLC0415

    say, chosen = _saying(console), profile_of(new, profile)
    try:
        with at_checkout(project.ROOT, left, new, made, apis, chosen, os.environ, say) as ground:
            Recovery(made, left.books, ground, record, say).carry_out()
    except (Refused, Failed) as error:
        console.error(error)
        console.say(f"{made.stage}: the same command goes on.", WARNING)
        waits = isinstance(error, Refused) and IDENTITIES not in record.done() and len(record.done()) > 0
        return NEEDS_A_PERSON if waits else 1
    measured = Measured(made, tuple(record.done().values()))
    console.say(f"{made.stage} serves again.", GOOD)
    for line in measured.told():
        console.say(f"  {line}", WARNING if line.startswith("missed") else "")
    console.say(f"  commit {stack_file(made.stage)}: it is that of the new place now. The record: {record.end()}")
    console.result(measured.document())
    return 0


def _in_words(new: StageSettings) -> str:
    from bulkhead.recovery.total.into import place_in_words  # noqa: PLC0415

    return place_in_words(new)


def _saying(console: Console) -> Callable[[str], None]:
    return lambda line: console.say(line, FAINT)
