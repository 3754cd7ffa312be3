"""`bulkhead secrets`: whether a stage has all its secrets, storing one, rotating its tokens."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from functools import partial
from getpass import getpass
from typing import Annotated

import typer

from bulkhead.cli.console import BAD, FAINT, GOOD, WARNING, Console
from bulkhead.cli.options import AsJson, Profile, StageName
from bulkhead.engine.stack import StackCli
from bulkhead.model import project
from bulkhead.model.faults import Fault, Refused
from bulkhead.model.identities import TOKENS, Slots, read_slots, require_stage, spelt
from bulkhead.model.product import Product
from bulkhead.model.settings import StageSettings, read_settings
from bulkhead.model.settings.paths import stack_file
from bulkhead.model.settings.product_reference import product_of
from bulkhead.operations.secrets import rotation
from bulkhead.operations.secrets.check import as_json
from bulkhead.operations.secrets.check import check as checked
from bulkhead.operations.secrets.files import changeable, keepers, opened, write_config
from bulkhead.operations.secrets.store import backend_of, needing, require_whole, store

app = typer.Typer(
    help="A stage's secrets: check that all are there and young enough, store one, rotate the tokens.",
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command(epilog="Example: bulkhead secrets check staging --json | jq '.secrets[] | select(.stops)'")
def check(stage: StageName, *, json: AsJson = False) -> None:
    """Find the secrets that are missing, stale, unused or in the clear. Looks into files, never at a value.

    A warning stops nothing. Exit code 1 when a secret is missing, stale, expired or in the clear, or when a file is at
    fault: outside development a passphrase is refused.
    """
    console = Console(json=json)
    _, product = _known(stage)
    files = {keeper: opened(project.ROOT, keeper) for keeper in keepers(product, stage)}
    findings, faults = checked(product, files, datetime.now(UTC))
    console.table(
        ["secret", "file", "state", "", "what to do"],
        [(each.name, each.file, each.state, each.says, each.fix) for each in findings],
    )
    for fault in faults:
        console.say(str(fault), BAD)
    stopping = sum(each.stops for each in findings) + len(faults)
    due = sum(bool(each.fix) and not each.stops for each in findings)
    told = f"{len(findings)} looked at: {stopping} must be mended, {due} should be looked after"
    console.say(told, BAD if stopping else WARNING if due else GOOD)
    console.result(
        {
            "stage": stage,
            "ok": not stopping,
            "secrets": [as_json(each) for each in findings],
            "faults": [{"file": f.file, "key": f.key, "says": f.message, "fix": f.fix} for f in faults],
        }
    )
    raise typer.Exit(1 if stopping else 0)


@app.command("set", epilog="Example: bulkhead secrets set staging sessionKey < key.txt")
def set_(
    stage: StageName,
    name: Annotated[str, typer.Argument(help="The secret, as the product calls it: sessionKey.")],
    *,
    profile: Profile = None,
    json: AsJson = False,
) -> None:
    """Store one secret, encrypted, in every stack of the stage that needs it, and write down when.

    Asks for the value without showing it, or reads it from standard input. It is in no argument and no log.
    """
    console = Console(json=json)
    settings, product = _known(stage)
    label = settings.label(product.name)
    chosen = needing(keepers(product, stage), name)
    for keeper in chosen:
        changeable(project.ROOT, keeper)
    value = getpass(f"{name} of {stage} (not shown): ") if console.interactive else _piped(name)
    require_whole(name, value, product)
    today = datetime.now(UTC).date()
    for keeper in chosen:
        backend = backend_of(keeper, label, settings, os.environ)
        store(project.ROOT, keeper, StackCli(stage, project.ROOT / keeper.folder, profile, backend), name, value, today)
        console.say(f"{name} is stored in {keeper.name}.", GOOD)
    console.say("It takes effect with the next up.", FAINT)
    for keeper in chosen:
        console.say(f"  {keeper.command('up')}", FAINT)
    console.result({"stage": stage, "secret": name, "files": [keeper.name for keeper in chosen]})


@app.command(
    epilog="Example: bulkhead secrets rotate staging, then, days later: bulkhead secrets rotate staging --close"
)
def rotate(
    stage: StageName,
    *,
    close: Annotated[bool, typer.Option("--close", help="End the tokens that are not handed out any more.")] = False,
    json: AsJson = False,
) -> None:
    """Replace the stage's Cloudflare tokens without a gap: open the other slot, hand it out, close the old one later.

    Changes identities/Pulumi.STAGE.yaml and nothing else; the tokens are made and ended by the commands it prints.
    """
    console = Console(json=json)
    settings, product = _known(stage)
    identities, own = keepers(product, stage)
    label = settings.label(product.name)
    typed = [partial(each.command, backend=backend_of(each, label, settings, os.environ)) for each in (identities, own)]
    said = changeable(project.ROOT, identities).config.get(TOKENS)
    slots = None if said is None else read_slots(said, stage)
    after = rotation.closed(slots, stage) if close else rotation.opened(slots, datetime.now(UTC), stage)
    write_config(project.ROOT / identities.name, {TOKENS: spelt(after)})
    commands = rotation.next_commands(stage, *typed, close=close)
    console.say(_told(slots, after, close=close), GOOD)
    for command in commands:
        console.say(f"  {command}")
    console.result({"stage": stage, "file": identities.name, "tokens": spelt(after), "next": commands})


def _told(before: Slots | None, after: Slots, *, close: bool) -> str:
    if close and before is not None:
        old = next(slot for slot in before.windows if slot not in after.windows)
        return f"Slot {old} is closed. Its tokens end with:"
    return f"Slot {after.active} is open until {after.windows[after.active].ends:%Y-%m-%d} and handed out from:"


def _piped(name: str) -> str:
    try:
        return sys.stdin.read().rstrip("\n")
    except UnicodeDecodeError:
        message = "is no text in UTF-8, and the Pulumi CLI stores nothing else"
        raise Refused("Nothing was stored.", [Fault(name, message, "pipe it through base64")]) from None


def _known(stage: str) -> tuple[StageSettings, Product]:
    require_stage(stage)
    settings = read_settings(project.ROOT / stack_file(stage))
    return settings, product_of(settings)
