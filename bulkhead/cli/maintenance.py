"""`bulkhead maintenance on|off|status STAGE`: visitors meet a page instead of the product, and the product rests."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Final

import typer

from bulkhead.cli.cloudflare import TokenEnv, token_of
from bulkhead.cli.console import BAD, FAINT, GOOD, WARNING, Console
from bulkhead.cli.options import AsJson, Profile, StackName, Yes
from bulkhead.clients.endpoints import Apis
from bulkhead.model import project
from bulkhead.model.faults import Fault, Refused
from bulkhead.model.settings import StageSettings, read_settings
from bulkhead.model.settings.paths import stack_file
from bulkhead.model.settings.product_reference import product_of
from bulkhead.model.until import until as end_of
from bulkhead.resources.secret_forms import form_of
from jobs.local_time import shown

if TYPE_CHECKING:
    from bulkhead.delivery.journal import Journal
    from bulkhead.operations.maintenance.switch import Maintenance, Status

_MOST: Final = 300  # characters of a message, which a person reads on one screen
_GOES_ON: Final = (
    "connections that are open, and alarms of Durable Objects: nothing of Cloudflare's ends those",
    "the stage's scheduled jobs, such as backups: they do not come by its hostnames",
)

app = typer.Typer(
    help="Let visitors meet a page instead of the product, and let its queues and crons wait.",
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command(epilog='Example: bulkhead maintenance on production --until "2026-09-06 04:00"')
def on(
    context: typer.Context,
    stage: StackName,
    *,
    until: Annotated[
        str,
        typer.Option(
            metavar="TIME",
            help="When it is estimated to end: 2h, 90min, or a time in the stage's zone, such as '2026-09-06 04:00'; "
            "also with an offset.",
        ),
    ],
    message: Annotated[str, typer.Option(metavar="TEXT", help="What visitors read besides, in your words.")] = "",
    token_env: TokenEnv = None,
    yes: Yes = None,
    profile: Profile = None,
    json: AsJson = False,
) -> None:
    """Put a stage under maintenance; in one that is, say anew until when.

    Its hostnames answer 503 by a Worker of its own, whatever state the product is in; queues keep their messages, crons
    do not run, addresses on workers.dev answer nobody. What was found is written down first, and `off` gives back just
    that. Killed half-way, the same command goes on. Operators get through with a pass that is made each time.
    """
    console = Console(json=json)
    console.require_meant(stage, yes, act="interrupt")
    settings = read_settings(project.ROOT / stack_file(stage), examples=False)
    end = end_of(until, settings.timezone, datetime.now(UTC))
    _require_fit(message)
    with _opened(context, console, settings, profile, token_env) as (journal, maintenance):
        hosts = maintenance.stage.hostnames
        taken = [
            *(f"{host} answers 503" for host in hosts),
            "its queues and crons wait",
            "its workers.dev answers nobody",
        ]
        console.confirm(stage, taken, yes, act="interrupt", fate="so")
        with journal.held(), _continued(console, f"bulkhead maintenance on {stage} --until ..., or off"):
            pass_ = maintenance.on(end, message, getpass.getuser())
    when = shown(end, settings.timezone)
    console.say(f"{stage} is under maintenance; visitors read that it ends about {when}.", GOOD)
    if not hosts:
        console.say("It has no hostname, so no visitor meets a page: only its queues and crons wait.", WARNING)
    for each in maintenance.stage.elsewhere:
        console.warn(f"{each} is in another zone and goes on leading to the product: take it away by hand")
    for each in _GOES_ON:
        console.say(f"  goes on: {each}", FAINT)
    _tell_pass(console, hosts, pass_)
    console.say(f"To end it: bulkhead maintenance off {stage}")
    document = {"stage": stage, "on": True, "until": end.isoformat(), "hostnames": list(hosts), "pass": pass_}
    console.result(document)


@app.command(epilog="Example: bulkhead maintenance off production")
def off(
    context: typer.Context,
    stage: StackName,
    *,
    token_env: TokenEnv = None,
    yes: Yes = None,
    profile: Profile = None,
    json: AsJson = False,
) -> None:
    """End the maintenance of a stage: its queues, crons, addresses and hostnames are as they were found.

    What is another thing by now, because somebody changed it meanwhile, stays and is named. Killed half-way, the same
    command goes on.
    """
    console = Console(json=json)
    console.require_meant(stage, yes, act="open")
    settings = read_settings(project.ROOT / stack_file(stage), examples=False)
    with _opened(context, console, settings, profile, token_env) as (journal, maintenance):
        if not (was := maintenance.is_on()):
            console.say(f"{stage} is not under maintenance; nothing was done.", GOOD)
            kept = list[str]()
        else:
            console.confirm(stage, ["visitors reach the product again"], yes, act="open", fate="so")
            with journal.held(), _continued(console, f"bulkhead maintenance off {stage}"):
                kept = maintenance.off()
            console.say(f"The maintenance of {stage} is over.", GOOD)
    for each in kept:
        console.say(f"  left as it is: {each}", WARNING)
    console.result({"stage": stage, "on": False, "was_on": was, "left": kept})


@app.command(epilog="Example: bulkhead maintenance status production --json | jq .on")
def status(
    context: typer.Context,
    stage: StackName,
    *,
    token_env: TokenEnv = None,
    profile: Profile = None,
    json: AsJson = False,
) -> None:
    """Say whether a stage is under maintenance, since when, and whether Cloudflare has what was written down.

    Exit code 3 where it has not, or where somebody was interrupted half-way.
    """
    console = Console(json=json)
    settings = read_settings(project.ROOT / stack_file(stage), examples=False)
    with _opened(context, console, settings, profile, token_env) as (_, maintenance):
        found = maintenance.status()
    _show(console, settings, found)
    record = found.record
    console.result(
        {
            "stage": stage,
            "on": found.on,
            "state": record.state if record else "off",
            "since": record.since.isoformat() if record and found.on else None,
            "until": record.until.isoformat() if record and found.on else None,
            "message": record.message if record and found.on else "",
            "by": record.by if record else "",
            "hostnames": list(found.led),
            "loose": list(found.loose),
            "as_recorded": found.as_recorded,
            "told_by_settings": settings.maintenance.enabled,
        }
    )
    if not found.as_recorded:
        raise typer.Exit(3)


@contextmanager
def _opened(
    context: typer.Context, console: Console, settings: StageSettings, profile: str | None, token_env: str | None
) -> Iterator[tuple[Journal, Maintenance]]:
    from bulkhead.clients.rest import Rest  # noqa: PLC0415 - httpx and boto3, which `--help` need not wait for
    from bulkhead.clients.visits import Visitor  # noqa: PLC0415
    from bulkhead.delivery.journal import journal_of  # noqa: PLC0415
    from bulkhead.operations.maintenance.switch import Maintenance  # noqa: PLC0415

    apis, product = context.ensure_object(Apis), product_of(settings)
    journal = journal_of(settings, product.name, profile, console.warn)
    token = token_of(console, settings.environment, profile, token_env)
    with Rest(apis.cloudflare, token) as api, Visitor(apis.sites) as visitor:
        yield (
            journal,
            Maintenance(
                api,
                settings,
                product,
                journal.documents.objects,
                journal.require,
                visitor=visitor,
                say=lambda line: console.say(f"  {line}", FAINT),
            ),
        )


@contextmanager
def _continued(console: Console, command: str) -> Iterator[None]:
    """Say how to go on after Ctrl-C: the stage is neither quite under maintenance nor quite out of it."""
    try:
        yield
    except KeyboardInterrupt:
        console.warn(f"it stopped half-way; go on with: {command}")
        raise


def _require_fit(message: str) -> None:
    faults = []
    if len(message) > _MOST:
        faults.append(Fault("--message", f"has {len(message)} characters, and at most {_MOST} are shown", "shorten it"))
    if form := form_of(message):
        faults.append(Fault("--message", f"looks like {form}, and everybody would read it", "leave it out"))
    if faults:
        raise Refused("Nothing was done.", faults)


def _tell_pass(console: Console, hosts: tuple[str, ...], pass_: str) -> None:
    from bulkhead.operations.maintenance.site import DOOR, PASS_HEADER  # noqa: PLC0415

    if not hosts:
        return
    if not console.interactive:  # what is printed there is kept in logs, for everybody who may read them
        console.say("The operators' pass is not shown here; --json has it, and a terminal shows it.", FAINT)
        return
    console.say(f"Operators get through with the header {PASS_HEADER}: {pass_}")
    console.say(f"or in a browser, where it is typed: https://{hosts[0]}{DOOR}")


def _show(console: Console, settings: StageSettings, found: Status) -> None:
    stage, zone = settings.environment, settings.timezone
    if found.record is None or not found.on:
        console.say(f"{stage} is not under maintenance.", GOOD)
    else:
        since, until = shown(found.record.since, zone), shown(found.record.until, zone)
        console.say(
            f"{stage} is under maintenance since {since}, by {found.record.by}; it ends about {until}.", WARNING
        )
        if found.record.message:
            console.say(f"Visitors read: {found.record.message}")
        if found.record.until < datetime.now(UTC):
            console.say(f"That has passed. A new end: bulkhead maintenance on {stage} --until 1h", BAD)
    if not found.as_recorded:
        for each in found.loose if found.on else found.led:
            console.say(f"  {each} {'is at work' if found.on else 'leads to the maintenance'}", BAD)
        word = found.record.state if found.record else "off"
        say = "on" if found.on else "off"
        console.say(f"It is not whole (written down: {word}).\n  fix: bulkhead maintenance {say} {stage}", BAD)
    if settings.maintenance.enabled:
        console.say("bulkhead:maintenance.enabled is set as well: the product's own Workers refuse visitors.", WARNING)
