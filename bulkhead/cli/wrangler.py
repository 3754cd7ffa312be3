"""`bulkhead wrangler STAGE`: the wrangler.jsonc of each Worker, for those who work on it."""

from __future__ import annotations

import json as jsonlib
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from bulkhead.analysis.code.files import write
from bulkhead.analysis.code.foreign import marks_of, require_own
from bulkhead.analysis.code.wrangler import Target, configurations, deployed_manifest, require_manifest, texts
from bulkhead.analysis.stages import marks_beside
from bulkhead.cli.console import GOOD, Console
from bulkhead.cli.options import AsJson, Profile, StackName
from bulkhead.engine.stack import StackCli
from bulkhead.model import project
from bulkhead.model.faults import Fault, Refused
from bulkhead.model.settings import read_settings
from bulkhead.model.settings.files import stage_files
from bulkhead.model.settings.paths import stack_file
from bulkhead.model.settings.product_reference import product_of

app = typer.Typer(add_completion=False)


@app.command(
    epilog="Example: bulkhead wrangler staging, then: npx wrangler tail -c .wrangler/staging/web/wrangler.jsonc"
)
def wrangler(
    stage: StackName,
    *,
    output: Annotated[Path | None, typer.Option(help="Folder to write into. Default: .wrangler/STAGE")] = None,
    manifest: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="`pulumi stack output manifest --json` in a file; - reads it from the pipe."),
    ] = None,
    profile: Profile = None,
    json: AsJson = False,
) -> None:
    """Write the wrangler.jsonc of each Worker, with the names and ids of this stage and of no other.

    For `wrangler dev`, `tail` and `d1`; deploying is Pulumi's. Without --manifest, Pulumi is asked for it. Secrets are
    named in a comment, and not written. Exit code 1 when anything in it is about another stage.
    """
    console = Console(json=json)
    settings = read_settings(project.ROOT / stack_file(stage))
    product = product_of(settings)
    target = Target(product, settings, _given(manifest) if manifest else _deployed(stage, profile))
    require_manifest(target)
    folder = (output or project.ROOT / ".wrangler" / stage).resolve()
    documents = configurations(target, folder, project.ROOT)
    require_own(documents, marks_of(target.label, settings), marks_beside(settings, stage_files(project.ROOT)))
    write(texts(documents, target), folder)
    for path in documents:
        console.say(str(folder / path), GOOD)
    console.result({"stage": stage, "files": {path.split("/")[0]: str(folder / path) for path in documents}})


def _deployed(stage: str, profile: str | None) -> Mapping[str, Any]:
    return deployed_manifest(stage, StackCli(stage, project.ROOT, profile).state().resources)


def _given(source: str) -> Mapping[str, Any]:
    fix = "pulumi stack output manifest --json --stack STAGE > manifest.json"
    try:
        text = sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8")
        manifest = jsonlib.loads(text)
    except (OSError, ValueError) as broken:
        raise Refused(
            "The manifest cannot be read.", [Fault("", f"is no JSON file: {broken}", fix, source)]
        ) from broken
    if not isinstance(manifest, Mapping):
        raise Refused("The manifest cannot be read.", [Fault("", "is no JSON object", fix, source)])
    return manifest
