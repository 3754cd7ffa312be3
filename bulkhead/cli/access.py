"""`bulkhead access [STAGE]`: who may do what to which resource, read from what the programs would make."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from bulkhead.cli.console import FAINT, GOOD, WARNING, Console
from bulkhead.cli.options import AsJson, check_stack
from bulkhead.model import project
from bulkhead.model.faults import Fault, Refused

if TYPE_CHECKING:
    from bulkhead.analysis.access.matrix import Cell, Matrix

PAGE: Final = Path("docs/access.md")

app = typer.Typer(add_completion=False)


@app.command(epilog="Example: bulkhead access production")
def access(
    stage: Annotated[
        str | None,
        typer.Argument(help="One stage, such as staging or pr-42. Without it, the three stages.", callback=check_stack),
    ] = None,
    *,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print a page of Markdown.")] = False,
    write: Annotated[bool, typer.Option("--write", help=f"Write {PAGE}, which is about the three stages.")] = False,
    check: Annotated[bool, typer.Option("--check", help=f"Fail when {PAGE} is not what would be written.")] = False,
    json: AsJson = False,
) -> None:
    """Show who may do what: Workers, roles, tokens, GitHub environments, services, and what stages share.

    It is read from what the programs would make, not from any description; needs no cloud and no network.
    """
    # Both import pydantic, which `--help` need not wait for.
    from bulkhead.analysis.access.markdown import page  # noqa: PLC0415
    from bulkhead.analysis.access.matrix import as_json  # noqa: PLC0415

    console = Console(json=json)
    if stage and (write or check):
        raise Refused(
            "Nothing was done.",
            [Fault(stage, f"is one stage, and {PAGE} is about all three", "leave the stage's name out")],
        )
    matrices = _matrices(stage)
    if write or check:
        _keep(page(matrices), console, write=write)
    elif markdown:
        console.people.out(page(matrices), end="")
    else:
        for matrix in matrices:
            _tell(matrix, console)
    console.result([as_json(matrix) for matrix in matrices])


def _matrices(stage: str | None) -> list[Matrix]:
    from bulkhead.analysis.access.of import access_of  # noqa: PLC0415
    from bulkhead.analysis.stages import chosen, plans_of, read_stages  # noqa: PLC0415
    from bulkhead.model.settings.files import stage_files  # noqa: PLC0415

    stages = read_stages(stage_files(project.ROOT))
    return [access_of(plan, stages) for plan in plans_of(chosen(stages, stage))]


def _keep(text: str, console: Console, *, write: bool) -> None:
    """Write the page, or refuse to go on when it is not what would be written."""
    path = project.ROOT / PAGE
    current = path.read_text(encoding="utf-8") if path.is_file() else ""
    if current == text:
        console.say(f"{PAGE} is current.", GOOD)
    elif write:
        path.write_text(text, encoding="utf-8")
        console.say(f"{PAGE} is written.", GOOD)
    else:
        message = "is not what the programs would make, so whoever reads it is told of other rights than there are"
        raise Refused("The page about access is stale.", [Fault("", message, "bulkhead access --write", str(PAGE))])


def _tell(matrix: Matrix, console: Console) -> None:
    console.say(f"{matrix.product} in {matrix.stage}", GOOD)
    for table in matrix.tables:
        if table.rows:
            console.say()
            console.table(table.columns, [[_cell(cell) for cell in row] for row in table.rows], table.title)
            if table.note:
                console.say(table.note, FAINT)
    console.say()
    for risk in matrix.risks:
        console.say(f"shared: {risk.shared} ({', '.join(risk.stages)})", WARNING)
        console.say(f"      what separates them: {risk.separated_by}")
        console.say(f"      what does not: {risk.not_separated}")


def _cell(cell: Cell) -> str:
    return cell if isinstance(cell, str) else ", ".join(cell)
