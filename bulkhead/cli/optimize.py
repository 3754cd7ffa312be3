"""`bulkhead optimize STAGE`: build the indexes of a stage's databases again, and renew what their planners count."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from bulkhead.cli.cloudflare import TokenEnv, token_of
from bulkhead.cli.console import BAD, GOOD, Console
from bulkhead.cli.options import AsJson, Profile, StackName, Yes
from bulkhead.clients import d1
from bulkhead.clients.endpoints import Apis
from bulkhead.model import project
from bulkhead.model.faults import Fault, Refused
from bulkhead.model.naming import Kind
from bulkhead.model.settings import read_settings
from bulkhead.model.settings.paths import stack_file
from bulkhead.model.settings.product_reference import product_of

app = typer.Typer(add_completion=False)


@app.command(epilog="Example: bulkhead optimize staging --plan, then: bulkhead optimize staging")
def optimize(
    context: typer.Context,
    stage: StackName,
    *,
    database: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only this database, as the product calls it.")
    ] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Only show what would be run.")] = False,
    token_env: TokenEnv = None,
    yes: Yes = None,
    profile: Profile = None,
    json: AsJson = False,
) -> None:
    """Rebuild the indexes of a stage's databases and renew the statistics of their planners; no row is changed.

    A database answers nobody else while one statement runs, so do it at a quiet hour. Which tables:
    bulkhead:database.optimizeTables of the settings, every one by default. Exit code 1 when D1 refused a statement.
    """
    from bulkhead.clients.rest import Rest  # noqa: PLC0415 - httpx, which `--help` need not wait for
    from bulkhead.operations.optimize import optimize as run  # noqa: PLC0415
    from bulkhead.operations.optimize import statements  # noqa: PLC0415

    console = Console(json=json)
    console.require_meant(stage, yes, act="optimize")
    settings = read_settings(project.ROOT / stack_file(stage), examples=False)
    product, account = product_of(settings), settings.cloudflare.account_id
    names = [each.name for each in product.databases]
    known, chosen = ", ".join(names) or "none", [each for each in names if database in {None, each}]
    if database and not chosen:
        message = f"is no database of {product.name}; those are: {known}"
        raise Refused("There is no such database.", [Fault(f"--database {database}", message, "name one of them")])
    wanted = settings.database.optimize_tables
    lost = [each for each in wanted if each.partition(".")[0] not in names]
    if lost:
        faults = [Fault("bulkhead:database.optimizeTables", f"{each}: its databases are: {known}") for each in lost]
        raise Refused(f"There is no such database in {product.name}.", faults)
    with Rest(context.ensure_object(Apis).cloudflare, token_of(console, stage, profile, token_env)) as api:
        found = {}
        for each in chosen:
            physical = settings.label(product.name).name(Kind.D1, each)
            there = d1.find(api, account, physical)
            if there is None:
                fix = f"bulkhead deploy {stage}"
                raise Refused("There is no such database.", [Fault(physical, f"is not in account {account}", fix)])
            found[each] = (there, statements(there, each, wanted))
        acts = [f"{each}: {act}" for each, (_, some) in found.items() for act in some]
        if plan or not acts:
            for act in acts or ["There is nothing to optimize."]:
                console.say(act)
            console.result({"stage": stage, "ok": True, "would": acts, "done": []})
            return
        console.confirm(stage, acts, yes, act="optimize", fate="run")
        done = []
        for each, (there, some) in found.items():
            for one in run(there, each, some):
                done.append(one)
                what = f"  {each}: {one.statement} {one.seconds:.1f} s"
                console.say(f"{what}: {one.failed}" if one.failed else what, BAD if one.failed else GOOD)
    failed = [one for one in done if one.failed]
    console.result({"stage": stage, "ok": not failed, "would": acts, "done": [asdict(one) for one in done]})
    raise typer.Exit(1 if failed else 0)
