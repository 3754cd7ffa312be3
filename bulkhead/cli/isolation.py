"""`bulkhead isolation check`: whether the stages are apart, before any of them exists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from bulkhead.cli.console import BAD, FAINT, GOOD, WARNING, Console
from bulkhead.cli.options import AsJson
from bulkhead.model import project

if TYPE_CHECKING:
    from bulkhead.analysis.isolation.check import Isolation, Leak


app = typer.Typer(
    help="Show whether the stages are apart, before any of them exists.",
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _isolation() -> None:
    """Without this, Typer would take the only command for the whole application."""


@app.command(epilog="Example: bulkhead isolation check --json | jq '.leaks'")
def check(*, json: AsJson = False) -> None:
    """Find everything in one stage that points at another: bindings, hostnames, roles, tokens, secrets, names.

    Looks at what the programs would make of every Pulumi.<stage>.yaml, and at the wrangler files that follow from it;
    needs no cloud, no engine and no network. Exit code 1 when something leads out of its stage. What stages share by
    their settings is allowed and told as a risk.
    """
    # Both import pydantic, which `--help` need not wait for.
    from bulkhead.analysis.generated import wrangler_files  # noqa: PLC0415
    from bulkhead.analysis.isolation.check import isolation  # noqa: PLC0415
    from bulkhead.analysis.stages import plans_of, read_stages  # noqa: PLC0415
    from bulkhead.model.settings.files import stage_files  # noqa: PLC0415

    console = Console(json=json)
    stages = read_stages(stage_files(project.ROOT))
    plans = plans_of(stages)
    found = isolation(plans, tuple(wrangler_files(plans, project.ROOT)))
    _tell(found, [settings.environment for settings in stages], console)
    console.result(
        {
            "apart": not found.leaks,
            "counts": [asdict(count) for count in found.counts],
            "leaks": [asdict(leak) for leak in found.leaks],
            "risks": [risk.as_json() for risk in found.risks],
        }
    )
    raise typer.Exit(1 if found.leaks else 0)


def _tell(found: Isolation, stages: Sequence[str], console: Console) -> None:
    kinds = dict.fromkeys(count.kind for count in found.counts)
    cells = {(count.kind, count.stage): _cell(count.references, count.leaks) for count in found.counts}
    console.table(
        ["references", *stages], [(kind, *(cells.get((kind, stage), "") for stage in stages)) for kind in kinds]
    )
    for leak in found.leaks:
        _say(leak, console)
    for risk in found.risks:
        console.say(f"shared: {risk.shared} ({', '.join(risk.stages)})", WARNING)
        console.say(f"      what separates them: {risk.separated_by}")
        console.say(f"      what does not: {risk.not_separated}")
    looked = sum(count.references for count in found.counts)
    if found.leaks:
        many = f"{len(found.leaks)} of {looked} references lead"
        console.say(f"{'1 reference leads' if len(found.leaks) == 1 else many} out of its stage.", BAD)
    else:
        console.say(f"No stage points at another: {looked} references looked at.", GOOD)


def _say(leak: Leak, console: Console) -> None:
    console.say(f"leak: {leak.place}: {leak.wrong}", BAD)
    console.say(f"      whose: {leak.whose or 'of no stage that is known'}")
    console.say(f"      causes: {leak.causes}")
    console.say(f"      fix: {leak.fix}", FAINT)


def _cell(references: int, leaks: int) -> str:
    if not leaks:
        return str(references or "-")
    return f"{references}, {leaks} {'leak' if leaks == 1 else 'leaks'}"
