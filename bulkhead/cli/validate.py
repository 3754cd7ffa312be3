"""`bulkhead validate STAGE`: look at what was just deployed, item by item."""

from __future__ import annotations

import json as jsonlib
import os
from datetime import UTC, datetime
from getpass import getuser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bulkhead.cli.cloudflare import TokenEnv, token_of
from bulkhead.cli.console import BAD, FAINT, GOOD, WARNING, Console
from bulkhead.cli.options import AsJson, Profile, StackName
from bulkhead.clients.endpoints import Apis
from bulkhead.model import project
from bulkhead.model.faults import Fault, Refused
from bulkhead.model.instants import instant
from bulkhead.model.settings import StageSettings, read_settings
from bulkhead.model.settings.paths import stack_file
from bulkhead.model.settings.product_reference import product_of

if TYPE_CHECKING:
    from bulkhead.delivery.validation import Record

app = typer.Typer(add_completion=False)


@app.command(epilog="Example: bulkhead validate staging --report validation.json")
def validate(
    context: typer.Context,
    stage: StackName,
    *,
    report: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the record there, as JSON.")] = None,
    summary: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Add the report for people, as Markdown.")
    ] = None,
    keep: Annotated[
        str | None,
        typer.Option(metavar="PLACE", help="Keep the record below s3://bucket or a folder, under the tree's name."),
    ] = None,
    twin: Annotated[
        str | None, typer.Option(metavar="PLACE", help="Where the stage's twin is, which says which alarms it has.")
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Who deployed it, as GitHub calls them. Default: whoever runs this."),
    ] = None,
    token_env: TokenEnv = None,
    profile: Profile = None,
    json: AsJson = False,
) -> None:
    """Look at a stage that was just deployed, and say whether it passed.

    Does it answer in time, do its main functions work, has it the migrations, the alarms and the way back that it
    should have, did the commit's tests and scans pass? GitHub is asked with GITHUB_TOKEN. Every item has to be there
    and to pass; only the speed under load is told and stops nothing. Exit code 1 when it did not pass.
    """
    console = Console(json=json)
    settings = read_settings(project.ROOT / stack_file(stage), examples=False)
    from bulkhead.delivery.validation import key_of, markdown  # noqa: PLC0415 (not for --help)
    from bulkhead.twin.store import place_of  # noqa: PLC0415

    github = os.environ.get("GITHUB_TOKEN", "").strip()
    if not github:
        message = "is not set: nobody could say whether the commit's tests and scans passed"
        raise Refused(
            "Nothing was looked at.", [Fault("GITHUB_TOKEN", message, "export GITHUB_TOKEN=$(gh auth token)")]
        )
    apis, cloudflare = context.ensure_object(Apis), token_of(console, stage, profile, token_env)
    record = _record(console, settings, apis, (cloudflare, github), twin, by)
    for path, text in ((report, record.as_json()), (summary, markdown(record))):
        if path is not None:
            with path.open("a" if path == summary else "w", encoding="utf-8") as there:
                there.write(text)
    if keep is not None:
        key = key_of(record.tree)
        place = place_of(keep, project.ROOT, stage, profile, reading=True)
        place.write(key, record.as_json().encode())
        console.say(f"Kept: {place.where(key)}", FAINT)
    for item in record.missing:
        console.say(f"✗ {item}: not looked at", BAD)
    console.say("Passed." if record.passed else "Did not pass.", GOOD if record.passed else BAD)
    console.result(jsonlib.loads(record.as_json()))
    raise typer.Exit(0 if record.passed else 1)


def _record(
    console: Console, settings: StageSettings, apis: Apis, tokens: tuple[str, str], twin: str | None, by: str | None
) -> Record:
    from bulkhead.clients.rest import Rest  # noqa: PLC0415 (not for --help)
    from bulkhead.delivery.build import source_of  # noqa: PLC0415
    from bulkhead.delivery.door import key_of  # noqa: PLC0415
    from bulkhead.delivery.migrations.stage import folders  # noqa: PLC0415
    from bulkhead.delivery.probes import Prober  # noqa: PLC0415
    from bulkhead.delivery.validate import Seen, checksums, looked, looks  # noqa: PLC0415
    from bulkhead.delivery.validation import Check, Record  # noqa: PLC0415
    from bulkhead.model.bundles import digests  # noqa: PLC0415

    product = product_of(settings)
    bundles = digests(product, project.ROOT)
    source = source_of(project.ROOT)
    migrations, checks = folders(project.ROOT, product, settings), list[Check]()
    with (
        Rest(apis.cloudflare, tokens[0]) as cloudflare,
        Rest(apis.github, tokens[1]) as github,
        Prober(product, settings, apis.sites, key_of(settings, os.environ)) as prober,
    ):
        seen = Seen(product, settings, cloudflare, github, prober, migrations, source.commit, twin)
        for item, look in looks(seen):
            for check in looked(item, look):
                checks.append(check)
                style = FAINT if check.passed else (BAD if check.blocking else WARNING)
                console.say(f"{'✓' if check.passed else '✗'} {check.item}: {check.name}: {check.detail}", style)
    at = instant(datetime.now(UTC))
    return Record(source.commit, source.tree, bundles, checksums(migrations), checks, at, by or getuser())
