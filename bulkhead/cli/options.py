"""The options that several commands share, so that one word means one thing in all of them."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Final

import typer

from bulkhead.model.faults import Fault, Refused
from bulkhead.model.naming import Stage, stage_of

_ALIKE: Final = 0.4  # "prod" is production and "dev" is development; "test" is nothing


def check_stack(name: str | None) -> str | None:
    """Return the name of a stack, None when there is none. Raises Refused when no stage has a stack of this name."""
    if name is None or stage_of(name) is not None:
        return name
    near = get_close_matches(name.lower(), list(Stage), 1, _ALIKE)
    known = "a stage is development, staging, production or the stack of a pull request, such as pr-42"
    message = f"is no stage; did you mean {near[0]}?" if near else f"is no stage; {known}"
    raise Refused("There is no such stage.", [Fault(name, message, f"write {near[0]}" if near else "pulumi stack ls")])


StageName = Annotated[str, typer.Argument(help="development, staging or production.", callback=check_stack)]
StackName = Annotated[
    str, typer.Argument(help="development, staging, production, or a stack such as pr-42.", callback=check_stack)
]

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document for programs.")]
Base = Annotated[
    str | None,
    typer.Option(metavar="REF", help="Where waivers are read. Default: origin's default branch (its HEAD)."),
]
ProductName = Annotated[
    str | None, typer.Option("--product", metavar="MODULE:NAME", help="Another product than the settings name.")
]
Profile = Annotated[
    str | None, typer.Option(help="AWS profile to use. Default: the profile or the role in the settings.")
]
Validation = Annotated[Path | None, typer.Option(metavar="FILE", help="Production: staging's record of this tree.")]
Checklist = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Production: the issue of what people look at, as JSON.")
]
Unvalidated = Annotated[
    str | None,
    typer.Option(metavar="REASON", help="Production, by hand: go without them; the reason is noted and told."),
]
Yes = Annotated[str | None, typer.Option("--yes", metavar="STAGE", help="Do not ask; must name the same stage.")]
