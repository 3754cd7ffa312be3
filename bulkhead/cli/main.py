"""The `bulkhead` command: which commands there are, and what becomes of what goes wrong in them.

A command's module is imported when the command is called, so that `--help` and a mistyped name answer at once: the
Pulumi SDK alone takes a third of a second to import.
"""

from __future__ import annotations

import errno
import importlib
import io
import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Any, Final

import typer
from typer.core import TyperCommand, TyperGroup

from bulkhead.cli.console import Console, wants_debug, wants_json
from bulkhead.clients.endpoints import Apis
from bulkhead.model.failures import Failed
from bulkhead.model.faults import Fault, Refused
from bulkhead.model.project import ROOT

INTERRUPTED: Final = 130  # 128 + SIGINT: what shells report of a program that Ctrl-C ended
CRASHED: Final = 70  # EX_SOFTWARE of sysexits.h
# What a machine says of a file that is for a person to mend, whichever command wanted it.
_OF_THE_MACHINE: Final = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT}

# Each name is that of a module of this package whose `app` is a Typer application.
COMMANDS: Final = {
    "rehearse": "Bring every stage up on local clouds, prove that they are apart, and remove them again.",
    "gameday": "Lose production on local clouds and bring it back, with the minutes measured.",
    "settings": "Check, show and describe what differs between stages.",
    "policies": "List the rules that every stage is judged by.",
    "identities": "Say who may do what to a stage, and which resource needs it.",
    "secrets": "Check a stage's secrets, store one, rotate its tokens.",
    "isolation": "Show whether the stages are apart, before any of them exists.",
    "access": "Show who may do what to which resource of a stage.",
    "preview": "Say what an up would change, and stop it when something would be lost.",
    "deploy": "Bring a stage to what this checkout says, step by step, and back where it turns out bad.",
    "migrate": "Apply the migrations of a stage's databases, each once, and say before what they take away.",
    "backup": "Say which backups of a stage are any good; take, open, compare or keep one.",
    "optimize": "Rebuild the indexes of a stage's databases, and what their planners count.",
    "restore": "Bring a database back to a moment or a backup, some of its rows, or a bucket's objects.",
    "recover": "Bring a lost stage back in another account and region, from what its vault kept.",
    "validate": "Look at a stage that was just deployed, and say whether it passed.",
    "delivery": "Say which stage an event deploys; hand a build from the job that made it to those that deploy it.",
    "versions": "Show which versions of each Worker answer, and since when.",
    "rollback": "Let the versions answer again that did before the last release.",
    "rollout": "Show how the deployment of a stage stands, and tell the running one what to do.",
    "maintenance": "Let visitors meet a page instead of the product, and let its queues and crons wait.",
    "twin": "Publish a stage's state without its secrets, and preview a checkout against it.",
    "bindings": "Check what the Workers' code does with their bindings; write the types of their env.",
    "wrangler": "Write the wrangler.jsonc of each Worker for one stage.",
    "bootstrap": "Make what must exist before a stage's stack can.",
    "adopt": "Take into a lost state what exists in a stage's clouds already.",
    "settle": "Find out what an up had made when it was cut off, and write it into the state.",
    "destroy": "Remove a stage with everything in it; never production.",
}


class _Deferred(TyperCommand):
    """Stands for a command in the list of commands, and becomes it when it is called."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        module = importlib.import_module(f"bulkhead.cli.{str(self.name).replace('-', '_')}")
        command = typer.main.get_command(module.app)
        return command.make_context(info_name, args, parent=parent, **extra)


class _Commands(TyperGroup):
    """The commands of `COMMANDS`, in that order."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        for name, summary in COMMANDS.items():
            self.add_command(_Deferred(name, help=summary, add_help_option=False), name)


app = typer.Typer(
    cls=_Commands,
    help="Watertight environments for a product on Cloudflare Workers.",
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _options(
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks; so does BULKHEAD_DEBUG=1.")] = False,
) -> None:
    """Options of all commands. ``--debug`` is read by `main`, which has to know it whatever goes wrong."""


def main(arguments: Sequence[str] | None = None, apis: Apis | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 refused or failed, 2 wrong usage, 130 interrupted, 70 a
    fault of this program. ``apis`` are what it speaks to instead of the vendors' own: local clouds."""
    here = str(ROOT)
    if here not in sys.path:  # a product may lie anywhere in the checkout, and the installed script does not look there
        sys.path.append(here)
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):  # not every terminal, nor every pipe, is UTF-8
        sys.stdout.reconfigure(errors="backslashreplace")
    console = Console(json=wants_json(arguments))
    try:
        typer.main.get_command(app).main(arguments, prog_name="bulkhead", obj=apis)
    except SystemExit as end:
        if end.code == INTERRUPTED:
            console.interrupted()
        return end.code if isinstance(end.code, int) else int(bool(end.code))
    except KeyboardInterrupt:  # before a command had begun, or after it had ended
        console.interrupted()
        return INTERRUPTED
    except Exception as error:
        debug = wants_debug(arguments)
        told = _denied(error) if isinstance(error, OSError) and error.errno in _OF_THE_MACHINE else error
        if isinstance(told, (Refused, Failed)):
            return _told(told, console, debug=debug)
        return _crashed(error, console, debug=debug)
    return 0


def _told(error: Refused | Failed, console: Console, *, debug: bool) -> int:
    with suppress(OSError):  # standard output may be what cannot be written; people were told before programs
        console.error(error)
    if debug:
        traceback.print_exception(error)
    return 1


def _denied(error: OSError) -> Refused:
    file = "" if error.filename is None else os.fsdecode(error.filename)
    message = f"cannot be used: {os.strerror(error.errno or 0)}"
    fix = "let this user write there and see that there is space left, then run this again"
    refused = Refused("This machine does not let the command go on.", [Fault("", message, fix, file)])
    refused.__cause__ = error
    return refused


def _crashed(error: Exception, console: Console, *, debug: bool) -> int:
    if debug:
        traceback.print_exception(error)
    # Only the kind of error: its text may hold anything, a secret included.
    console.crash(type(error).__name__, _written_down(error))
    return CRASHED


def _written_down(error: Exception) -> str:
    """Write the traceback where only this user can read it, and return where that is."""
    from bulkhead.engine.finder import cache_root  # noqa: PLC0415 (only when something is broken)

    folder = cache_root() / "crashes"
    path = folder / f"{datetime.now().astimezone():%Y%m%d-%H%M%S}-{os.getpid()}.log"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
    except OSError as unwritten:
        return f"not written, {folder}: {os.strerror(unwritten.errno or 0)}"
    return str(path)


if __name__ == "__main__":
    sys.exit(main())
