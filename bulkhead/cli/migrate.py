"""`bulkhead migrate STAGE`: show what the migrations of a stage's databases would do, ask, apply each once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bulkhead.cli.console import BAD, FAINT, GOOD, WARNING, Console
from bulkhead.cli.options import AsJson, Base, Checklist, Profile, StackName, Validation, Yes
from bulkhead.clients.endpoints import Apis
from bulkhead.model import project
from bulkhead.model.faults import Fault, Refused
from bulkhead.model.settings import read_settings
from bulkhead.model.settings.keys import CLOUDFLARE_TOKEN
from bulkhead.model.settings.paths import stack_file
from bulkhead.model.settings.product_reference import product_of

if TYPE_CHECKING:
    from bulkhead.clients.d1 import D1
    from bulkhead.delivery.migrations.plan import Plan, Planned
    from bulkhead.delivery.migrations.stage import Folder
    from bulkhead.model.settings import StageSettings
    from bulkhead.preview.waivers import Waivers

app = typer.Typer(add_completion=False)


@app.command(epilog="Example: bulkhead migrate staging --plan, then: bulkhead migrate staging")
def migrate(
    context: typer.Context,
    stage: StackName,
    *,
    database: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only this database, as the product calls it.")
    ] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Only show what would be done.")] = False,
    baseline: Annotated[
        bool,
        typer.Option(
            "--baseline", help="Run nothing: note down the files whose schema the database has already as applied."
        ),
    ] = False,
    validation: Validation = None,
    checklist: Checklist = None,
    unvalidated: Annotated[
        str | None, typer.Option(metavar="REASON", help="Production, by hand: go without them, and say why.")
    ] = None,
    base: Base = None,
    yes: Yes = None,
    profile: Profile = None,
    json: AsJson = False,
) -> None:
    """Apply the migrations of a stage's databases that were not applied yet, each once and as a whole.

    Goes on where `wrangler d1 migrations apply` stopped, and it goes on where this did. Says of each file what it does:
    what running code may use is left (expand), something of that goes (contract), rows change (data). Exit code 1
    when something stops it: in production no record of staging's, an applied file that changed, a contract that no
    waiver of the base branch covers (in development it is only shown), a file that D1 refuses.
    """
    # These import SQLite, the rules about losses and the CLI, which `--help` and a mistyped stage need not wait for.
    from bulkhead.clients.rest import Rest  # noqa: PLC0415
    from bulkhead.delivery.admission import Papers  # noqa: PLC0415
    from bulkhead.delivery.migrations.stage import folders, found  # noqa: PLC0415
    from bulkhead.engine.stack import StackCli  # noqa: PLC0415

    console = Console(json=json)
    if plan and baseline:
        raise Refused("Nothing was done.", [Fault("--plan", "shows what would be run, and --baseline runs nothing")])
    console.require_meant(stage, yes, act="migrate")
    settings = read_settings(project.ROOT / stack_file(stage), examples=False)
    product, papers = product_of(settings), Papers(validation, checklist, unvalidated)
    for name, what in papers.judged(project.ROOT, product, settings).items():
        console.say(f"{name.capitalize()}: {what}", WARNING if unvalidated else GOOD)
    if not (plan or baseline):
        papers.require(settings)  # production applies what staging applied, with the same checksum
    chosen = folders(project.ROOT, product, settings, database)
    with Rest(
        context.ensure_object(Apis).cloudflare, StackCli(stage, project.ROOT, profile).secret(CLOUDFLARE_TOKEN)
    ) as api:
        databases = [(folder, found(api, settings, folder)) for folder in chosen]
        if baseline:
            _note(console, stage, databases, yes)
        else:
            _apply(console, settings, databases, base, yes, only_plan=plan)


def _apply(
    console: Console,
    settings: StageSettings,
    databases: Sequence[tuple[Folder, D1]],
    base: str | None,
    yes: str | None,
    *,
    only_plan: bool,
) -> None:
    from bulkhead.delivery.migrations.run import apply, planned  # noqa: PLC0415
    from bulkhead.delivery.migrations.stage import unagreed  # noqa: PLC0415

    stack, waivers = settings.environment, _waivers(settings, base)
    again = f"bulkhead migrate {stack} --baseline"
    plans = [(folder, there, planned(there, folder.migrations, folder.path, again)) for folder, there in databases]
    faults: list[Fault] = []
    for folder, _, plan in plans:
        _tell(console, folder, plan)
        faults += unagreed(settings.stage, folder, plan, waivers)
    documents = [_document(folder, plan, waivers) for folder, _, plan in plans]
    if faults and not only_plan:
        for note in waivers.notes:
            console.say(note, FAINT)
        raise Refused(f"{stack} was not migrated.", faults)
    for fault in faults:
        console.say(f"stops a run: {fault}", BAD)
    pending = [folder.file(each.migration) for folder, _, plan in plans for each in plan.pending]
    if only_plan or not pending:
        for _, there, plan in plans if not only_plan else ():
            apply(there, plan)  # notes down the checksums of what another tool applied
        if not pending:
            console.say("There is nothing to apply.", GOOD)
        console.result(
            {"stage": stack, "ok": not faults, "databases": documents, "stopped_by": [str(fault) for fault in faults]}
        )
        raise typer.Exit(1 if faults else 0)
    console.confirm(stack, pending, yes, act="migrate", fate="applied")
    for (folder, there, plan), document in zip(plans, documents, strict=True):
        if plan.pending:
            document["bookmark"] = _bookmark(console, there)
        apply(there, plan, lambda each, at=folder: console.say(f"  applied: {at.file(each.migration)}", GOOD))  # type: ignore[misc]
    console.result({"stage": stack, "ok": True, "databases": documents})


def _note(console: Console, stage: str, databases: Sequence[tuple[Folder, D1]], yes: str | None) -> None:
    from bulkhead.delivery.migrations.run import baseline, note  # noqa: PLC0415

    had = [(folder, there, baseline(there, folder.migrations, folder.path)) for folder, there in databases]
    names = [folder.file(each) for folder, _, migrations in had for each in migrations]
    if names:
        console.say(
            "A file that changes rows alone leaves no trace in a schema: see for yourself whether it ran.", FAINT
        )
        console.confirm(stage, names, yes, act="migrate", fate="noted down as applied, without being run")
    for folder, there, migrations in had:
        if migrations:
            note(there, migrations)
        for each in migrations:
            console.say(f"  noted down: {folder.file(each)}", GOOD)
    if not names:
        console.say("There is nothing to note down.", GOOD)
    console.result({"stage": stage, "ok": True, "noted": names})


def _waivers(settings: StageSettings, base: str | None) -> Waivers:
    from bulkhead.preview.waivers import default_base, from_base  # noqa: PLC0415

    return from_base(project.ROOT, base or default_base(project.ROOT), settings.stage, datetime.now(UTC).date())


def _bookmark(console: Console, database: D1) -> str:
    bookmark = database.bookmark()
    console.say(
        f"{database.name} as it is now, for 30 days; going back also undoes what is written from here on:", FAINT
    )
    console.say(f"  npx wrangler d1 time-travel restore {database.name} --bookmark={bookmark}")
    return bookmark


def _tell(console: Console, folder: Folder, plan: Plan) -> None:
    rows = [
        (each.migration.name, ", ".join(each.kinds) or "nothing", line)
        for each in plan.pending
        for line in _lines(each)
    ]
    if rows:
        console.table(["migration", "class", "what it does"], rows, title=f"{folder.physical}:")
    for note in plan.notes:
        console.say(f"{folder.physical}: {note}", WARNING)
    for each in plan.unsummed:
        console.say(
            f"{folder.physical}: {each.name} was applied by another tool; its checksum is noted from now on", FAINT
        )


def _lines(planned: Planned) -> list[str]:
    if planned.unjudged:
        return [f"cannot be judged: {planned.unjudged}"]
    said = [finding.says for finding in planned.findings] + [
        each.says for each in planned.effect.tallies if not each.own
    ]
    counted = [f"{one} ({planned.rows[one]:,} there now)" if one in planned.rows else one for one in said]
    return counted or ["nothing that running code could notice"]


def _document(folder: Folder, plan: Plan, waivers: Waivers) -> dict[str, Any]:
    return {
        "database": folder.database,
        "name": folder.physical,
        "pending": [
            {
                "file": folder.file(each.migration),
                "checksum": each.migration.checksum,
                "class": list(each.kinds),
                "unjudged": each.unjudged or None,
                "findings": [
                    {"class": one.kind, "says": one.says, "lost": one.lost, "rows": each.rows.get(one.says)}
                    for one in each.findings
                ],
                "counted": [
                    {"says": one.says, "rows": each.rows.get(one.says)} for one in each.effect.tallies if not one.own
                ],
                "waiver": str(waiver) if (waiver := waivers.of_migration(folder.file(each.migration))) else None,
            }
            for each in plan.pending
        ],
        "notes": list(plan.notes),
    }
