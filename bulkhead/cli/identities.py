"""`bulkhead identities`: who may do what to a stage, and why."""

from __future__ import annotations

import typer

from bulkhead.cli.console import FAINT, Console
from bulkhead.cli.options import AsJson, StageName
from bulkhead.model import project
from bulkhead.model.identities import require_stage
from bulkhead.model.roles import Role
from bulkhead.model.settings import read_settings
from bulkhead.model.settings.paths import stack_file
from bulkhead.model.settings.product_reference import product_of
from bulkhead.rehearsal.keys import calls_of
from identities.explain import Explained, explain

app = typer.Typer(
    help="Who may do what to a stage: its roles, tokens and GitHub environments.",
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _group() -> None:
    """Keeps `explain` a word of its own."""


@app.command("explain", epilog="Example: bulkhead identities explain production --json | jq '.roles.deploy.cloudflare'")
def explain_(stage: StageName, *, json: AsJson = False) -> None:
    """Say of each role of a stage who can take it, what it may do, and which resource and call needs that."""
    console = Console(json=json)
    settings = read_settings(project.ROOT / stack_file(require_stage(stage)))
    product = product_of(settings)
    told = [explain(role, product, settings, calls_of(role, product)) for role in Role]
    for each in told:
        _say(each, console)
    console.result({"stage": stage, "roles": {each.role: each.as_json() for each in told}})


def _say(each: Explained, console: Console) -> None:
    console.say(f"{each.role}: {each.purpose}", "bold")
    console.say(f"  taken by runs in the GitHub environment {each.environment}, from {', '.join(each.refs)}")
    console.say(f"  approved by {each.approved}", FAINT)
    for subject in each.subjects:
        console.say(f"  {subject}", FAINT)
    rows = [(permission, of, why, _first(calls)) for permission, of, why, calls in each.cloudflare]
    console.table(["Cloudflare permission", "of", "because of", "needed by"], rows or [("none", "", "", "")])
    console.table(["AWS statement", "because", "may"], [(sid, why, may) for sid, may, why in each.aws])
    console.say()


def _first(calls: tuple[str, ...]) -> str:
    """Return the first call, and how many there are besides; --json names them all."""
    return calls[0] + (f" and {len(calls) - 1} more" if len(calls) > 1 else "")
