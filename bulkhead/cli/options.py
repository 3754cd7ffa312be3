"""The options that several commands share, so that one word means one thing in all of them."""

from __future__ import annotations

from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document for programs.")]
ProductName = Annotated[
    str | None, typer.Option("--product", metavar="MODULE:NAME", help="Another product than the settings name.")
]
Profile = Annotated[
    str | None, typer.Option(help="AWS profile to use. Default: the profile or the role in the settings.")
]
Yes = Annotated[str | None, typer.Option("--yes", metavar="STAGE", help="Do not ask; must name the same stage.")]
