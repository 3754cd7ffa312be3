"""The Cloudflare token of commands that must work when Pulumi does not."""

from __future__ import annotations

import os
from getpass import getpass
from typing import Annotated

import typer

from bulkhead.cli.console import WARNING, Console
from bulkhead.engine.stack import StackCli
from bulkhead.model import project
from bulkhead.model.faults import Fault, Refused
from bulkhead.model.settings.keys import CLOUDFLARE_TOKEN

TokenEnv = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Take Cloudflare's token from this environment variable: nothing of Pulumi is needed then. Default: the "
        "stack's secret cloudflareApiToken, and where Pulumi cannot tell it, what a person types.",
    ),
]


def token_of(console: Console, stage: str, profile: str | None, variable: str | None) -> str:
    """Return the token. Raises Refused when there is none.

    No variable is read that is not named: one that is left over from work on another stage would be sent along."""
    if variable is not None:
        if token := os.environ.get(variable, "").strip():
            return token
        message = "is not set, or is empty, in the environment of this command"
        raise Refused("Nothing was asked.", [Fault(f"--token-env {variable}", message, f"export {variable}=...")])
    try:
        return StackCli(stage, project.ROOT, profile).secret(CLOUDFLARE_TOKEN)
    except Refused as refused:
        if not console.interactive:
            fix = "put a token of the stage into a variable, and name it: --token-env NAME"
            message = "is not given, and Pulumi does not tell the stack's token"
            raise Refused(refused.summary, [*refused.faults, Fault("--token-env", message, fix)]) from refused
        for fault in refused.faults:
            console.say(str(fault), WARNING)
    typed = getpass(f"Cloudflare token of {stage} (it is not shown): ").strip()
    if not typed:
        raise Refused(
            "Nothing was asked.", [Fault("the token", "is empty", "paste one, or name a variable: --token-env NAME")]
        )
    return typed
