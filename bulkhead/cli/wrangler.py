"""`bulkhead wrangler STAGE`: the wrangler.jsonc of each Worker, for those who work on it."""

from __future__ import annotations

import json as jsonlib
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from bulkhead.analysis.code.files import write
from bulkhead.analysis.code.foreign import foreign_names, marks_of
from bulkhead.analysis.code.wrangler import Target, configurations, render, require_manifest
from bulkhead.cli.console import GOOD, Console
from bulkhead.cli.options import AsJson, Profile, StackName
from bulkhead.engine.stack import StackCli
from bulkhead.model import project
from bulkhead.model.faults import Fault, Refused
from bulkhead.model.naming import Label
from bulkhead.model.settings import StageSettings, read_settings
from bulkhead.model.settings.files import stage_files
from bulkhead.model.settings.paths import stack_file
from bulkhead.model.settings.product_reference import product_of
from bulkhead.resources.kind import STACK

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
    others = [marks_of(_label(other), other) for other in _others(settings)]
    leaks = foreign_names(documents, marks_of(target.label, settings), others)
    if leaks:
        raise Refused(f"What would be written for {stage} is about another stage, so nothing was written.", leaks)
    workers = {worker.name: worker for worker in product.workers}
    texts = {path: render(document, workers[path.split("/")[0]], stage) for path, document in documents.items()}
    write(texts, folder)
    for path in texts:
        console.say(str(folder / path), GOOD)
    console.result({"stage": stage, "files": {path.split("/")[0]: str(folder / path) for path in texts}})


def _deployed(stage: str, profile: str | None) -> Mapping[str, Any]:
    """Return the manifest in the stack's state: its outputs, of which the state of the stack's root has a copy."""
    resources = StackCli(stage, project.ROOT, profile).state().resources
    roots = [resource for resource in resources if resource["type"] == STACK]
    manifest = roots[0].get("outputs", {}).get("manifest") if roots else None
    if not isinstance(manifest, Mapping) or "product" not in manifest:
        message = "exports no manifest that can be read: it is not deployed, or only half-way"
        fault = Fault(stage, message, f"pulumi up -s {stage}")
        raise Refused("There is nothing deployed to write about.", [fault])
    return manifest


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


def _others(settings: StageSettings) -> list[StageSettings]:
    """Return the settings of every other stage that has a file; what one of them owns has no business in here."""
    files = [file for file in stage_files(project.ROOT) if file.is_file()]
    every = [read_settings(file) for file in files if file.name != stack_file(settings.environment)]
    return [other for other in every if other.environment != settings.environment]


def _label(settings: StageSettings) -> Label:
    return settings.label(product_of(settings).name)
